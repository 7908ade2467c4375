/** What is seen of runs: a toast with Cancel while one goes on, a short message after it. */
import * as vscode from "vscode";

import type { Reports } from "../report/reports";
import type { Server } from "../server/server";
import { Batches } from "./batches";
import { registerEndings } from "./endings";
import { Claims } from "./pure/claims";
import { registerToasts } from "./toasts";

export interface Runs extends vscode.Disposable {
    /** Runs for many modules, one after the other, as one thing to the user. */
    readonly batches: Batches;
}

/** Show the progress of runs that the server begins by itself, and tell how every run ended. */
export function registerRuns(server: Server, reports: Reports, log: vscode.LogOutputChannel): Runs {
    const claims = new Claims();
    const batches = new Batches(server, claims);
    const parts = vscode.Disposable.from(registerToasts(server), registerEndings({ server, reports, claims, log }));
    return {
        batches,
        dispose: () => {
            parts.dispose();
        },
    };
}
