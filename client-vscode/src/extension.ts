/** Where the extension begins: what there is, and how the parts are joined. Nothing is waited for here. */
import * as vscode from "vscode";

import { registerCommands } from "./commands/commands";
import { registerStatusBar } from "./coverage/statusBar";
import { registerCoverageView } from "./coverage/view";
import { createLog, tell } from "./log";
import { createInterpreters } from "./python/interpreters";
import { createReports } from "./report/reports";
import { registerRuns } from "./runs/runs";
import { createApiKeys } from "./secrets";
import { createServer } from "./server/lifecycle";
import { createPrograms } from "./server/program";

let stop: (() => Promise<void>) | undefined;

export function activate(context: vscode.ExtensionContext): void {
    const log = createLog();
    const keys = createApiKeys(context.secrets, log);
    const interpreters = createInterpreters(log);
    const programs = createPrograms(context, interpreters, log);
    const server = createServer({ context, interpreters, programs, keys, log });
    const reports = createReports(context, server, log);
    context.subscriptions.push(
        log,
        keys,
        interpreters,
        server,
        reports,
        registerRuns(server, reports, log),
        registerCommands({ context, server, programs, reports, keys, log }),
        registerStatusBar(server),
        registerCoverageView(server, log),
    );
    stop = async () => server.stop();
    if (vscode.workspace.getConfiguration("testwright").get<boolean>("enable") ?? true) {
        void server.start().catch(async (error: unknown) => tell(error, log));
    }
}

export async function deactivate(): Promise<void> {
    await stop?.();
}
