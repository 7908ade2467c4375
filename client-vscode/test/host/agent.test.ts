/** Setting the agent up: offered, shown, joined, cancelled, and failing; with the real server, and nothing is fetched. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { Messages, type Shown } from "../support/messages";
import { allEnded, inProject, open, startExtension, tidy, write } from "../support/project";
import { VENV_BIN } from "../support/surroundings";
import { waitFor } from "../support/waiting";

/** SHA-256 of `sesame`: a line that no search reaches is left. */
const GATE = `import hashlib


def knock(word: str) -> str:
    if hashlib.sha256(word.encode()).hexdigest() == "d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272":
        return "open"
    return "shut"
`;

describe("the agent", function () {
    this.timeout(200_000); // a machine that is busy takes its time
    let ours: ForTests;
    let messages: Messages;
    let holder: ChildProcess | undefined;

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
    });
    afterEach(async () => {
        await letGo();
        await allEnded(ours);
    });

    const setUp = async (): Promise<void> => {
        await vscode.commands.executeCommand("testwright.prepareAgent");
    };
    const toasts = (): readonly Shown[] => messages.progress.filter(({ title }) => title === "Setting up the agent");
    const action = (): string | undefined => ours.agent.shown?.action;
    const agents = (): string => join(process.env["TESTWRIGHT_CACHE_DIR"] ?? assert.fail("no cache folder"), "agents");

    /** Be another set-up on this machine, so that ours waits, for as long as a test wants. */
    const hold = async (): Promise<void> => {
        mkdirSync(agents(), { recursive: true, mode: 0o700 });
        const code =
            "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()";
        holder = spawn(join(VENV_BIN, "python"), ["-c", code, join(agents(), ".lock")], {
            stdio: ["pipe", "pipe", "inherit"],
        });
        assert.ok(holder.stdout);
        await once(holder.stdout, "data");
    };
    const letGo = async (): Promise<void> => {
        if (holder !== undefined) {
            const ended = once(holder, "exit");
            holder.kill("SIGKILL");
            await ended;
            holder = undefined;
        }
    };
    const waiting = async (): Promise<Shown> =>
        waitFor("set-up that waits", () =>
            toasts().find(({ reports }) => reports.some(({ message }) => message?.includes("waiting for another"))),
        );

    it("is said to be missing, with a way to set it up", async () => {
        await waitFor("state", () => action() === "set-up");
        assert.equal(ours.agent.shown?.text, "No agent");
    });

    it("is not spoken of where the settings want none", async () => {
        const settings = vscode.workspace.getConfiguration("testwright");
        await settings.update("engine", "embedded", vscode.ConfigurationTarget.Global);
        await waitFor("nothing", () => ours.agent.shown === undefined);
        await settings.update("engine", undefined, vscode.ConfigurationTarget.Global);
        await waitFor("state", () => action() === "set-up");
    });

    it("is set up by one click, which is shown; a second one joins, and Cancel ends it", async () => {
        await hold();
        await setUp();
        const toast = await waiting();
        assert.deepEqual([toast.location, toast.isCancellable], [vscode.ProgressLocation.Notification, true]);
        assert.deepEqual([ours.agent.shown?.isBusy, action()], [true, "cancel"]);
        assert.deepEqual(messages.messages, [], "its progress says enough");

        await setUp();
        const joined = await messages.message();
        assert.deepEqual([joined.text, joined.buttons], ["The agent is being set up.", ["Cancel"]]);
        assert.equal(toasts().length, 1);

        messages.reset();
        await vscode.commands.executeCommand("testwright.cancel");
        const told = await messages.message();
        assert.equal(told.severity, "info");
        assert.match(told.text, /^The set-up of the agent was cancelled\. What was fetched is kept/);
        assert.deepEqual([told.buttons, messages.lists], [[], []]);
        await waitFor("end of the toast", () => toast.isOver);
        // The other one goes on, and is no affair of this window.
        await waitFor("the other one", () => ours.agent.shown?.detail === "by another window or a terminal");
        assert.equal(action(), undefined);
    });

    it("is cancelled by its toast", async () => {
        await hold();
        await setUp();
        const toast = await waiting();
        toast.cancel();
        assert.match((await messages.message()).text, /^The set-up of the agent was cancelled\./);
        assert.equal(ours.agent.going, undefined);
    });

    it("is offered by the message of a run that has left something", async () => {
        write("src/shop/gate.py", GATE);
        await hold();
        messages.press = ({ buttons }) => buttons.find((label) => label === "Set Up the Agent");
        await vscode.commands.executeCommand("testwright.generateForModule", inProject("src/shop/gate.py"));
        const message = await messages.message(150);
        assert.match(message.text, /tests? for gate (is|are) in /);
        assert.deepEqual(message.buttons, ["Open", "Run", "Report", "Set Up the Agent"]);
        await waiting();
        await ours.agent.going?.();
        await tidy("tests", "src/shop");
    });

    it("that cannot be fetched says why, with the next step, and nothing is left of it", async () => {
        await setUp();
        const message = await messages.message(150);
        assert.equal(message.severity, "error");
        assert.match(message.text, /^[A-Z].*\. .*\.$/s);
        assert.deepEqual(message.buttons, ["Set Up the Agent", "Doctor"]);
        await waitFor("state", () => action() === "set-up");
        assert.deepEqual(
            existsSync(agents())
                ? readdirSync(agents()).filter((name) => !name.startsWith(".") && name !== "uv.toml")
                : [],
            [],
        );
    });
});
