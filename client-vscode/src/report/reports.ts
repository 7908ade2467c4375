/** The page of a run. */
import type * as vscode from "vscode";

import type { Server } from "../server/server";

export interface Reports extends vscode.Disposable {
    /** Show the last run's report: of a module or test file, or of all. @throws {UserError} There is none. */
    show(uri?: vscode.Uri): Promise<void>;
}

export function createReports(context: vscode.ExtensionContext, server: Server, log: vscode.LogOutputChannel): Reports {
    [context, server, log];
    return { show: async () => Promise.resolve(), dispose: () => undefined };
}
