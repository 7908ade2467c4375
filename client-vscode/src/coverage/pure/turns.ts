/**
 * When the editor's coverage view is to be filled anew.
 *
 * The editor has one coverage view for everybody, and showing ours takes away what is there: the user's own pytest run with
 * coverage, or nothing at all after "Test: Clear Coverage". Whether ours is still there no extension is told. So it is filled
 *
 * - after runs that the user has asked for here, once when the last of them has ended; and
 * - when the data have changed otherwise (another process has measured, a test file was edited), but only at a moment at which
 *   ours is known to be there: the editor asks for the details of one of its files.
 *
 * It is not filled at the start, and not by what happens elsewhere while something else or nothing is shown.
 */
import type { RunChanged, RunFinished } from "../../protocol";

/** `show`: fill it. `compare`: fill it if that would change what it shows. */
export type Turn = "show" | "compare";

export class Turns {
    readonly #going = new Set<string>();
    #isWanted = false;
    #isOutdated = false;

    /** Whether a run goes on that may change what is shown. */
    get isBusy(): boolean {
        return this.#going.size > 0;
    }

    runChanged({ run, state }: Pick<RunChanged, "run" | "state">): void {
        if (state === "ended") {
            this.#going.delete(run);
        } else {
            this.#going.add(run);
        }
    }

    /** A run has ended; of one that was cancelled or has failed, or has judged tests, nothing new is to be seen. */
    runFinished({ run, kind, status }: Pick<RunFinished, "run" | "kind" | "status">): void {
        this.#going.delete(run);
        if (kind !== "judge" && status !== "cancelled" && status !== "failed") {
            this.#isWanted = true;
        }
    }

    /** The data have changed, whoever has done it. */
    changed(): void {
        this.#isOutdated = true;
    }

    /** The user has asked for it. */
    ask(): void {
        this.#isWanted = true;
    }

    /** The server is gone, and its runs with it. */
    serverGone(): void {
        this.#going.clear();
    }

    /**
     * What to do now; it is then taken as done.
     *
     * @param isSeen Whether ours is known to be there.
     */
    take(isSeen: boolean): Turn | undefined {
        if (this.isBusy) {
            return undefined;
        }
        const turn = this.#isWanted ? "show" : this.#isOutdated && isSeen ? "compare" : undefined;
        if (turn !== undefined) {
            this.#isWanted = this.#isOutdated = false;
        }
        return turn;
    }
}
