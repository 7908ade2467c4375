/**
 * The language client. It is a bundle of its own, loaded when the server starts, so that activation does not pay for it:
 * nothing but types may be imported from here.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { Transform, type Readable, type TransformCallback } from "node:stream";

import * as vscode from "vscode";
import {
    CloseAction,
    ErrorAction,
    ErrorCodes,
    LanguageClient,
    LSPErrorCodes,
    ResponseError,
    RevealOutputChannelOn,
    WorkDoneProgress,
    type LanguageClientOptions,
    type Middleware,
    type Range,
    type ShowDocumentParams,
    type WorkspaceEdit,
} from "vscode-languageclient/node";

import { FromServer } from "../protocol";
import { wordsOf } from "../pure/words";
import type { Token } from "./pure/progresses";
import type { WorkDoneProgress as Progress } from "./server";

/** What the connection asks of the extension, and tells it. */
export interface Hooks {
    /** `initializationOptions`, when they are needed. */
    initializationOptions(): object;
    /** The section `testwright` for a folder. */
    settings(folder: vscode.Uri | undefined): object;
    /** One of the server's notifications `testwright/…`. */
    notified(method: string, params: unknown): void;
    isFollowed(token: Token): boolean;
    progressed(token: Token, value: Progress): void;
    /** Do what a code action or a lens asks for by a command of the server. What goes wrong is told to the user. */
    execute(command: string, args: readonly unknown[]): Promise<unknown>;
    /** What comes out of the process is not the protocol. */
    broken(reason: string): void;
    /** Nothing comes out of the process any more. */
    closed(): void;
    readonly output: vscode.LogOutputChannel;
    readonly trace: vscode.LogOutputChannel;
}

/** How a request failed, in terms that need no language client. */
export interface Failure {
    readonly kind: "cancelled" | "gone" | "refused";
    readonly message: string;
}

export interface Connection {
    /** @returns Who the server says that it is. */
    start(): Promise<{ readonly name?: string; readonly version?: string }>;
    /** Let it end in order, within some milliseconds. */
    stop(milliseconds: number): Promise<void>;
    request(method: string, params: unknown, cancel?: vscode.CancellationToken): Promise<unknown>;
    notify(method: string, params: unknown): Promise<void>;
    /** Hear of a progress whose token is a caller's. */
    follow(token: Token, took: (value: Progress) => void): void;
    /** How the server knows a document or a folder. */
    uriOf(uri: vscode.Uri): string;
    /** Read what a request was rejected with. */
    failureOf(error: unknown): Failure | undefined;
}

/** Documents that the server is told of. Those it can do nothing with get an action that says why. */
const DOCUMENTS = ["file", "untitled", "vscode-notebook-cell"].map((scheme) => ({ scheme, language: "python" }));

/** An edit is done or not; it is not cancelled. */
const NEVER_CANCELLED = new vscode.CancellationTokenSource();

/** So many errors in a row and it is not a slip on the wire. */
const MOST_ERRORS = 3;

/** Tells the user nothing by itself: what went wrong is told by whoever asked, once. */
class QuietClient extends LanguageClient {
    override error(message: string, data?: unknown): void {
        super.error(message, data, false);
    }

    override warn(message: string, data?: unknown): void {
        super.warn(message, data, false);
    }

    override info(message: string, data?: unknown): void {
        super.info(message, data, false);
    }
}

/** A connection to a process that has just been started. */
export function createConnection(child: ChildProcessWithoutNullStreams, hooks: Hooks): Connection {
    const options: LanguageClientOptions = {
        documentSelector: DOCUMENTS,
        outputChannel: hooks.output,
        traceOutputChannel: hooks.trace,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        initializationOptions: () => hooks.initializationOptions(),
        initializationFailedHandler: () => false,
        errorHandler: {
            error: (error, message, count) => {
                // What could not be written is told by the end of the process, which says why.
                if (message === undefined && (count ?? 0) >= MOST_ERRORS) {
                    hooks.broken(error.message);
                }
                return { action: ErrorAction.Continue, handled: true };
            },
            closed: () => {
                hooks.closed();
                return { action: CloseAction.DoNotRestart, handled: true };
            },
        },
        middleware: middleware(hooks),
    };
    const streams = { reader: checked(child.stdout, hooks), writer: child.stdin };
    const client = new QuietClient("testwright", "Testwright", async () => Promise.resolve(streams), options);
    for (const method of Object.values(FromServer)) {
        client.onNotification(method, (params: unknown) => {
            hooks.notified(method, params);
        });
    }
    return {
        start: async () => {
            await client.start();
            return client.initializeResult?.serverInfo ?? {};
        },
        stop: async (milliseconds) => client.stop(milliseconds),
        // A token that is undefined would make two positional parameters of it.
        request: async (method, params, cancel) =>
            cancel === undefined
                ? client.sendRequest<unknown>(method, params)
                : client.sendRequest<unknown>(method, params, cancel),
        notify: async (method, params) => client.sendNotification(method, params),
        follow: (token, took) => {
            client.onProgress(WorkDoneProgress.type, token, took);
        },
        uriOf: (uri) => client.code2ProtocolConverter.asUri(uri),
        failureOf,
    };
}

/** How each message begins. */
const HEADER = "content-";

/** What comes out of the process; told at once when it begins as no message does, for which the client would wait. */
function checked(output: Readable, hooks: Pick<Hooks, "broken">): Readable {
    let isFirst = true;
    const passing = new Transform({
        transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
            if (isFirst) {
                isFirst = false;
                const begins = chunk.toString("latin1", 0, 60);
                if (!HEADER.startsWith(begins.slice(0, HEADER.length).toLowerCase())) {
                    hooks.broken(`it says ${JSON.stringify(begins.split("\n")[0])}`);
                }
            }
            done(null, chunk);
        },
    });
    return output.pipe(passing);
}

function middleware(hooks: Hooks): Middleware {
    /** What the last change of ours to a document waits for on its way to the disk. */
    const saving = new WeakMap<vscode.TextDocument, Promise<void>>();
    return {
        handleWorkDoneProgress: (token, value, next) => {
            if (hooks.isFollowed(token)) {
                next(token, value);
                return;
            }
            // Shown by us, with a way to cancel. The client only needs to know when it can forget it.
            if (value.kind === "end") {
                next(token, value);
            }
            hooks.progressed(token, value);
        },
        executeCommand: async (command, args: unknown[]) => hooks.execute(command, args),
        workspace: {
            configuration: async (params, token, next) => {
                const answers = params.items.map(async (item): Promise<unknown> => {
                    if (item.section === "testwright") {
                        return hooks.settings(
                            typeof item.scopeUri === "string" ? vscode.Uri.parse(item.scopeUri) : undefined,
                        );
                    }
                    const others = await next({ items: [item] }, token);
                    return Array.isArray(others) ? (others[0] as unknown) : null;
                });
                return Promise.all(answers);
            },
            // That they have changed, and no values: the server asks, folder by folder.
            didChangeConfiguration: async (_sections, next) => next(undefined),
            handleApplyEdit: async (params, next) => {
                const edited = editedIn(params.edit);
                // Else it would look as if the user had not saved it, and the second of two changes would not be saved.
                await Promise.all(edited.map(async (document) => saving.get(document)));
                const saved = edited.filter((document) => !document.isDirty);
                // Not as a refactoring: the editor would save what the user has not saved, too.
                const answer = await next({ ...params, metadata: { isRefactoring: false } }, NEVER_CANCELLED.token);
                if ("applied" in answer && answer.applied && params.metadata?.isRefactoring === true) {
                    // The answer does not wait for it: what happens at a save (a formatter, say) may take its time.
                    for (const document of saved) {
                        saving.set(document, save(document, hooks.output));
                    }
                }
                return answer;
            },
        },
        window: {
            showDocument: async (params) => {
                const uri = vscode.Uri.parse(params.uri);
                const success =
                    params.external === true ? await openOutside(uri) : await show(uri, params, hooks.output);
                return { success };
            },
        },
    };
}

/** The documents that an edit changes and that are open. */
function editedIn(edit: WorkspaceEdit): readonly vscode.TextDocument[] {
    const changes = edit.documentChanges ?? [];
    const uris = new Set(
        [
            ...Object.keys(edit.changes ?? {}),
            ...changes.flatMap((change) => ("textDocument" in change ? [change.textDocument.uri] : [])),
        ].map((uri) => vscode.Uri.parse(uri).toString()),
    );
    return vscode.workspace.textDocuments.filter((document) => uris.has(document.uri.toString()));
}

/**
 * Save what had no unsaved changes before, so that whoever looks at the disk finds the tests; unless the user does not
 * want refactorings to be saved.
 */
async function save(document: vscode.TextDocument, log: vscode.LogOutputChannel): Promise<void> {
    const settings = vscode.workspace.getConfiguration("files.refactoring", document.uri);
    if (!document.isDirty || settings.get<boolean>("autoSave") === false) {
        return;
    }
    const isSaved = await Promise.resolve(document.save()).catch(() => false);
    if (!isSaved) {
        log.warn(`${document.uri.fsPath} could not be saved; its new tests are in the editor alone.`);
    }
}

/** Open an address in the browser; nothing but the web is opened on a server's word. */
async function openOutside(uri: vscode.Uri): Promise<boolean> {
    return ["http", "https"].includes(uri.scheme) && vscode.env.openExternal(uri);
}

/**
 * Show a file, in a tab that stays. Whoever goes on writing keeps the editor they write in: it comes beside, and where it
 * has a tab behind that editor it is left there.
 */
async function show(uri: vscode.Uri, params: ShowDocumentParams, log: vscode.LogOutputChannel): Promise<boolean> {
    const focus = params.takeFocus === true;
    const isFree = focus || vscode.window.activeTextEditor === undefined;
    const groups = vscode.window.tabGroups.all.filter((group) => group.tabs.some((tab) => isOf(tab, uri)));
    const inSight = groups.find((group) => group.activeTab !== undefined && isOf(group.activeTab, uri));
    const group = inSight ?? groups.find((one) => !one.isActive) ?? groups[0];
    if (group !== undefined && group !== inSight && group.isActive && !isFree) {
        return true;
    }
    try {
        // Not `showTextDocument`, which would hold the document open for minutes after its tab is closed.
        await vscode.commands.executeCommand("vscode.open", uri, {
            preview: false,
            preserveFocus: !focus,
            viewColumn: group?.viewColumn ?? (isFree ? vscode.ViewColumn.Active : vscode.ViewColumn.Beside),
            ...(params.selection === undefined ? {} : { selection: rangeOf(params.selection) }),
        } satisfies vscode.TextDocumentShowOptions);
        return true;
    } catch (error) {
        log.warn(`${uri.toString(true)} cannot be shown: ${wordsOf(error)}`);
        return false;
    }
}

function isOf(tab: vscode.Tab, uri: vscode.Uri): boolean {
    return tab.input instanceof vscode.TabInputText && tab.input.uri.toString() === uri.toString();
}

function rangeOf({ start, end }: Range): vscode.Range {
    return new vscode.Range(start.line, start.character, end.line, end.character);
}

function failureOf(error: unknown): Failure | undefined {
    if (!(error instanceof ResponseError)) {
        return undefined;
    }
    const { message } = error;
    switch (error.code) {
        case LSPErrorCodes.RequestCancelled:
        case LSPErrorCodes.ServerCancelled:
        case LSPErrorCodes.ContentModified:
            return { kind: "cancelled", message };
        case ErrorCodes.PendingResponseRejected:
        case ErrorCodes.ConnectionInactive:
            return { kind: "gone", message };
        default:
            return { kind: "refused", message };
    }
}
