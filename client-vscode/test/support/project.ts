/** In the extension host: the project that is open, and the extension in it. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import * as vscode from "vscode";

import type { ForTests } from "../../src/extension";
import { type ServerStatus, ToServer } from "../../src/protocol";
import { waitFor } from "./waiting";

/** The extension, started. */
export async function startExtension(): Promise<ForTests> {
    const extension = vscode.extensions.getExtension<ForTests>("testwright.testwright");
    assert.ok(extension);
    const ours = await extension.activate();
    await ours.server.start();
    return ours;
}

/** Wait until no run goes on. */
export async function allEnded(ours: ForTests): Promise<void> {
    await waitFor("end of all runs", async () => {
        const { runs } = await ours.server.request<ServerStatus>(ToServer.status, {});
        return runs.length === 0;
    });
}

/** A file of the project that is open. */
export function inProject(path: string): vscode.Uri {
    const folder = vscode.workspace.workspaceFolders?.[0];
    assert.ok(folder);
    return vscode.Uri.joinPath(folder.uri, path);
}

/** Show a file, with the cursor where a text begins in it. */
export async function open(path: string, at = ""): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(inProject(path), { preview: false });
    const offset = editor.document.getText().indexOf(at);
    assert.ok(offset >= 0, `${at} is not in ${path}`);
    const place = editor.document.positionAt(offset);
    editor.selection = new vscode.Selection(place, place);
    return editor;
}

/** Close all editors, and delete what tests have made. */
export async function tidy(...paths: readonly string[]): Promise<void> {
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    for (const path of paths) {
        rmSync(inProject(path).fsPath, { recursive: true, force: true });
    }
}

/** Whether a file of the project is on the disk. */
export function isThere(path: string): boolean {
    return existsSync(inProject(path).fsPath);
}

/** Write a file of the project, with the folders that it needs. */
export function write(path: string, text: string): vscode.Uri {
    const file = inProject(path);
    mkdirSync(dirname(file.fsPath), { recursive: true });
    writeFileSync(file.fsPath, text);
    return file;
}

/**
 * A module with a class and two functions, of which tests are soon found, in a package of its own below `src`.
 *
 * Each test has names of its own: the editor holds for minutes what it has had open, also when that is deleted.
 */
export function writeModule(path: string): vscode.Uri {
    return write(path, MODULE);
}

const MODULE = `"""Discounts."""


class Basket:
    """What somebody buys."""

    def __init__(self, items: int) -> None:
        self.items = items

    def is_large(self) -> bool:
        """Whether it has ten items or more."""
        return self.items >= 10


def discount(total: int, is_member: bool) -> int:
    """The discount on a total, in cents."""
    if total < 0:
        raise ValueError("a total is not negative")
    if is_member:
        return total // 10
    return 0


def _hidden(total: int) -> int:
    shift = total + 1
    return shift
`;
