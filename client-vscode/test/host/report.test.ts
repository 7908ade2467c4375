/** The page of a run, as the editor's API sees it; what is in it is seen by the journey and by the unit tests. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

import * as vscode from "vscode";

import type { ReportShown, Reviewed } from "../../src/protocol";
import { waitFor } from "../support/waiting";

/** How long to wait for what a run, or a save, gives. */
const A_WHILE = { seconds: 60 };

/** The tabs that show pages of reports. */
function pages(): vscode.Tab[] {
    return vscode.window.tabGroups.all
        .flatMap((group) => group.tabs)
        .filter(
            (tab) => tab.input instanceof vscode.TabInputWebview && tab.input.viewType.endsWith("testwright.report"),
        );
}

function page(label: string): vscode.Tab | undefined {
    return pages().find((tab) => tab.label === label);
}

function openedAt(uri: vscode.Uri): vscode.TextDocument {
    const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
    assert.ok(document);
    return document;
}

describe("the page of a run", function () {
    this.timeout(120_000);

    let module: vscode.Uri;
    let tests: vscode.Uri;

    before(async () => {
        const [found] = await vscode.workspace.findFiles("**/rates.py");
        assert.ok(found);
        module = found;
        await vscode.window.showTextDocument(module);
        await vscode.extensions.getExtension("testwright.testwright")?.activate();
    });

    async function last(uri: vscode.Uri): Promise<ReportShown> {
        const shown = await vscode.commands.executeCommand<ReportShown | undefined>("testwright.showReport", {
            uri: uri.toString(),
            show: false,
        });
        assert.ok(shown);
        return shown;
    }

    /** The last run, and the first of the tests that it has added. */
    async function firstAdded(): Promise<{ run: string; name: string }> {
        const { run, added } = await last(module);
        const name = added?.tests[0];
        assert.ok(name !== undefined);
        return { run, name };
    }

    it("is not shown of a module without a run", async () => {
        void vscode.commands.executeCommand("testwright.openReport", module);
        await new Promise((resolve) => setTimeout(resolve, 3000));
        assert.deepEqual(pages(), []);
    });

    it("is shown of the last run, beside the code", async () => {
        await vscode.commands.executeCommand("testwright.generateForModule", module);
        tests = await waitFor(
            "test file",
            () =>
                vscode.window.visibleTextEditors
                    .map((editor) => editor.document.uri)
                    .find((uri) => uri.path.endsWith("/test_rates.py")),
            A_WHILE,
        );
        await vscode.commands.executeCommand("testwright.openReport", module);
        const shown = await waitFor("page", () => page("Tests of rates"), A_WHILE);
        assert.equal(shown.group.viewColumn, vscode.ViewColumn.Two);
        assert.equal(pages().length, 1);
    });

    it("is one for each module, by whichever of its files and commands it is asked for", async () => {
        await vscode.commands.executeCommand("testwright.openReport", tests);
        await vscode.commands.executeCommand("testwright.openReport");
        // What the code action runs, which elsewhere shows a document of Markdown.
        await vscode.commands.executeCommand("testwright.showReport", { uri: module.toString() });
        await waitFor("page", () => page("Tests of rates"), A_WHILE);
        assert.equal(pages().length, 1);
        const shown = vscode.window.tabGroups.all.flatMap((group) => group.tabs).map((tab) => tab.label);
        assert.ok(!shown.some((label) => label.endsWith(".md")), shown.join(", "));
    });

    it("is made again after it was closed", async () => {
        await vscode.window.tabGroups.close(pages());
        await waitFor("end of it", () => pages().length === 0, A_WHILE);
        await vscode.commands.executeCommand("testwright.openReport", module);
        await waitFor("page", () => page("Tests of rates"), A_WHILE);
        assert.equal(pages().length, 1);
    });

    it("has tests taken out and put back on the disk, too, the one while the other is being saved", async () => {
        const { run, name } = await firstAdded();
        const whole = readFileSync(tests.fsPath, "utf8");
        const isSaved = (): boolean => !openedAt(tests).isDirty && readFileSync(tests.fsPath, "utf8") === whole;
        // Which turn the two would meet in is by chance, about one in ten.
        for (let turn = 0; turn < 60; turn++) {
            await vscode.commands.executeCommand("testwright.rejectTests", { run, tests: [name] });
            await vscode.commands.executeCommand("testwright.acceptTests", { run, tests: [name] });
            await waitFor("save", isSaved, { seconds: 20 });
        }
    });

    it("is told by the server which tests can be taken out, until that is started again", async () => {
        const { run, name } = await firstAdded();
        const whole = readFileSync(tests.fsPath, "utf8");
        const rejected = await vscode.commands.executeCommand<Reviewed>("testwright.rejectTests", {
            run,
            tests: [name],
        });
        assert.deepEqual(rejected.rejected, [name]);
        assert.deepEqual((await last(module)).added, { tests: rejected.tests, rejected: [name] });
        await vscode.commands.executeCommand("testwright.acceptTests", { run, tests: [name] });
        await waitFor("test", () => readFileSync(tests.fsPath, "utf8") === whole, A_WHILE);
        await vscode.commands.executeCommand("testwright.restartServer");
        assert.equal((await last(module)).added, null);
        assert.equal(pages().length, 1, "the page stays");
    });

    it("follows the next run of its module", async () => {
        writeFileSync(tests.fsPath, "from invoicing.rates import convert\n\n\ndef test_nothing():\n    convert\n");
        await vscode.commands.executeCommand("testwright.judgeTests", { uri: module.toString() });
        await waitFor("judgement", async () => (await last(module)).kind === "judge", A_WHILE);
        assert.equal(pages().length, 1);
        assert.equal(pages()[0]?.label, "Tests of rates");
    });
});
