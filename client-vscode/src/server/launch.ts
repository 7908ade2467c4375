/** One start of the server: from finding what to start to its first answer. */
import type * as vscode from "vscode";

import { wordsOf } from "../pure/words";
import type { ApiKeys } from "../secrets";
import { settingsOf } from "../settings";
import type { Connection, Hooks } from "./connection";
import { delay, startProcess, type ServerProcess } from "./process";
import type { Program, Programs } from "./program";
import { hiderOf, serverEnvironment } from "./pure/environment";
import type { Line } from "./pure/stderr";
import { Stopped, type Started } from "./pure/supervisor";
import { isCompatible, parseVersion, versionText } from "./pure/versions";

/** For the first answer; a machine that is busy needs its time. */
const ANSWER_MS = 60_000;
/** For ending in order, and then for the process to go. Both together are less than the editor leaves an extension. */
const END_MS = 1_600;
const EXIT_MS = 300;

/** A server that answers. */
export interface Live extends Started {
    readonly program: Program;
    readonly process: ServerProcess;
    readonly connection: Connection;
}

/** What a start needs. */
export interface Launching {
    readonly programs: Programs;
    readonly keys: ApiKeys;
    readonly log: vscode.LogOutputChannel;
    /** What the server writes down. */
    readonly output: () => vscode.LogOutputChannel;
    readonly trace: vscode.LogOutputChannel;
    readonly extension: vscode.Extension<unknown>;
    /** From now on, that is how the values of keys are taken out of what is written down. */
    hideBy(hide: (text: string) => string): void;
    /** What the connection asks and tells. */
    readonly hooks: Omit<Hooks, "output" | "trace" | "broken" | "closed">;
    /** It is gone, and with it whatever it was doing. */
    gone(): void;
}

/** What was started did not become a server. */
export class DidNotStart extends Error {
    override readonly name = "DidNotStart";

    constructor(
        readonly program: Program,
        /** In the middle of a sentence. */
        readonly reason: string,
        readonly isWorthAnotherTry: boolean,
    ) {
        super(`${program.description}: ${reason}`);
    }
}

/**
 * Start a server.
 *
 * @param abandoned Aborted when it is not wanted any more; no process is left then.
 * @throws {UserError} There is no program. @throws {DidNotStart} @throws {Stopped}
 */
export async function launch(needs: Launching, abandoned: AbortSignal): Promise<Live> {
    const begun = performance.now();
    const stopped = rejectedWhen(abandoned);
    const program = await Promise.race([needs.programs.find(), stopped]);
    const keys = await Promise.race([needs.keys.environment(), stopped]);
    const environment = serverEnvironment(process.env, keys);
    const hide = hiderOf(environment);
    needs.hideBy(hide);
    needs.log.info(`Starting ${program.description}`);

    const output = needs.output();
    let isConnected = false;
    const server = await start(program, environment, needs.extension, (line) => {
        // What is a record has come by the connection as well, as far as it is wanted.
        if (!isConnected || line.level === undefined) {
            write(output, line, hide);
        }
    });
    let broken: string | undefined;
    const { createConnection } = await import("./connection.js");
    const connection = createConnection(server.child, {
        ...needs.hooks,
        output,
        trace: needs.trace,
        broken: (reason) => {
            broken ??= `it does not speak the language server protocol (${reason})`;
            server.kill();
        },
        closed: () => {
            void Promise.race([server.ended, delay(EXIT_MS)]).then(() => {
                server.kill(); // its end of the pipe is closed: it is of no use any more
            });
        },
    });
    try {
        const told = await Promise.race([
            connection.start().catch(async (error: unknown) => {
                // When the process has ended, that says more.
                await delay(EXIT_MS);
                throw new DidNotStart(program, broken ?? `it did not answer (${wordsOf(error)})`, true);
            }),
            server.ended.then((how) => {
                throw new DidNotStart(program, broken ?? `it ended at once with ${how}`, true);
            }),
            delay(ANSWER_MS).then(() => {
                throw new DidNotStart(program, `it did not answer within ${ANSWER_MS / 1000} seconds`, false);
            }),
            stopped,
        ]);
        check(program, told, needs.extension);
        const seconds = ((performance.now() - begun) / 1000).toFixed(1);
        needs.log.info(`The language server ${told.version ?? ""} (process ${server.pid}) answers after ${seconds} s`);
    } catch (error) {
        server.kill();
        await server.ended;
        throw error;
    }
    isConnected = true;
    return {
        program,
        process: server,
        connection,
        gone: server.ended.then((how) => {
            isConnected = false;
            needs.gone();
            return broken ?? how;
        }),
        end: async () => {
            const inOrder = connection.stop(END_MS).catch((error: unknown) => {
                needs.log.warn(`The language server did not end in order: ${wordsOf(error)}`);
            });
            await Promise.race([inOrder, server.ended]);
            await Promise.race([server.ended, delay(EXIT_MS)]);
            server.kill();
            await server.ended;
        },
    };
}

async function start(
    program: Program,
    env: Record<string, string>,
    extension: vscode.Extension<unknown>,
    wrote: (line: Line) => void,
): Promise<ServerProcess> {
    const level = settingsOf().inspect<string>("logLevel")?.globalValue ?? "warning";
    const options = ["lsp", "--log-level", level, "--log-format", "json", "--clientProcessId", String(process.pid)];
    try {
        // Not in the workspace: Python would import what lies there.
        const place = { cwd: extension.extensionPath, env };
        return await startProcess(program.command, [...program.args, ...options], place, wrote);
    } catch (error) {
        throw new DidNotStart(program, `it cannot be run (${wordsOf(error)})`, true);
    }
}

/** Whether it is a server that this extension can work with. */
function check(
    program: Program,
    told: { readonly name?: string; readonly version?: string },
    extension: vscode.Extension<unknown>,
): void {
    if (told.name !== "testwright") {
        throw new DidNotStart(program, `it is ${told.name ?? "something else"}, and not Testwright`, true);
    }
    const needed = parseVersion((extension.packageJSON as { readonly version: string }).version);
    const has = parseVersion(told.version ?? "");
    if (needed !== undefined && (has === undefined || !isCompatible(has, needed))) {
        const named = has === undefined ? "of an unknown version" : versionText(has);
        const reason = `it is Testwright ${named}, and this extension needs ${versionText(needed)} or newer`;
        throw new DidNotStart(program, reason, true);
    }
}

function write(output: vscode.LogOutputChannel, line: Line, hide: (text: string) => string): void {
    const text = hide(line.text);
    switch (line.level) {
        case "error":
            output.error(text);
            break;
        case "info":
            output.info(text);
            break;
        case "debug":
            output.debug(text);
            break;
        case "warning":
        case undefined:
            output.warn(text);
    }
}

/** A promise that only ever rejects. */
async function rejectedWhen(abandoned: AbortSignal): Promise<never> {
    const promise = new Promise<never>((_resolve, reject) => {
        abandoned.addEventListener(
            "abort",
            () => {
                reject(new Stopped());
            },
            { once: true },
        );
    });
    promise.catch(() => undefined); // nobody may be waiting for it any more
    return promise;
}
