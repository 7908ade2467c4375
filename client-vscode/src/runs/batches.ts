/** Runs for many modules, one after the other: one toast for all, whose Cancel cancels all that is left. */
import * as vscode from "vscode";

import { ServerCommand, type RunFinished, type RunStarted } from "../protocol";
import { wordsOf } from "../pure/words";
import type { Server } from "../server/server";
import type { Outcome, Result } from "./pure/batch";
import type { Claims } from "./pure/claims";
import { percentOfMany } from "./pure/progress";
import { Toast } from "./toasts";

/** A module that tests are generated for. */
export interface Item {
    readonly uri: string;
    /** For a person: `shop.pricing`. */
    readonly name: string;
}

/** Runs for many modules that go on. */
export interface Batch {
    /** For a person: `Generating tests (3 of 14)`. */
    readonly label: string;
    /** The run that goes on now, as far as that is known. */
    readonly run: string | undefined;
    /** Cancel that run, and begin no further one. */
    cancel(): void;
}

/** All that go on. */
export class Batches {
    readonly #going = new Set<RunningBatch>();

    constructor(
        private readonly server: Server,
        private readonly claims: Claims,
    ) {}

    get going(): readonly Batch[] {
        return [...this.#going];
    }

    /**
     * Generate tests for modules, one after the other. How each has ended is told by the caller, and by nobody else.
     *
     * @returns One result for each, in their order; it never fails.
     */
    async run(items: readonly Item[]): Promise<readonly Result[]> {
        const batch = new RunningBatch(this.server, this.claims, items);
        this.#going.add(batch);
        try {
            return await batch.go();
        } finally {
            this.#going.delete(batch);
        }
    }
}

const TITLE = "Generating tests";
let made = 0;

class RunningBatch implements Batch {
    readonly #toast: Toast;
    #done = 0;
    #isCancelled = false;
    #run: string | undefined;

    constructor(
        private readonly server: Server,
        private readonly claims: Claims,
        private readonly items: readonly Item[],
    ) {
        this.#toast = new Toast({
            title: TITLE,
            onCancel: () => {
                this.cancel();
            },
        });
    }

    get label(): string {
        return `${TITLE} (${this.#place})`;
    }

    get run(): string | undefined {
        return this.#run;
    }

    get #place(): string {
        return `${Math.min(this.#done + 1, this.items.length)} of ${this.items.length}`;
    }

    cancel(): void {
        this.#isCancelled = true;
        this.#toast.end();
        this.#cancelRun();
    }

    async go(): Promise<readonly Result[]> {
        const results: Result[] = [];
        try {
            for (const item of this.items) {
                results.push({ ...item, outcome: this.#isCancelled ? { is: "left" } : await this.#generate(item) });
                this.#done += 1;
            }
        } finally {
            this.#toast.end();
        }
        return results;
    }

    /** Generate for one: it ends when its run has, or when the server is gone. */
    async #generate({ uri, name }: Item): Promise<Outcome> {
        const token = `testwright-batch-${process.pid}-${(made += 1)}`;
        const shown = `${this.#place}: ${name}`;
        this.#toast.report(shown, percentOfMany(this.#done, this.items.length));
        const claim = this.claims.claim(uri);
        const ends = new Ends(this.server);
        const following = this.server.follow(token, (value) => {
            if (value.kind !== "end") {
                this.#toast.report(
                    value.message === undefined ? shown : `${shown}, ${value.message}`,
                    percentOfMany(this.#done, this.items.length, value.percentage),
                );
            }
        });
        try {
            const started = await this.server.command<RunStarted>(ServerCommand.generate, {
                uri,
                show: false,
                workDoneToken: token,
            });
            claim.run = this.#run = started.run;
            if (this.#isCancelled) {
                this.#cancelRun();
            }
            return await ends.of(started.run);
        } catch (error) {
            return { is: "refused", message: wordsOf(error) };
        } finally {
            this.#run = undefined;
            following.dispose();
            ends.dispose();
            claim.dispose();
        }
    }

    #cancelRun(): void {
        if (this.#run !== undefined) {
            // Only a server that is gone refuses, and its runs are gone with it.
            this.server.command(ServerCommand.cancel, { run: this.#run }).catch(() => undefined);
        }
    }
}

/** Listens for ends from before a run is started, since its end may be told before its beginning is answered. */
class Ends implements vscode.Disposable {
    readonly #seen = new Map<string, RunFinished>();
    readonly #changed = new vscode.EventEmitter<void>();
    readonly #subscriptions: vscode.Disposable;

    constructor(private readonly server: Server) {
        this.#subscriptions = vscode.Disposable.from(
            server.onRunFinished((finished) => {
                this.#seen.set(finished.run, finished);
                this.#changed.fire();
            }),
            server.onDidChangeState(() => {
                this.#changed.fire();
            }),
            this.#changed,
        );
    }

    /** The end of a run that has been started. */
    async of(run: string): Promise<Outcome> {
        return new Promise((resolve) => {
            const look = (): void => {
                const finished = this.#seen.get(run);
                if (finished !== undefined) {
                    resolve({ is: "ended", finished });
                } else if (this.server.state !== "running") {
                    resolve({ is: "refused", message: "The language server ended during the run." });
                }
            };
            this.#changed.event(look);
            look();
        });
    }

    dispose(): void {
        this.#subscriptions.dispose();
    }
}
