/** Generating tests for many modules, and the one message after it. */
import * as vscode from "vscode";

import type { Item } from "../runs/batches";
import { reportOf, summaryOf } from "../runs/pure/batch";
import type { Parts } from "./commands";

const REPORT = "Report";

/** Generate tests for each, one after the other, and tell once what became of them. */
export async function generateForMany(parts: Parts, items: readonly Item[]): Promise<void> {
    const results = await parts.runs.batches.run(items);
    const summary = summaryOf(results);
    if (summary === undefined) {
        return;
    }
    const show = summary.severity === "info" ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
    // The command is over when the work is; what the user does with the message is another matter.
    void show(summary.message, REPORT).then((chosen) => {
        if (chosen === REPORT) {
            void parts.documents.show(
                "Folder Report",
                reportOf(results, (uri) => uri),
                "preview",
            );
        }
    });
}
