/** A workspace that the user does not trust: none of its programs is run to find the server, whoever names them. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { Messages } from "../support/messages";
import { inProject, tidy, write } from "../support/project";
import { servers, testsFolder } from "../support/serverProcesses";

describe("in a workspace that is not trusted, the server", function () {
    this.timeout(60_000);
    let ours: ForTests;
    let messages: Messages;
    const ran = join(testsFolder(), "ran");
    let program: string;

    const set = async (name: string, value: unknown): Promise<void> => {
        await vscode.workspace.getConfiguration("testwright").update(name, value, vscode.ConfigurationTarget.Global);
        await new Promise((resolve) => setTimeout(resolve, 600)); // the server is started anew by it
    };

    before(async () => {
        assert.equal(vscode.workspace.isTrusted, false);
        messages = new Messages();
        const extension = vscode.extensions.getExtension<ForTests>("testwright.testwright");
        assert.ok(extension);
        ours = await extension.activate();
        await ours.server.start();
        program = write("bin/testwright", `#!/bin/sh\n: > ${ran}\necho 'testwright 99.0.0 (Python 3.12.1)'\n`).fsPath;
        await vscode.workspace.fs.copy(vscode.Uri.file(program), inProject("bin/python"));
        for (const name of ["bin/testwright", "bin/python"]) {
            chmodSync(inProject(name).fsPath, 0o755);
        }
    });

    beforeEach(async () => {
        await ours.server.stop();
        messages.reset();
    });

    after(async () => {
        messages.dispose();
        await tidy("bin");
    });

    const refused = async (message: RegExp): Promise<readonly string[]> => {
        messages.reset();
        await vscode.commands.executeCommand("testwright.restartServer");
        const { text, buttons } = await messages.message();
        assert.match(text, message);
        assert.equal(existsSync(ran), false, "a program of the workspace has run");
        assert.deepEqual(servers(), []);
        return buttons;
    };

    it("is no program of the workspace, although the user's setting names it", async () => {
        await set("path", program);
        const buttons = await refused(/is in this workspace, and the workspace is not trusted: nothing of it is run/);
        assert.deepEqual(buttons, ["Manage Trust", "Open Setting"]);
    });

    it("is none by a link from outside, either", async () => {
        const link = join(testsFolder(), "a-link");
        symlinkSync(program, link);
        await set("path", link);
        await refused(/is in this workspace/);
    });

    it("is not looked for in the chosen interpreter", async () => {
        await set("path", "");
        await set("server.source", "environment");
        await set("python", inProject("bin/python").fsPath);
        await refused(/nothing of that is run while the workspace is not trusted/);
    });

    it("is the same when the workspace's own settings name it, for they do not count", async () => {
        await set("server.source", undefined);
        await set("python", undefined);
        const trusted = join(process.env["REPOSITORY"] ?? "", process.env["VENV"] ?? ".venv", "bin", "testwright");
        await set("path", trusted);
        write(
            ".vscode/settings.json",
            JSON.stringify({ "testwright.path": program, "testwright.server.python": program }),
        );
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        await ours.server.restart();
        assert.equal(existsSync(ran), false);
        assert.match(ours.server.program ?? "", /of the setting testwright\.path/);
        assert.ok(servers()[0]?.command.includes(trusted));
        await tidy(".vscode");
    });
});
