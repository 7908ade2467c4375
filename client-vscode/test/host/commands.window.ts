import type { Window } from "../support/window";

export default { userSettings: { "testwright.budget": 40 } } satisfies Window;
