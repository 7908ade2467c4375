/** The server's life, as the real editor and the real server have it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { ServerCommand, ToServer, type RunFinished, type RunStarted, type ServerStatus } from "../../src/protocol";

async function extension(): Promise<ForTests> {
    const [module] = await vscode.workspace.findFiles("**/items.py");
    assert.ok(module);
    await vscode.window.showTextDocument(module);
    const found = vscode.extensions.getExtension<ForTests>("testwright.testwright");
    assert.ok(found);
    return found.activate();
}

describe("the server", () => {
    let ours: ForTests;
    before(async () => {
        ours = await extension();
        await ours.server.start();
    });

    it("answers", async () => {
        const status = await ours.server.request<ServerStatus>(ToServer.status, {});
        assert.equal(status.trusted, true);
        assert.equal(status.folders.length, 1);
    });

    it("generates tests from a command of its own", async () => {
        const uri = vscode.window.activeTextEditor?.document.uri;
        assert.ok(uri);
        const ended = new Promise<RunFinished>((resolve) => ours.server.onRunFinished(resolve));
        const started = await ours.server.command<RunStarted>(ServerCommand.generate, { uri: uri.toString() });
        assert.equal(started.status, "started");
        const run = await ended;
        assert.equal(run.run, started.run);
        assert.equal(run.status, "written", JSON.stringify(run));
        assert.ok(run.testUri !== null && existsSync(vscode.Uri.parse(run.testUri).fsPath));
    });
});
