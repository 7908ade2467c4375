/** Generating tests for a folder. */
import * as vscode from "vscode";

import { UserError } from "../log";
import type { Modules } from "../protocol";
import { lastName } from "../pure/words";
import type { Parts } from "./commands";
import { generateForMany } from "./many";
import { inOrder, nothingIn, question, stateOf } from "./pure/folder";
import { isUri, modulesAt, needTrust, type Module } from "./target";

const GENERATE = "Generate";

/** For a folder of the explorer; from the palette, for one that is open. */
export async function generateForFolder(parts: Parts, ...given: unknown[]): Promise<void> {
    needTrust();
    const folder = isUri(given[0]) ? given[0] : await openFolder();
    if (folder === undefined) {
        return;
    }
    const { modules, budget } = await modulesIn(parts, folder);
    if (budget === null) {
        throw new UserError("Testwright's settings cannot be used here. Doctor tells what is wrong with them.", [
            { label: "Doctor", run: () => vscode.commands.executeCommand("testwright.doctor") },
        ]);
    }
    const chosen = await choose(folder, modules);
    if (chosen !== undefined && chosen.length > 0 && (await confirm(chosen.length, budget))) {
        await generateForMany(parts, chosen);
    }
}

async function openFolder(): Promise<vscode.Uri | undefined> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    if (folders.length === 0) {
        throw new UserError("No folder is open. Open one to generate tests for its modules.", [
            { label: "Open Folder…", run: () => vscode.commands.executeCommand("vscode.openFolder") },
        ]);
    }
    if (folders.length === 1) {
        return folders[0]?.uri;
    }
    const chosen = await vscode.window.showWorkspaceFolderPick({ placeHolder: "Generate tests for which folder?" });
    return chosen?.uri;
}

async function modulesIn(parts: Parts, folder: vscode.Uri): Promise<Modules> {
    // A large folder takes a moment, and what takes a moment can be cancelled.
    const options = {
        location: vscode.ProgressLocation.Notification,
        title: `Looking for modules in ${lastName(folder)}`,
        cancellable: true,
    };
    const found = await vscode.window.withProgress(options, async (_, token) => modulesAt(parts.server, folder, token));
    if (found.truncated) {
        throw new UserError(
            `There are more files in ${lastName(folder)} than tests can be generated for at once. Choose a folder in it.`,
        );
    }
    if (found.modules.length === 0) {
        throw new UserError(nothingIn(lastName(folder), found.skipped));
    }
    return found;
}

/** Let the user leave modules out. */
async function choose(folder: vscode.Uri, modules: readonly Module[]): Promise<readonly Module[] | undefined> {
    const items = inOrder(modules).map((module) => ({
        label: module.name,
        description: stateOf(module),
        picked: true,
        module,
    }));
    const chosen = await vscode.window.showQuickPick(items, {
        title: `Generate tests for ${lastName(folder)}`,
        placeHolder: "Clear the boxes of modules to leave out",
        canPickMany: true,
        ignoreFocusOut: true,
        matchOnDescription: true,
    });
    return chosen?.map((item) => item.module);
}

/** @param budget Seconds for each. */
async function confirm(count: number, budget: number): Promise<boolean> {
    const { message, detail } = question(count, budget);
    return (await vscode.window.showInformationMessage(message, { modal: true, detail }, GENERATE)) === GENERATE;
}
