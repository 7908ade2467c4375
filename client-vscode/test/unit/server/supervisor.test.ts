import assert from "node:assert/strict";

import fc from "fast-check";

import { TOO_MANY, WITHIN_MS } from "../../../src/server/pure/crashes";
import { Stopped, Supervisor, type Plan, type Started, type State } from "../../../src/server/pure/supervisor";

/** A process that does what a test says. */
class Process implements Started {
    readonly gone: Promise<string>;
    isAlive = true;
    #go: (reason: string) => void = () => undefined;

    constructor(readonly number: number) {
        this.gone = new Promise((resolve) => {
            this.#go = resolve;
        });
    }

    crash(reason = "signal SIGKILL"): void {
        this.isAlive = false;
        this.#go(reason);
    }

    async end(): Promise<void> {
        await turns(2);
        this.crash("exit code 0");
    }
}

class Machine implements Plan<Process> {
    readonly made: Process[] = [];
    readonly states: State[] = [];
    readonly told: unknown[] = [];
    readonly notes: string[] = [];
    distrusted = 0;
    launches = 0;
    time = 0;
    /** How the next starts go wrong, in turn; undefined for one that goes well. */
    failures: (Error | undefined)[] = [];
    /** What a start waits for. */
    gate: Promise<void> = Promise.resolve();
    isWorthIt = true;

    async launch(abandoned: AbortSignal): Promise<Process> {
        this.launches += 1;
        const abort = new Promise<never>((_resolve, reject) => {
            abandoned.addEventListener("abort", () => {
                reject(new Stopped());
            });
        });
        abort.catch(() => undefined);
        await Promise.race([this.gate, abort]);
        const failure = this.failures.shift();
        if (failure !== undefined) {
            throw failure;
        }
        const made = new Process(this.made.length);
        this.made.push(made);
        return made;
    }

    isWorthAnotherTry(): boolean {
        return this.isWorthIt;
    }

    distrust(): void {
        this.distrusted += 1;
    }

    endedTooOften(reason: string): Error {
        return new Error(`too often: ${reason}`);
    }

    failedUnasked(error: unknown): void {
        this.told.push(error);
    }

    note(message: string): void {
        this.notes.push(message);
    }

    changed(state: State): void {
        this.states.push(state);
    }

    now(): number {
        return this.time;
    }

    get alive(): Process[] {
        return this.made.filter((one) => one.isAlive);
    }
}

/** Let what is waiting go on. */
async function turns(count = 20): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) {
        await Promise.resolve();
    }
}

function gate(): { readonly promise: Promise<void>; open(): void } {
    let open = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
        open = resolve;
    });
    return {
        promise,
        open: () => {
            open();
        },
    };
}

describe("one process at a time", () => {
    let machine: Machine;
    let supervisor: Supervisor<Process>;

    beforeEach(() => {
        machine = new Machine();
        supervisor = new Supervisor(machine);
    });

    it("is started once, whoever asks", async () => {
        const all = await Promise.all([
            supervisor.start(),
            supervisor.ready(),
            supervisor.start(),
            supervisor.restart(),
        ]);
        assert.equal(new Set(all).size, 1);
        assert.equal(machine.launches, 1);
        assert.equal(await supervisor.ready(), all[0]);
        assert.deepEqual(machine.states, ["starting", "running"]);
        assert.equal(supervisor.current, all[0]);
    });

    it("is ended before the next is started, and many restarts are one", async () => {
        await supervisor.start();
        machine.gate = turns(3);
        const all = await Promise.all(Array.from({ length: 20 }, async () => supervisor.restart()));
        assert.equal(machine.launches, 2);
        assert.deepEqual(
            machine.made.map((one) => one.isAlive),
            [false, true],
        );
        assert.ok(all.every((one) => one === machine.made[1]));
        assert.deepEqual(machine.states, ["starting", "running", "starting", "running"]);
    });

    it("is begun anew when what it was being started with has changed", async () => {
        const slow = gate();
        machine.gate = slow.promise;
        const first = supervisor.start();
        await turns();
        machine.gate = Promise.resolve();
        const renewed = supervisor.renew();
        assert.equal(await first, await renewed);
        assert.equal(machine.launches, 2);
        assert.equal(machine.alive.length, 1);
        slow.open();
    });

    it("does not outlive a change that came when it had just been started", async () => {
        const launch = machine.launch.bind(machine);
        let renewed: Promise<Process> | undefined;
        machine.launch = async (abandoned) => {
            const made = await launch(abandoned);
            renewed ??= supervisor.renew();
            return made;
        };
        const started = await supervisor.start();
        assert.equal(await renewed, started);
        assert.deepEqual(
            machine.made.map((one) => one.isAlive),
            [false, true],
        );
    });

    it("ends when it is stopped, and stays so until it is started", async () => {
        await supervisor.start();
        await supervisor.stop();
        assert.equal(supervisor.state, "off");
        assert.equal(supervisor.current, undefined);
        assert.equal(machine.alive.length, 0);
        await turns();
        assert.equal(machine.launches, 1);
        assert.deepEqual(machine.states, ["starting", "running", "off"]);
        assert.deepEqual(machine.notes, [], "an end on purpose is no crash");
        await supervisor.start();
        assert.equal(machine.alive.length, 1);
    });

    it("is off as soon as it is being ended, for those who ask only what runs", async () => {
        await supervisor.start();
        const stopped = supervisor.stop();
        await turns(1);
        assert.equal(machine.alive.length, 1, "it has not ended yet");
        assert.equal(supervisor.state, "off");
        await stopped;
        assert.equal(machine.launches, 1);
    });

    it("is stopped while it is being started", async () => {
        machine.gate = gate().promise; // for ever
        const started = supervisor.start();
        const failed = assert.rejects(started, Stopped);
        await turns();
        await supervisor.stop();
        await failed;
        assert.equal(supervisor.state, "off");
        assert.equal(machine.made.length, 0);
        assert.deepEqual(machine.told, [], "nobody is told of what was wanted");
    });

    it("runs when it is started again while it is being stopped", async () => {
        await supervisor.start();
        const stopped = supervisor.stop();
        const started = await supervisor.start();
        await stopped;
        assert.equal(supervisor.state, "running");
        assert.equal(supervisor.current, started);
        assert.equal(machine.alive.length, 1);
    });

    it("is tried three times, and distrusted once, after the second", async () => {
        machine.failures = [new Error("one"), new Error("two"), undefined];
        await supervisor.start();
        assert.equal(machine.launches, 3);
        assert.equal(machine.distrusted, 1);
        assert.equal(supervisor.state, "running");
    });

    it("is not distrusted after a single failure", async () => {
        machine.failures = [new Error("one"), undefined];
        await supervisor.start();
        assert.equal(machine.distrusted, 0);
    });

    it("fails with the last error, tells it to all who ask, and is started again when asked to", async () => {
        const last = new Error("three");
        machine.failures = [new Error("one"), new Error("two"), last];
        await assert.rejects(supervisor.start(), last);
        assert.equal(supervisor.state, "failed");
        await assert.rejects(supervisor.ready(), last);
        assert.equal(machine.launches, 3, "a request does not try again");
        await supervisor.restart();
        assert.equal(supervisor.state, "running");
    });

    it("fails at once when another try cannot help", async () => {
        machine.isWorthIt = false;
        machine.failures = [new Error("no Python")];
        await assert.rejects(supervisor.start(), /no Python/);
        assert.equal(machine.launches, 1);
        assert.equal(machine.distrusted, 0);
    });

    it("comes back when it ends by itself", async () => {
        const first = await supervisor.start();
        first.crash();
        await turns();
        const second = await supervisor.ready();
        assert.notEqual(second, first);
        assert.equal(supervisor.state, "running");
        assert.match(machine.notes.join(), /SIGKILL/);
        assert.deepEqual(machine.told, []);
    });

    it("is asked for while it comes back", async () => {
        const first = await supervisor.start();
        const slow = gate();
        machine.gate = slow.promise;
        first.crash();
        await turns();
        assert.equal(supervisor.state, "starting");
        const ready = supervisor.ready();
        slow.open();
        assert.equal(await ready, machine.made[1]);
    });

    it("is the same for those who ask when they hear of it", async () => {
        const asked: Promise<unknown>[] = [];
        machine.changed = (state) => {
            if (state !== "failed") {
                asked.push(supervisor.ready());
            }
        };
        const started = await supervisor.start();
        assert.deepEqual(await Promise.all(asked), [started, started]);
        assert.equal(machine.launches, 1);
    });

    it("is started by those who hear that it failed, and ask for it", async () => {
        let again: Promise<unknown> | undefined;
        machine.isWorthIt = false;
        machine.failures = [new Error("no Python")];
        machine.changed = (state) => {
            if (state === "failed") {
                again = supervisor.start();
            }
        };
        await assert.rejects(supervisor.start(), /no Python/);
        await again;
        assert.equal(supervisor.state, "running");
        assert.equal(machine.launches, 2);
    });

    it("is the next one as soon as a restart is asked for", async () => {
        const first = await supervisor.start();
        const restarted = supervisor.restart();
        assert.equal(supervisor.state, "starting");
        assert.notEqual(await supervisor.ready(), first);
        assert.equal(await restarted, await supervisor.start());
    });

    it("is left alone when it ended too often, which is told once", async () => {
        await supervisor.start();
        for (let crash = 0; crash < TOO_MANY; crash += 1) {
            machine.time += 1000;
            supervisor.current?.crash("signal SIGSEGV");
            await turns();
        }
        assert.equal(supervisor.state, "failed");
        assert.equal(machine.launches, TOO_MANY);
        assert.deepEqual(machine.told.map(String), ["Error: too often: signal SIGSEGV"]);
        await assert.rejects(supervisor.ready(), /too often/);
        await supervisor.restart();
        supervisor.current?.crash();
        await turns();
        assert.equal(supervisor.state, "running", "crashes are counted anew");
    });

    it("comes back for ever when it seldom ends", async () => {
        await supervisor.start();
        for (let crash = 0; crash < 3 * TOO_MANY; crash += 1) {
            machine.time += WITHIN_MS / (TOO_MANY - 1);
            supervisor.current?.crash();
            await turns();
            assert.equal(supervisor.state, "running");
        }
    });

    it("tells by itself when it could not come back", async () => {
        const first = await supervisor.start();
        machine.isWorthIt = false;
        machine.failures = [new Error("no Python any more")];
        first.crash();
        await turns();
        assert.equal(supervisor.state, "failed");
        assert.match(String(machine.told), /no Python any more/);
    });

    it("is never two, and is what was asked for last, whatever is done in whichever order", async () => {
        const steps = fc.constantFrom("start", "restart", "renew", "stop", "crash", "fail", "wait");
        await fc.assert(
            fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (all) => {
                machine = new Machine();
                supervisor = new Supervisor(machine);
                let wanted = false;
                let slips = 0;
                const asked: Promise<unknown>[] = [];
                for (const step of all) {
                    machine.time += WITHIN_MS; // crashes are another test's
                    switch (step) {
                        case "crash":
                            supervisor.current?.crash();
                            break;
                        case "fail":
                            // A third one in the same start would be its end, which is another test's.
                            slips += 1;
                            machine.failures = slips < 3 ? [new Error("a slip")] : [];
                            break;
                        case "wait":
                            await turns(7);
                            break;
                        case "stop":
                            wanted = false;
                            asked.push(supervisor.stop());
                            break;
                        case "start":
                        case "restart":
                        case "renew":
                            wanted = true;
                            asked.push(supervisor[step]().catch((error: unknown) => error));
                    }
                    assert.ok(machine.alive.length <= 1, `${machine.alive.length} at a time`);
                }
                await Promise.all(asked);
                await turns(60);
                assert.equal(machine.alive.length, wanted ? 1 : 0);
                assert.equal(supervisor.state, wanted ? "running" : "off");
            }),
            { numRuns: 500 },
        );
    });
});
