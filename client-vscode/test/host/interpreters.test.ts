/** Which interpreter holds for a folder, asked of (stubs of) the other extensions and of the setting. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as vscode from "vscode";

import { createInterpreters, type Interpreters } from "../../src/python/interpreters";
import { waitFor } from "../support/waiting";

interface EnvironmentsStub {
    readonly asked: number;
    answer(how: "well" | "throws" | "hangs" | "odd"): void;
    choose(folder: vscode.Uri | undefined, path: string | undefined): void;
}

interface PythonStub {
    readonly asked: number;
    choose(folder: vscode.WorkspaceFolder | undefined, path: string | undefined): void;
}

async function stub<Stub>(id: string): Promise<Stub> {
    const extension = vscode.extensions.getExtension<{ readonly forTests: Stub }>(id);
    assert.ok(extension, `${id} is not installed`);
    return (await extension.activate()).forTests;
}

/** A program in an environment's folder. */
function program(name: string): string {
    const folder = join(process.env["TESTS_FOLDER"] ?? "", name, "bin");
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "python");
    writeFileSync(path, "#!/bin/sh\n");
    chmodSync(path, 0o755);
    return path;
}

describe("the interpreter of a folder", () => {
    const log = vscode.window.createOutputChannel("Interpreters", { log: true });
    let interpreters: Interpreters;
    let environments: EnvironmentsStub;
    let python: PythonStub;
    let one: vscode.WorkspaceFolder;
    let two: vscode.WorkspaceFolder;
    const changes: (string | undefined)[] = [];

    before(async () => {
        [environments, python] = await Promise.all([
            stub<EnvironmentsStub>("ms-python.vscode-python-envs"),
            stub<PythonStub>("ms-python.python"),
        ]);
        const [first, second] = vscode.workspace.workspaceFolders ?? [];
        assert.ok(first && second);
        [one, two] = [first, second];
    });

    beforeEach(() => {
        interpreters = createInterpreters(log);
        interpreters.onDidChange((folder) => changes.push(folder?.toString()));
    });

    afterEach(async () => {
        interpreters.dispose();
        environments.answer("well");
        for (const folder of [undefined, one, two]) {
            environments.choose(folder?.uri, undefined);
            python.choose(folder, undefined);
        }
        await set("testwright.python", undefined);
        await set("python.useEnvironmentsExtension", undefined);
        changes.length = 0;
    });

    const set = async (name: string, value: unknown): Promise<void> =>
        vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);

    it("is none when nobody has chosen one", async () => {
        assert.equal(await interpreters.of(one.uri), undefined);
        assert.equal(await interpreters.of(undefined), undefined);
    });

    it("is that of the Environments extension, then that of the Python extension, then the setting's", async () => {
        const [first, second, third] = [program("first"), program("second"), program("third")];
        await set("testwright.python", third);
        assert.deepEqual(await interpreters.of(one.uri), { path: third, source: "setting" });
        python.choose(one, second);
        assert.deepEqual(await interpreters.of(one.uri), { path: second, source: "python" });
        const asked = python.asked;
        environments.choose(one.uri, first);
        assert.deepEqual(await interpreters.of(one.uri), { path: first, source: "environments" });
        assert.equal(python.asked, asked, "who comes later is not asked when it is known");
    });

    it("is another one in another folder", async () => {
        environments.choose(one.uri, program("one"));
        python.choose(two, program("two"));
        assert.deepEqual(await interpreters.of(one.uri), { path: program("one"), source: "environments" });
        assert.deepEqual(await interpreters.of(two.uri), { path: program("two"), source: "python" });
        assert.equal(await interpreters.of(undefined), undefined);
    });

    it("changes with the folder for which another is chosen, or with all", async () => {
        await interpreters.of(one.uri);
        python.choose(two, program("two"));
        environments.choose(one.uri, program("one"));
        environments.choose(undefined, program("all"));
        environments.choose(vscode.Uri.joinPath(two.uri, "two.py"), program("two"));
        await set("testwright.python", program("three"));
        await waitFor("change with the setting", () => changes.length >= 5);
        assert.deepEqual(changes, [two.uri.toString(), one.uri.toString(), undefined, two.uri.toString(), undefined]);
    });

    it("is not asked for before it is needed", () => {
        environments.choose(one.uri, program("one"));
        assert.deepEqual(changes, []);
    });

    it("does not change any more when nobody asks", async () => {
        await interpreters.of(one.uri);
        interpreters.dispose();
        environments.choose(one.uri, program("one"));
        python.choose(one, program("one"));
        assert.deepEqual(changes, []);
    });

    for (const how of ["throws", "odd"] as const) {
        it(`is the next one's when the Environments extension ${how === "odd" ? "answers something else" : how}`, async () => {
            environments.choose(one.uri, program("one"));
            environments.answer(how);
            python.choose(one, program("two"));
            assert.deepEqual(await interpreters.of(one.uri), { path: program("two"), source: "python" });
        });
    }

    it("is the next one's when the Environments extension does not answer", async () => {
        environments.answer("hangs");
        python.choose(one, program("two"));
        const began = performance.now();
        assert.deepEqual(await interpreters.of(one.uri), { path: program("two"), source: "python" });
        const ms = performance.now() - began;
        assert.ok(ms > 1_500 && ms < 15_000, `${ms} ms`);
    });

    it("is the next one's when a program that was chosen is not there any more", async () => {
        environments.choose(one.uri, "/nowhere/bin/python");
        python.choose(one, program("two"));
        assert.deepEqual(await interpreters.of(one.uri), { path: program("two"), source: "python" });
    });

    it("is the Python extension's while the user has the Environments extension switched off", async () => {
        environments.choose(one.uri, program("one"));
        python.choose(one, program("two"));
        await set("python.useEnvironmentsExtension", false);
        const asked = environments.asked;
        assert.equal((await interpreters.of(one.uri))?.source, "python");
        assert.equal(environments.asked, asked);
        await waitFor("change", () => changes.length > 0);
        assert.deepEqual(changes, [undefined]);
    });

    it("is the program of the folder that the setting names, and none where there is no program", async () => {
        await set("testwright.python", join(program("env"), "..", ".."));
        assert.equal((await interpreters.of(one.uri))?.path, program("env"));
        await set("testwright.python", "/nowhere/python");
        assert.equal(await interpreters.of(one.uri), undefined);
        await set("testwright.python", "sh");
        assert.match((await interpreters.of(one.uri))?.path ?? "", /^\/(usr\/)?bin\/sh$/);
    });
});
