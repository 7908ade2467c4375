/** The search for the Python that the server's environment is made with. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findPython } from "../../../src/server/pythons";
import { Trouble } from "../../../src/server/trouble";
import { speakingOf } from "../../support/processes";
import { waitFor } from "../../support/waiting";

describe("the search for a Python", function () {
    this.timeout(30_000);
    let folder: string;
    let log: string[];

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "testwright-search-"));
        log = [];
    });

    afterEach(() => {
        rmSync(folder, { recursive: true, force: true });
    });

    const real = (): string =>
        execFileSync("python3", ["-I", "-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();

    /** A program that is called like a Python. */
    const write = (name: string, script: string): string => {
        const path = join(folder, name);
        writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
        return path;
    };

    const search = async (more: Partial<Parameters<typeof findPython>[0]> = {}): ReturnType<typeof findPython> =>
        findPython({
            asked: "",
            first: [],
            shunned: [],
            variables: { PATH: folder },
            log: (line) => log.push(line),
            places: false,
            ...more,
        });

    const old = `echo '{"path": "/opt/python3.9", "version": [3, 9, 18], "implementation": "cpython", "freeThreaded": false, "venv": true, "pipWheel": "/w", "pip": null}'`;

    it("takes the first that will do, by the order of the names", async () => {
        write("python3.14", "exit 1");
        write("python3.13", "echo this is no Python");
        write("python3.12", old);
        write("python3", `exec ${real()} "$@"`);
        const found = await search();
        assert.equal(found.path, real());
        assert.deepEqual(
            log.map((line) => line.slice(folder.length + 1).replace(/ .*/, "")),
            ["python3.14", "python3.13", "python3.12", "python3"],
        );
    });

    it("does not wait for one that does not answer", async () => {
        write("python3.14", "sleep 613 & wait");
        symlinkSync(real(), join(folder, "python3"));
        const began = performance.now();
        await search({ variables: { PATH: `${folder}:/usr/bin:/bin` }, seconds: 1 });
        assert.ok(performance.now() - began < 10_000);
        assert.match(log[0] ?? "", /did not answer within 1 s/);
        await waitFor("end of what it has started", () => speakingOf("sleep 613").length === 0, { seconds: 5 });
    });

    it("prefers the chosen interpreter", async () => {
        symlinkSync(real(), join(folder, "python3"));
        const chosen = write("chosen", `exec ${real()} "$@"`);
        await search({ first: [chosen] });
        assert.match(log[0] ?? "", /\/chosen is Python/);
        assert.equal(log.length, 1);
    });

    it("runs nothing of a workspace that is not trusted, by whatever way it leads there", async () => {
        const ran = join(folder, "ran");
        const script = `: > ${ran}; exec ${real()} "$@"`;
        const workspace = mkdtempSync(join(tmpdir(), "testwright-workspace-"));
        try {
            const evil = join(workspace, "python3");
            writeFileSync(evil, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
            symlinkSync(evil, join(folder, "python3"));
            await assert.rejects(
                search({ first: [evil], shunned: [workspace], variables: { PATH: `${workspace}:${folder}` } }),
                /found none/,
            );
            assert.equal(existsSync(ran), false);
            await search({ first: [evil] });
            assert.ok(existsSync(ran), "it is run in one that is trusted");
        } finally {
            rmSync(workspace, { recursive: true });
        }
    });

    it("passes over what is on PATH by a relative name, for it is somewhere else in each folder", async () => {
        const before = process.cwd();
        write("python3", `exec ${real()} "$@"`);
        process.chdir(folder);
        try {
            await assert.rejects(search({ variables: { PATH: ".::./" } }), /found none/);
            assert.deepEqual(log, [], "nothing was tried");
        } finally {
            process.chdir(before);
        }
    });

    it("tells what it has found instead", async () => {
        write("python3", old);
        await assert.rejects(search(), (error: unknown) => {
            assert.ok(error instanceof Trouble);
            assert.equal(error.kind, "python");
            assert.match(error.message, /found only Python 3\.9\.18 \(\/opt\/python3\.9\)/);
            return true;
        });
        await assert.rejects(search({ variables: {} }), /found none/);
    });

    it("finds pyenv's and uv's where nothing is on PATH", async () => {
        const version = join(folder, ".pyenv", "versions", "3.12.1", "bin");
        execFileSync("mkdir", ["-p", version]);
        symlinkSync(real(), join(version, "python"));
        const found = await search({ places: true, home: folder, variables: {} });
        assert.match(log[0] ?? "", /\.pyenv\/versions\/3\.12\.1\/bin\/python is Python/);
        assert.ok(found.version[1] >= 11);
    });

    describe("with a setting", () => {
        const cases: Record<string, [asked: () => string, message: RegExp]> = {
            "that names nothing": [() => join(folder, "none"), /there is no such program/],
            "that names a relative path": [() => "bin/python3", /there is no such program/],
            "that names another program": [() => write("tool", "echo hello"), /does not answer as a Python does/],
            "that names an old one": [() => write("old", old), /is Python 3\.9\.18; the server needs 3\.11 or newer/],
            "that names a file that is not executable": [
                () => {
                    chmodSync(write("plain", ""), 0o644);
                    return join(folder, "plain");
                },
                /there is no such program/,
            ],
        };
        for (const [what, [asked, message]] of Object.entries(cases)) {
            it(`${what}, tells so and looks for no other`, async () => {
                symlinkSync(real(), join(folder, "python3"));
                await assert.rejects(search({ asked: asked() }), (error: unknown) => {
                    assert.ok(error instanceof Trouble);
                    assert.equal(error.kind, "setting");
                    assert.match(error.message, message);
                    return true;
                });
            });
        }

        it("takes a path, an environment's folder, or a name on PATH", async () => {
            symlinkSync(real(), join(folder, "python3"));
            const environment = join(folder, "env");
            execFileSync(real(), ["-I", "-m", "venv", "--without-pip", environment]);
            assert.equal((await search({ asked: join(folder, "python3") })).version[0], 3);
            assert.equal((await search({ asked: "python3" })).version[0], 3);
            assert.ok((await search({ asked: environment })).path.startsWith(environment));
        });
    });
});
