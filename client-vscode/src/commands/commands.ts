/** The commands of the palette and the menus, as a table. */
import * as vscode from "vscode";

import type { Agent } from "../agent/agent";
import { tell } from "../log";
import type { Interpreters } from "../python/interpreters";
import type { Reports } from "../report/reports";
import type { Runs } from "../runs/runs";
import type { ApiKeys } from "../secrets";
import type { Programs } from "../server/program";
import type { Server } from "../server/server";
import { prepareAgent } from "./agent";
import { cancel } from "./cancel";
import { debugInformation } from "./debugInformation";
import { doctor } from "./doctor";
import { Documents } from "./documents";
import { generateForFolder } from "./folder";
import { generateForModule, generateForSymbol, improveTests } from "./generate";
import { judgeModule, measureCoverage } from "./judge";
import { consentToModels, showModels } from "./models";
import { openReport } from "./report";

/** What the commands work with. */
export interface Needs {
    readonly context: vscode.ExtensionContext;
    readonly server: Server;
    readonly programs: Programs;
    readonly interpreters: Interpreters;
    readonly reports: Reports;
    readonly runs: Runs;
    readonly agent: Agent;
    readonly keys: ApiKeys;
    readonly log: vscode.LogOutputChannel;
}

export interface Parts extends Needs {
    readonly documents: Documents;
}

/** What a command does; it gets what the menu or the caller has given. */
type Handler = (parts: Parts, ...given: unknown[]) => Promise<void>;

const HANDLERS: Readonly<Record<string, Handler>> = {
    "testwright.generateForModule": generateForModule,
    "testwright.generateForSymbol": generateForSymbol,
    "testwright.improveTests": improveTests,
    "testwright.judgeModule": judgeModule,
    "testwright.generateForFolder": generateForFolder,
    "testwright.openReport": openReport,
    "testwright.cancel": cancel,
    "testwright.measureCoverage": measureCoverage,
    "testwright.showModels": showModels,
    "testwright.consentToModels": consentToModels,
    "testwright.prepareAgent": prepareAgent,
    "testwright.setApiKey": async ({ keys }) => keys.set(),
    "testwright.clearApiKey": async ({ keys }) => keys.clear(),
    "testwright.doctor": doctor,
    "testwright.restartServer": async ({ server }) => server.restart(),
    "testwright.showLogs": async ({ log }) => {
        log.show();
        return Promise.resolve();
    },
    "testwright.debugInformation": debugInformation,
};

/** Register all; what goes wrong in one is told, and none fails to its caller. */
export function registerCommands(needs: Needs): vscode.Disposable {
    const documents = new Documents();
    const parts: Parts = { ...needs, documents };
    const registered = Object.entries(HANDLERS).map(([id, handler]) =>
        vscode.commands.registerCommand(id, async (...given: unknown[]) => {
            try {
                await handler(parts, ...given);
            } catch (error) {
                // The message stays until the user closes it; the command is over.
                void tell(error, parts.log);
            }
        }),
    );
    return vscode.Disposable.from(documents, ...registered);
}
