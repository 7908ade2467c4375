/** The server's state among what the editor shows of a language: busy, failed, and the way to the log. */
import * as vscode from "vscode";

import type { Server, ServerState } from "../server/server";

interface Shown {
    readonly detail: string;
    readonly severity: vscode.LanguageStatusSeverity;
    readonly busy: boolean;
    readonly command: vscode.Command;
}

const LOGS: vscode.Command = { title: "Show Logs", command: "testwright.showLogs" };
const RESTART: vscode.Command = { title: "Restart Server", command: "testwright.restartServer" };

function shown(state: ServerState): Shown {
    const { Error, Information, Warning } = vscode.LanguageStatusSeverity;
    switch (state) {
        case "running":
            return { detail: "Server is running", severity: Information, busy: false, command: LOGS };
        case "starting":
            return { detail: "Server is starting", severity: Information, busy: true, command: LOGS };
        case "off":
            return { detail: "Server is not running", severity: Warning, busy: false, command: RESTART };
        case "failed":
            return { detail: "Server has failed", severity: Error, busy: false, command: RESTART };
    }
}

/** Show the state of the server for Python documents, for as long as it is not disposed. */
export function showServerStatus(server: Server): vscode.Disposable {
    const item = vscode.languages.createLanguageStatusItem("testwright.server", { language: "python" });
    item.name = "Testwright";
    item.text = "Testwright";
    const update = (): void => {
        const { detail, severity, busy, command } = shown(server.state);
        Object.assign(item, { detail, severity, busy, command });
    };
    update();
    return vscode.Disposable.from(item, server.onDidChangeState(update));
}
