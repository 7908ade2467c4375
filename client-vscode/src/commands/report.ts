/** Showing the report of the last run. */
import * as vscode from "vscode";

import type { Parts } from "./commands";
import { isUri } from "./target";

/** Of the file that a menu was opened on, else of the active one; where no Python file is active, the last of all. */
export async function openReport(parts: Parts, ...given: unknown[]): Promise<void> {
    const [clicked] = given;
    const active = vscode.window.activeTextEditor?.document;
    const isModule = active?.languageId === "python" && active.uri.scheme === "file";
    await parts.reports.show(isUri(clicked) ? clicked : isModule ? active.uri : undefined);
}
