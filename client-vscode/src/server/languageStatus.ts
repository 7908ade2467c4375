/** What the editor shows of the server behind the braces beside the language of a Python file. */
import * as vscode from "vscode";

import type { Server, ServerState } from "./server";

const TEXTS: Readonly<Record<ServerState, string>> = {
    off: "Testwright is off",
    starting: "Testwright is starting",
    running: "Testwright",
    failed: "Testwright is not running",
};

/** Show its state, and where it has failed the way on, which the editor then shows in the status bar itself. */
export function registerLanguageStatus(server: Server): vscode.Disposable {
    const item = vscode.languages.createLanguageStatusItem("testwright.server", { language: "python", scheme: "file" });
    item.name = "Testwright Server";
    const show = (): void => {
        const { state } = server;
        const hasFailed = state === "failed";
        item.text = TEXTS[state];
        item.detail = server.program ?? "";
        item.busy = state === "starting";
        item.severity = hasFailed ? vscode.LanguageStatusSeverity.Error : vscode.LanguageStatusSeverity.Information;
        item.command = hasFailed
            ? { title: "Restart", command: "testwright.restartServer" }
            : { title: "Show Logs", command: "testwright.showLogs" };
    };
    show();
    return vscode.Disposable.from(item, server.onDidChangeState(show));
}
