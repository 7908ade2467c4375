/** What to start as the language server: our own environment, or the `testwright` that a setting or an environment has. */
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as vscode from "vscode";

import { UserError } from "../log";
import type { Interpreters } from "../python/interpreters";
import { settingsOf } from "../settings";
import { type Environment, OwnEnvironments } from "./environment";
import { plainVariables } from "./pure/installing";
import { compareVersions, isCompatible, parseAnswer, parseVersion, type Version, versionText } from "./pure/versions";
import { findPython, isShunned, programOf } from "./pythons";
import { run } from "./run";
import { Trouble } from "./trouble";

export interface Program {
    readonly command: string;
    /** Without `lsp` and its options. */
    readonly args: readonly string[];
    /** For a person: `testwright 0.1.0 in its own environment (Python 3.12.4)`. */
    readonly description: string;
}

export interface Programs {
    /** Find it, making the environment with progress shown when need be. @throws {UserError} There is none, and why. */
    find(): Promise<Program>;
    /** It did not work: look again from the beginning at the next {@link find}, and make the environment anew. */
    distrust(): void;
}

type Action = ConstructorParameters<typeof UserError>[1] extends readonly (infer One)[] | undefined ? One : never;

/** A program that does not tell its version within it will not do as a server. */
const VERSION_SECONDS = 20;

/** While another Testwright is in use for want of our own, it is not tried at every occasion. */
const AGAIN_MS = 60_000;

/** Clearing away has time until the server runs. */
const CLEAR_MS = 15_000;

export function createPrograms(
    context: vscode.ExtensionContext,
    interpreters: Interpreters,
    log: vscode.LogOutputChannel,
): Programs {
    return new Finder(context, interpreters, log);
}

class Finder implements Programs {
    readonly #own: OwnEnvironments;
    readonly #ours: Version;
    readonly #closing = new AbortController();
    /** The search that goes on, and the settings that it goes by. */
    #finding:
        | { readonly settings: string; readonly program: Promise<Program>; readonly abandon: AbortController }
        | undefined;
    #inUse: Environment | undefined;
    #isDistrusted = false;
    #wasMadeAnew = false;
    #wasToldOfOther = false;
    /** Why our own environment could not be made, where another one is used instead. */
    #failed: { readonly trouble: Trouble; readonly settings: string; readonly at: number } | undefined;

    constructor(
        context: vscode.ExtensionContext,
        readonly interpreters: Interpreters,
        readonly log: vscode.LogOutputChannel,
    ) {
        const { version } = context.extension.packageJSON as { version: string };
        this.#ours = parseVersion(version) ?? [0, 0, 0];
        this.#own = new OwnEnvironments({
            storage: join(context.globalStorageUri.fsPath, "environments"),
            bundled: join(context.extensionPath, "bundled"),
            version,
            variables: process.env,
            log: (line) => {
                log.info(line);
            },
        });
        context.subscriptions.push({
            dispose: () => {
                this.#closing.abort(new vscode.CancellationError());
                void this.#own.close();
            },
        });
    }

    async find(): Promise<Program> {
        const settings = readSettings();
        const key = keyOf(settings);
        if (this.#finding?.settings === key) {
            return this.#finding.program;
        }
        this.#finding?.abandon.abort(new vscode.CancellationError()); // nobody wants what other settings say
        const abandon = new AbortController();
        const program = this.#find(settings, AbortSignal.any([abandon.signal, this.#closing.signal]));
        const finding = { settings: key, program, abandon };
        this.#finding = finding;
        try {
            return await program;
        } finally {
            if (this.#finding === finding) {
                this.#finding = undefined;
            }
        }
    }

    distrust(): void {
        this.#isDistrusted = true;
    }

    async #find(settings: Settings, signal: AbortSignal): Promise<Program> {
        if (process.platform === "win32") {
            throw notOnWindows();
        }
        try {
            const program = await this.#choose(settings, signal);
            this.log.info(`The server is ${program.description}: ${program.command}`);
            return program;
        } catch (error) {
            throw error instanceof Trouble ? await this.#told(error, settings.source) : error;
        }
    }

    async #choose(settings: Settings, signal: AbortSignal): Promise<Program> {
        const { path, source } = settings;
        if (path !== "") {
            return this.#fromSetting(path);
        }
        if (source === "environment") {
            const program = await this.#fromEnvironment();
            if (program === undefined) {
                throw await this.#nothingInEnvironment();
            }
            return program;
        }
        try {
            return this.#started(await this.#ownEnvironment(settings, signal));
        } catch (error) {
            if (source !== "auto" || !(error instanceof Trouble)) {
                throw error;
            }
            const program = await this.#fromEnvironment();
            if (program === undefined) {
                throw error;
            }
            this.#failed = { trouble: error, settings: keyOf(settings), at: performance.now() };
            this.#tellOfOther(error, program);
            return program;
        }
    }

    // ---- our own environment

    async #ownEnvironment(settings: Settings, signal: AbortSignal): Promise<Environment> {
        if (this.#isDistrusted && this.#inUse !== undefined) {
            // Once: a server that does not start from a new one, either, would have it made for ever.
            if (!this.#wasMadeAnew) {
                this.log.warn(`The environment ${this.#inUse.folder} is made anew, because the server did not work.`);
                await this.#own.distrust(this.#inUse.folder);
                this.#wasMadeAnew = true;
            }
            this.#inUse = undefined;
        }
        this.#isDistrusted = false;
        const existing = await this.#own.existing(settings.python, signal);
        if (existing !== undefined) {
            return existing;
        }
        if (this.#failed?.settings === keyOf(settings) && performance.now() - this.#failed.at < AGAIN_MS) {
            throw this.#failed.trouble;
        }
        this.#failed = undefined;
        return this.#make(settings.python, signal);
    }

    async #make(asked: string, signal: AbortSignal): Promise<Environment> {
        const chosen = vscode.workspace.isTrusted && asked === "" ? await this.#chosenPythons() : [];
        return vscode.window.withProgress(
            {
                location: vscode.ProgressLocation.Notification,
                title: "Testwright is setting up its Python environment",
                cancellable: true,
            },
            async (progress, token) => {
                const cancel = new AbortController();
                token.onCancellationRequested(() => {
                    cancel.abort(new vscode.CancellationError());
                });
                return this.#own.make({
                    asked,
                    signal: AbortSignal.any([cancel.signal, signal]),
                    findPython: async (ended) =>
                        findPython({
                            asked,
                            first: chosen,
                            shunned: shunned(),
                            variables: process.env,
                            log: (line) => {
                                this.log.info(line);
                            },
                            signal: ended,
                        }),
                    report: (step) => {
                        progress.report({ message: step });
                    },
                });
            },
        );
    }

    #started(environment: Environment): Program {
        this.#inUse = environment;
        setTimeout(() => {
            void this.#own.clear(environment.folder).catch((error: unknown) => {
                this.log.warn(`Old environments could not be cleared away: ${String(error)}`);
            });
        }, CLEAR_MS).unref();
        return {
            command: environment.python,
            args: ["-I", "-m", "testwright"],
            description: `testwright ${environment.seal.version} in its own environment (${environment.seal.python})`,
        };
    }

    // ---- the user's

    /** @throws {UserError} The setting names what will not do. */
    async #fromSetting(setting: string): Promise<Program> {
        const named = `The setting testwright.path names ${setting}`;
        const correct = this.#openSetting("testwright.path");
        const path = await programOf(setting, ["testwright"], process.env);
        if (path === undefined) {
            throw new UserError(`${named}, and there is no such program. Correct or clear the setting.`, [correct]);
        }
        if (await isShunned(path, shunned())) {
            throw new UserError(
                `${named}, which is in this workspace, and the workspace is not trusted: nothing of it is run. ` +
                    "Trust the workspace, or clear the setting.",
                [
                    {
                        label: "Manage Trust",
                        run: async () => vscode.commands.executeCommand("workbench.trust.manage"),
                    },
                    correct,
                ],
            );
        }
        const version = await this.#versionOf(path, []);
        if (version === undefined) {
            throw new UserError(`${named}, which does not answer as testwright does. Correct or clear the setting.`, [
                correct,
                this.#showLogs,
            ]);
        }
        if (!isCompatible(version, this.#ours)) {
            throw new UserError(
                `${named}, which is testwright ${versionText(version)}; this extension needs ` +
                    `${this.#ours[0]}.${this.#ours[1]} or newer. Upgrade it, or clear the setting.`,
                [correct],
            );
        }
        return {
            command: path,
            args: [],
            description: `testwright ${versionText(version)} of the setting testwright.path`,
        };
    }

    /** The `testwright` of a chosen interpreter, if one has it; none while the workspace is not trusted. */
    async #fromEnvironment(): Promise<Program | undefined> {
        if (!vscode.workspace.isTrusted) {
            return undefined;
        }
        for (const python of await this.#chosenPythons()) {
            const args = ["-P", "-m", "testwright"]; // -P: what lies in the current folder is no module
            const version = await this.#versionOf(python, args);
            if (version === undefined) {
                continue;
            }
            if (isCompatible(version, this.#ours)) {
                return {
                    command: python,
                    args,
                    description: `testwright ${versionText(version)} in the chosen environment (${python})`,
                };
            }
            this.log.warn(`${python} has testwright ${versionText(version)}, which is too old for this extension.`);
        }
        return undefined;
    }

    /** Those that are chosen for the workspace's folders, each once. */
    async #chosenPythons(): Promise<string[]> {
        const folders = vscode.workspace.workspaceFolders?.map((folder) => folder.uri) ?? [undefined];
        const chosen = await Promise.all(folders.map(async (folder) => this.interpreters.of(folder)));
        return [...new Set(chosen.flatMap((interpreter) => (interpreter === undefined ? [] : [interpreter.path])))];
    }

    async #versionOf(command: string, args: readonly string[]): Promise<Version | undefined> {
        try {
            const { code, stdout, stderr, timedOut } = await run(command, [...args, "--version"], {
                cwd: tmpdir(),
                env: args.length > 0 ? process.env : plainVariables(process.env),
                seconds: VERSION_SECONDS,
                signal: this.#closing.signal,
            });
            const version = code === 0 ? parseAnswer(stdout) : undefined;
            if (version === undefined) {
                const how = timedOut
                    ? "did not answer"
                    : `answered ${JSON.stringify((stderr || stdout).trim().slice(-300))}`;
                this.log.info(`${[command, ...args].join(" ")} --version ${how}.`);
            } else if (compareVersions(version, this.#ours) > 0) {
                this.log.info(`${command} is testwright ${versionText(version)}, newer than this extension.`);
            }
            return version;
        } catch (error) {
            this.#closing.signal.throwIfAborted();
            this.log.info(`${command} cannot be run: ${String(error)}`);
            return undefined;
        }
    }

    // ---- what is told

    readonly #showLogs = {
        label: "Show Logs",
        run: () => {
            this.log.show();
        },
    };

    readonly #tryAgain = {
        label: "Try Again",
        run: async () => {
            this.#failed = undefined;
            await vscode.commands.executeCommand("testwright.restartServer");
        },
    };

    #openSetting(id: string): Action {
        return {
            label: "Open Setting",
            run: async () => vscode.commands.executeCommand("workbench.action.openSettings", id),
        };
    }

    /** What the user is told, with a button for each next step. */
    async #told(trouble: Trouble, source: string): Promise<UserError> {
        const setting = this.#openSetting("testwright.server.python");
        switch (trouble.kind) {
            case "python":
                return new UserError(trouble.message, [
                    {
                        label: "Get Python",
                        run: async () => vscode.env.openExternal(vscode.Uri.parse("https://www.python.org/downloads/")),
                    },
                    { ...setting, label: "Choose Python" },
                    this.#tryAgain,
                ]);
            case "setting":
                return new UserError(trouble.message, [setting, this.#tryAgain]);
            case "index":
            case "making": {
                const actions: Action[] = [this.#tryAgain, this.#showLogs];
                // Where that may be used, it was looked for already.
                if (source === "own" && (await this.#fromEnvironment()) !== undefined) {
                    actions.push({ label: "Use the One in My Environment", run: useEnvironment });
                }
                return new UserError(trouble.message, actions);
            }
            case "package":
                return new UserError(trouble.message, [this.#openSetting("testwright.path")]);
        }
    }

    async #nothingInEnvironment(): Promise<UserError> {
        const setting = this.#openSetting("testwright.server.source");
        if (!vscode.workspace.isTrusted) {
            return new UserError(
                "The setting testwright.server.source wants the testwright of your environment, and nothing of that is run " +
                    "while the workspace is not trusted. Trust the workspace, or change the setting.",
                [setting],
            );
        }
        const pythons = await this.#chosenPythons();
        const ours = `${this.#ours[0]}.${this.#ours[1]}`;
        return new UserError(
            pythons.length === 0
                ? "The setting testwright.server.source wants the testwright of your environment, and no interpreter is chosen. Choose one, or change the setting."
                : `The setting testwright.server.source wants the testwright of your environment, and ${pythons.join(", ")} has none of ` +
                      `version ${ours} or newer. Install it there (pip install testwright), or change the setting.`,
            [setting, this.#tryAgain],
        );
    }

    /** Once, as a note: the server runs, but is not the one that comes with the extension. */
    #tellOfOther(trouble: Trouble, program: Program): void {
        this.log.warn(`${trouble.message} Instead: ${program.description}.`);
        if (this.#wasToldOfOther) {
            return;
        }
        this.#wasToldOfOther = true;
        const actions: Action[] = [this.#tryAgain, this.#showLogs];
        void vscode.window
            .showWarningMessage(
                `${trouble.message} Until then it uses ${program.description}.`,
                ...actions.map((action) => action.label),
            )
            .then((label) => actions.find((action) => action.label === label)?.run());
    }
}

/** What is decided by, so that one sees whether it has changed. */
interface Settings {
    readonly path: string;
    readonly source: string;
    readonly python: string;
    readonly isTrusted: boolean;
}

function keyOf(settings: Settings): string {
    return JSON.stringify(settings);
}

function readSettings(): Settings {
    const settings = settingsOf();
    return {
        path: (settings.get<string>("path") ?? "").trim(),
        source: settings.get<string>("server.source") ?? "auto",
        python: (settings.get<string>("server.python") ?? "").trim(),
        isTrusted: vscode.workspace.isTrusted,
    };
}

/** Folders of which nothing is run. */
function shunned(): string[] {
    return vscode.workspace.isTrusted
        ? []
        : (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
}

async function useEnvironment(): Promise<void> {
    // The server is started anew by the change.
    await settingsOf().update("server.source", "environment", vscode.ConfigurationTarget.Global);
}

function notOnWindows(): UserError {
    const isThere = vscode.extensions.getExtension("ms-vscode-remote.remote-wsl") !== undefined;
    return new UserError(
        "Testwright does not run on Windows itself, but in the Windows Subsystem for Linux. Open the folder there.",
        [
            isThere
                ? {
                      label: "Reopen in WSL",
                      run: async () => vscode.commands.executeCommand("remote-wsl.reopenInWSL"),
                  }
                : {
                      label: "How to",
                      run: async () =>
                          vscode.env.openExternal(vscode.Uri.parse("https://code.visualstudio.com/docs/remote/wsl")),
                  },
        ],
    );
}
