/** What must not happen in the middle of a run, and so waits until none goes on. */
import type { RunChanged } from "../../protocol";
import { debounced } from "./debounce";

/** A change is often followed by another, and the end of a run by its account, which is still on its way. */
export const SETTLED_MS = 300;

export class AfterRuns {
    readonly #alive = new Set<string>();
    readonly #settled = debounced<undefined>(SETTLED_MS, () => {
        this.#act();
    });
    #wanted: (() => void) | undefined;

    /** Whether something waits for the end of a run. */
    get isWaiting(): boolean {
        return this.#wanted !== undefined && this.#alive.size > 0;
    }

    /** A run was queued, goes on, or has ended. */
    take({ run, state }: Pick<RunChanged, "run" | "state">): void {
        if (state === "ended") {
            this.#alive.delete(run);
            this.#settled.call(undefined);
        } else {
            this.#alive.add(run);
        }
    }

    /** Do it once no run goes on, queued ones included. Of several that wait the last is done. */
    do(act: () => void): void {
        this.#wanted = act;
        this.#settled.call(undefined);
    }

    /** The process is gone with its runs. The next one begins with what holds then, so nothing is left to be done. */
    gone(): void {
        this.#alive.clear();
        this.#wanted = undefined;
    }

    dispose(): void {
        this.#settled.dispose();
        this.#wanted = undefined;
    }

    #act(): void {
        const act = this.#wanted;
        if (act !== undefined && this.#alive.size === 0) {
            this.#wanted = undefined;
            act();
        }
    }
}
