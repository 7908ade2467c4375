/**
 * One process at a time: started when it is wanted, started again when it ends by itself, ended when it is not wanted.
 *
 * There is at most one start under way, and whoever asks meanwhile gets the same one.
 */
import { wordsOf } from "../../pure/words";
import { CrashBudget } from "./crashes";

export type State = "off" | "starting" | "running" | "failed";

/** What was started. */
export interface Started {
    /** Resolves when it is gone, however that came, with what is known of why. */
    readonly gone: Promise<string>;
    /** End it; resolves when it is gone. */
    end(): Promise<void>;
}

/** What the supervisor does not decide. */
export interface Plan<S extends Started> {
    /** Start one; reject when that is not possible. `abandoned` is aborted when it is not wanted any more. */
    launch(abandoned: AbortSignal): Promise<S>;
    /** Whether a start that failed in this way may work when it is tried again. */
    isWorthAnotherTry(error: unknown): boolean;
    /** Two starts in a row have failed: find what is started anew. */
    distrust(): void;
    /** The error for a process that ended too often. */
    endedTooOften(reason: string): unknown;
    /** Nobody has asked for this start, so nobody else tells the user that it failed. */
    failedUnasked(error: unknown): void;
    /** Something to take note of. */
    note(message: string): void;
    changed(state: State): void;
    /** Milliseconds of a clock that only goes forward. */
    now(): number;
}

/** It was stopped, on purpose, before it was ready. */
export class Stopped extends Error {
    override readonly name = "Stopped";

    constructor() {
        super("It was stopped.");
    }
}

/** So many starts in a row may fail; after the second what is started is found anew. */
const TRIES = 3;

export class Supervisor<S extends Started> {
    #state: State = "off";
    #current: S | undefined;
    #going: Promise<S> | undefined;
    #ending: Promise<void> | undefined;
    #abandon = new AbortController();
    #error: unknown;
    #isWanted = false;
    /** Counts what makes a start that is under way the wrong one. */
    #revision = 0;
    readonly #crashes: CrashBudget;

    constructor(readonly plan: Plan<S>) {
        this.#crashes = new CrashBudget(() => plan.now());
    }

    get state(): State {
        return this.#state;
    }

    /** What runs, if it does. */
    get current(): S | undefined {
        return this.#current;
    }

    /** Start it unless it runs. */
    async start(): Promise<S> {
        this.#isWanted = true;
        if (this.#going !== undefined) {
            return this.#going;
        }
        if (this.#current !== undefined) {
            return this.#current;
        }
        this.#crashes.forget();
        return this.#go();
    }

    /** The one that runs or is being started. Does not try again what has failed. */
    async ready(): Promise<S> {
        if (this.#state === "failed") {
            throw this.#error;
        }
        return this.#going ?? this.#current ?? this.start();
    }

    /** End it and start it again; a start that is under way is shared. */
    async restart(): Promise<S> {
        this.#isWanted = true;
        this.#crashes.forget();
        return this.#go();
    }

    /** What it was started with has changed: as {@link restart}, but a start that is under way is begun anew. */
    async renew(): Promise<S> {
        this.#revise();
        return this.restart();
    }

    /** End it. */
    async stop(): Promise<void> {
        this.#isWanted = false;
        this.#revise();
        await this.#going?.catch(() => undefined);
        if (!this.#isLongerWanted()) {
            // Before it has ended: who asks only what runs must not start it again meanwhile.
            this.#become("off");
            await this.#end();
        }
    }

    /** Read anew after a wait, in which it may have been started again. */
    #isLongerWanted(): boolean {
        return this.#isWanted;
    }

    #revise(): void {
        this.#revision += 1;
        this.#abandon.abort();
    }

    async #go(): Promise<S> {
        // Later, so that whoever hears of it and asks at once gets the same one.
        if (this.#going === undefined) {
            this.#going = Promise.resolve().then(async () => this.#untilReady());
            this.#become("starting");
        }
        return this.#going;
    }

    async #untilReady(): Promise<S> {
        try {
            for (let failures = 0; ;) {
                await this.#end();
                if (!this.#isWanted) {
                    throw new Stopped();
                }
                const revision = this.#revision;
                this.#abandon = new AbortController();
                const outcome = await this.#launch();
                if (revision !== this.#revision) {
                    failures = 0;
                    if ("started" in outcome) {
                        this.#current = outcome.started;
                    }
                } else if ("started" in outcome) {
                    this.#going = undefined;
                    this.#take(outcome.started);
                    return outcome.started;
                } else {
                    failures += 1;
                    if (failures === TRIES || !this.plan.isWorthAnotherTry(outcome.error)) {
                        throw outcome.error;
                    }
                    this.plan.note(`It could not be started: ${wordsOf(outcome.error)} Trying again.`);
                    if (failures === 2) {
                        this.plan.distrust();
                    }
                }
            }
        } catch (error) {
            this.#error = error;
            this.#going = undefined;
            this.#become(error instanceof Stopped ? "off" : "failed");
            throw error;
        }
    }

    async #launch(): Promise<{ readonly started: S } | { readonly error: unknown }> {
        try {
            return { started: await this.plan.launch(this.#abandon.signal) };
        } catch (error) {
            return { error };
        }
    }

    #take(started: S): void {
        this.#current = started;
        this.#become("running");
        void started.gone.then((reason) => {
            if (this.#current === started) {
                this.#current = undefined;
                this.#ended(reason);
            }
        });
    }

    /** It ended by itself. */
    #ended(reason: string): void {
        if (!this.#crashes.allows()) {
            this.#error = this.plan.endedTooOften(reason);
            this.#become("failed");
            this.plan.failedUnasked(this.#error);
            return;
        }
        this.plan.note(`It ended by itself (${reason}) and is started again.`);
        this.#go().catch((error: unknown) => {
            if (!(error instanceof Stopped)) {
                this.plan.failedUnasked(error);
            }
        });
    }

    async #end(): Promise<void> {
        const current = this.#current;
        if (current !== undefined) {
            this.#current = undefined;
            this.#ending = current.end().catch((error: unknown) => {
                this.plan.note(`It did not end in order: ${wordsOf(error)}`);
            });
        }
        await this.#ending;
    }

    #become(state: State): void {
        if (state !== this.#state) {
            this.#state = state;
            this.plan.changed(state);
        }
    }
}
