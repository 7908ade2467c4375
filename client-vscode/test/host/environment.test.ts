/** What is started as the server: the environment of its own, from nothing, and what the settings name instead. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { ServerCommand, ToServer, type RunFinished, type RunStarted, type ServerStatus } from "../../src/protocol";
import { Messages } from "../support/messages";
import { speakingOf } from "../support/processes";
import { inProject, open, tidy, write, writeModule } from "../support/project";
import { servers, testsFolder } from "../support/serverProcesses";
import { waitFor } from "../support/waiting";

const TITLE = "Testwright is setting up its Python environment";

describe("the program that is the server", function () {
    this.timeout(200_000); // a machine that is busy takes its time
    let ours: ForTests;
    let messages: Messages;
    let silent: Server | undefined;
    const variables = { ...process.env };

    const storage = (): string => {
        const folder = join(
            testsFolder(),
            "user-data",
            "User",
            "globalStorage",
            "testwright.testwright",
            "environments",
        );
        return folder;
    };
    const aside = (): string => `${storage()}.aside`;
    /** As at first use. What was there comes back after the test. */
    const putAside = (): void => {
        renameSync(storage(), aside());
    };
    const environments = (): string[] => (existsSync(storage()) ? readdirSync(storage()) : []);
    /** What the processes of the server were started with. */
    const command = (): string => {
        const all = servers();
        assert.equal(all.length, 1, JSON.stringify(all));
        return all[0]?.command ?? "";
    };
    const settings = () => vscode.workspace.getConfiguration("testwright");
    const set = async (name: string, value: unknown): Promise<void> => {
        await settings().update(name, value, vscode.ConfigurationTarget.Global);
        // Those that say what is started restart it, a moment later.
        await new Promise((resolve) => setTimeout(resolve, 600));
    };
    const isRunning = async (): Promise<ServerStatus> => ours.server.request<ServerStatus>(ToServer.status, {});
    const noIndex = (url: string): void => {
        for (const name of Object.keys(process.env)) {
            if (name.startsWith("PIP_")) {
                Reflect.deleteProperty(process.env, name);
            }
        }
        Object.assign(process.env, { PIP_CONFIG_FILE: "/dev/null", PIP_INDEX_URL: url, PIP_RETRIES: "1" });
    };
    const program = (name: string, script: string): string => {
        const folder = join(testsFolder(), "programs");
        mkdirSync(folder, { recursive: true });
        const path = join(folder, name);
        writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
        return path;
    };

    before(async () => {
        messages = new Messages();
        const extension = vscode.extensions.getExtension<ForTests>("testwright.testwright");
        assert.ok(extension);
        ours = await extension.activate();
    });

    beforeEach(() => {
        messages.reset();
    });

    afterEach(async () => {
        silent?.closeAllConnections();
        silent?.close();
        silent = undefined;
        for (const name of Object.keys(process.env)) {
            Reflect.deleteProperty(process.env, name);
        }
        Object.assign(process.env, variables);
        if (existsSync(aside())) {
            await ours.server.stop();
            rmSync(storage(), { recursive: true, force: true });
            renameSync(aside(), storage());
        }
        for (const name of ["server.python", "server.source", "python", "path"]) {
            await settings().update(name, undefined, vscode.ConfigurationTarget.Global);
        }
        // The machine's own setting names the repository's testwright.
        await set("path", "");
    });

    after(() => {
        messages.dispose();
    });

    it("is made at first use, with what is being done told, in a folder of the editor's", async () => {
        const [shown] = await waitFor("progress", () => messages.progress.length > 0 && messages.progress);
        assert.ok(shown);
        await ours.server.start();
        assert.equal(shown.title, TITLE);
        assert.equal(shown.location, vscode.ProgressLocation.Notification);
        assert.equal(shown.isCancellable, true);
        assert.equal(shown.isOver, true);
        const told = shown.reports.map(({ message }) => message ?? "");
        for (const step of [
            /^looking for a Python$/,
            /^making it with Python 3/,
            /^fetching pydantic/,
            /^installing$/,
            /^trying it$/,
        ]) {
            assert.ok(
                told.some((message) => step.test(message)),
                `${String(step)} in ${told.join("; ")}`,
            );
        }
        assert.deepEqual(messages.messages, []);
        assert.equal(environments().length, 1);
        assert.ok(
            command().startsWith(`${join(storage(), environments()[0] ?? "", "bin", "python")} -I -m testwright lsp`),
        );
        assert.match(ours.server.program ?? "", /^testwright [\d.]+ in its own environment \(Python 3\.\d+\.\d+\)$/);
        await isRunning();
    });

    it("generates tests, although nothing of it is installed where the project's Python is", async () => {
        await open("src/invoicing/items.py");
        const module = writeModule("src/shop_environment.py");
        try {
            const ended: RunFinished[] = [];
            const listening = ours.server.onRunFinished((run) => ended.push(run));
            await ours.server.command<RunStarted>(ServerCommand.generate, { uri: module.toString() });
            const run = await waitFor("end of the run", () => ended[0], { seconds: 120 });
            listening.dispose();
            assert.equal(run.status, "written", JSON.stringify(run));
        } finally {
            await tidy("src/shop_environment.py", "tests/test_shop_environment.py");
        }
    });

    it("is the same after a restart, at once", async () => {
        const before = command().split(" ")[0];
        await ours.server.restart();
        assert.equal(command().split(" ")[0], before);
        assert.deepEqual(messages.progress, []);
    });

    it("does not take a module of the workspace for one of its own", async () => {
        const ran = join(testsFolder(), "ran");
        for (const name of ["testwright.py", "pygls.py", "click.py", "sitecustomize.py"]) {
            write(name, `open(${JSON.stringify(ran)}, "w").close()\n`);
        }
        try {
            process.env["PYTHONPATH"] = inProject(".").fsPath;
            await ours.server.restart();
            await isRunning();
            assert.equal(existsSync(ran), false);
        } finally {
            await tidy("testwright.py", "pygls.py", "click.py", "sitecustomize.py");
        }
    });

    it("is made anew when somebody has deleted a part of it", async () => {
        const [name = ""] = environments();
        const lib = join(storage(), name, "lib");
        rmSync(join(lib, readdirSync(lib)[0] ?? "", "site-packages", "pygls"), { recursive: true });
        await ours.server.restart();
        assert.equal(messages.progress.length, 1);
        assert.ok(!command().includes(name));
        await isRunning();
    });

    it("is made anew when it does not start a server, although it says who it is", async () => {
        const before = environments();
        const python = command().split(" ")[0] ?? "";
        const lib = join(python, "..", "..", "lib");
        const lsp = join(lib, readdirSync(lib)[0] ?? "", "site-packages", "testwright", "lsp", "__init__.py");
        assert.ok(existsSync(lsp));
        writeFileSync(lsp, "raise ImportError('half of it is missing')\n");
        await ours.server.restart();
        assert.ok(environments().some((name) => !before.includes(name)));
        assert.notEqual(command().split(" ")[0], python);
        await isRunning();
    });

    it("leaves nothing when the user cancels, and says nothing", async () => {
        const server = createServer(() => undefined);
        silent = server;
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        noIndex(`http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`);
        await ours.server.stop();
        putAside();
        const started = ours.server.start();
        started.catch(() => undefined);
        const pip = (): boolean => speakingOf(storage()).some(({ command }) => command.includes("--require-hashes"));
        await waitFor("pip", pip);
        messages.progress[0]?.cancel();
        await assert.rejects(started, vscode.CancellationError);
        assert.equal(pip(), false);
        assert.deepEqual(environments(), []);
        assert.deepEqual(messages.messages, []);
        assert.deepEqual(servers(), []);
    });

    it("cannot be made without a network: that is told, with what to do", async () => {
        noIndex("http://127.0.0.1:9/simple");
        await ours.server.stop();
        putAside();
        await vscode.commands.executeCommand("testwright.restartServer");
        const { text, buttons, severity } = await messages.message();
        assert.equal(severity, "error");
        assert.match(
            text,
            /^Testwright could not set up its Python environment: the package index cannot be reached\./,
        );
        assert.deepEqual(buttons.slice(0, 2), ["Try Again", "Show Logs"]);
        assert.equal(ours.server.state, "failed");

        // Nobody is told at each file.
        messages.reset();
        await open("src/invoicing/export.py");
        await open("src/invoicing/rates.py");
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        assert.deepEqual(messages.messages, []);
        assert.deepEqual(messages.progress, []);
        await tidy();
    });

    it("is that of the chosen environment without a network, and the user is told once", async () => {
        noIndex("http://127.0.0.1:9/simple");
        await ours.server.stop();
        putAside();
        await set("python", join(process.env["REPOSITORY"] ?? "", process.env["VENV"] ?? ".venv", "bin", "python"));
        await ours.server.start();
        assert.match(command(), /\/bin\/python -P -m testwright lsp/);
        assert.match(ours.server.program ?? "", /in the chosen environment/);
        const { text, buttons, severity } = await messages.message();
        assert.equal(severity, "warning");
        assert.match(text, /cannot be reached\..* Until then it uses testwright .* in the chosen environment/);
        assert.deepEqual(buttons, ["Try Again", "Show Logs"]);
        await ours.server.restart();
        await isRunning();
        assert.equal(messages.messages.length, 1);
        assert.equal(messages.progress.length, 1, "it is not tried again at every occasion");
    });

    it("is offered from the chosen environment, where the user wants our own alone", async () => {
        noIndex("http://127.0.0.1:9/simple");
        await ours.server.stop();
        putAside();
        await set("python", join(process.env["REPOSITORY"] ?? "", process.env["VENV"] ?? ".venv", "bin", "python"));
        await set("server.source", "own");
        messages.reset();
        const button = "Use the One in My Environment";
        messages.press = ({ buttons }) => buttons.find((one) => one === button);
        await vscode.commands.executeCommand("testwright.restartServer");
        const { buttons } = await messages.message();
        assert.ok(buttons.includes(button));
        await waitFor("server", () => ours.server.state === "running");
        assert.match(command(), /-P -m testwright lsp/);
        assert.equal(settings().get("server.source"), "environment");
    });

    describe("of a setting", () => {
        const refusals: Record<string, [values: () => Record<string, string>, message: RegExp]> = {
            "path that names nothing": [
                () => ({ path: "/nowhere/testwright" }),
                /names \/nowhere\/testwright, and there is no such program/,
            ],
            "path that names another program": [
                () => ({ path: program("other", "echo hello") }),
                /which does not answer as testwright does/,
            ],
            "path that names an old one": [
                () => ({ path: program("old", "echo 'testwright 0.0.9 (Python 3.12.1)'") }),
                /which is testwright 0\.0\.9; this extension needs 0\.1 or newer/,
            ],
            "server.python that names nothing": [
                () => ({ "server.python": "/nowhere/python3" }),
                /names \/nowhere\/python3, and there is no such program/,
            ],
            "server.source that wants an interpreter's, and none is chosen": [
                () => ({ "server.source": "environment" }),
                /no interpreter is chosen/,
            ],
            "server.source that wants an interpreter's, which has none": [
                () => ({
                    "server.source": "environment",
                    python: program("python3", "echo 'No module named testwright' >&2; exit 1"),
                }),
                /\/programs\/python3 has none of version 0\.1 or newer/,
            ],
        };
        for (const [what, [values, message]] of Object.entries(refusals)) {
            it(`${what} is refused, with the way to the setting`, async () => {
                await ours.server.stop();
                for (const [name, value] of Object.entries(values())) {
                    await set(name, value);
                }
                messages.reset();
                await vscode.commands.executeCommand("testwright.restartServer");
                const { text, buttons } = await messages.message();
                assert.match(text, message);
                assert.ok(buttons.includes("Open Setting"));
                assert.deepEqual(servers(), []);
                assert.equal(messages.messages.length, 1);
            });
        }

        it("path is started as it is", async () => {
            const path = join(process.env["REPOSITORY"] ?? "", process.env["VENV"] ?? ".venv", "bin", "testwright");
            await set("path", path);
            await ours.server.restart();
            assert.ok(command().includes(`${path} lsp`), command());
            assert.match(ours.server.program ?? "", /of the setting testwright\.path/);
        });
    });
});
