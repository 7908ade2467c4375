/** Whose ends of runs are told by somebody else, so that no run is told of twice. */

/** As much of the end of a run as is needed to know it again. */
export interface Ended {
    readonly run: string;
    readonly kind: string;
    readonly uri: string;
}

/** Somebody tells how one generating run of a module has ended. */
export interface Claim {
    /** The run, once the server has said which it is; until then every generating run of the module counts. */
    run: string | undefined;
    dispose(): void;
}

/** All claims that are held. */
export class Claims {
    readonly #held = new Map<Claim, string>();

    /** Claim the next run that generates tests for a module. */
    claim(uri: string): Claim {
        const claim: Claim = {
            run: undefined,
            dispose: () => {
                this.#held.delete(claim);
            },
        };
        this.#held.set(claim, uri);
        return claim;
    }

    /** Whether somebody else tells how this run has ended. */
    holds(ended: Ended): boolean {
        return [...this.#held].some(([claim, uri]) => isOf(claim, uri, ended));
    }
}

function isOf(claim: Claim, uri: string, ended: Ended): boolean {
    return claim.run === undefined ? ended.kind === "generate" && ended.uri === uri : ended.run === claim.run;
}
