/** What the editor's progress is told. */

/** How much is done, as the editor wants it: by how much more than before. It adds that up, and takes nothing back. */
export class Percentage {
    #reached: number | undefined;

    /**
     * The increment to what is done now; undefined as long as that is not known, which shows a bar without end.
     *
     * Once it has been known the increment is always a number, since without one the bar is without end again.
     */
    to(percent: number | undefined): number | undefined {
        if (percent === undefined && this.#reached === undefined) {
            return undefined;
        }
        const before = this.#reached ?? 0;
        this.#reached = Math.max(before, Math.min(100, percent ?? 0));
        return this.#reached - before;
    }
}

/** How much of several things is done, when of one of them this is. */
export function percentOfMany(done: number, all: number, percentOfCurrent = 0): number {
    return all === 0 ? 100 : (100 * (done + percentOfCurrent / 100)) / all;
}

/**
 * Whether the server's progress is of a measurement, which is shown in the status bar and not as a toast.
 *
 * The protocol's progress has a title and no kind.
 */
export function isMeasurement(title: string): boolean {
    return title.startsWith("Measuring the coverage of ");
}
