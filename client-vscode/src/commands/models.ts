/** Models: which would be asked for a folder, and the user's consent that its code is sent to them. */
import * as vscode from "vscode";

import { UserError } from "../log";
import { type ConsentAnswer, type ModelsShown, ServerCommand } from "../protocol";
import type { Parts } from "./commands";
import { isUri, needTrust } from "./target";

/** Which models would be asked for a folder, or for what was given, and why; nothing is sent for that. */
export async function showModels(parts: Parts, ...given: unknown[]): Promise<void> {
    const about = isUri(given[0]) ? given[0] : await folderInQuestion("Show the models of which folder?");
    if (about !== undefined) {
        const argument = { uri: about.toString(), show: false };
        const { markdown } = await parts.server.command<ModelsShown>(ServerCommand.models, argument);
        await parts.documents.show("Testwright Models", markdown, "preview");
    }
}

/** Give consent for a folder, or for what was given, or take it back. The server asks, and says what has become of it. */
export async function consentToModels(parts: Parts, ...given: unknown[]): Promise<void> {
    needTrust();
    const about = isUri(given[0])
        ? given[0]
        : await folderInQuestion("The code of which folder may be sent to models?");
    if (about !== undefined) {
        await parts.server.command<ConsentAnswer>(ServerCommand.consent, { uri: about.toString() });
    }
}

/** The only one that is open, else the one that the user picks: consent is of one folder, never of all. */
async function folderInQuestion(question: string): Promise<vscode.Uri | undefined> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    if (folders.length === 0) {
        throw new UserError("No folder is open. Open one: models and consent are those of a folder.", [
            { label: "Open Folder…", run: () => vscode.commands.executeCommand("vscode.openFolder") },
        ]);
    }
    if (folders.length === 1) {
        return folders[0]?.uri;
    }
    return (await vscode.window.showWorkspaceFolderPick({ placeHolder: question }))?.uri;
}
