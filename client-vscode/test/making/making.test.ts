/** The making of the server's environment, with real Pythons and the real pip; what is installed is small. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
    cpSync,
    existsSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    symlinkSync,
    unlinkSync,
    utimesSync,
    writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Environment, type Making, OwnEnvironments, pythonOf } from "../../src/server/environment";
import { findPython } from "../../src/server/pythons";
import { Trouble, type TroubleKind } from "../../src/server/trouble";
import { speakingOf } from "../support/processes";
import { waitFor } from "../support/waiting";
import { writeKit, writeWheel } from "./kit";

/** pip without what this machine is configured with: it would look there, too. */
const VARIABLES: NodeJS.ProcessEnv = { PATH: process.env["PATH"], HOME: tmpdir(), PIP_CONFIG_FILE: "/dev/null" };

/** An address at which nobody listens. */
const NOBODY = { ...VARIABLES, PIP_INDEX_URL: "http://127.0.0.1:9/simple", PIP_RETRIES: "0" };

const NEEDS_ATTRS = `attrs==1.0 --hash=sha256:${"0".repeat(64)}\n`;

describe("the server's own environment", function () {
    this.timeout(60_000);
    let folder: string;
    let storage: string;
    let bundled: string;
    let log: string[] = [];
    const children: ChildProcess[] = [];
    let silent: Server | undefined;
    let template: string;

    before(async () => {
        folder = template = mkdtempSync(join(tmpdir(), "testwright template "));
        storage = join(folder, "storage", "environments");
        bundled = writeKit(join(folder, "bundled"), "0.1.0");
        const own = environments();
        await own.make(making());
        await own.close();
    });

    after(() => {
        rmSync(template, { recursive: true, force: true });
    });

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "testwright making ")); // a blank in a path is usual, too
        storage = join(folder, "storage", "environments");
        bundled = join(folder, "bundled");
        cpSync(join(template, "bundled"), bundled, { recursive: true });
        log = [];
    });

    afterEach(async () => {
        children.splice(0).forEach((child) => child.kill("SIGKILL"));
        silent?.closeAllConnections();
        silent?.close();
        silent = undefined;
        speakingOf(folder).forEach(({ pid }) => process.kill(pid, "SIGKILL"));
        await waitFor("end of all processes", () => speakingOf(folder).length === 0);
        rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    });

    const environments = (variables: NodeJS.ProcessEnv = VARIABLES, version = "0.1.0"): OwnEnvironments =>
        new OwnEnvironments({ storage, bundled, version, variables, log: (line) => log.push(line) });

    const making = (more: Partial<Making> = {}): Making => ({
        asked: "",
        findPython: async (signal) =>
            findPython({ asked: "", first: [], shunned: [], variables: VARIABLES, log: () => undefined, signal }),
        report: () => undefined,
        ...more,
    });

    /** One that was made before, in the twinkling of an eye. */
    const whole = async (): Promise<Environment> => {
        cpSync(join(template, "storage"), join(folder, "storage"), { recursive: true, verbatimSymlinks: true });
        const own = environments();
        const found = await own.existing("");
        assert.ok(found, log.join("\n"));
        await own.close();
        return found;
    };

    const folders = (): string[] => (existsSync(storage) ? readdirSync(storage) : []);

    const isTrouble =
        (kind: TroubleKind, message: RegExp) =>
        (error: unknown): boolean => {
            assert.ok(error instanceof Trouble, String(error));
            assert.equal(error.kind, kind, `${error.message}\n${log.join("\n")}`);
            assert.match(error.message, message);
            return true;
        };

    const answers = ({ python }: Environment): string =>
        execFileSync(python, ["-I", "-m", "testwright", "--version"], { encoding: "utf8" }).trim();

    /** An index that takes a request and never answers. */
    const startSilent = async (): Promise<string> => {
        const server = createServer(() => undefined);
        silent = server;
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
    };

    const startMaker = (variables: NodeJS.ProcessEnv, said: string[] = []): ChildProcess => {
        const child = spawn(process.execPath, [join(__dirname, "maker.js"), storage, bundled, "0.1.0"], {
            env: variables,
            stdio: ["pipe", "pipe", "inherit"],
        });
        child.stdout.setEncoding("utf8").on("data", (text: string) => said.push(...text.trim().split("\n")));
        children.push(child);
        return child;
    };

    it("is made, starts, and is the same the next time", async () => {
        const steps: string[] = [];
        assert.equal(await environments().existing(""), undefined);
        const made = await environments().make(making({ report: (step) => steps.push(step) }));
        assert.equal(answers(made), "testwright 0.1.0 (Python 3)");
        assert.deepEqual(
            steps.map((step) => step.replace(/ .*/, "")),
            ["looking", "making", "fetching", "fetching", "installing", "trying"],
        );
        assert.deepEqual(await environments().existing(""), made);
        assert.deepEqual(folders(), [made.folder.slice(storage.length + 1)]);
        assert.match(made.seal.python, /^Python 3\.1\d\.\d+$/);
    });

    it("is another one for a Python that the user names, and the same for the same", async () => {
        const made = await whole();
        assert.equal(await environments().existing("/usr/bin/python3"), undefined);
        const asked = await environments().make(making({ asked: "/usr/bin/python3" }));
        assert.notEqual(asked.folder, made.folder);
        assert.equal((await environments().existing("/usr/bin/python3"))?.folder, asked.folder);
    });

    it("is made once when two windows want it at the same time", async () => {
        const said: string[] = [];
        const steps: string[] = [];
        startMaker(VARIABLES, said);
        const [one, other] = await Promise.all([
            environments().make(making({ report: (step) => steps.push(step) })),
            waitFor("environment of the other window", () => said.find((line) => line.startsWith("made "))),
        ]);
        assert.equal(other, `made ${one.folder}`);
        assert.equal(folders().length, 1);
        assert.equal([...said, ...steps].filter((step) => step === "another window is setting it up").length, 1);
    });

    it("is not taken for whole when its maker was killed, and the next one is not kept waiting", async () => {
        writeKit(bundled, "0.1.0", { requirements: NEEDS_ATTRS });
        const maker = startMaker({ ...VARIABLES, PIP_INDEX_URL: await startSilent() });
        await waitFor("half of an environment", () =>
            folders().some((name) => existsSync(pythonOf(join(storage, name)))),
        );
        maker.kill("SIGKILL");
        await waitFor("end of the maker", () => maker.signalCode);
        const [ruin] = folders().filter((name) => name !== "making.lock");
        assert.ok(ruin);

        writeKit(bundled, "0.1.0");
        assert.equal(await environments().existing(""), undefined);
        const began = performance.now();
        const own = environments();
        const made = await own.make(making());
        assert.ok(performance.now() - began < 15_000);
        assert.equal(answers(made), "testwright 0.1.0 (Python 3)");
        await own.clear(made.folder);
        assert.deepEqual(folders(), [made.folder.slice(storage.length + 1)]);
    });

    it("is left without a trace when the user cancels, and pip is ended", async () => {
        writeKit(bundled, "0.1.0", { requirements: NEEDS_ATTRS });
        const cancel = new AbortController();
        const variables = { ...VARIABLES, PIP_INDEX_URL: await startSilent() };
        const made = environments(variables).make(making({ signal: cancel.signal }));
        made.catch(() => undefined);
        await waitFor("pip", () => speakingOf(folder).some(({ command }) => command.includes("--require-hashes")));
        const reason = new Error("cancelled");
        cancel.abort(reason);
        const began = performance.now();
        await assert.rejects(made, (error) => error === reason);
        assert.ok(performance.now() - began < 2_000);
        assert.deepEqual(speakingOf(folder), []);
        assert.deepEqual(folders(), []);
    });

    it("can be cancelled while another window makes it", async () => {
        writeKit(bundled, "0.1.0", { requirements: NEEDS_ATTRS });
        startMaker({ ...VARIABLES, PIP_INDEX_URL: await startSilent() });
        await waitFor("lock", () => folders().includes("making.lock"));
        const cancel = new AbortController();
        const reason = new Error("cancelled");
        const steps: string[] = [];
        const made = environments().make(making({ signal: cancel.signal, report: (step) => steps.push(step) }));
        made.catch(() => undefined);
        await waitFor("wait", () => steps.includes("another window is setting it up"));
        cancel.abort(reason);
        await assert.rejects(made, (error) => error === reason);
        assert.ok(folders().includes("making.lock"), "it is the other window's");
    });

    describe("when it is broken", () => {
        const breakages: Record<string, (made: Environment) => void> = {
            "somebody has deleted a library": ({ folder: at }) => {
                rmSync(join(sitePackages(at), "pygls"), { recursive: true });
            },
            "its Python has been removed": ({ python }) => {
                unlinkSync(python);
                symlinkSync("/nowhere/python3.12", python);
            },
            "its Python does not start any more": ({ python }) => {
                unlinkSync(python);
                writeFileSync(python, "#!/bin/sh\necho 'libpython3.12.so: cannot open' >&2; exit 127\n", {
                    mode: 0o755,
                });
            },
            "another version was put into it": ({ folder: at }) => {
                writeFileSync(
                    join(sitePackages(at), "testwright", "__main__.py"),
                    "print('testwright 0.0.1 (Python 3)')",
                );
            },
            "its seal is cut off": ({ folder: at }) => {
                writeFileSync(join(at, "testwright.json"), '{"format": 1, "ver');
            },
        };
        for (const [what, breakIt] of Object.entries(breakages)) {
            it(`is made anew: ${what}`, async () => {
                const broken = await whole();
                breakIt(broken);
                const own = environments();
                assert.equal(await own.existing(""), undefined);
                const made = await own.make(making());
                assert.notEqual(made.folder, broken.folder);
                assert.equal(answers(made), "testwright 0.1.0 (Python 3)");
                await own.clear(made.folder);
                assert.equal(existsSync(broken.folder), false);
            });
        }

        it("keeps its files for the servers that run from it, when it is distrusted", async () => {
            await whole();
            const said: string[] = [];
            const other = startMaker(VARIABLES, said);
            await waitFor("environment", () => said.some((line) => line.startsWith("made ")));
            const own = environments();
            const made = await own.existing("");
            assert.ok(made);
            await own.distrust(made.folder);
            assert.equal(await environments().existing(""), undefined);
            await own.clear("");
            assert.ok(existsSync(made.python), "the other window holds it");
            other.kill("SIGKILL");
            await waitFor("end of the other window", () => other.signalCode);
            await own.clear("");
            assert.equal(existsSync(made.folder), false);
        });
    });

    describe("when the extension is another version", () => {
        it("is another one, and the old one goes when its last window has gone", async () => {
            await whole();
            const said: string[] = [];
            const oldWindow = startMaker(VARIABLES, said);
            const old = (await waitFor("environment", () => said.find((line) => line.startsWith("made ")))).slice(5);
            writeKit(bundled, "0.2.0");
            const own = environments(VARIABLES, "0.2.0");
            assert.equal(await own.existing(""), undefined);
            const made = await own.make(making());
            assert.equal(answers(made), "testwright 0.2.0 (Python 3)");
            await own.clear(made.folder);
            assert.ok(
                existsSync(join(old, "testwright.json")),
                "the old window uses it, and may start its server again",
            );
            oldWindow.kill("SIGKILL");
            await waitFor("end of the old window", () => oldWindow.signalCode);
            await own.clear(made.folder);
            assert.equal(existsSync(old), false);
            assert.ok(existsSync(made.python));
        });

        it("is not cleared away while it is being made", async () => {
            writeKit(bundled, "0.1.0", { requirements: NEEDS_ATTRS });
            startMaker({ ...VARIABLES, PIP_INDEX_URL: await startSilent() });
            const half = await waitFor("half of an environment", () =>
                folders().find((name) => existsSync(pythonOf(join(storage, name)))),
            );
            await environments().clear("");
            assert.ok(folders().includes(half));
        });
    });

    describe("when it cannot be made", () => {
        afterEach(() => {
            assert.deepEqual(folders(), [], "nothing is left");
        });

        it("tells that the index cannot be reached", async () => {
            writeKit(bundled, "0.1.0", { requirements: NEEDS_ATTRS });
            await assert.rejects(environments(NOBODY).make(making()), isTrouble("index", /cannot be reached.*proxy/));
            assert.ok(log.some((line) => line.startsWith("pip: ") && line.includes("Connection refused")));
        });

        it("tells that a file is not the one that was expected, and installs nothing of it", async () => {
            writeKit(bundled, "0.1.0", { requirements: NEEDS_ATTRS });
            const wheels = join(folder, "wheels");
            writeWheel(wheels, "attrs", "1.0", { "attrs.py": "raise SystemExit('it has run')" });
            const variables = { ...VARIABLES, PIP_NO_INDEX: "1", PIP_FIND_LINKS: `file://${encodeURI(wheels)}` };
            await assert.rejects(environments(variables).make(making()), isTrouble("index", /hash differs/));
        });

        it("tells that there is no file for this Python", async () => {
            writeKit(bundled, "0.1.0", { requirements: NEEDS_ATTRS });
            await assert.rejects(
                environments({ ...VARIABLES, PIP_NO_INDEX: "1" }).make(making()),
                isTrouble("making", /no attrs==1\.0 for Python 3\.1\d.*testwright\.server\.python/),
            );
        });

        it("tells that what was made does not work", async () => {
            writeKit(bundled, "0.1.0", { says: "something else 1.2.3" });
            await assert.rejects(environments().make(making()), isTrouble("making", /does not work/));
            assert.ok(log.some((line) => line.includes("something else 1.2.3")));
        });

        it("tells that the Python makes none", async () => {
            const python = join(folder, "python3");
            writeFileSync(python, "#!/bin/sh\necho 'Error: no' >&2; exit 1\n", { mode: 0o755 });
            const found = {
                path: python,
                version: [3, 12, 1],
                implementation: "cpython",
                freeThreaded: false,
            } as const;
            await assert.rejects(
                environments().make(
                    making({
                        findPython: async () =>
                            Promise.resolve({ ...found, venv: true, pipWheel: "/nowhere/pip.whl", pip: undefined }),
                    }),
                ),
                isTrouble("making", /Python 3\.12\.1 .*failed to make one/),
            );
        });
    });

    it("tells that the extension is not whole", async () => {
        rmSync(bundled, { recursive: true });
        await assert.rejects(environments().existing(""), isTrouble("package", /Install the extension again/));
    });

    it("is not led astray by how the user's pip and Python are configured", async () => {
        const elsewhere = join(folder, "elsewhere");
        const file = join(folder, "pip.conf");
        writeFileSync(
            file,
            `[global]\ntarget = ${elsewhere}\nuser = true\nprefix = ${elsewhere}\nroot = ${elsewhere}\nno-binary = :all:\n`,
        );
        const variables = {
            ...VARIABLES,
            PIP_CONFIG_FILE: file,
            PIP_CONSTRAINT: join(folder, "none.txt"),
            PIP_REQUIRE_VIRTUALENV: "1",
            PYTHONPATH: elsewhere,
            PYTHONHOME: elsewhere,
        };
        const made = await environments(variables).make(making());
        assert.equal(answers(made), "testwright 0.1.0 (Python 3)");
        assert.equal(existsSync(elsewhere), false);
    });

    it("is installed by the Python's own pip where it carries none for new environments", async () => {
        const made = await environments().make(
            making({
                findPython: async (signal) => {
                    const python = await making().findPython(signal);
                    return { ...python, pipWheel: undefined, pip: [23, 0, 0] };
                },
            }),
        );
        assert.equal(answers(made), "testwright 0.1.0 (Python 3)");
    });

    it("waits no longer for one who has left a lock behind", async () => {
        const made = await whole();
        const lock = join(storage, "making.lock");
        writeFileSync(lock, "another-machine.4711");
        const past = new Date(Date.now() - 60_000);
        utimesSync(lock, past, past);
        const again = await environments().make(making());
        assert.equal(again.folder, made.folder);
        assert.equal(existsSync(lock), false);
    });

    it("has the requirements in it, with the hash of the wheel", async () => {
        const made = await whole();
        const wheel = readFileSync(join(bundled, "testwright-0.1.0-py3-none-any.whl"));
        const requirements = readFileSync(join(made.folder, "requirements.txt"), "utf8");
        assert.ok(requirements.includes(createHash("sha256").update(wheel).digest("hex")));
    });
});

function sitePackages(folder: string): string {
    const [version] = readdirSync(join(folder, "lib"));
    return join(folder, "lib", version ?? "", "site-packages");
}
