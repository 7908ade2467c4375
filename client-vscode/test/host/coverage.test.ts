/** The status bar's item and the editor's coverage view, as the real editor and the real server have them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import * as vscode from "vscode";

import { registerCoverageView } from "../../src/coverage/view";
import type { ForTests } from "../../src/extension";
import { ServerCommand, ToServer, type CoverageOfAll, type CoverageStatus, type RunFinished } from "../../src/protocol";
import type { Server } from "../../src/server/server";
import { waitFor } from "../support/waiting";

const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file("/");
const rates = vscode.Uri.joinPath(folder, "src/invoicing/rates.py");
const testFile = vscode.Uri.joinPath(folder, "tests/test_rates.py");

/** They reach some lines, and go one way only from some of them. */
const FEW_TESTS = `
import asyncio
from invoicing.rates import RateBoard


def test_rate():
    assert asyncio.run(RateBoard().rate("EUR")) == 1
`;

describe("coverage", () => {
    let ours: ForTests;

    before(async () => {
        await vscode.window.showTextDocument(rates);
        const found = vscode.extensions.getExtension<ForTests>("testwright.testwright");
        assert.ok(found);
        ours = await found.activate();
    });

    const text = (): string | undefined => ours.statusBar.shown?.text;
    const shows = async (pattern: RegExp): Promise<string> =>
        waitFor(`status bar ${String(pattern)}, not ${String(text())}`, () => pattern.test(text() ?? "") && text());
    const status = async (uri: vscode.Uri): Promise<CoverageStatus> =>
        ours.server.request<CoverageStatus>(ToServer.coverage, { uri: uri.toString() });
    const run = async (command: string, uri: vscode.Uri): Promise<RunFinished> => {
        const ended = new Promise<RunFinished>((resolve) => {
            const listening = ours.server.onRunFinished((finished) => {
                listening.dispose();
                resolve(finished);
            });
        });
        await ours.server.command(command, { uri: uri.toString() });
        return ended;
    };
    /** What the view is filled with after it was filled with something else. */
    const filledAfter = async (
        before: vscode.TestRun | undefined,
    ): Promise<NonNullable<typeof ours.coverageView.shown>> =>
        waitFor("coverage view that is filled anew", () => {
            const { shown } = ours.coverageView;
            return shown?.run !== before && shown;
        });
    /** Details of a file, as the editor asks for them. */
    const details = async (shown: NonNullable<typeof ours.coverageView.shown>): Promise<vscode.StatementCoverage[]> => {
        const file = shown.files.find(({ uri }) => uri.fsPath === rates.fsPath);
        assert.ok(file);
        const { token } = new vscode.CancellationTokenSource();
        const loaded = await ours.coverageView.profile?.loadDetailedCoverage?.(shown.run, file, token);
        return loaded as vscode.StatementCoverage[];
    };
    /** The next word of the server that what it knows of all modules is another. */
    const dataChange = async (): Promise<void> =>
        new Promise((resolve) => {
            const listening = ours.server.onCoverageChanged(() => {
                listening.dispose();
                resolve();
            });
        });
    /** A time in which the view would have been filled, had there been a reason to. */
    const aWhile = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1500));

    it("of thousands of modules leaves the extension host free to work", async () => {
        const modules = Array.from({ length: 5000 }, (_, index) => ({
            uri: vscode.Uri.joinPath(folder, `package${index % 50}/module${index}.py`).toString(),
            lines: { covered: index % 90, total: 90 },
            branches: { covered: index % 30, total: 30 },
            stale: false,
        }));
        let requested = 0;
        const [ended, none] = [new vscode.EventEmitter<RunFinished>(), new vscode.EventEmitter<never>().event];
        const view = registerCoverageView(
            {
                state: "running",
                onRunFinished: ended.event,
                onRunChanged: none,
                onCoverageChanged: none,
                onDidChangeState: none,
                request: async () => {
                    requested += 1;
                    return Promise.resolve({ modules });
                },
            } as unknown as Server,
            ours.log,
        );
        // How often something else got its turn: by number, since how long a turn takes depends on what else the machine does.
        let turns = 0;
        let isOver = false;
        const other = (): void => {
            turns += 1;
            if (!isOver) {
                setImmediate(other);
            }
        };
        try {
            ended.fire({ run: "1", kind: "measure", status: "measured" } as RunFinished);
            await new Promise((resolve) => setTimeout(resolve, 0));
            const before = await waitFor("request", () => requested > 0 && requested, { pause: 0.001 });
            setImmediate(other);
            const begun = performance.now();
            const shown = await waitFor("5,000 files in the view", () => view.shown, { pause: 0.001 });
            isOver = true;
            assert.equal(before, 1);
            assert.equal(shown.files.length, 5000);
            console.log(
                `5,000 modules in the coverage view: ${(performance.now() - begun).toFixed(0)} ms, with ${turns} turns for others`,
            );
            assert.ok(turns >= 5, `Others had ${turns} turns`);
        } finally {
            isOver = true;
            view.dispose();
        }
    });

    it("of a module that nothing has measured is not known, with the reason and the way to tests", async () => {
        await ours.server.start();
        await shows(/^tests –$/);
        assert.match(ours.statusBar.shown?.tooltip ?? "", /rates\.py.* not measured yet/);
        assert.equal(ours.statusBar.shown?.command, "testwright.generateForModule");
        assert.equal(ours.coverageView.shown, undefined, "nothing is shown that nobody has asked for");
    });

    it("is shown after a run: in the status bar, and in the editor's view once", async () => {
        const ended = await run(ServerCommand.generate, rates);
        assert.equal(ended.status, "written", JSON.stringify(ended));
        const known = await status(rates);
        assert.equal(await shows(/^tests \d+ %$/), `tests ${Math.floor(known.percent ?? NaN)} %`);
        const shown = await filledAfter(undefined);
        await aWhile();
        assert.equal(ours.coverageView.shown, shown, "one run fills the view once");
        assert.equal(shown.run.isPersisted, false);
        assert.deepEqual(
            shown.files.map(({ uri }) => uri.fsPath),
            [rates.fsPath],
        );
        const [file] = shown.files;
        const { modules } = await ours.server.request<CoverageOfAll>(ToServer.coverageOfAll, {});
        const plain = (count?: vscode.TestCoverageCount): object => ({ covered: count?.covered, total: count?.total });
        assert.deepEqual(plain(file?.statementCoverage), modules[0]?.lines);
        assert.deepEqual(plain(file?.branchCoverage), modules[0]?.branches);
        assert.equal(file?.statementCoverage.covered, known.coveredLines.length);
    });

    it("has details of each line, asked for when the editor wants them", async () => {
        const shown = ours.coverageView.shown;
        assert.ok(shown);
        const [loaded, known] = [await details(shown), await status(rates)];
        const lines = (executed: boolean): number[] =>
            loaded.filter((one) => one.executed === executed).map(({ location }) => (location as vscode.Position).line);
        assert.deepEqual(lines(true), known.coveredLines);
        assert.deepEqual(lines(false), known.missingLines);
        assert.ok(known.coveredLines.length > 10);
        const branches = loaded.flatMap((statement) => statement.branches);
        assert.equal(branches.length, known.branches.length);
        assert.equal(
            branches.filter(({ executed }) => executed).length,
            known.branches.filter(({ taken }) => taken).length,
        );
        assert.ok(branches.length > 4);
    });

    it("is that of the module while its test file is active, and none while no Python file is", async () => {
        const shown = text();
        await vscode.window.showTextDocument(testFile);
        assert.equal(text(), shown);
        await vscode.window.showTextDocument(vscode.Uri.joinPath(folder, "README.md"));
        await waitFor("hidden item", () => ours.statusBar.shown === undefined);
        await vscode.window.showTextDocument(rates);
        await shows(/^tests \d+ %$/);
    });

    it("is hidden when the settings say so", async () => {
        const settings = vscode.workspace.getConfiguration("testwright");
        await settings.update("statusBar", false, vscode.ConfigurationTarget.Global);
        await waitFor("hidden item", () => ours.statusBar.shown === undefined);
        await settings.update("statusBar", undefined, vscode.ConfigurationTarget.Global);
        await shows(/^tests \d+ %$/);
    });

    it("is stale when the tests have changed, and follows when it is measured; fewer tests cover less", async () => {
        const before = ours.coverageView.shown;
        writeFileSync(testFile.fsPath, FEW_TESTS);
        await shows(/^\$\(history\) tests \d+ % \(stale\)$/);
        assert.equal(ours.statusBar.shown?.command, "testwright.measureCoverage");
        await aWhile();
        assert.equal(ours.coverageView.shown, before, "the view stays as it is until the user asks for something");

        assert.equal((await run(ServerCommand.refreshCoverage, rates)).status, "measured");
        await shows(/^tests \d+ %$/);
        const after = await filledAfter(before?.run);
        const covered = (shown = before): number => shown?.files[0]?.statementCoverage.covered ?? NaN;
        assert.ok(covered(after) < covered(before));
        const missed = (await details(after)).filter(({ executed }) => executed === false);
        assert.equal(missed.length, (await status(rates)).missingLines.length);
        assert.ok(missed.length > 0);
        // A statement that is reached and goes on only one way is what the editor marks as half covered.
        assert.ok(
            (await details(after)).some(
                ({ executed, branches }) =>
                    executed === true && branches.some((one) => one.executed) && branches.some((one) => !one.executed),
            ),
        );
    });

    it("follows the lines of an edit, and is marked as stale", async () => {
        const shown = ours.coverageView.shown;
        assert.ok(shown);
        const lines = async (): Promise<number[]> =>
            (await details(shown)).map(({ location }) => (location as vscode.Position).line);
        const before = await lines();
        const edit = new vscode.WorkspaceEdit();
        edit.insert(rates, new vscode.Position(0, 0), "# One line more.\n");
        await vscode.workspace.applyEdit(edit);
        await shows(/\(stale\)$/);
        assert.deepEqual(
            await lines(),
            before.map((line) => line + 1),
        );
        await vscode.commands.executeCommand("undo");
        await shows(/^tests \d+ %$/);
    });

    it("measures again where the user runs the last run again", async () => {
        for (const command of ["testing.reRunLastRun", "testing.coverageLastRun"]) {
            const before = ours.coverageView.shown;
            const ended = new Promise<RunFinished>((resolve) => ours.server.onRunFinished(resolve));
            await vscode.commands.executeCommand(command);
            assert.equal((await ended).kind, "measure");
            const after = await filledAfter(before?.run);
            await aWhile();
            assert.equal(ours.coverageView.shown, after, `${command} fills the view once`);
            assert.ok((await details(after)).length > 10);
        }
    });

    it("that another process has measured is shown when the editor asks for ours, and not before", async function () {
        this.timeout(150_000);
        const before = ours.coverageView.shown;
        assert.ok(before);
        const changed = dataChange();
        const extra = vscode.Uri.joinPath(folder, "src/invoicing/extra.py");
        writeFileSync(extra.fsPath, "def double(value: int) -> int:\n    return 2 * value\n");
        const program = join(process.env["REPOSITORY"] ?? "", ".venv/bin/testwright");
        const code = await new Promise((resolve) =>
            spawn(program, ["generate", "src/invoicing/extra.py", "--budget", "90"], {
                cwd: folder.fsPath,
                stdio: "ignore",
            }).on("close", resolve),
        );
        assert.ok(code === 0 || code === 1, `testwright generate ended with ${String(code)}`);
        await changed;
        await aWhile();
        assert.equal(ours.coverageView.shown, before, "the editor's view may be the user's own by now");
        await details(before);
        const after = await filledAfter(before.run);
        assert.deepEqual(after.files.map(({ uri }) => vscode.workspace.asRelativePath(uri)).sort(), [
            "src/invoicing/extra.py",
            "src/invoicing/rates.py",
        ]);

        const again = dataChange();
        writeFileSync(testFile.fsPath, `${FEW_TESTS}# Nothing new.\n`);
        await again;
        await details(after);
        await aWhile();
        assert.equal(ours.coverageView.shown, after, "what is the same is not shown anew");
    });

    it("of a file that is gone is not shown any more", async () => {
        const before = ours.coverageView.shown;
        await vscode.workspace.fs.delete(vscode.Uri.joinPath(folder, "src/invoicing/extra.py"));
        await run(ServerCommand.refreshCoverage, rates);
        const after = await filledAfter(before?.run);
        assert.deepEqual(
            after.files.map(({ uri }) => uri.fsPath),
            [rates.fsPath],
        );
    });

    it("is told again by another server, and while there is none the way to one", async () => {
        const before = ours.coverageView.shown;
        await ours.server.stop();
        await shows(/^\$\(circle-slash\) tests$/);
        assert.equal(ours.statusBar.shown?.command, "testwright.restartServer");
        const asked = ours.server.state;
        assert.equal(asked, "off", "the status bar does not start it by asking");
        await ours.server.restart();
        await shows(/^(\$\(history\) )?tests \d+ %/);
        await aWhile();
        assert.equal(ours.coverageView.shown, before, "a server that starts shows nothing by itself");
    });

    it("leads from the status bar to the report where there is one", async () => {
        const command = ours.statusBar.shown?.command;
        assert.ok(command);
        await vscode.commands.executeCommand("testwright.statusBarClicked");
        await waitFor("page of the report", () =>
            vscode.window.tabGroups.all.some(({ tabs }) =>
                tabs.some(({ input }) => input instanceof vscode.TabInputWebview),
            ),
        );
    });
});
