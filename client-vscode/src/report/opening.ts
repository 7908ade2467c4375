/** Opens what a page leads to: the module and the test file of its run, and nothing else. */
import * as vscode from "vscode";

import { UserError } from "../log";
import { lineOfTest } from "./pure/tests";
import { fileName } from "./pure/words";

/**
 * Whether a page may open a file: a Python file of the workspace, one that is open, or the one that was asked about.
 *
 * Reports are kept from session to session, so the last of all may be about another project.
 */
export function isWithin(uri: vscode.Uri, asked: vscode.Uri | undefined): boolean {
    if (uri.scheme !== "file" || !uri.path.endsWith(".py")) {
        return false;
    }
    return (
        vscode.workspace.getWorkspaceFolder(uri) !== undefined ||
        uri.toString() === asked?.toString() ||
        vscode.workspace.textDocuments.some((document) => document.uri.toString() === uri.toString())
    );
}

/**
 * Open a file, beside the page.
 *
 * @param line The first line to select, from 1; null for where the cursor was.
 * @param end The last one.
 * @param column Where the page is.
 * @throws {UserError} It cannot be opened.
 */
export async function openAt(
    uri: vscode.Uri,
    line: number | null,
    end: number | null,
    column: vscode.ViewColumn | undefined,
): Promise<void> {
    const document = await opened(uri);
    const selection = line === null ? undefined : linesOf(document, line - 1, (end ?? line) - 1);
    await show(document, selection, column);
}

/** Open a test file at a test. @throws {UserError} It cannot be opened, or the test is not there. */
export async function openTest(uri: vscode.Uri, name: string, column: vscode.ViewColumn | undefined): Promise<void> {
    const document = await opened(uri);
    const line = lineOfTest(document.getText(), name);
    if (line === null) {
        throw new UserError(`There is no ${name} in ${fileName(uri.path)} any more: it was renamed, or taken out.`);
    }
    const at = new vscode.Position(line, 0);
    await show(document, new vscode.Range(at, at), column);
}

async function opened(uri: vscode.Uri): Promise<vscode.TextDocument> {
    try {
        return await vscode.workspace.openTextDocument(uri);
    } catch {
        throw new UserError(`${fileName(uri.path)} cannot be opened: it is not there any more, or cannot be read.`);
    }
}

/** Whole lines; those that are not there any more are the last ones that are. */
function linesOf(document: vscode.TextDocument, first: number, last: number): vscode.Range {
    const within = (line: number): number => Math.min(line, document.lineCount - 1);
    return new vscode.Range(within(first), 0, within(last), document.lineAt(within(last)).text.length);
}

/** In a column where the file is shown already; else in the first that is not the page's. */
async function show(
    document: vscode.TextDocument,
    selection: vscode.Range | undefined,
    column: vscode.ViewColumn | undefined,
): Promise<void> {
    const already = vscode.window.visibleTextEditors.find((editor) => editor.document === document)?.viewColumn;
    const beside = column === vscode.ViewColumn.One ? vscode.ViewColumn.Beside : vscode.ViewColumn.One;
    await vscode.window.showTextDocument(document, {
        viewColumn: already ?? beside,
        preserveFocus: false,
        ...(selection === undefined ? {} : { selection }),
    });
}
