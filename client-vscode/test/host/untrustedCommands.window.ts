import type { Window } from "../support/window";

export default { asksForTrust: true } satisfies Window;
