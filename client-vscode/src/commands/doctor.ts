/** Doctor: what is there and what is missing, each with the next step, as a document. */
import { execFile } from "node:child_process";
import * as vscode from "vscode";

import { UserError } from "../log";
import type { Program } from "../server/program";
import type { Parts } from "./commands";
import { doctorDocument, readFindings, type Finding } from "./pure/doctor";

/** It starts a few boxes and the project's interpreter; a machine that is busy needs its time. */
const SECONDS = 90;
const MOST_OUTPUT = 4 * 1024 * 1024;

export async function doctor(parts: Parts): Promise<void> {
    const options = {
        location: vscode.ProgressLocation.Notification,
        title: "Testwright: looking at what is there",
        cancellable: true,
    };
    const text = await vscode.window.withProgress(options, async (_, cancel) => examine(parts, cancel));
    if (text !== undefined) {
        await parts.documents.show("Testwright Doctor", text, "preview");
    }
}

/** The document; undefined when the user has cancelled. */
async function examine(parts: Parts, cancel: vscode.CancellationToken): Promise<string | undefined> {
    const folder = await folderInQuestion();
    const title = folder?.name ?? "this machine";
    let program: Program;
    try {
        program = await parts.programs.find();
    } catch (error) {
        if (!(error instanceof UserError)) {
            throw error;
        }
        // That is the finding: it must be seen where all others are.
        const none: Finding = {
            name: "testwright",
            state: "missing",
            detail: "There is no Testwright that could be asked.",
            next_step: error.message,
        };
        return doctorDocument({ title, findings: [none] }, "nothing but this extension");
    }
    // Looking at a project starts its interpreter, if in a box: not before the workspace is trusted.
    const project = vscode.workspace.isTrusted ? folder?.uri : undefined;
    const elsewhere = parts.context.globalStorageUri;
    await vscode.workspace.fs.createDirectory(elsewhere);
    const at = (project ?? elsewhere).fsPath;
    const interpreter = project !== undefined ? await parts.interpreters.of(project) : undefined;
    const output = await outputOf(
        program,
        ["doctor", "--json", "--workspace", at, ...(interpreter !== undefined ? ["--python", interpreter.path] : [])],
        at,
        cancel,
    );
    if (output === undefined) {
        return undefined;
    }
    const notes = vscode.workspace.isTrusted
        ? []
        : ["This workspace is not trusted, so its project and its Python were not looked at."];
    return doctorDocument({ title, findings: findingsIn(output) }, program.description, notes);
}

/** The folder of the active file, else the only one, else the one that the user picks. */
async function folderInQuestion(): Promise<vscode.WorkspaceFolder | undefined> {
    const active = vscode.window.activeTextEditor?.document.uri;
    const ofActive = active && vscode.workspace.getWorkspaceFolder(active);
    const folders = vscode.workspace.workspaceFolders ?? [];
    if (ofActive !== undefined || folders.length <= 1) {
        return ofActive ?? folders[0];
    }
    return vscode.window.showWorkspaceFolderPick({ placeHolder: "Look at which folder?" });
}

interface Output {
    readonly code: number | string;
    readonly stdout: string;
    readonly stderr: string;
}

async function outputOf(
    program: Program,
    args: readonly string[],
    cwd: string,
    cancel: vscode.CancellationToken,
): Promise<Output | undefined> {
    return new Promise((resolve) => {
        const stop = new AbortController();
        const listening = cancel.onCancellationRequested(() => {
            stop.abort();
        });
        execFile(
            program.command,
            [...program.args, ...args],
            { cwd, timeout: SECONDS * 1000, maxBuffer: MOST_OUTPUT, signal: stop.signal, encoding: "utf8" },
            (error, stdout, stderr) => {
                listening.dispose();
                const code = error === null ? 0 : (error.code ?? error.signal ?? error.message);
                resolve(cancel.isCancellationRequested ? undefined : { code, stdout, stderr });
            },
        );
    });
}

/** @throws {UserError} It has not answered as it does. */
function findingsIn({ code, stdout, stderr }: Output): readonly Finding[] {
    try {
        return readFindings(stdout);
    } catch {
        const last = stderr.trim().split("\n").at(-1) ?? "";
        throw new UserError(
            `Testwright's doctor did not answer (${code})${last !== "" ? `: ${last}` : "."} ` +
                "Try Restart Server, which looks for Testwright again.",
            [{ label: "Restart Server", run: () => vscode.commands.executeCommand("testwright.restartServer") }],
        );
    }
}
