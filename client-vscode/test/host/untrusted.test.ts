/** A workspace that the user does not trust: the server is there and says why nothing runs. */
import assert from "node:assert/strict";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { ServerCommand, ToServer, type ServerStatus } from "../../src/protocol";
import { Messages } from "../support/messages";
import { inProject, open, startExtension } from "../support/project";
import { boxes, servers } from "../support/serverProcesses";

const MODULE = "src/invoicing/items.py";

describe("a workspace that is not trusted", () => {
    let ours: ForTests;
    let messages: Messages;

    before(async () => {
        messages = new Messages();
        await open(MODULE);
        ours = await startExtension();
    });

    after(() => {
        messages.dispose();
    });

    it("has a server that knows it", async () => {
        assert.equal(vscode.workspace.isTrusted, false);
        assert.equal((await ours.server.request<ServerStatus>(ToServer.status, {})).trusted, false);
        assert.equal(servers().length, 1);
        assert.deepEqual(messages.messages, []);
    });

    it("has actions that are disabled and say why", async () => {
        // The editor shows them; to extensions it gives only those that can be taken.
        const start = { line: 0, character: 0 };
        const actions = await ours.server.request<{ title: string; disabled?: { reason: string } }[]>(
            "textDocument/codeAction",
            {
                textDocument: { uri: inProject(MODULE).toString() },
                range: { start, end: start },
                context: { diagnostics: [], only: ["source.generateTests"], triggerKind: 1 },
            },
        );
        assert.ok(actions.length > 0);
        assert.ok(
            actions.every((action) => action.disabled?.reason.includes("trust")),
            JSON.stringify(actions),
        );
    });

    it("runs nothing, whichever way it is asked for", async () => {
        const uri = inProject(MODULE).toString();
        for (const name of [ServerCommand.generate, ServerCommand.judge, ServerCommand.refreshCoverage]) {
            await assert.rejects(ours.server.command(name, { uri }), /trust/, name);
        }
        await vscode.commands.executeCommand(ServerCommand.generate, { uri });
        assert.match((await messages.message()).text, /trust/);
        assert.deepEqual(boxes(), []);
    });

    it("is not trusted by the next server, either", async () => {
        await ours.server.restart();
        assert.equal((await ours.server.request<ServerStatus>(ToServer.status, {})).trusted, false);
    });
});
