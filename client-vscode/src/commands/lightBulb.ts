/**
 * The server's code actions in the menu that the light bulb opens (Ctrl+.).
 *
 * They are source actions, which is right for other editors, and which VS Code leaves out of that menu: it shows them under
 * "Source Action…" alone. Here they are offered once more under a kind of their own, when the user asks. No light bulb
 * appears by itself for them.
 */
import * as vscode from "vscode";

import type { Server } from "../server/server";

/** As much of the protocol's code action as the server uses. */
interface Action {
    readonly title: string;
    readonly command?: { readonly title: string; readonly command: string; readonly arguments?: unknown[] };
    readonly disabled?: { readonly reason: string };
}

const KIND = vscode.CodeActionKind.Empty.append("testwright");

export function registerLightBulb(server: Server): vscode.Disposable {
    return vscode.languages.registerCodeActionsProvider(
        { language: "python", scheme: "file" },
        {
            provideCodeActions: async (document, range, { only, triggerKind }, token) => {
                const asked =
                    triggerKind === vscode.CodeActionTriggerKind.Invoke && (only === undefined || only.contains(KIND));
                // The menu waits for this: a server that has still to be started is not waited for.
                if (!asked || server.state !== "running") {
                    return [];
                }
                const found = await server.request<readonly Action[] | null>(
                    "textDocument/codeAction",
                    {
                        textDocument: { uri: document.uri.toString() },
                        range: { start: position(range.start), end: position(range.end) },
                        context: { diagnostics: [], only: ["source"], triggerKind },
                    },
                    token,
                );
                return (found ?? []).map(({ title, command, disabled }) => {
                    const action = new vscode.CodeAction(title, KIND);
                    if (command !== undefined) {
                        action.command = command;
                    }
                    if (disabled !== undefined) {
                        action.disabled = disabled;
                    }
                    return action;
                });
            },
        },
        { providedCodeActionKinds: [KIND] },
    );
}

function position({ line, character }: vscode.Position): { line: number; character: number } {
    return { line, character };
}
