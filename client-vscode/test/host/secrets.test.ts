/** Where an API key is, and where it is not: with the real secret storage, the real server and real boxes. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import type { RunFinished } from "../../src/protocol";
import { Messages } from "../support/messages";
import { open, startExtension, writeModule } from "../support/project";
import { waitFor } from "../support/waiting";

/** Put together, so that it is not in the test's own file. */
const CANARY = ["sk", "or", "v1", "canary", String(process.pid), "d41d8cd98f00"].join("-");

interface Process {
    readonly pid: string;
    readonly command: string;
    readonly environment: string;
}

function read(path: string): string {
    try {
        return readFileSync(path, "latin1");
    } catch {
        return "";
    }
}

/** All that belong to this window: those that have its folder in their environment, and boxes, which have another. */
function processes(): readonly Process[] {
    return readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => ({
            pid,
            command: read(`/proc/${pid}/cmdline`).replaceAll("\0", " "),
            environment: read(`/proc/${pid}/environ`),
        }));
}

function holders(): readonly Process[] {
    return processes().filter(({ environment }) => environment.includes(CANARY));
}

function isServer({ command }: Process): boolean {
    return command.includes("testwright") && / lsp( |$)/.test(command);
}

/** Files below a folder that hold a text. */
function filesWith(text: string, folder: string): readonly string[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => read(path).includes(text));
}

describe("an API key", function () {
    this.timeout(200_000);
    const folder = process.env["TESTS_FOLDER"] ?? "";
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

    it("is asked for in a box that hides it, and is checked there", async () => {
        await vscode.commands.executeCommand("testwright.setApiKey");
        const [box] = messages.boxes;
        assert.equal(box?.password, true);
        assert.equal(box.value, undefined);
        const check = async (text: string): Promise<unknown> => box.validateInput?.(text);
        assert.deepEqual(await check(CANARY), undefined);
        const refused = (await check("two words")) as vscode.InputBoxValidationMessage;
        assert.equal(refused.severity, vscode.InputBoxValidationSeverity.Error);
        const doubted = (await check("sk-other-0123456789")) as vscode.InputBoxValidationMessage;
        assert.equal(doubted.severity, vscode.InputBoxValidationSeverity.Warning);
        const [list] = messages.lists;
        assert.deepEqual(
            list?.items.map(({ label }) => label),
            ["OpenRouter", "Model Server"],
        );
        assert.deepEqual([messages.messages, holders()], [[], []]);
    });

    it("is handed to the server alone, and is in no file, no log, no command line and no box", async () => {
        messages.type = () => `  ${CANARY}\n`;
        await vscode.commands.executeCommand("testwright.setApiKey");
        const told = await messages.message();
        assert.match(told.text, /^The OpenRouter API key is kept in VS Code's secret storage/);
        await waitFor("server with the key", () => holders().find(isServer));
        await ours.server.start();

        const ended = new Promise<RunFinished>((resolve) => ours.server.onRunFinished(resolve));
        const uri = writeModule("src/shop/canary.py");
        await vscode.commands.executeCommand("testwright.generateForModule", uri);
        const seen = new Map<string, string>();
        let boxes = 0;
        const watching = setInterval(() => {
            for (const one of processes()) {
                boxes += /\b(?:bwrap|landlock)\b/.test(one.command) ? 1 : 0;
                if (one.environment.includes(CANARY) || one.command.includes(CANARY)) {
                    seen.set(one.pid, one.command);
                }
            }
        }, 50);
        const finished = await ended;
        clearInterval(watching);
        assert.equal(finished.status, "written", finished.message);
        assert.ok(boxes > 0, "boxes were seen");
        const others = [...seen.values()].filter((command) => !isServer({ pid: "", command, environment: "" }));
        assert.deepEqual(others, [], "nobody but the server has it");
        assert.ok(processes().every(({ command }) => !command.includes(CANARY)));

        await vscode.commands.executeCommand("testwright.debugInformation");
        assert.match(vscode.window.activeTextEditor?.document.getText() ?? "", /kept: OPENROUTER_API_KEY/);
        for (const document of vscode.workspace.textDocuments) {
            assert.ok(!document.getText().includes(CANARY), document.uri.toString());
        }
        assert.ok(filesWith("invoicing", folder).length > 10, "files are looked into");
        assert.deepEqual(filesWith(CANARY, folder), []);
        assert.ok(messages.messages.every(({ text }) => !text.includes(CANARY)));
    });

    it("is there again after a restart of the server", async () => {
        await vscode.commands.executeCommand("testwright.restartServer");
        await waitFor("server with the key", () => holders().find(isServer));
    });

    it("is changed in the middle of a run without ending it, and holds afterwards", async () => {
        await ours.server.start();
        const before = ours.server.process;
        const uri = writeModule("src/shop/canary_run.py");
        let isOver = false;
        const ended = new Promise<RunFinished>((resolve) => ours.server.onRunFinished(resolve));
        void ended.then(() => {
            isOver = true;
        });
        const states: string[] = [];
        const watching = ours.server.onDidChangeState((state) => {
            states.push(`${state} ${isOver ? "after" : "in"} the run`);
        });
        const running = new Promise<void>((resolve) => {
            ours.server.onRunChanged(({ state }) => {
                if (state === "running") {
                    resolve();
                }
            });
        });
        await vscode.commands.executeCommand("testwright.generateForModule", uri, [uri]);
        await running;
        const other = `${CANARY}-other`;
        messages.type = () => other;
        await vscode.commands.executeCommand("testwright.setApiKey");
        const finished = await ended;
        assert.equal(finished.status, "written", finished.message);
        await waitFor("server with the other key", () =>
            holders().find((one) => isServer(one) && one.environment.includes(other)),
        );
        await ours.server.start();
        watching.dispose();
        assert.deepEqual(states, ["starting after the run", "running after the run"]);
        assert.notEqual(ours.server.process, before);
    });

    it("is forgotten when it is cleared, by the server too", async () => {
        await vscode.commands.executeCommand("testwright.clearApiKey");
        assert.match((await messages.message()).text, /^The OpenRouter API key is forgotten\./);
        await waitFor("server without the key", () => holders().length === 0);
        await ours.server.start();
        messages.reset();
        await vscode.commands.executeCommand("testwright.clearApiKey");
        assert.equal((await messages.message()).text, "No API key is kept here.");
    });
});
