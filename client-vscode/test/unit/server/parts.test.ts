import assert from "node:assert/strict";

import fc from "fast-check";

import { CrashBudget, TOO_MANY, WITHIN_MS } from "../../../src/server/pure/crashes";
import { serverSettings, type Inspection } from "../../../src/server/pure/configuration";
import { debounced } from "../../../src/server/pure/debounce";
import { hiderOf, serverEnvironment } from "../../../src/server/pure/environment";
import { Progresses, type Token } from "../../../src/server/pure/progresses";
import { LastLines, readLine } from "../../../src/server/pure/stderr";
import type { WorkDoneProgress } from "../../../src/server/server";

describe("a server that ends by itself", () => {
    it("is started again four times in three minutes, and not a fifth time", () => {
        let now = 0;
        const budget = new CrashBudget(() => now);
        for (let crash = 1; crash < TOO_MANY; crash += 1) {
            now += 1000;
            assert.equal(budget.allows(), true, `crash ${crash}`);
        }
        assert.equal(budget.allows(), false);
    });

    it("is forgiven what was long ago", () => {
        let now = 0;
        const budget = new CrashBudget(() => now);
        for (let crash = 1; crash < TOO_MANY; crash += 1) {
            budget.allows();
        }
        now += WITHIN_MS;
        assert.equal(budget.allows(), true);
    });

    it("is forgiven all when the user starts it", () => {
        const budget = new CrashBudget(() => 0);
        for (let crash = 0; crash < TOO_MANY; crash += 1) {
            budget.allows();
        }
        budget.forget();
        assert.equal(budget.allows(), true);
    });
});

describe("the settings that the server gets", () => {
    const of = (all: Record<string, Inspection>) => serverSettings((name) => all[name]);

    it("are those that somebody has set, since defaults are no opinion", () => {
        assert.deepEqual(of({}), {});
        assert.deepEqual(of({ budget: {}, box: {} }), {});
        assert.deepEqual(of({ budget: { globalValue: 20 } }), { budget: 20 });
    });

    it("are those of the folder before those of the workspace and of the user", () => {
        const all = { globalValue: 1, workspaceValue: 2, workspaceFolderValue: 3 };
        assert.deepEqual(of({ seed: all }), { seed: 3 });
        assert.deepEqual(of({ seed: { globalValue: 1, workspaceValue: 2 } }), { seed: 2 });
        assert.deepEqual(of({ seed: { globalValue: 1, workspaceValue: 0 } }), { seed: 0 });
        assert.deepEqual(of({ confirmEdits: { globalValue: true, workspaceFolderValue: false } }), {
            confirmEdits: false,
        });
    });

    it("are the user's own where a repository must not choose", () => {
        const foreign = { workspaceValue: "none", workspaceFolderValue: "none" };
        assert.deepEqual(of({ box: foreign, passEnv: { workspaceValue: ["AWS_SECRET"] }, logLevel: foreign }), {});
        assert.deepEqual(of({ box: { ...foreign, globalValue: "bubblewrap" } }), { box: "bubblewrap" });
        assert.deepEqual(of({ agentBox: foreign, agentSdk: foreign, agentImageBase: foreign }), {});
        assert.deepEqual(of({ agentBox: { ...foreign, globalValue: "docker" } }), { agentBox: "docker" });
    });

    it("say by the user's word alone where code is sent and what is spent, and by a folder's which model is liked", () => {
        const foreign = (value: unknown) => ({ workspaceValue: value, workspaceFolderValue: value });
        const all = {
            modelBaseUrl: foreign("https://evil.example/v1"),
            modelRegistry: foreign("evil.yaml"),
            dataCollection: foreign("allow"),
            maxModelCost: foreign(100),
            maxModelRequests: foreign(10_000),
            maxModelTokens: foreign(1_000_000),
            modelDeadline: foreign(9000),
            preferredModel: foreign("qwen/qwen3-coder:free"),
            fallbackModels: foreign(["z-ai/glm-4.5-air:free"]),
        };
        const liked = { preferredModel: "qwen/qwen3-coder:free", fallbackModels: ["z-ai/glm-4.5-air:free"] };
        assert.deepEqual(of(all), liked);
        assert.deepEqual(of({ ...all, maxModelCost: { ...all.maxModelCost, globalValue: 2 } }), {
            ...liked,
            maxModelCost: 2,
        });
    });

    it("do not hold a text that was emptied", () => {
        assert.deepEqual(of({ preferredModel: { globalValue: "" }, modelBaseUrl: { globalValue: "" } }), {});
    });

    it("name no interpreter: that is told in a way of its own", () => {
        assert.deepEqual(of({ python: { globalValue: "/usr/bin/python3", workspaceValue: "./evil" } }), {});
    });

    it("have hints as an object", () => {
        assert.deepEqual(
            of({ "hints.codeLens": { globalValue: false }, "hints.diagnostics": { workspaceValue: true } }),
            {
                hints: { codeLens: false, diagnostics: true },
            },
        );
    });
});

describe("the server's environment", () => {
    it("is the editor's, without what changes Python, and with the keys", () => {
        const own = {
            PATH: "/bin",
            PYTHONPATH: "/somewhere",
            pythonhome: "/elsewhere",
            ELECTRON_RUN_AS_NODE: "1",
            MY_PYTHON: "stays",
            GONE: undefined,
            OPENROUTER_API_KEY: "old",
        };
        assert.deepEqual(serverEnvironment(own, { OPENROUTER_API_KEY: "new" }), {
            PATH: "/bin",
            MY_PYTHON: "stays",
            OPENROUTER_API_KEY: "new",
        });
    });

    it("has values that are never written down", () => {
        const hide = hiderOf({
            OPENROUTER_API_KEY: "sk-or-12345678",
            GITHUB_TOKEN: 'quo"ted-value',
            PATH: "/usr/local/bin",
        });
        assert.equal(hide("with sk-or-12345678, /usr/local/bin"), "with ***, /usr/local/bin");
        assert.equal(hide(JSON.stringify({ token: 'quo"ted-value' })), '{"token":"***"}');
    });

    it("hides a value that is within another, and none that is too short to be a key", () => {
        const hide = hiderOf({ A_KEY: "abcdefgh", B_KEY: "abcdefghijkl", C_KEY: "e", MONKEY: "not hidden" });
        assert.equal(hide("abcdefghijkl abcdefgh e not hidden"), "*** *** e not hidden");
    });

    it("leaves no value of a key in any text", () => {
        fc.assert(
            fc.property(fc.string({ minLength: 8 }), fc.string(), fc.string(), (key, before, after) => {
                fc.pre(key.trim().length >= 8 && !key.includes("*"));
                const hidden = hiderOf({ API_KEY: key })(before + key.trim() + after);
                assert.ok(!hidden.includes(key.trim()) || (before + "***" + after).includes(key.trim()));
            }),
        );
    });
});

describe("a line on standard error", () => {
    it("is a record, or what Python prints", () => {
        const record = { time: 1, level: "warning", logger: "testwright", message: "no box" };
        assert.deepEqual(readLine(JSON.stringify(record)), { level: "warning", text: "no box" });
        assert.deepEqual(readLine(JSON.stringify({ ...record, level: "critical", traceback: "Trace…" })), {
            level: "error",
            text: "no box\nTrace…",
        });
        for (const raw of ["ModuleNotFoundError: x", "{not json", "{}", '{"message": 3}', "[1]"]) {
            assert.deepEqual(readLine(`${raw}\r`), { level: undefined, text: raw });
        }
        assert.equal(readLine("  \r"), undefined);
    });

    it("tells why, when it is the last that is of weight", () => {
        const last = new LastLines(3);
        assert.equal(last.telling, undefined);
        last.add({ level: "info", text: "begins" });
        assert.equal(last.telling, "begins");
        last.add({ level: undefined, text: "  ImportError: no lsprotocol " });
        last.add({ level: "info", text: "ends" });
        assert.equal(last.telling, "ImportError: no lsprotocol");
        last.add({ level: "error", text: "It failed\nTraceback…\nValueError: 3" });
        assert.equal(last.telling, "ValueError: 3");
        for (let line = 0; line < 3; line += 1) {
            last.add({ level: "info", text: `line ${line}` });
        }
        assert.equal(last.telling, "line 2", "what is older is forgotten");
    });
});

describe("progresses", () => {
    let others: [Token, WorkDoneProgress][];
    let progresses: Progresses;
    beforeEach(() => {
        others = [];
        progresses = new Progresses((token, value) => others.push([token, value]));
    });
    const begin: WorkDoneProgress = { kind: "begin", title: "Generating" };
    const end: WorkDoneProgress = { kind: "end" };

    it("go to who follows them, and else to all", () => {
        const mine: WorkDoneProgress[] = [];
        progresses.follow("mine", (value) => mine.push(value));
        progresses.take("mine", begin);
        progresses.take(7, begin);
        assert.deepEqual(mine, [begin]);
        assert.deepEqual(others, [[7, begin]]);
    });

    it("end when the server is gone, each once", () => {
        const mine: WorkDoneProgress[] = [];
        progresses.follow("mine", (value) => mine.push(value));
        progresses.take("mine", begin);
        progresses.take("over", begin);
        progresses.take("over", end);
        progresses.take("theirs", begin);
        progresses.end();
        progresses.end();
        assert.deepEqual(mine, [begin, end]);
        assert.deepEqual(others.slice(2), [
            ["theirs", begin],
            ["theirs", end],
        ]);
    });

    it("are not told to who has let go", () => {
        const mine: WorkDoneProgress[] = [];
        progresses.follow("mine", (value) => mine.push(value)).dispose();
        assert.equal(progresses.isFollowed("mine"), false);
        progresses.end();
        assert.deepEqual(mine, []);
    });
});

describe("changes in a row", () => {
    it("are one, with all that was given", async () => {
        const seen: (readonly number[])[] = [];
        const changes = debounced<number>(15, (given) => seen.push(given));
        changes.call(1);
        changes.call(2);
        await new Promise((resolve) => setTimeout(resolve, 60));
        changes.call(3);
        await new Promise((resolve) => setTimeout(resolve, 60));
        changes.call(4);
        changes.dispose();
        await new Promise((resolve) => setTimeout(resolve, 60));
        assert.deepEqual(seen, [[1, 2], [3]]);
    });
});
