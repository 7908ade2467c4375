import type { Window } from "../support/window";

export default { asksForTrust: true, stubs: ["ms-python.python"] } satisfies Window;
