/** The one item in the status bar: how much of the active file its tests cover. */
import type * as vscode from "vscode";

import type { Server } from "../server/server";

export function registerStatusBar(server: Server): vscode.Disposable {
    server;
    return { dispose: () => undefined };
}
