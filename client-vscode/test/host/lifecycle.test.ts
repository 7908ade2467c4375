/** The server's life, as the real editor and the real server have it. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { ServerCommand, ToServer, type RunFinished, type RunStarted, type ServerStatus } from "../../src/protocol";
import type { WorkDoneProgress } from "../../src/server/server";
import { Messages } from "../support/messages";
import { isAlive, speakingOf } from "../support/processes";
import { inProject, open, startExtension, tidy } from "../support/project";
import { boxes, crash, servers, testsFolder } from "../support/serverProcesses";
import { waitFor } from "../support/waiting";
import { KEY } from "./lifecycle.window";

/** Small, so that a run about it is short. */
const SOURCE = "def larger(one: int, other: int) -> int:\n    if one > other:\n        return one\n    return other\n";
/** Its run takes long enough to be ended in the middle. */
const OTHER = "src/invoicing/items.py";

const settings = () => vscode.workspace.getConfiguration("testwright");
const { Global, Workspace } = vscode.ConfigurationTarget;

describe("the language server", () => {
    let ours: ForTests;
    let messages: Messages;

    before(async () => {
        messages = new Messages();
        ours = await startExtension();
    });

    /** A module of each test's own: the editor holds documents for a while when their tabs are closed. */
    let count = 0;
    let module: string;
    let tests: string;
    beforeEach(() => {
        messages.reset();
        count += 1;
        module = `src/larger_${count}.py`;
        tests = `tests/test_larger_${count}.py`;
        writeFileSync(inProject(module).fsPath, SOURCE);
    });

    afterEach(async () => {
        await tidy("tests", module);
        assert.equal(ours.server.state, "running", "what follows needs it");
        assert.equal(servers().length, 1);
    });

    after(() => {
        messages.dispose();
    });

    const status = async () => ours.server.request<ServerStatus>(ToServer.status, {});

    async function generate(
        path: string,
        given: object = {},
        meanwhile: () => PromiseLike<unknown> = async () => Promise.resolve(),
    ): Promise<RunFinished> {
        const ended: RunFinished[] = [];
        const listening = ours.server.onRunFinished((run) => ended.push(run));
        try {
            const { run } = await ours.server.command<RunStarted>(ServerCommand.generate, {
                uri: inProject(path).toString(),
                ...given,
            });
            await meanwhile();
            return await waitFor("end of the run", () => ended.find((one) => one.run === run), { seconds: 60 });
        } finally {
            listening.dispose();
        }
    }

    /** A program that answers as testwright does when it is asked who it is, and as a test says when it is to serve. */
    function impostor(name: string, serving: string): { readonly path: string; starts(): number } {
        const folder = join(testsFolder(), "impostors");
        mkdirSync(folder, { recursive: true });
        const path = join(folder, name);
        const count = `${path}.starts`;
        writeFileSync(count, "");
        writeFileSync(
            path,
            `#!/bin/sh\nif [ "$1" = --version ]; then echo "testwright 0.1.0"; exit; fi\necho >> ${count}\n${serving}\n`,
        );
        chmodSync(path, 0o755);
        return { path, starts: () => readFileSync(count, "utf8").split("\n").length - 1 };
    }

    /** Let the setting name another program, and go back at the end. */
    async function withPath(path: string, then: () => Promise<void>): Promise<void> {
        const was = settings().inspect<string>("path")?.globalValue;
        await settings().update("path", path, Global);
        try {
            await then();
        } finally {
            messages.reset();
            const other = ours.server.process;
            await settings().update("path", was, Global);
            await waitFor("server as it was", () => ours.server.state === "running" && ours.server.process !== other);
        }
    }

    describe("activation", () => {
        it("takes less than 50 ms of our own time, loading included", () => {
            const main = join(folderOf(), "dist", "extension.js");
            const load = createRequire(main);
            const loaded = load.cache[main];
            const trials = [1, 2, 3].map(() => {
                Reflect.deleteProperty(load.cache, main);
                const begun = performance.now();
                load(main);
                return performance.now() - begun;
            });
            load.cache[main] = loaded;
            const loading = Math.min(...trials);
            // On a machine that is busy with other things, not all of the time is ours.
            const activating = Math.min(ours.activatedInMs, ours.activationCpuMs);
            console.log(`loaded in ${loading.toFixed(1)} ms, activated in ${activating.toFixed(1)} ms`);
            assert.ok(loading + activating < 50, `${loading} ms and ${activating} ms`);
        });

        it("does not load the language client", () => {
            const text = readFileSync(join(folderOf(), "dist", "extension.js"), "utf8");
            assert.doesNotMatch(text, /vscode-languageserver-protocol|vscode-jsonrpc/);
        });

        const folderOf = (): string => {
            const extension = vscode.extensions.getExtension("testwright.testwright");
            assert.ok(extension);
            return extension.extensionPath;
        };
    });

    describe("requests", () => {
        it("are answered, and say that the workspace is trusted", async () => {
            const told = await status();
            assert.equal(told.trusted, true);
            assert.deepEqual(
                told.folders.map((uri) => vscode.Uri.parse(uri).fsPath),
                [vscode.workspace.workspaceFolders?.[0]?.uri.fsPath],
            );
        });

        it("that are refused are sentences", async () => {
            await assert.rejects(ours.server.command(ServerCommand.generate, { uri: 3 }), (error: Error) => {
                assert.equal(error.name, "UserError");
                assert.match(error.message, /uri/);
                assert.doesNotMatch(error.message, /Traceback|-32/);
                return true;
            });
        });

        it("are cancelled by their token", async () => {
            const source = new vscode.CancellationTokenSource();
            const asked = ours.server.request("testwright/coverageOfAll", {}, source.token);
            source.cancel();
            await assert.rejects(asked, vscode.CancellationError);
        });

        it("wait for a server that is being started", async () => {
            const restarted = ours.server.restart();
            assert.equal(ours.server.state, "starting");
            assert.equal((await status()).trusted, true);
            await restarted;
        });
    });

    describe("runs", () => {
        it("write tests, and their progress is told to all", async () => {
            const seen: WorkDoneProgress[] = [];
            const listening = ours.server.onProgress(({ value }) => seen.push(value));
            const run = await generate(module);
            listening.dispose();
            assert.equal(run.status, "written", run.message);
            assert.ok(existsSync(inProject(tests).fsPath));
            assert.equal(seen[0]?.kind, "begin");
            assert.ok(seen.some(({ kind }) => kind === "report"));
            assert.equal(seen.filter(({ kind }) => kind === "end").length, 1);
        });

        it("tell their progress to who has given a token, alone", async () => {
            const mine: WorkDoneProgress[] = [];
            const all: unknown[] = [];
            const listening = ours.server.onProgress((one) => all.push(one));
            const following = ours.server.follow("of the test", (value) => mine.push(value));
            await generate(module, { workDoneToken: "of the test" });
            await waitFor("end of the progress", () => mine.at(-1)?.kind === "end");
            listening.dispose();
            following.dispose();
            assert.equal(mine[0]?.kind, "begin");
            assert.deepEqual(all, []);
        });

        it("end when their progress is cancelled, and leave nothing", async () => {
            const tokens: (string | number)[] = [];
            const listening = ours.server.onProgress(({ token, value }) => {
                if (value.kind === "report" && !tokens.includes(token)) {
                    tokens.push(token);
                    ours.server.cancelProgress(token);
                }
            });
            const run = await generate(OTHER);
            listening.dispose();
            assert.equal(run.status, "cancelled");
            assert.equal(tokens.length, 1);
            assert.equal(existsSync(inProject("tests").fsPath), false);
            await waitFor("end of the boxes", () => boxes().length === 0, { seconds: 5 });
        });

        it("end for who follows them when the server crashes", async () => {
            const mine: WorkDoneProgress[] = [];
            ours.server.follow("crashing", (value) => mine.push(value));
            const uri = inProject(OTHER).toString();
            await ours.server.command(ServerCommand.generate, { uri, workDoneToken: "crashing" });
            await waitFor("boxes", () => mine.length > 1 && boxes().length > 0);
            const server = ours.server.process;
            crash(server);
            await waitFor("end of the progress", () => mine.at(-1)?.kind === "end");
            await waitFor("another server", () => ours.server.process !== server && ours.server.state === "running");
            await waitFor("end of the boxes", () => boxes().length === 0, { seconds: 5 });
        });

        it("save what they have added to a file that is open and was saved", async () => {
            await makeTests("");
            const { document } = await open(tests);
            const version = document.version;
            const run = await generate(module);
            assert.equal(run.status, "written", run.message);
            assert.ok(document.version > version, "it was changed in the editor");
            await waitFor("saved document", () => !document.isDirty);
            assert.equal(readFileSync(document.fileName, "utf8"), document.getText());
            assert.match(document.getText(), /test_mine[^]*def test_/);
            assert.doesNotMatch(run.message, /not saved/);
        });

        it("do not save what the user has not saved", async () => {
            await makeTests("");
            const editor = await open(tests);
            await editor.edit((edit) => {
                edit.insert(new vscode.Position(0, 0), "# mine, unsaved\n");
            });
            const onDisk = readFileSync(editor.document.fileName, "utf8");
            const run = await generate(module);
            assert.equal(run.status, "written", run.message);
            assert.equal(editor.document.isDirty, true);
            assert.match(editor.document.getText(), /mine, unsaved[^]*test_mine[^]*def test_/);
            assert.equal(readFileSync(editor.document.fileName, "utf8"), onDisk);
            assert.match(run.message, /not saved/);
        });

        it("do not save where the user does not want refactorings to be saved", async () => {
            await vscode.workspace.getConfiguration("files.refactoring").update("autoSave", false, Global);
            try {
                await makeTests("");
                const { document } = await open(tests);
                const run = await generate(module);
                assert.equal(run.status, "written", run.message);
                assert.equal(document.isDirty, true);
            } finally {
                await vscode.workspace.getConfiguration("files.refactoring").update("autoSave", undefined, Global);
            }
        });

        it("show a new file in a tab that stays, beside the module's", async () => {
            await vscode.window.showTextDocument(inProject(module), { preview: true });
            await generate(module);
            await waitFor("new file", () => vscode.window.activeTextEditor?.document.fileName.endsWith(tests));
            const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
            assert.deepEqual(tabs.map((tab) => [tab.label, tab.isPreview]).sort(), [
                [basename(module), true],
                [basename(tests), false],
            ]);
        });

        it("leave the editor to who goes on writing", async () => {
            const editor = await open(module);
            const run = await generateWhileTypingIn(editor);
            assert.equal(run.status, "written", run.message);
            await waitFor("new file", () => vscode.window.visibleTextEditors.length === 2);
            assert.equal(vscode.window.activeTextEditor?.document.fileName, editor.document.fileName);
            await vscode.commands.executeCommand("workbench.action.files.revert");
        });

        it("have one tab, which stays behind the editor of who goes on writing", async () => {
            await makeTests("");
            await vscode.window.showTextDocument(inProject(tests), { preview: false });
            const editor = await open(module);
            const run = await generateWhileTypingIn(editor);
            assert.equal(run.status, "written", run.message);
            await new Promise((resolve) => setTimeout(resolve, 1000)); // a second tab would come about now
            const { all } = vscode.window.tabGroups;
            assert.deepEqual(
                all.map(({ tabs }) => tabs.map(({ label }) => label)),
                [[basename(tests), basename(module)]],
            );
            assert.equal(all[0]?.activeTab?.label, basename(module));
            await vscode.commands.executeCommand("workbench.action.files.revert");
        });

        async function generateWhileTypingIn(editor: vscode.TextEditor): Promise<RunFinished> {
            // Not before the server has begun: what was typed until then is what the tests are for.
            return generate(module, {}, () =>
                editor.edit((edit) => {
                    edit.insert(new vscode.Position(editor.document.lineCount, 0), "\n# still thinking\n");
                }),
            );
        }

        async function makeTests(more: string): Promise<void> {
            const path = inProject(tests).fsPath;
            mkdirSync(dirname(path), { recursive: true });
            writeFileSync(path, `def test_mine():\n    assert True\n${more}`);
            return Promise.resolve();
        }
    });

    describe("settings", () => {
        const lenses = async () =>
            (
                await vscode.commands.executeCommand<vscode.CodeLens[]>(
                    "vscode.executeCodeLensProvider",
                    inProject(module),
                )
            ).length;

        it("hold as soon as they are changed", async () => {
            await open(module);
            await waitFor("lenses", async () => (await lenses()) > 0);
            await settings().update("hints.codeLens", false, Workspace);
            await waitFor("end of the lenses", async () => (await lenses()) === 0);
            await settings().update("hints.codeLens", undefined, Workspace);
            await waitFor("lenses", async () => (await lenses()) > 0);
        });

        it("that nobody has made are the project's", async () => {
            const project = inProject("pyproject.toml").fsPath;
            const was = readFileSync(project, "utf8");
            writeFileSync(project, `${was}\n[tool.testwright]\ncoverage_threshold = 55\nseed = 3\n`);
            try {
                await settings().update("seed", 4, Workspace);
                const { report } = await generate(module);
                assert.ok(report !== null && "threshold" in report);
                assert.equal(report.threshold, 55, "the default is not stronger than the project");
                assert.equal(report.seed, 4, "the editor is stronger than the project");
            } finally {
                writeFileSync(project, was);
                await settings().update("seed", undefined, Workspace);
            }
        });

        it("of the machine are not taken from a workspace", async () => {
            const path = inProject(".vscode/settings.json").fsPath;
            mkdirSync(dirname(path), { recursive: true });
            const foreign = {
                "testwright.box": "none",
                "testwright.path": "/bin/false",
                "testwright.passEnv": ["HOME"],
            };
            writeFileSync(path, JSON.stringify(foreign));
            try {
                const server = ours.server.process;
                await waitFor("the editor's notice", () => existsSync(path));
                await new Promise((resolve) => setTimeout(resolve, 1500));
                const { report } = await generate(module);
                assert.notEqual(report?.box, "none");
                assert.equal(ours.server.process, server, "nothing was started from there");
                assert.deepEqual(
                    messages.messages.map(({ text }) => text).filter((text) => /box|passEnv/.test(text)),
                    [],
                );
            } finally {
                await tidy(".vscode");
            }
        });

        it("switch it off and on", async () => {
            const server = ours.server.process ?? 0;
            await settings().update("enable", false, Global);
            // One that has ended and is not reaped yet has no command line any more.
            await waitFor("end of the server", () => ours.server.state === "off" && !isAlive(server));
            assert.equal(servers().length, 0);
            await assert.rejects(status(), /switched off by the setting testwright\.enable/);
            await settings().update("enable", undefined, Global);
            await waitFor("the server", () => ours.server.state === "running");
            assert.equal((await status()).trusted, true);
            assert.deepEqual(messages.messages, []);
        });
    });

    describe("restarts", () => {
        it("are one, however many are asked for", async () => {
            const before = ours.server.process;
            const states: string[] = [];
            const listening = ours.server.onDidChangeState((state) => states.push(state));
            await Promise.all(Array.from({ length: 10 }, async () => ours.server.restart()));
            listening.dispose();
            assert.deepEqual(states, ["starting", "running"]);
            assert.notEqual(ours.server.process, before);
            assert.equal(servers().length, 1);
            await status();
        });

        it("leave the documents, the lenses and the commands as they were", async () => {
            await open(module);
            await ours.server.restart();
            const actions = await waitFor("code actions", async () => {
                const found = await vscode.commands.executeCommand<vscode.CodeAction[]>(
                    "vscode.executeCodeActionProvider",
                    inProject(module),
                    new vscode.Range(0, 0, 0, 0),
                    "source.generateTests",
                );
                return found.length > 0 && found;
            });
            assert.match(actions[0]?.title ?? "", /Generate tests for module larger_/);
            assert.ok((await vscode.commands.getCommands()).includes(ServerCommand.generate));
        });

        it("follow a change of what is started, once", async () => {
            const other = impostor("relay", `exec ${settings().get<string>("path") ?? ""} "$@"`);
            await withPath(other.path, async () => {
                await waitFor("the other server", () => other.starts() > 0 && ours.server.state === "running");
                await status();
                assert.equal(other.starts(), 1);
                assert.equal(servers().length, 1);
                assert.match(ours.server.program ?? "", /testwright\.path/);
            });
        });
    });

    describe("a crash", () => {
        it("is mended by itself, without a word", async () => {
            await open(module);
            const before = ours.server.process;
            crash(before);
            await waitFor("another server", () => ours.server.state === "running" && ours.server.process !== before);
            assert.equal((await status()).trusted, true);
            assert.deepEqual(messages.messages, []);
        });

        it("too often is told, once, with a way to go on", async () => {
            await open(module);
            await ours.server.restart(); // counts anew
            for (let time = 0; time < 5; time += 1) {
                const before = await waitFor("a server", () => ours.server.state === "running" && ours.server.process);
                crash(before);
                await waitFor("notice of its end", () => ours.server.process !== before);
            }
            assert.equal(ours.server.state, "failed");
            assert.equal(servers().length, 0);
            const told = await messages.message();
            assert.equal(messages.messages.length, 1);
            assert.equal(told.severity, "error");
            assert.match(told.text, /ended by itself 5 times within 3 minutes.*SIGKILL/);
            assert.deepEqual(told.buttons, ["Restart Server", "Show Logs"]);
            await assert.rejects(status(), /ended by itself 5 times/);
            await new Promise((resolve) => setTimeout(resolve, 1200)); // else it would be the same message
            messages.press = ({ text }) => (text.includes("5 times") ? "Restart Server" : undefined);
            await vscode.commands.executeCommand("testwright.measureCoverage");
            await waitFor("the server", () => ours.server.state === "running");
            await status();
        });
    });

    describe("a program that is no server", () => {
        it("is told with its last words, after it was tried three times", async () => {
            const broken = impostor("broken", "echo 'Traceback…' >&2; echo 'ImportError: no pygls' >&2; exit 3");
            await withPath(broken.path, async () => {
                const told = await messages.message();
                assert.match(told.text, /could not be started.*exit code 3: ImportError: no pygls/);
                assert.deepEqual(told.buttons, ["Open Settings", "Restart Server", "Show Logs"]);
                assert.equal(ours.server.state, "failed");
                assert.equal(broken.starts(), 3);
                assert.equal(messages.messages.length, 1);
                assert.equal(servers().length, 0);
                await assert.rejects(status(), /ImportError: no pygls/);
                assert.equal(broken.starts(), 3, "a request does not try again");
            });
        });

        it("is told when it speaks another language", async () => {
            const babbler = impostor("babbler", "while echo 'Hello: World'; do sleep 0.05; done");
            await withPath(babbler.path, async () => {
                const told = await messages.message();
                assert.match(told.text, /does not speak the language server protocol \(it says "Hello: World"\)/);
                assert.equal(messages.messages.length, 1);
                await waitFor("end of what it has started", () => speakingOf(babbler.path).length === 0, {
                    seconds: 5,
                });
            });
        });

        it("is told when there is none", async () => {
            await withPath("/nowhere/testwright", async () => {
                const told = await messages.message();
                assert.match(told.text, /\/nowhere\/testwright, and there is no such program/);
                assert.equal(messages.messages.length, 1);
                assert.equal(ours.server.state, "failed");
            });
        });

        it("is told when it goes silent", async () => {
            const mute = impostor("mute", "while sleep 0.1; do :; done");
            await withPath(mute.path, async () => {
                await waitFor("start", () => mute.starts() === 1);
                assert.equal(ours.server.state, "starting");
            }); // and another choice does not wait for it
            await waitFor("end of what it has started", () => speakingOf(mute.path).length === 0, { seconds: 5 });
        });
    });

    describe("logs", () => {
        it("hold what the server says, and no key", async () => {
            await settings().update("trace.server", "verbose", Global);
            await settings().update("logLevel", "debug", Global);
            await generate(module);
            await settings().update("trace.server", undefined, Global);
            await settings().update("logLevel", undefined, Global);
            const folder = join(testsFolder(), "user-data", "logs");
            const text = await waitFor("trace", () => {
                const all = readAll(folder);
                return all.includes("testwright.generateTests") && all.includes(module) && all;
            });
            assert.doesNotMatch(text, new RegExp(KEY));
            assert.match(text, /Starting testwright/);
        });

        function readAll(folder: string): string {
            return (readdirSync(folder, { recursive: true }) as string[])
                .map((name) => join(folder, name))
                .filter((path) => statSync(path).isFile())
                .map((path) => readFileSync(path, "utf8"))
                .join("\n");
        }
    });

    describe("its end", () => {
        it("takes two seconds at most in the middle of a run, and leaves nothing", async () => {
            const begun: string[] = [];
            const listening = ours.server.onProgress(({ value }) => begun.push(value.kind));
            await ours.server.command(ServerCommand.generate, { uri: inProject(OTHER).toString() });
            await waitFor("boxes", () => boxes().length > 0);
            const before = performance.now();
            await ours.server.stop();
            const took = performance.now() - before;
            listening.dispose();
            assert.ok(took < 2200, `${took} ms`);
            assert.equal(begun.at(-1), "end");
            assert.deepEqual(servers(), []);
            await waitFor("end of the boxes", () => boxes().length === 0, { seconds: 5 });
            assert.equal(existsSync(inProject("tests").fsPath), false);
            await ours.server.start();
        });
    });
});
