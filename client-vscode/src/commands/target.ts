/** What a command is to work on: the files it was called on, else the one that is active. */
import * as vscode from "vscode";

import { UserError } from "../log";
import { ToServer, type Modules } from "../protocol";
import { lastName } from "../pure/words";
import type { Server } from "../server/server";
import { looksLikeTest, objectionTo, untrusted, type Candidate, type Objection } from "./pure/target";

/**
 * The files that a command is meant for.
 *
 * @param given What it was called with: nothing by the palette, a file by a menu of an editor, and by one of the explorer
 *     the file that was clicked and all that are selected.
 * @param purpose As {@link objectionTo} has it.
 * @throws {UserError} None can be worked on, and why.
 */
export function filesOf(given: readonly unknown[], purpose: string): readonly vscode.Uri[] {
    const [clicked, selected] = given;
    const all = Array.isArray(selected) ? selected.filter(isUri) : [];
    const named = all.length > 0 ? all : isUri(clicked) ? [clicked] : [];
    const active = vscode.window.activeTextEditor?.document.uri;
    const files = named.length > 0 ? named : active !== undefined ? [active] : [];
    const objections = (files.length > 0 ? files : [undefined]).map((file) =>
        objectionTo(file && candidate(file), vscode.workspace.isTrusted, purpose),
    );
    const suitable = files.filter((_, index) => objections[index] === undefined);
    const [objection] = objections;
    if (suitable.length === 0 && objection !== undefined) {
        throw refusal(objection, files[0]);
    }
    return suitable;
}

/** The one file that a command is meant for. @throws {UserError} It cannot be worked on, and why. */
export function fileOf(given: readonly unknown[], purpose: string): vscode.Uri {
    const [first] = filesOf(given.slice(0, 1), purpose);
    if (first === undefined) {
        throw new Error("filesOf gives files, or throws");
    }
    return first;
}

/** @throws {UserError} The workspace is not trusted. */
export function needTrust(): void {
    if (!vscode.workspace.isTrusted) {
        throw refusal(untrusted());
    }
}

/** Whether an argument of a command is the address of a file, as menus give it. */
export function isUri(value: unknown): value is vscode.Uri {
    return value instanceof vscode.Uri;
}

function candidate(file: vscode.Uri): Candidate {
    const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === file.toString());
    return {
        scheme: file.scheme,
        name: lastName(file),
        isPython: file.path.endsWith(".py") || (document?.languageId === "python" && file.scheme === "untitled"),
        isInWorkspace: vscode.workspace.getWorkspaceFolder(file) !== undefined,
    };
}

function refusal({ message, step }: Objection, file?: vscode.Uri): UserError {
    const commands = {
        trust: ["Manage Workspace Trust", "workbench.trust.manage"],
        save: ["Save As…", "workbench.action.files.saveAs"],
        openFolder: ["Open Folder…", "vscode.openFolder"],
    } as const;
    if (step === undefined) {
        return new UserError(message);
    }
    const [label, command] = commands[step];
    return new UserError(message, [
        {
            label,
            run: async () => {
                if (step === "save" && file !== undefined) {
                    await vscode.window.showTextDocument(file); // it saves the active one
                }
                await vscode.commands.executeCommand(command);
            },
        },
    ]);
}

/** A module as the server knows it. */
export type Module = Modules["modules"][number];

/**
 * The module that a file is, or whose tests it holds.
 *
 * @throws {UserError} It is neither, and why.
 */
export async function moduleOf(server: Server, file: vscode.Uri): Promise<Module> {
    const { modules, skipped } = await modulesAt(server, file);
    const [module] = modules;
    if (module !== undefined) {
        return module;
    }
    const folder = vscode.workspace.getWorkspaceFolder(file);
    if (looksLikeTest(lastName(file)) && folder !== undefined) {
        const all = await modulesAt(server, folder.uri);
        const tested = all.modules.find(({ testUri }) => testUri !== null && isSame(vscode.Uri.parse(testUri), file));
        if (tested !== undefined) {
            return tested;
        }
        throw new UserError(`No module is known whose tests are in ${lastName(file)}. Open the module itself.`);
    }
    throw new UserError(skipped[0]?.reason ?? `${lastName(file)} has nothing that can be tested.`);
}

/** The modules at or below a file or folder. */
export async function modulesAt(server: Server, at: vscode.Uri, cancel?: vscode.CancellationToken): Promise<Modules> {
    return server.request<Modules>(ToServer.modules, { uri: at.toString() }, cancel);
}

/** Whether two addresses are of the same file; the server and the editor quote them differently. */
function isSame(one: vscode.Uri, other: vscode.Uri): boolean {
    return one.scheme === other.scheme && one.fsPath === other.fsPath;
}
