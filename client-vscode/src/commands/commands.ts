/** The commands of the palette and the menus, as a table. */
import type * as vscode from "vscode";

import type { Reports } from "../report/reports";
import type { ApiKeys } from "../secrets";
import type { Programs } from "../server/program";
import type { Server } from "../server/server";

export interface Parts {
    readonly context: vscode.ExtensionContext;
    readonly server: Server;
    readonly programs: Programs;
    readonly reports: Reports;
    readonly keys: ApiKeys;
    readonly log: vscode.LogOutputChannel;
}

export function registerCommands(parts: Parts): vscode.Disposable {
    parts;
    return { dispose: () => undefined };
}
