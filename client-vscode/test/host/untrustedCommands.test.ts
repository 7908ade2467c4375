/** The commands in a workspace that the user does not trust. */
import assert from "node:assert/strict";

import * as vscode from "vscode";

import { Messages } from "../support/messages";
import { open, startExtension } from "../support/project";
import { boxes } from "../support/serverProcesses";
import { waitFor } from "../support/waiting";

describe("the commands in a workspace that is not trusted", () => {
    let messages: Messages;

    before(async () => {
        messages = new Messages();
        await open("src/invoicing/items.py");
        await startExtension();
    });
    after(() => {
        messages.dispose();
    });
    beforeEach(() => {
        messages.reset();
    });

    for (const command of [
        "generateForModule",
        "generateForSymbol",
        "improveTests",
        "judgeModule",
        "measureCoverage",
        "generateForFolder",
        "consentToModels",
        "prepareAgent",
    ]) {
        it(`do not run anything, and lead to the trust: ${command}`, async () => {
            await vscode.commands.executeCommand(`testwright.${command}`);
            const message = await messages.message();
            assert.equal(
                message.text,
                "This workspace is not trusted, so none of its code is run. Trust it to let Testwright work here.",
            );
            assert.deepEqual(message.buttons, ["Manage Workspace Trust"]);
            assert.deepEqual([messages.messages.length, messages.lists, messages.progress], [1, [], []]);
        });
    }

    it("tell of the machine and not of the project: doctor", async () => {
        await vscode.commands.executeCommand("testwright.doctor");
        const shown = await waitFor("document", () =>
            vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "testwright-document"),
        );
        const text = shown.getText();
        assert.match(text, /not trusted, so its project and its Python were not looked at/);
        assert.ok(!text.includes(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "?"), text);
        assert.deepEqual([boxes(), messages.messages], [[], []]);
    });

    it("tell that it is not: debug information", async () => {
        await vscode.commands.executeCommand("testwright.debugInformation");
        assert.match(vscode.window.activeTextEditor?.document.getText() ?? "", /- trusted: no/);
    });
});
