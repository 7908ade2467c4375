/** Where the extension begins: what there is, and how the parts are joined. Nothing is waited for here. */
import * as vscode from "vscode";

import { type Agent, registerAgent } from "./agent/agent";
import { registerCommands } from "./commands/commands";
import { registerLightBulb } from "./commands/lightBulb";
import { registerStatusBar, type StatusBar } from "./coverage/statusBar";
import { registerCoverageView, type CoverageView } from "./coverage/view";
import { createLog, tell } from "./log";
import { createInterpreters } from "./python/interpreters";
import { createReports } from "./report/reports";
import { registerRuns } from "./runs/runs";
import { createApiKeys } from "./secrets";
import { registerLanguageStatus } from "./server/languageStatus";
import { createServer, type LanguageServer } from "./server/lifecycle";
import { createPrograms } from "./server/program";
import { isEnabled } from "./settings";

let server: LanguageServer | undefined;

/** What tests of the extension see of it; nothing else does. */
export interface ForTests {
    readonly server: LanguageServer;
    readonly log: vscode.LogOutputChannel;
    readonly activatedInMs: number;
    /** Of it, what the processor was at work; of all threads. */
    readonly activationCpuMs: number;
    readonly statusBar: StatusBar;
    readonly coverageView: CoverageView;
    readonly agent: Agent;
}

export function activate(context: vscode.ExtensionContext): ForTests | undefined {
    const begun = performance.now();
    const cpu = process.cpuUsage();
    const log = createLog();
    const keys = createApiKeys(context.secrets, log);
    const interpreters = createInterpreters(log);
    const programs = createPrograms(context, interpreters, log);
    const ours = createServer({ context, interpreters, programs, keys, log });
    const reports = createReports(context, ours, log);
    const runs = registerRuns(ours, reports, log);
    const agent = registerAgent(ours, log);
    const statusBar = registerStatusBar(ours);
    const coverageView = registerCoverageView(ours, log);
    context.subscriptions.push(
        log,
        keys,
        interpreters,
        ours,
        reports,
        runs,
        agent,
        registerCommands({ context, server: ours, programs, interpreters, reports, runs, agent, keys, log }),
        registerLanguageStatus(ours),
        registerLightBulb(ours),
        statusBar,
        coverageView,
    );
    server = ours;
    if (isEnabled()) {
        ours.start().catch((error: unknown) => {
            void tell(error, log);
        });
    }
    const activatedInMs = performance.now() - begun;
    const { user, system } = process.cpuUsage(cpu);
    log.debug(`Activated in ${activatedInMs.toFixed(1)} ms`);
    return context.extensionMode === vscode.ExtensionMode.Test
        ? { server: ours, log, activatedInMs, activationCpuMs: (user + system) / 1000, statusBar, coverageView, agent }
        : undefined;
}

export async function deactivate(): Promise<void> {
    await server?.close();
}
