/** The commands, as the palette and the menus call them: with the real editor and the real server. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import type { RunFinished } from "../../src/protocol";
import { Messages } from "../support/messages";
import { allEnded, inProject, isThere, open, startExtension, tidy, write, writeModule } from "../support/project";
import { waitFor } from "../support/waiting";

/** A function of the modules that the tests are about, and a text in it. */
const SYMBOL = { name: "discount", inside: "return total // 10" };

const run = async (command: string, ...given: unknown[]): Promise<unknown> =>
    vscode.commands.executeCommand(`testwright.${command}`, ...given);

describe("the commands", function () {
    this.timeout(200_000); // a machine that is busy takes its time
    let ours: ForTests;
    let messages: Messages;
    const ended: RunFinished[] = [];

    before(async () => {
        await open("src/invoicing/items.py");
        ours = await startExtension();
        ours.server.onRunFinished((finished) => ended.push(finished));
        messages = new Messages();
    });
    after(() => {
        messages.dispose();
    });
    beforeEach(() => {
        messages.reset();
        ended.length = 0;
    });
    afterEach(async () => {
        await allEnded(ours);
        await tidy("tests", "src/shop");
    });

    const end = async (): Promise<RunFinished> => waitFor("end of the run", () => ended[0], { seconds: 150 });
    /** What a run is of, by its toast; it is cancelled then. */
    const begun = async (): Promise<string> => {
        const toast = await waitFor("toast", () => messages.progress[0]);
        toast.cancel();
        assert.equal((await end()).status, "cancelled");
        return toast.title;
    };

    it("are all there that the package announces", async () => {
        const extension = vscode.extensions.getExtension("testwright.testwright");
        const manifest = extension?.packageJSON as { contributes: { commands: readonly { command: string }[] } };
        const announced = manifest.contributes.commands.map(({ command }) => command);
        assert.ok(announced.length >= 14);
        const there = await vscode.commands.getCommands(true);
        assert.deepEqual(
            announced.filter((command) => !there.includes(command)),
            [],
        );
    });

    // First, since the editor keeps deleted test files that were open, and what it has open counts.
    describe("Measure Coverage", () => {
        it("is seen in the status bar, without a toast and without a message", async () => {
            writeModule("src/shop/ninth.py");
            write(
                "tests/test_ninth.py",
                "from shop.ninth import discount\n\n\ndef test_it():\n    assert discount(5, False) == 0\n",
            );
            await open("src/shop/ninth.py");
            await run("measureCoverage");
            const finished = await end();
            assert.deepEqual([finished.kind, finished.status], ["measure", "measured"]);
            await waitFor("end of the progress", () => messages.progress.every(({ isOver }) => isOver));
            assert.deepEqual(
                messages.progress.map(({ location }) => location),
                [vscode.ProgressLocation.Window],
            );
            assert.deepEqual(messages.messages, []);
        });
    });

    describe("Generate Tests for Module", () => {
        it("writes tests for the active module, shows them, and tells it once", async () => {
            writeModule("src/shop/first.py");
            await open("src/shop/first.py");
            await run("generateForModule");
            const message = await messages.message(150);
            assert.equal((await end()).status, "written");
            assert.match(message.text, /^\d+ tests for first are in tests\/test_first\.py: (\d+ → )?\d+ % covered\./);
            assert.deepEqual(message.buttons, ["Open", "Run", "Report"]);
            assert.equal(messages.messages.length, 1);
            assert.equal(isThere("tests/test_first.py"), true);
            await waitFor("test file in an editor", () =>
                vscode.window.activeTextEditor?.document.uri.path.endsWith("/tests/test_first.py"),
            );
            assert.equal(vscode.window.activeTextEditor?.document.isDirty, false);
        });

        it("takes the file that a menu was opened on, not the active one", async () => {
            await open("src/invoicing/items.py");
            const file = inProject("src/invoicing/rates.py");
            await run("generateForModule", file, [file]);
            assert.equal(await begun(), "Generating tests for rates");
        });

        it("takes all that are selected, with one toast and one message", async () => {
            const files = ["second", "third"].map((name) => writeModule(`src/shop/${name}.py`));
            await run("generateForModule", files[0], [...files, inProject("README.md")]);
            const [message] = messages.messages;
            assert.match(message?.text ?? "", /^\d+ tests for 2 modules are written\.$/);
            assert.deepEqual(message?.buttons, ["Report"]);
            assert.equal(messages.messages.length, 1);
            assert.equal(messages.progress.length, 1);
            assert.deepEqual(["tests/test_second.py", "tests/test_third.py"].map(isThere), [true, true]);
            assert.equal(vscode.window.activeTextEditor, undefined, "no editor was opened for them");
        });

        it("says what to do when no Python file is active", async () => {
            await run("generateForModule");
            const message = await messages.message();
            assert.equal(message.severity, "error");
            assert.equal(message.text, "No Python file is active. Open a module to generate tests for it.");
            assert.equal(ended.length, 0);
        });

        it("asks to save a document without a file", async () => {
            const document = await vscode.workspace.openTextDocument({ language: "python", content: "def f(): pass" });
            await vscode.window.showTextDocument(document);
            await run("generateForModule");
            const message = await messages.message();
            assert.match(message.text, /^Untitled-\d+ has no file yet\. Save it/);
            assert.deepEqual(message.buttons, ["Save As…"]);
        });

        it("refuses what lies outside of the workspace, and what is not Python", async () => {
            const outside = join(mkdtempSync(join(tmpdir(), "outside-")), "other.py");
            writeFileSync(outside, "def f() -> int:\n    return 1\n");
            await vscode.window.showTextDocument(vscode.Uri.file(outside));
            await run("generateForModule");
            const message = await messages.message();
            assert.match(message.text, /^other\.py is in no folder that is open here\./);
            assert.deepEqual(message.buttons, ["Open Folder…"]);
            messages.reset();
            await open("README.md");
            await run("generateForModule");
            assert.match((await messages.message()).text, /^README\.md is not a Python file\./);
        });

        it("tells what the server objects to", async () => {
            const empty = inProject("src/invoicing/nothing.py");
            writeFileSync(empty.fsPath, "");
            try {
                await run("generateForModule", empty);
                const message = await messages.message();
                assert.match(message.text, /nothing/);
                assert.equal(messages.messages.length, 1);
            } finally {
                await tidy("src/invoicing/nothing.py");
            }
        });
    });

    describe("Generate Tests for Symbol", () => {
        it("takes the innermost public class or function around the cursor", async () => {
            writeModule("src/shop/fourth.py");
            await open("src/shop/fourth.py", SYMBOL.inside);
            await run("generateForSymbol");
            assert.equal(await begun(), `Generating tests for ${SYMBOL.name}`);
            assert.equal(messages.lists.length, 0);
        });

        it("lets the user pick one, where the cursor is in none", async () => {
            writeModule("src/shop/fourth.py");
            await open("src/shop/fourth.py");
            messages.choose = ({ items }) => items.filter(({ label }) => label === SYMBOL.name);
            await run("generateForSymbol");
            assert.equal(await begun(), `Generating tests for ${SYMBOL.name}`);
            const [list] = messages.lists;
            assert.ok(list?.items.every(({ description }) => /^line \d+$/.test(description ?? "")));
            assert.deepEqual(
                list?.items.map(({ label }) => label),
                ["Basket", "Basket.is_large", "discount"],
            );
        });

        it("takes none that is not public", async () => {
            writeModule("src/shop/fourth.py");
            await open("src/shop/fourth.py", "shift = ");
            await run("generateForSymbol");
            assert.equal(messages.lists.length, 1);
        });

        it("does nothing when none is picked", async () => {
            writeModule("src/shop/fourth.py");
            await open("src/shop/fourth.py");
            await run("generateForSymbol");
            assert.equal(messages.lists.length, 1);
            assert.deepEqual([messages.messages, ended], [[], []]);
        });
    });

    describe("Improve Tests, Judge Tests", () => {
        const TESTS = "from shop.NAME import *\n\n\ndef test_nothing() -> None:\n    assert True\n";
        /** A module of that name, with a test that tests nothing. */
        const withTests = (name: string): void => {
            writeModule(`src/shop/${name}.py`);
            write(`tests/test_${name}.py`, TESTS.replace("NAME", name));
        };

        it("improve from the test file itself, in the editor that holds it, and it is saved", async () => {
            withTests("fifth");
            const editor = await open("tests/test_fifth.py");
            await run("improveTests");
            const finished = await end();
            assert.equal(finished.status, "written", finished.message);
            assert.equal(finished.uri, inProject("src/shop/fifth.py").toString());
            assert.ok(editor.document.getText().includes("test_nothing"));
            assert.ok(editor.document.getText().length > TESTS.length);
            await waitFor("saved file", () => !editor.document.isDirty);
            const saved = readFileSync(inProject("tests/test_fifth.py").fsPath, "utf8");
            assert.equal(saved, editor.document.getText());
            assert.ok(!(await messages.message()).text.includes("not saved"));
        });

        it("judge from the test file itself", async () => {
            withTests("sixth");
            await open("tests/test_sixth.py");
            await run("judgeModule");
            const message = await messages.message();
            const finished = await end();
            assert.deepEqual([finished.kind, finished.status], ["judge", "judged"]);
            assert.deepEqual(message.buttons, ["Report"]);
        });

        it("offer to generate tests where there are none", async () => {
            writeModule("src/shop/seventh.py");
            for (const command of ["improveTests", "judgeModule"]) {
                messages.reset();
                await open("src/shop/seventh.py");
                await run(command);
                const message = await messages.message();
                assert.match(message.text, /^shop\.seventh has no tests yet/);
                assert.deepEqual(message.buttons, ["Generate Tests"]);
            }
            assert.equal(ended.length, 0);
        });

        it("are offered for a test file in place of generating tests for it", async () => {
            withTests("eighth");
            await open("tests/test_eighth.py");
            await run("generateForModule");
            const message = await messages.message();
            assert.match(message.text, /^test_eighth\.py is a test file itself\./);
            assert.deepEqual(message.buttons, ["Improve Tests"]);
        });
    });

    describe("Generate Tests for Folder…", () => {
        const confirm = (): void => {
            messages.press = ({ buttons }) => buttons.find((button) => button === "Generate");
        };

        it("asks which modules and whether, and then tells once what became of all", async () => {
            for (const name of ["a", "b", "c", "d"]) {
                writeModule(`src/shop/folder/${name}.py`);
            }
            write("tests/test_d.py", "from shop.folder.d import discount\n\n\ndef test_it():\n    assert discount\n");
            messages.choose = ({ items }) => items.filter(({ label }) => /[ac]$/.test(label));
            confirm();
            await run("generateForFolder", inProject("src/shop/folder"));
            const [list] = messages.lists;
            assert.equal(list?.isForMany, true);
            assert.deepEqual(
                list.items.map(({ label, description, picked }) => [label, description, picked]),
                [
                    ["shop.folder.a", "no tests yet", true],
                    ["shop.folder.b", "no tests yet", true],
                    ["shop.folder.c", "no tests yet", true],
                    ["shop.folder.d", "has tests", true],
                ],
            );
            const [question, told] = messages.messages;
            assert.equal(question?.text, "Generate tests for 2 modules?");
            assert.match(question.detail, /^It takes 80 seconds at most, 40 seconds for each/);
            assert.match(told?.text ?? "", /^\d+ tests for 2 modules are written\.$/);
            assert.equal(messages.messages.length, 2);
            const written = ["a", "b", "c"].map((name) => ended.some(({ uri }) => uri.endsWith(`/${name}.py`)));
            assert.deepEqual(written, [true, false, true]);
            assert.ok(ended.every(({ testUri }) => existsSync(vscode.Uri.parse(testUri ?? "").fsPath)));
            const toasts = messages.progress.filter(({ title }) => title === "Generating tests");
            assert.equal(toasts.length, 1);
            const words = toasts[0]?.reports.map(({ message }) => message ?? "") ?? [];
            assert.ok(words.some((word) => word.startsWith("1 of 2: shop.folder.a")));
            assert.ok(words.some((word) => word.startsWith("2 of 2: shop.folder.c")));
        });

        it("cancels all that is left, and writes nothing more", async () => {
            messages.choose = ({ items }) => items;
            confirm();
            for (const name of ["e", "f", "g"]) {
                writeModule(`src/shop/large/${name}.py`);
            }
            const going = run("generateForFolder", inProject("src/shop/large"));
            const toast = await waitFor("toast", () =>
                messages.progress.find(({ title, reports }) => title === "Generating tests" && reports.length > 2),
            );
            toast.cancel();
            const begun = performance.now();
            await going;
            assert.ok(performance.now() - begun < 5000);
            assert.equal(isThere("tests"), false);
            assert.deepEqual(
                ended.map(({ status }) => status),
                ["cancelled"],
            );
            assert.equal(messages.messages.length, 1, "the question alone");
        });

        it("begins nothing when the user says no", async () => {
            messages.choose = ({ items }) => items;
            await run("generateForFolder");
            assert.equal(messages.messages.length, 1);
            messages.choose = () => [];
            await run("generateForFolder");
            assert.equal(messages.messages.length, 1);
            assert.equal(ended.length, 0);
        });

        it("says why there is nothing to do", async () => {
            mkdirSync(inProject("tests/only").fsPath, { recursive: true });
            await run("generateForFolder", inProject("tests/only"));
            assert.equal((await messages.message()).text, "There is no Python module in only.");
        });
    });

    describe("Cancel", () => {
        it("says that there is nothing", async () => {
            await run("cancel");
            assert.deepEqual((await messages.message()).text, "Nothing is going on that could be cancelled.");
        });

        it("cancels the one run there is, and nothing is told or written", async () => {
            await run("generateForModule", inProject("src/invoicing/items.py"));
            await waitFor("toast", () => messages.progress[0]);
            await run("cancel");
            assert.equal((await end()).status, "cancelled");
            assert.deepEqual([messages.lists, messages.messages], [[], []]);
            assert.equal(isThere("tests"), false);
            await waitFor("end of the toast", () => messages.progress.every(({ isOver }) => isOver));
        });

        it("lets the user choose of several", async () => {
            for (const name of ["items", "rates", "export"]) {
                await run("generateForModule", inProject(`src/invoicing/${name}.py`));
            }
            messages.choose = ({ items }) => items.filter(({ label }) => label.includes("rates.py"));
            await run("cancel");
            assert.deepEqual([(await end()).subject, ended[0]?.status], ["rates", "cancelled"]);
            const [list] = messages.lists;
            assert.deepEqual(
                list?.items.map(({ label }) => label),
                [
                    "All 3",
                    "Generating tests for src/invoicing/items.py",
                    "Generating tests for src/invoicing/rates.py",
                    "Generating tests for src/invoicing/export.py (waiting)",
                ],
            );
            messages.choose = ({ items }) => items.slice(0, 1);
            await run("cancel");
            await waitFor("end of all", () => ended.length === 3);
            assert.deepEqual(new Set(ended.map(({ status }) => status)), new Set(["cancelled"]));
            assert.equal(isThere("tests"), false);
        });
    });

    describe("Doctor, Debug Information, Show Logs, Restart Server", () => {
        it("shows what doctor finds, rendered", async () => {
            await open("src/invoicing/items.py");
            await run("doctor");
            const shown = await waitFor("document", () =>
                vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "testwright-document"),
            );
            const text = shown.getText();
            assert.match(text, /^# Testwright Doctor: invoicing\n\n\*\*Tests can be generated here\.\*\*/);
            assert.match(text, /\| interpreter \| ✓ ok \|/);
            await waitFor("preview", () =>
                vscode.window.tabGroups.all
                    .flatMap(({ tabs }) => tabs)
                    .some(({ input, label }) => input instanceof vscode.TabInputWebview && label.includes("Doctor")),
            );
            assert.deepEqual(messages.messages, []);
        });

        it("shows debug information without the home", async () => {
            await run("debugInformation");
            const document = vscode.window.activeTextEditor?.document;
            assert.equal(document?.uri.scheme, "testwright-document");
            const text = document.getText();
            assert.match(text, /- state: running/);
            assert.match(text, /- `testwright\.budget`: `40`/);
            assert.match(text, /- API keys that are kept: none/);
            assert.ok(!text.includes(process.env["HOME"] ?? "?"));
        });

        it("shows the log", async () => {
            await run("showLogs");
            assert.deepEqual(messages.messages, []);
        });

        it("restarts the server, and what was going on is over", async () => {
            const before = await ours.server.request<{ seconds: number }>("testwright/status", {});
            await run("generateForModule", inProject("src/invoicing/items.py"));
            await waitFor("toast", () => messages.progress[0]);
            await run("restartServer");
            assert.equal(ours.server.state, "running");
            await waitFor("end of the toast", () => messages.progress.every(({ isOver }) => isOver));
            const after = await ours.server.request<{ seconds: number }>("testwright/status", {});
            assert.ok(after.seconds < before.seconds);
            assert.equal(isThere("tests"), false);
        });
    });
});
