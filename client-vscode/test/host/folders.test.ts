/** Several folders, each with an interpreter of its own, and one server for all of them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { ServerCommand, ToServer, type RunFinished, type RunStarted, type ServerStatus } from "../../src/protocol";
import { Messages } from "../support/messages";
import { startExtension } from "../support/project";
import { servers, testsFolder } from "../support/serverProcesses";
import { waitFor } from "../support/waiting";

interface PythonStub {
    choose(folder: vscode.WorkspaceFolder | undefined, path: string | undefined): void;
}

describe("a workspace of several folders", () => {
    let ours: ForTests;
    let messages: Messages;
    let python: PythonStub;

    before(async () => {
        messages = new Messages();
        const stub = vscode.extensions.getExtension<{ readonly forTests: PythonStub }>("ms-python.python");
        assert.ok(stub);
        python = (await stub.activate()).forTests;
        ours = await startExtension();
    });

    after(() => {
        messages.dispose();
    });

    const folders = async () =>
        (await ours.server.request<ServerStatus>(ToServer.status, {})).folders
            .map((uri) => vscode.Uri.parse(uri).fsPath)
            .sort();

    function folder(index: number): vscode.WorkspaceFolder {
        const found = vscode.workspace.workspaceFolders?.[index];
        assert.ok(found);
        return found;
    }

    /** A Python of its own, which the report of a run names. */
    function bareEnvironment(name: string): string {
        const place = join(testsFolder(), name);
        if (!existsSync(place)) {
            const base = join(process.env["REPOSITORY"] ?? "", ".venv", "bin", "python");
            const made = spawnSync(base, ["-m", "venv", "--without-pip", place], { encoding: "utf8" });
            assert.equal(made.status, 0, made.stderr);
        }
        return join(place, "bin", "python");
    }

    async function generate(uri: vscode.Uri): Promise<RunFinished> {
        const ended: RunFinished[] = [];
        const listening = ours.server.onRunFinished((run) => ended.push(run));
        const { run } = await ours.server.command<RunStarted>(ServerCommand.generate, { uri: uri.toString() });
        const found = await waitFor("end of the run", () => ended.find((one) => one.run === run), { seconds: 60 });
        listening.dispose();
        return found;
    }

    it("is served by one server that knows them all", async () => {
        assert.deepEqual(await folders(), [folder(0).uri.fsPath, folder(1).uri.fsPath].sort());
        assert.equal(servers().length, 1);
    });

    it("has for each the interpreter that is chosen for it, as soon as it is", async () => {
        const bare = bareEnvironment("bare");
        python.choose(folder(1), bare);
        const second = vscode.Uri.joinPath(folder(1).uri, "two.py");
        const run = await waitFor("run in the other environment", async () => {
            const ended = await generate(second);
            return ended.report?.interpreter === bare && ended;
        });
        assert.equal(run.report?.error, null, "it works there");
        const first = await generate(vscode.Uri.joinPath(folder(0).uri, "one.py"));
        assert.ok(first.report);
        assert.notEqual(first.report.interpreter, bare);
    });

    it("has them after a restart, too, and not any more when they are taken back", async () => {
        const bare = bareEnvironment("bare");
        const second = vscode.Uri.joinPath(folder(1).uri, "two.py");
        await ours.server.restart();
        assert.equal((await generate(second)).report?.interpreter, bare);
        python.choose(folder(1), undefined);
        await waitFor("run without it", async () => (await generate(second)).report?.interpreter !== bare);
    });

    it("has models and consent of one folder, which is asked for", async () => {
        const { showWorkspaceFolderPick } = vscode.window;
        const asked: unknown[] = [];
        const pick = async (options?: vscode.WorkspaceFolderPickOptions): Promise<vscode.WorkspaceFolder> => {
            asked.push(options?.placeHolder);
            return Promise.resolve(folder(1));
        };
        messages.reset();
        Object.assign(vscode.window, { showWorkspaceFolderPick: pick });
        try {
            await vscode.commands.executeCommand("testwright.showModels");
            const shown = await waitFor("models", () =>
                vscode.workspace.textDocuments.find(({ uri }) => uri.path === "/Testwright Models.md"),
            );
            assert.match(shown.getText(), /^# Models for two\n/);
            await vscode.commands.executeCommand("testwright.consentToModels");
        } finally {
            Object.assign(vscode.window, { showWorkspaceFolderPick });
        }
        assert.deepEqual(asked, [
            "Show the models of which folder?",
            "The code of which folder may be sent to models?",
        ]);
        const message = await messages.message();
        messages.reset();
        assert.match(message.text, /^There is no model that could be asked/, "as there is no key");
    });

    it("may grow and shrink while the server runs", async () => {
        const server = ours.server.process;
        const third = join(testsFolder(), "workspaces", "third");
        mkdirSync(third);
        writeFileSync(join(third, "three.py"), "def three():\n    return 3\n");
        const count = vscode.workspace.workspaceFolders?.length ?? 0;
        vscode.workspace.updateWorkspaceFolders(count, 0, { uri: vscode.Uri.file(third) });
        await waitFor("third folder", async () => (await folders()).includes(third));
        vscode.workspace.updateWorkspaceFolders(count, 1);
        await waitFor("end of it", async () => !(await folders()).includes(third));
        assert.equal(ours.server.process, server);
        assert.deepEqual(
            messages.messages.filter(({ severity }) => severity === "error").map(({ text }) => text),
            [],
        );
    });
});
