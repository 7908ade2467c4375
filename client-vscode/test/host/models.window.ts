import type { Window } from "../support/window";

export default {} satisfies Window;
