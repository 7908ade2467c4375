/** How often a process may end by itself before it is left alone. */

/** So many ends within {@link WITHIN_MS} are too many. */
export const TOO_MANY = 5;
export const WITHIN_MS = 3 * 60 * 1000;

export class CrashBudget {
    #crashes: number[] = [];

    /** @param now Milliseconds of a clock that only goes forward. */
    constructor(readonly now: () => number) {}

    /** Take note of one more, and say whether it may be started again. */
    allows(): boolean {
        const now = this.now();
        this.#crashes = [...this.#crashes.filter((time) => now - time < WITHIN_MS), now];
        return this.#crashes.length < TOO_MANY;
    }

    /** Begin to count anew, after the user has started it. */
    forget(): void {
        this.#crashes = [];
    }
}
