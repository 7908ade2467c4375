/** Starts, restarts and ends the server; see `server.ts` for what the others hold of it. */
import * as vscode from "vscode";

import type { Interpreters } from "../python/interpreters";
import type { ApiKeys } from "../secrets";
import type { Programs } from "./program";
import type { Server } from "./server";

export interface Needs {
    readonly context: vscode.ExtensionContext;
    readonly interpreters: Interpreters;
    readonly programs: Programs;
    readonly keys: ApiKeys;
    readonly log: vscode.LogOutputChannel;
}

export function createServer(needs: Needs): Server {
    needs;
    const never = new vscode.EventEmitter<never>();
    return {
        state: "off",
        onDidChangeState: never.event,
        onRunFinished: never.event,
        onRunChanged: never.event,
        onCoverage: never.event,
        onCoverageChanged: never.event,
        onProgress: never.event,
        start: async () => Promise.resolve(),
        restart: async () => Promise.resolve(),
        stop: async () => Promise.resolve(),
        request: async () => Promise.reject(new Error("not yet")),
        command: async () => Promise.reject(new Error("not yet")),
        notify: () => undefined,
        follow: () => ({ dispose: () => undefined }),
        cancelProgress: () => undefined,
        dispose: () => {
            never.dispose();
        },
    };
}
