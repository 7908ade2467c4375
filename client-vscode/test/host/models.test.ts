/** Which models would be asked, and the user's consent: with the real server, which sends nothing for either. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { type ConsentAnswer, ServerCommand } from "../../src/protocol";
import { type Message, Messages } from "../support/messages";
import { open, startExtension, tidy, writeModule } from "../support/project";
import { testsFolder } from "../support/serverProcesses";
import { ROOT, VENV_BIN } from "../support/surroundings";
import { waitFor } from "../support/waiting";

/** Put together, so that it is not in the test's own file. */
const KEY = ["sk", "or", "v1", "models", String(process.pid)].join("-");

describe("models", function () {
    this.timeout(100_000);
    let ours: ForTests;
    let messages: Messages;

    before(async () => {
        await open("src/invoicing/items.py");
        ours = await startExtension();
        messages = new Messages();
    });
    after(() => {
        messages.dispose();
    });
    beforeEach(() => {
        messages.reset();
        messages.choose = ({ items }) => items.filter(({ label }) => label === "OpenRouter");
    });

    const shown = async (): Promise<string> => {
        await vscode.commands.executeCommand("testwright.showModels");
        const found = await waitFor("document", () =>
            vscode.workspace.textDocuments.find(({ uri }) => uri.path === "/Testwright Models.md"),
        );
        return found.getText();
    };
    const consent = async (): Promise<ConsentAnswer> =>
        ours.server.command<ConsentAnswer>(ServerCommand.consent, { action: "show" });
    /** Ask for consent, and press a button of the question. */
    const ask = async (button: string): Promise<readonly Message[]> => {
        messages.press = ({ buttons }) => buttons.find((label) => label === button);
        await vscode.commands.executeCommand("testwright.consentToModels");
        await waitFor("question", () => messages.messages[0]);
        return messages.messages;
    };

    it("are none without a key, which is said, and then there is nothing to agree to", async () => {
        assert.match(await shown(), /## Asked, in this order\n\nNone: .*OPENROUTER_API_KEY/s);
        const [message] = await ask("Agree");
        assert.match(message?.text ?? "", /^There is no model that could be asked, so there is nothing to agree to\./);
        assert.equal((await consent()).status, "not-needed");
    });

    it("are those of the registry once there is a key, which is shown nowhere", async () => {
        messages.type = () => KEY;
        const before = ours.server.process;
        await vscode.commands.executeCommand("testwright.setApiKey");
        await waitFor("server with the key", () => ours.server.state === "running" && ours.server.process !== before);
        const text = await waitFor("models", async () => {
            const found = await shown();
            return /\| 1 \| .*:free \| openrouter \| free \|/.test(found) && found;
        });
        assert.match(text, /Nobody has agreed that code of .* is sent to openrouter\.ai\. Nothing is sent/);
        assert.ok(!text.includes(KEY));
    });

    it("get nothing as long as the user does not agree", async () => {
        const [question] = await ask("Not now");
        assert.equal(question?.severity, "warning");
        assert.match(question.text, /^May Testwright send code of .* to models at openrouter\.ai\? /);
        assert.deepEqual(question.buttons, ["Agree", "Not now", "Details"]);
        assert.equal((await consent()).status, "missing");
    });

    it("are told of before the user agrees, in an editor, and the question comes again", async () => {
        let asked = 0;
        messages.press = ({ buttons }) => {
            asked += buttons.includes("Details") ? 1 : 0;
            return asked === 1 ? "Details" : "Not now";
        };
        await vscode.commands.executeCommand("testwright.consentToModels");
        await waitFor("second question", () => asked === 2);
        const details = vscode.workspace.textDocuments.find(({ uri }) => /\/consent-[^/]*\.md$/.test(uri.path));
        assert.match(details?.getText() ?? "", /What is sent to them:/);
    });

    it("may get code once the user has agreed, and not any more when that is taken back", async () => {
        await ask("Agree");
        const told = await waitFor("answer", () => messages.messages[1]);
        assert.match(told.text, /^Code of .* may be sent to openrouter\.ai now\. /);
        assert.equal((await consent()).status, "given");
        await waitFor("date", async () => /## Consent\n\nGiven on \d{4}-\d\d-\d\d: /.test(await shown()));
        messages.reset();
        const [question] = await ask("Withdraw");
        assert.deepEqual(question?.buttons, ["Withdraw", "Keep", "Details"]);
        await waitFor("answer", () => messages.messages[1]);
        assert.equal((await consent()).status, "missing");
    });

    it("are agreed to from the message of a run that needs it", async () => {
        const before = ours.server.process;
        const settings = vscode.workspace.getConfiguration("testwright");
        await settings.update("path", serverThatAsks(), vscode.ConfigurationTarget.Global);
        await waitFor("server", () => ours.server.state === "running" && ours.server.process !== before);
        const module = writeModule("src/shop/asked.py");
        messages.press = ({ buttons }) => buttons.find((label) => ["Consent to Models…", "Agree"].includes(label));
        await vscode.commands.executeCommand("testwright.generateForModule", module);
        await waitFor("end of it", () => messages.messages.some(({ text }) => text.includes(" may be sent to ")));
        const [failed, question] = messages.messages;
        assert.match(failed?.text ?? "", /^Nobody has agreed that code of .* is sent to openrouter\.ai\./);
        assert.deepEqual(failed?.buttons, ["Consent to Models…"]);
        assert.match(question?.text ?? "", /^May Testwright send code of /);
        assert.equal(messages.messages.length, 3);
        assert.equal((await consent()).status, "given");
        await tidy("src/shop");
    });
});

/** A program that is testwright, but that its engine asks a model. */
function serverThatAsks(): string {
    const path = join(testsFolder(), "asking");
    const server = join(ROOT, "tests", "support", "asking_server.py");
    const version = `if [ "$1" = --version ]; then exec ${join(VENV_BIN, "testwright")} --version; fi`;
    writeFileSync(path, `#!/bin/sh\n${version}\nexec ${join(VENV_BIN, "python")} ${server}\n`);
    chmodSync(path, 0o755);
    return path;
}
