/** The extension's settings, read where they hold. */
import * as vscode from "vscode";

export const SECTION = "testwright";

/** Whether the extension is to do anything here. */
export function isEnabled(): boolean {
    return settingsOf().get<boolean>("enable") ?? true;
}

/** The section for a folder, a file, or the window. */
export function settingsOf(scope?: vscode.Uri): vscode.WorkspaceConfiguration {
    return vscode.workspace.getConfiguration(SECTION, scope ?? null);
}
