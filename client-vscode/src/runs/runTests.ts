/** Running a test file, as the user's surroundings do it. */
import * as vscode from "vscode";

import { UserError } from "../log";
import { lastName } from "../pure/words";
import { foldersAround, howToRun, ROOT_MARKS } from "./pure/runner";

const RUN_CURRENT_FILE = "testing.runCurrentFile";

/**
 * Open a test file and run it.
 *
 * @param interpreter The project's Python, with which the tests were proven.
 */
export async function runTests(test: vscode.Uri, interpreter: string): Promise<void> {
    await vscode.window.showTextDocument(test);
    const commands = await vscode.commands.getCommands(true);
    const how = howToRun({
        hasPythonExtension: vscode.extensions.getExtension("ms-python.python") !== undefined,
        usesPytest: vscode.workspace.getConfiguration("python.testing", test).get<boolean>("pytestEnabled") ?? false,
        hasRunCurrentFile: commands.includes(RUN_CURRENT_FILE),
    });
    if (how === "explorer") {
        await vscode.commands.executeCommand(RUN_CURRENT_FILE);
    } else {
        await runInTerminal(test, interpreter);
    }
}

/** As a task, so that the editor shows it in a terminal, keeps that, and can run it once more. */
async function runInTerminal(test: vscode.Uri, interpreter: string): Promise<void> {
    if (interpreter === "") {
        throw new UserError("It is not known which Python runs these tests. Run them from a terminal.");
    }
    const folder = vscode.workspace.getWorkspaceFolder(test);
    const name = lastName(test);
    const cwd = folder !== undefined ? (await rootOf(test, folder.uri)).fsPath : undefined;
    const task = new vscode.Task(
        { type: "process", file: test.fsPath },
        folder ?? vscode.TaskScope.Workspace,
        `Run ${name}`,
        "Testwright",
        new vscode.ProcessExecution(interpreter, ["-m", "pytest", test.fsPath], cwd !== undefined ? { cwd } : {}),
    );
    task.presentationOptions = {
        reveal: vscode.TaskRevealKind.Always,
        panel: vscode.TaskPanelKind.Dedicated,
        clear: true,
    };
    await vscode.tasks.executeTask(task);
}

/** The folder that the tests are run from: the nearest around them that is a project's root. */
async function rootOf(test: vscode.Uri, folder: vscode.Uri): Promise<vscode.Uri> {
    for (const path of foldersAround(test.path, folder.path)) {
        const at = folder.with({ path });
        for (const mark of ROOT_MARKS) {
            if (await exists(vscode.Uri.joinPath(at, mark))) {
                return at;
            }
        }
    }
    return folder;
}

async function exists(file: vscode.Uri): Promise<boolean> {
    try {
        await vscode.workspace.fs.stat(file);
        return true;
    } catch {
        return false;
    }
}
