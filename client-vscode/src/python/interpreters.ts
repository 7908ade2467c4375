/** Which Python a folder's tests run in: what the user has chosen in the editor. */
import * as vscode from "vscode";

import { wordsOf } from "../pure/words";
import { isProgram, programOf } from "../server/pythons";
import { settingsOf } from "../settings";
import {
    changedAddress,
    executablesOfActive,
    executablesOfEnvironment,
    isEnvironmentsApi,
    isPythonApi,
} from "./pure/apis";

export interface Interpreter {
    /** The executable. */
    readonly path: string;
    /** Who says so: the Python Environments extension, the Python extension, the setting `testwright.python`. */
    readonly source: "environments" | "python" | "setting";
}

/** Asks, in this order, the Environments extension, the Python extension and the setting; none of them must be there. */
export interface Interpreters extends vscode.Disposable {
    /** The interpreter of a folder; undefined when none is chosen. Never fails, and never waits for long. */
    of(folder: vscode.Uri | undefined): Promise<Interpreter | undefined>;
    /** Another one may hold for a folder now, or for all of them. */
    readonly onDidChange: vscode.Event<vscode.Uri | undefined>;
}

export function createInterpreters(log: vscode.LogOutputChannel): Interpreters {
    return new Asking(log);
}

/** An extension that can be asked. */
interface Source {
    readonly name: Interpreter["source"];
    readonly id: string;
    /** Whether the user has switched it off, for which it has a setting. */
    isOff(): boolean;
    /** What is asked of its exports; undefined when they are not what they should be. */
    of(exports: unknown): Asked | undefined;
}

interface Asked {
    /** Where the executable may be, likeliest first. */
    executables(folder: vscode.Uri | undefined): Promise<string[]>;
    readonly changes: ((listener: (change: unknown) => void) => { dispose(): unknown }) | undefined;
}

/**
 * For the answer of one extension, its activation included. Who is late is passed over; when the answer comes after all, it
 * is a change.
 */
const PATIENCE_MS = 2_000;

const SOURCES: readonly Source[] = [
    {
        name: "environments",
        id: "ms-python.vscode-python-envs",
        isOff: () => vscode.workspace.getConfiguration("python").get<boolean>("useEnvironmentsExtension") === false,
        of: (exports) =>
            isEnvironmentsApi(exports)
                ? {
                      executables: async (folder) => executablesOfEnvironment(await exports.getEnvironment(folder)),
                      changes: exports.onDidChangeEnvironment?.bind(exports),
                  }
                : undefined,
    },
    {
        name: "python",
        id: "ms-python.python",
        isOff: () => false,
        of: (exports) =>
            isPythonApi(exports)
                ? {
                      executables: async (folder) => {
                          await exports.ready;
                          const active = exports.environments.getActiveEnvironmentPath(folder);
                          return executablesOfActive(active, await exports.environments.resolveEnvironment(active));
                      },
                      changes: exports.environments.onDidChangeActiveEnvironmentPath?.bind(exports.environments),
                  }
                : undefined,
    },
];

class Asking implements Interpreters {
    readonly #changed = new vscode.EventEmitter<vscode.Uri | undefined>();
    readonly #subscriptions: vscode.Disposable[];
    /** Those whose changes are followed, by what they have exported; another activation exports another object. */
    readonly #followed = new Map<
        string,
        { readonly exports: unknown; readonly listening: { dispose(): unknown } | undefined }
    >();
    /** What was last noted of each extension, so that it is noted once. */
    readonly #noted = new Map<string, string>();
    #there = "";

    readonly onDidChange = this.#changed.event;

    constructor(readonly log: vscode.LogOutputChannel) {
        this.#subscriptions = [
            this.#changed,
            vscode.extensions.onDidChange(() => {
                if (this.#extensionsHaveChanged()) {
                    this.#changed.fire(undefined);
                }
            }),
            vscode.workspace.onDidChangeConfiguration((event) => {
                if (
                    ["testwright.python", "python.useEnvironmentsExtension"].some((name) =>
                        event.affectsConfiguration(name),
                    )
                ) {
                    this.#changed.fire(undefined);
                }
            }),
        ];
        this.#extensionsHaveChanged();
    }

    async of(folder: vscode.Uri | undefined): Promise<Interpreter | undefined> {
        for (const source of SOURCES) {
            const path = await this.#askInTime(source, folder);
            if (path !== undefined) {
                this.log.debug(`${source.id}: ${path} for ${folder?.fsPath ?? "all folders"}`);
                return { path, source: source.name };
            }
        }
        return this.#fromSetting(folder);
    }

    dispose(): void {
        this.#followed.forEach(({ listening }) => listening?.dispose());
        this.#followed.clear();
        vscode.Disposable.from(...this.#subscriptions).dispose();
    }

    async #askInTime(source: Source, folder: vscode.Uri | undefined): Promise<string | undefined> {
        const extension = vscode.extensions.getExtension(source.id);
        if (extension === undefined || source.isOff()) {
            return undefined;
        }
        let isLate = false;
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<undefined>((resolve) => {
            timer = setTimeout(() => {
                isLate = true;
                this.#note(source.id, `has not answered within ${PATIENCE_MS / 1000} s, and is not waited for`);
                resolve(undefined);
            }, PATIENCE_MS);
        });
        const answer = this.#ask(source, extension, folder).then((path) => {
            if (isLate && path !== undefined) {
                this.#changed.fire(folder);
            }
            return path;
        });
        try {
            return await Promise.race([answer, late]);
        } finally {
            clearTimeout(timer);
        }
    }

    async #ask(
        source: Source,
        extension: vscode.Extension<unknown>,
        folder: vscode.Uri | undefined,
    ): Promise<string | undefined> {
        try {
            const exports: unknown = extension.isActive ? extension.exports : await extension.activate();
            const asked = source.of(exports);
            if (asked === undefined) {
                this.#note(source.id, "does not offer what is asked of it, and is passed over");
                return undefined;
            }
            this.#follow(source, exports, asked);
            for (const path of await asked.executables(folder)) {
                if (await isProgram(path)) {
                    return path;
                }
            }
            return undefined;
        } catch (error) {
            this.#note(source.id, `has failed, and is passed over: ${wordsOf(error)}`);
            return undefined;
        }
    }

    #follow(source: Source, exports: unknown, asked: Asked): void {
        const followed = this.#followed.get(source.id);
        if (followed?.exports === exports) {
            return;
        }
        followed?.listening?.dispose();
        const listening = asked.changes?.((change) => {
            const address = changedAddress(change);
            const folder =
                address === undefined ? undefined : vscode.workspace.getWorkspaceFolder(address as vscode.Uri);
            this.#changed.fire(folder?.uri);
        });
        this.#followed.set(source.id, { exports, listening });
    }

    /** Whether one of those that are asked has come or gone. */
    #extensionsHaveChanged(): boolean {
        const there = SOURCES.filter(({ id }) => vscode.extensions.getExtension(id) !== undefined).map(({ id }) => id);
        for (const [id, { listening }] of this.#followed) {
            if (!there.includes(id)) {
                listening?.dispose();
                this.#followed.delete(id);
            }
        }
        const before = this.#there;
        this.#there = there.join();
        return before !== this.#there;
    }

    async #fromSetting(folder: vscode.Uri | undefined): Promise<Interpreter | undefined> {
        const value = (settingsOf(folder).get<string>("python") ?? "").trim();
        if (value === "") {
            return undefined;
        }
        const path = await programOf(value, ["python", "python3"], process.env);
        if (path === undefined) {
            this.#note("testwright.python", `names ${value}, and there is no such program`);
            return undefined;
        }
        return { path, source: "setting" };
    }

    #note(who: string, what: string): void {
        if (this.#noted.get(who) !== what) {
            this.#noted.set(who, what);
            this.log.warn(`${who} ${what}.`);
        }
    }
}
