/** What is seen of runs: the toast while one goes on, and the one message after it; with the real server. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync } from "node:fs";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import type { RunFinished } from "../../src/protocol";
import { Messages, type Message } from "../support/messages";
import { allEnded, inProject, isThere, open, startExtension, tidy, write, writeModule } from "../support/project";
import { waitFor } from "../support/waiting";

describe("a run", function () {
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
        await vscode.commands.executeCommand("testwright.cancelRun", {});
        await allEnded(ours);
        await tidy("tests", "src/shop");
    });

    /** As a code lens or a code action begins one. */
    const begin = async (name: string, symbol?: string): Promise<void> => {
        const uri = inProject(`src/shop/${name}.py`).toString();
        await vscode.commands.executeCommand(
            "testwright.generateTests",
            symbol === undefined ? { uri } : { uri, symbol },
        );
    };
    const end = async (): Promise<RunFinished> => waitFor("end of the run", () => ended[0], { seconds: 150 });
    const tabs = (): readonly vscode.Tab[] => vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const isShowing = (step: number): boolean => (messages.progress[0]?.reports.length ?? 0) >= step;

    it("shows its steps in a toast with Cancel, from none to all, and takes it away", async () => {
        writeModule("src/shop/steps.py");
        await begin("steps", "discount");
        const toast = await waitFor("toast", () => messages.progress[0]);
        assert.deepEqual(
            [toast.title, toast.location, toast.isCancellable],
            ["Generating tests for discount", vscode.ProgressLocation.Notification, true],
        );
        await end();
        await waitFor("end of the toast", () => toast.isOver);
        const sum = toast.reports.reduce((all, { increment }) => all + (increment ?? Number.NaN), 0);
        assert.ok(sum >= 85 && sum <= 100, `the increments add up to ${sum}`);
        const words = toast.reports.map(({ message }) => message ?? "");
        assert.ok(
            words.some((word) => /\d+ of \d+ tests kept/.test(word)),
            words.join("; "),
        );
        assert.deepEqual([messages.progress.length, messages.messages.length], [1, 1]);
    });

    it("is cancelled by its toast at once: nothing is written, nothing is told", async () => {
        writeModule("src/shop/cancelled.py");
        await begin("cancelled");
        const toast = await waitFor("step", () => (isShowing(3) ? messages.progress[0] : undefined));
        const begun = performance.now();
        toast.cancel();
        assert.equal((await end()).status, "cancelled");
        assert.ok(performance.now() - begun < 3000);
        await waitFor("end of the toast", () => toast.isOver);
        assert.deepEqual(messages.messages, []);
        assert.equal(isThere("tests"), false);
    });

    it("offers to run the tests, in a terminal where nobody puts them into the test explorer", async () => {
        writeModule("src/shop/told.py");
        const ran = new Promise<vscode.TaskProcessEndEvent>((resolve) => {
            vscode.tasks.onDidEndTaskProcess(resolve);
        });
        messages.press = ({ buttons }) => buttons.find((button) => button === "Run");
        await begin("told", "discount");
        assert.equal((await end()).status, "written");
        const { execution, exitCode } = await ran;
        assert.equal(execution.task.name, "Run test_told.py");
        assert.equal(exitCode, 0);
        const { process, args, options } = execution.task.execution as vscode.ProcessExecution;
        assert.match(process, /python/);
        assert.deepEqual(args, ["-m", "pytest", inProject("tests/test_told.py").fsPath]);
        assert.equal(options?.cwd, inProject("").fsPath.replace(/\/$/, ""));
        assert.ok(vscode.window.activeTextEditor?.document.uri.path.endsWith("/tests/test_told.py"));
    });

    it("offers to open the test file, when the user is elsewhere by then", async () => {
        writeModule("src/shop/opened.py");
        await begin("opened", "discount");
        await end();
        await waitFor("test file", () =>
            vscode.window.activeTextEditor?.document.uri.path.endsWith("/tests/test_opened.py"),
        );
        await vscode.commands.executeCommand("workbench.action.closeAllEditors");
        messages.reset();
        messages.press = ({ buttons }) => buttons.find((button) => button === "Open");
        await begin("opened", "Basket");
        const second = await waitFor("end of the second run", () => ended[1], { seconds: 150 });
        assert.equal(second.status, "written", second.message);
        await waitFor("test file again", () =>
            vscode.window.activeTextEditor?.document.uri.path.endsWith("/tests/test_opened.py"),
        );
    });

    it("offers its report", async () => {
        writeModule("src/shop/reported.py");
        messages.press = ({ buttons }) => buttons.find((button) => button === "Report");
        await begin("reported", "discount");
        await end();
        await waitFor("report", () => tabs().find(({ input }) => input instanceof vscode.TabInputWebview));
    });

    it("that fails tells why, with the next step", async () => {
        write(
            "src/shop/broken.py",
            'raise RuntimeError("no")\n\n\ndef discount(total: int) -> int:\n    return total\n',
        );
        await begin("broken");
        const message = await messages.message(150);
        assert.equal(message.severity, "error");
        assert.match(
            message.text,
            /^shop\.broken cannot be imported: RuntimeError: no .* setting testwright\.passEnv\.$/,
        );
        assert.deepEqual(message.buttons, ["Open Settings", "Report"]);
        assert.deepEqual([(await end()).status, messages.messages.length], ["failed", 1]);
    });

    describe("whose test file was changed meanwhile", () => {
        const TESTS = "def test_nothing() -> None:\n    assert True\n";
        const OTHERS = "# written by somebody else\n";

        /** Begin a run, and write to its test file before it does. */
        const conflict = async (name: string): Promise<void> => {
            writeModule(`src/shop/${name}.py`);
            const tests = write(`tests/test_${name}.py`, `import shop.${name}\n\n\n${TESTS}`);
            await begin(name, "discount");
            await waitFor("search", () =>
                messages.progress[0]?.reports.some(({ message }) => /search|candidate|tests kept/.test(message ?? "")),
            );
            appendFileSync(tests.fsPath, OTHERS);
        };
        const proposal = (): string => vscode.Uri.parse(ended[0]?.proposalUri ?? "").fsPath;

        it("leaves that as it is, shows what it would be, and throws it away when told to", async () => {
            const seen: Message[] = [];
            const isCompared = async (): Promise<unknown> =>
                waitFor("comparison", () => tabs().find(({ input }) => input instanceof vscode.TabInputTextDiff));
            messages.press = async (message) => {
                seen.push(message);
                if (seen.length === 1) {
                    return "Show Proposal";
                }
                await isCompared();
                return "Discard";
            };
            await conflict("changed");
            const finished = await end();
            assert.equal(finished.status, "failed");
            await isCompared();
            await waitFor("deletion", () => !existsSync(proposal()));
            assert.deepEqual(
                seen.map(({ buttons }) => buttons),
                [
                    ["Show Proposal", "Generate Again", "Discard"],
                    ["Generate Again", "Discard"],
                ],
            );
            const text = readFileSync(inProject("tests/test_changed.py").fsPath, "utf8");
            assert.ok(text.endsWith(OTHERS));
            assert.ok(!text.includes("discount"));
        });

        it("generates again for what it is now, when told to", async () => {
            messages.press = ({ buttons }) => buttons.find((button) => button === "Generate Again");
            await conflict("again");
            await waitFor("end of the second run", () => ended[1], { seconds: 150 });
            assert.deepEqual(
                ended.map(({ status, subject }) => [status, subject]),
                [
                    ["failed", "discount"],
                    ["written", "discount"],
                ],
            );
            const text = readFileSync(inProject("tests/test_again.py").fsPath, "utf8");
            assert.ok(text.includes(OTHERS.trim()));
            assert.ok(text.includes("discount"));
        });
    });
});
