import type { Window } from "../support/window";

/** No real one; it must not be in any log. */
export const KEY = "sk-or-v1-0123456789abcdef";

export default { environment: { OPENROUTER_API_KEY: KEY } } satisfies Window;
