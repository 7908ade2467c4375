/** Starts, restarts and ends the server; see `server.ts` for what the others hold of it. */
import * as vscode from "vscode";

import { tell, UserError } from "../log";
import {
    FromServer,
    ServerCommand,
    ToServer,
    type AgentChanged,
    type CoverageStatus,
    type RunChanged,
    type RunFinished,
} from "../protocol";
import type { Interpreters } from "../python/interpreters";
import type { ApiKeys } from "../secrets";
import { isEnabled, settingsOf } from "../settings";
import { followChanges } from "./changes";
import { DidNotStart, launch, type Live } from "./launch";
import type { Program, Programs } from "./program";
import { AfterRuns } from "./pure/afterRuns";
import { serverSettings } from "./pure/configuration";
import { TOO_MANY, WITHIN_MS } from "./pure/crashes";
import { Progresses, type Token } from "./pure/progresses";
import { Stopped, Supervisor } from "./pure/supervisor";
import type { Server, ServerState, WorkDoneProgress } from "./server";
import { createTrace } from "./trace";

export interface Needs {
    readonly context: vscode.ExtensionContext;
    readonly interpreters: Interpreters;
    readonly programs: Programs;
    readonly keys: ApiKeys;
    readonly log: vscode.LogOutputChannel;
}

export function createServer(needs: Needs): LanguageServer {
    return new LanguageServer(needs);
}

/** The server, in one process after another. */
export class LanguageServer implements Server {
    readonly #stateChanged = new vscode.EventEmitter<ServerState>();
    readonly #runFinished = new vscode.EventEmitter<RunFinished>();
    readonly #runChanged = new vscode.EventEmitter<RunChanged>();
    readonly #coverage = new vscode.EventEmitter<CoverageStatus>();
    readonly #coverageChanged = new vscode.EventEmitter<void>();
    readonly #agentChanged = new vscode.EventEmitter<AgentChanged>();
    readonly #progressed = new vscode.EventEmitter<{ readonly token: Token; readonly value: WorkDoneProgress }>();
    readonly #progresses = new Progresses((token, value) => {
        this.#progressed.fire({ token, value });
    });
    readonly #afterRuns = new AfterRuns();
    readonly #needs: Needs;
    readonly #supervisor: Supervisor<Live>;
    readonly #trace: vscode.LogOutputChannel;
    readonly #subscriptions: readonly vscode.Disposable[];
    #output: vscode.LogOutputChannel | undefined;
    #hide: (text: string) => string = (text) => text;
    /** What the process has been told of interpreters, by folder. */
    #toldInterpreters = new Map<string | undefined, string>();
    /** Whether the process has been told that the workspace is trusted. */
    #toldTrust = false;
    readonly #asTold = new WeakMap<DidNotStart, UserError>();
    #isClosed = false;

    readonly onDidChangeState = this.#stateChanged.event;
    readonly onRunFinished = this.#runFinished.event;
    readonly onRunChanged = this.#runChanged.event;
    readonly onCoverage = this.#coverage.event;
    readonly onCoverageChanged = this.#coverageChanged.event;
    readonly onAgentChanged = this.#agentChanged.event;
    readonly onProgress = this.#progressed.event;

    constructor(needs: Needs) {
        this.#needs = needs;
        this.#trace = createTrace((text) => this.#hide(text));
        this.#supervisor = new Supervisor<Live>({
            launch: async (abandoned) => this.#launch(abandoned),
            isWorthAnotherTry: (error) => error instanceof DidNotStart && error.isWorthAnotherTry,
            distrust: () => {
                needs.programs.distrust();
            },
            endedTooOften: (reason) => this.#endedTooOften(reason),
            failedUnasked: (error) => {
                this.#tell(this.#told(error));
            },
            note: (message) => {
                needs.log.warn(`The language server: ${message}`);
            },
            changed: (state) => {
                needs.log.debug(`The language server is ${state}`);
                this.#stateChanged.fire(state);
            },
            now: () => performance.now(),
        });
        this.#subscriptions = [
            this.#stateChanged,
            this.#runFinished,
            this.#runChanged,
            this.#coverage,
            this.#coverageChanged,
            this.#agentChanged,
            this.#progressed,
            this.#trace,
            this.#afterRuns,
            followChanges(needs.interpreters, needs.keys, {
                enabled: (isOn) => {
                    needs.log.info(`testwright.enable is ${isOn ? "on" : "off"} now`);
                    this.#unasked(isOn ? this.start() : this.stop());
                },
                renew: (reasons) => {
                    this.#renew(reasons);
                },
                keys: () => {
                    this.#afterRuns.do(() => {
                        this.#renew(["the API key has changed"]);
                    });
                    if (this.#afterRuns.isWaiting) {
                        needs.log.info("The API key has changed; the language server gets it when no run goes on");
                    }
                },
                interpreters: () => {
                    this.#unasked(this.#interpretersChanged());
                },
                trusted: () => {
                    this.#unasked(this.#trusted());
                },
            }),
        ];
    }

    get state(): ServerState {
        return this.#supervisor.state;
    }

    get program(): string | undefined {
        return this.#supervisor.current?.program.description;
    }

    /** The process, for whoever looks whether it is still there. */
    get process(): number | undefined {
        return this.#supervisor.current?.process.pid;
    }

    async start(): Promise<void> {
        await this.#throughSupervisor(async () => this.#supervisor.start());
    }

    async restart(): Promise<void> {
        await this.#throughSupervisor(async () => this.#supervisor.restart());
    }

    async stop(): Promise<void> {
        await this.#supervisor.stop();
    }

    /** End it in order; it is not started again. */
    async close(): Promise<void> {
        this.#isClosed = true;
        await this.#supervisor.stop();
    }

    async request<Result>(method: string, params: unknown, cancel?: vscode.CancellationToken): Promise<Result> {
        const starting = this.#throughSupervisor(async () => this.#supervisor.ready());
        const live = await (cancel === undefined ? starting : unlessCancelled(starting, cancel));
        try {
            return (await live.connection.request(method, params, cancel)) as Result;
        } catch (error) {
            throw asUserError(error, live);
        }
    }

    async command<Result>(name: string, argument: object): Promise<Result> {
        return this.request<Result>("workspace/executeCommand", { command: name, arguments: [argument] });
    }

    notify(method: string, params: unknown): void {
        this.#notify(this.#supervisor.current, method, params);
    }

    follow(token: string, took: (value: WorkDoneProgress) => void): vscode.Disposable {
        const following = this.#progresses.follow(token, took);
        const live = this.#supervisor.current;
        if (live !== undefined) {
            this.#hear(live, token);
        }
        return following;
    }

    cancelProgress(token: Token): void {
        this.notify("window/workDoneProgress/cancel", { token });
    }

    showLogs(): void {
        this.#channel().show(true);
    }

    dispose(): void {
        this.#isClosed = true;
        this.#supervisor.current?.process.kill();
        for (const subscription of [...this.#subscriptions, this.#output]) {
            subscription?.dispose();
        }
    }

    async #launch(abandoned: AbortSignal): Promise<Live> {
        const { programs, keys, log, context } = this.#needs;
        const chosen = this.#chosenInterpreters(); // other extensions may take as long as the server
        const live = await launch(
            {
                programs,
                keys,
                log,
                extension: context.extension,
                output: () => this.#channel(),
                trace: this.#trace,
                hideBy: (hide) => {
                    this.#hide = hide;
                },
                gone: () => {
                    this.#progresses.end();
                    this.#afterRuns.gone();
                },
                hooks: {
                    initializationOptions: () => {
                        this.#toldTrust = vscode.workspace.isTrusted;
                        return { trusted: this.#toldTrust, notifications: true, reports: true, machineSettings: true };
                    },
                    settings: (folder) => {
                        const settings = settingsOf(folder);
                        return serverSettings((name) => settings.inspect(name));
                    },
                    notified: (method, params) => {
                        this.#notified(method, params);
                    },
                    isFollowed: (token) => this.#progresses.isFollowed(token),
                    progressed: (token, value) => {
                        this.#progresses.take(token, value);
                    },
                    execute: async (command, args) => this.#execute(command, args),
                },
            },
            abandoned,
        );
        for (const token of this.#progresses.followed) {
            this.#hear(live, token);
        }
        this.#toldInterpreters = new Map();
        this.#tellInterpreters(live, await chosen);
        this.#tellTrust(live);
        return live;
    }

    /** A command of the server, from a code action or a lens, or from another extension. */
    async #execute(command: string, args: readonly unknown[]): Promise<unknown> {
        const argument = (args[0] ?? {}) as { readonly uri?: string; readonly show?: boolean };
        if (command === ServerCommand.showReport && argument.show !== false) {
            // The editor has a page for it; the server would write a file of Markdown.
            const asked = argument.uri === undefined ? undefined : vscode.Uri.parse(argument.uri);
            return vscode.commands.executeCommand("testwright.openReport", asked);
        }
        try {
            return await this.request("workspace/executeCommand", { command, arguments: args });
        } catch (error) {
            this.#tell(error);
            return undefined;
        }
    }

    #notified(method: string, params: unknown): void {
        switch (method) {
            case FromServer.runFinished:
                this.#runFinished.fire(params as RunFinished);
                break;
            case FromServer.runChanged:
                this.#afterRuns.take(params as RunChanged);
                this.#runChanged.fire(params as RunChanged);
                break;
            case FromServer.coverage:
                this.#coverage.fire(params as CoverageStatus);
                break;
            case FromServer.coverageChanged:
                this.#coverageChanged.fire();
                break;
            case FromServer.agentChanged:
                this.#agentSetUp(params as AgentChanged);
                break;
            default:
                this.#needs.log.warn(`The server has sent ${method}, which means nothing here`);
        }
    }

    #agentSetUp(changed: AgentChanged): void {
        // It ends with the process, as a run does.
        this.#afterRuns.take({ run: "set-up-agent", state: changed.state === "setting-up" ? "running" : "ended" });
        this.#agentChanged.fire(changed);
    }

    #hear(live: Live, token: Token): void {
        live.connection.follow(token, (value) => {
            this.#progresses.take(token, value);
        });
    }

    #notify(live: Live | undefined, method: string, params: unknown): void {
        live?.connection.notify(method, params).catch((error: unknown) => {
            this.#needs.log.debug(`${method} was not sent: ${String(error)}`); // it is ending, and the next is told anew
        });
    }

    /** Which interpreter holds for each folder, and for files outside of all. */
    async #chosenInterpreters(): Promise<readonly Chosen[]> {
        const folders = [undefined, ...(vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri)];
        const { interpreters } = this.#needs;
        return Promise.all(folders.map(async (folder) => ({ folder, python: (await interpreters.of(folder))?.path })));
    }

    /** Tell of interpreters as far as it was not told before. */
    #tellInterpreters(live: Live, chosen: readonly Chosen[]): void {
        for (const { folder, python } of chosen) {
            const folderUri = folder === undefined ? undefined : live.connection.uriOf(folder);
            if (this.#toldInterpreters.get(folderUri) !== python) {
                if (python === undefined) {
                    this.#toldInterpreters.delete(folderUri);
                } else {
                    this.#toldInterpreters.set(folderUri, python);
                }
                this.#notify(live, ToServer.didChangeInterpreter, {
                    ...(folderUri === undefined ? {} : { folderUri }),
                    ...(python === undefined ? {} : { python }),
                });
            }
        }
    }

    #tellTrust(live: Live): void {
        if (vscode.workspace.isTrusted !== this.#toldTrust) {
            this.#toldTrust = vscode.workspace.isTrusted;
            this.#notify(live, ToServer.didChangeTrust, { trusted: this.#toldTrust });
        }
    }

    async #interpretersChanged(): Promise<void> {
        if (this.state === "starting") {
            await this.#supervisor.ready().catch(() => undefined); // told by whoever has asked for it
        }
        const live = this.#supervisor.current;
        if (live !== undefined) {
            const was = this.#isChosen(live.program);
            const chosen = await this.#chosenInterpreters();
            if (this.#supervisor.current === live) {
                this.#tellInterpreters(live, chosen);
                if (was && !this.#isChosen(live.program)) {
                    this.#renew(["it runs in an environment that is not the chosen one any more"]);
                }
            }
        } else if (this.state === "failed" && isEnabled()) {
            await this.start(); // what was missing may be there now
        }
    }

    /** Whether the server is the `testwright` of an environment that is chosen for a folder. */
    #isChosen(program: Program): boolean {
        return [...this.#toldInterpreters.values()].includes(program.command);
    }

    async #trusted(): Promise<void> {
        const live = this.#supervisor.current;
        if (live !== undefined) {
            this.#tellTrust(live);
            await this.#interpretersChanged(); // nothing of an environment within the folder was told before
        } else if (isEnabled()) {
            await this.start();
        }
    }

    /** What the server was started with has changed. One that was never started, or was stopped, stays so. */
    #renew(reasons: readonly string[]): void {
        if (this.state !== "off" && isEnabled()) {
            this.#needs.log.info(`Restarting the language server: ${reasons.join("; ")}`);
            this.#unasked(this.#throughSupervisor(async () => this.#supervisor.renew()));
        }
    }

    async #throughSupervisor(act: () => Promise<Live>): Promise<Live> {
        if (this.#isClosed) {
            throw new vscode.CancellationError();
        }
        if (!isEnabled()) {
            throw new UserError(
                "Testwright is switched off by the setting testwright.enable. Switch it on to use it.",
                [openSettings("testwright.enable")],
            );
        }
        try {
            return await act();
        } catch (error) {
            throw this.#told(error);
        }
    }

    /** As it is told to the user. */
    #told(error: unknown): unknown {
        if (error instanceof Stopped) {
            return new vscode.CancellationError();
        }
        if (error instanceof DidNotStart) {
            return this.#oneFor(error);
        }
        return error;
    }

    /** The same for all who have waited, so that it is told once. */
    #oneFor(error: DidNotStart): UserError {
        let told = this.#asTold.get(error);
        if (told === undefined) {
            const settings = (settingsOf().get<string>("path") ?? "") === "" ? [] : [openSettings("testwright.path")];
            told = new UserError(
                `Testwright's language server could not be started: ${error.program.description} was tried, and ` +
                    `${error.reason}.`,
                [...settings, ...this.#waysOut()],
            );
            this.#asTold.set(error, told);
        }
        return told;
    }

    #endedTooOften(reason: string): UserError {
        return new UserError(
            `Testwright's language server has ended by itself ${TOO_MANY} times within ${WITHIN_MS / 60_000} minutes ` +
                `and is not started again (${reason}).`,
            this.#waysOut(),
        );
    }

    #waysOut(): { readonly label: string; readonly run: () => unknown }[] {
        return [
            {
                label: "Restart Server",
                run: () => {
                    this.#unasked(this.restart());
                },
            },
            {
                label: "Show Logs",
                run: () => {
                    this.showLogs();
                },
            },
        ];
    }

    /** What nobody waits for, so that its failure is told here. */
    #unasked(work: Promise<unknown>): void {
        work.catch((error: unknown) => {
            this.#tell(error);
        });
    }

    #tell(error: unknown): void {
        void tell(error, this.#needs.log);
    }

    #channel(): vscode.LogOutputChannel {
        this.#output ??= vscode.window.createOutputChannel("Testwright Server", { log: true });
        return this.#output;
    }
}

/** An interpreter, if one is chosen, for a folder or for all else. */
interface Chosen {
    readonly folder: vscode.Uri | undefined;
    readonly python: string | undefined;
}

function openSettings(name: string): { readonly label: string; readonly run: () => unknown } {
    return {
        label: "Open Settings",
        run: () => vscode.commands.executeCommand("workbench.action.openSettings", name),
    };
}

/** As the user is told of a request that failed. */
function asUserError(error: unknown, live: Live | undefined): unknown {
    const failure = live?.connection.failureOf(error);
    switch (failure?.kind) {
        case "cancelled":
            return new vscode.CancellationError();
        case "gone":
            return new UserError("Testwright's language server ended before it had answered. Try again in a moment.");
        case "refused":
            return new UserError(failure.message);
        case undefined:
            return error;
    }
}

async function unlessCancelled<T>(work: Promise<T>, cancel: vscode.CancellationToken): Promise<T> {
    let subscription: vscode.Disposable | undefined;
    const cancelled = new Promise<never>((_resolve, reject) => {
        const end = () => {
            reject(new vscode.CancellationError());
        };
        subscription = cancel.onCancellationRequested(end);
        if (cancel.isCancellationRequested) {
            end();
        }
    });
    try {
        return await Promise.race([work, cancelled]);
    } finally {
        subscription?.dispose();
        work.catch(() => undefined);
    }
}
