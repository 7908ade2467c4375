/** The language server as the rest of the extension sees it: asked for when it is needed, and the same after a restart. */
import type * as vscode from "vscode";

import type { AgentChanged, CoverageStatus, RunChanged, RunFinished } from "../protocol";

/**
 * `off`: not started, or stopped on purpose (no trust, switched off). `starting`: its environment is being made, or it has
 * not answered yet. `running`: it can be asked. `failed`: it could not be started, or ended too often; the user was told.
 */
export type ServerState = "off" | "starting" | "running" | "failed";

/** What a server's work-done progress says. */
export type WorkDoneProgress =
    | { readonly kind: "begin"; readonly title: string; readonly message?: string; readonly percentage?: number }
    | { readonly kind: "report"; readonly message?: string; readonly percentage?: number }
    | { readonly kind: "end"; readonly message?: string };

/** The server. Features hold this and nothing of the language client. */
export interface Server extends vscode.Disposable {
    readonly state: ServerState;
    readonly onDidChangeState: vscode.Event<ServerState>;

    /** `testwright/runFinished`, `testwright/runChanged`, `testwright/coverage`, whichever process sends them. */
    readonly onRunFinished: vscode.Event<RunFinished>;
    readonly onRunChanged: vscode.Event<RunChanged>;
    readonly onCoverage: vscode.Event<CoverageStatus>;
    /** `testwright/coverageChanged`: the answer to `coverageOfAll` is another by now. */
    readonly onCoverageChanged: vscode.Event<void>;
    /** `testwright/agentChanged`: the set-up of the agent has begun, or ended. */
    readonly onAgentChanged: vscode.Event<AgentChanged>;

    /**
     * A progress that the server has begun by itself (a run from a code action or a lens), with the token to cancel it by
     * `cancelProgress`. Those whose token a caller has given are told to that caller alone.
     */
    readonly onProgress: vscode.Event<{ readonly token: string | number; readonly value: WorkDoneProgress }>;

    /** Start it unless it runs. Resolves when it can be asked. @throws {UserError} It cannot be started, and why. */
    start(): Promise<void>;

    /** End it and start it again; calls while one goes on share it. @throws {UserError} As {@link start}. */
    restart(): Promise<void>;

    /** End it in order. */
    stop(): Promise<void>;

    /** Ask, starting it first when need be. @throws {UserError} What the server answered, or why it cannot be asked. */
    request<Result>(method: string, params: unknown, cancel?: vscode.CancellationToken): Promise<Result>;

    /** Run one of the server's commands with its one argument. @throws {UserError} As {@link request}. */
    command<Result>(name: string, argument: object): Promise<Result>;

    /** Tell it something, if it runs; else nothing. */
    notify(method: string, params: unknown): void;

    /**
     * Follow a progress under a token of the caller's own (put into an argument as `workDoneToken`), up to its end.
     * When the server goes away meanwhile, that is an end, too; so it is for {@link onProgress}.
     */
    follow(token: string, took: (value: WorkDoneProgress) => void): vscode.Disposable;

    /** Cancel a progress that the server has begun. */
    cancelProgress(token: string | number): void;

    /** What runs, for a person; undefined when nothing does. */
    readonly program: string | undefined;

    /** Show what the server has written down. */
    showLogs(): void;
}
