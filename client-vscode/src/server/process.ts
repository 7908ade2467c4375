/** The server's process: its pipes, its last words and its end. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { LastLines, readLine, type Line } from "./pure/stderr";

export interface ServerProcess {
    readonly pid: number;
    readonly child: ChildProcessWithoutNullStreams;
    /** Resolves when it has ended, with what is known of why. */
    readonly ended: Promise<string>;
    /** End it at once. */
    kill(): void;
}

/**
 * Start a server.
 *
 * @param wrote Is told of each line on its standard error.
 * @throws {Error} There is no such program, or it must not be run.
 */
export async function startProcess(
    command: string,
    args: readonly string[],
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
    wrote: (line: Line) => void,
): Promise<ServerProcess> {
    const child = spawn(command, args, { ...options, stdio: "pipe", windowsHide: true });
    const last = new LastLines();
    const lines = createInterface({ input: child.stderr, crlfDelay: Infinity });
    lines.on("line", (text) => {
        const line = readLine(text);
        if (line !== undefined) {
            last.add(line);
            wrote(line);
        }
    });
    const closed = once(lines, "close");
    const ended = once(child, "exit").then(async (how) => {
        const [code, signal] = how as [number | null, NodeJS.Signals | null];
        // What it wrote last says why, and may still be on its way. A box that outlives it would hold the pipe open.
        await Promise.race([closed, delay(500)]);
        const words = signal === null ? `exit code ${String(code)}` : `signal ${signal}`;
        return last.telling === undefined ? words : `${words}: ${last.telling}`;
    });
    ended.catch(() => undefined); // when it could not be started, which is told below
    // A pipe that breaks says less than the end of the process, which follows.
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
        stream.on("error", () => undefined);
    }
    await once(child, "spawn");
    child.on("error", () => undefined); // it could not be killed: it is gone
    const pid = child.pid;
    if (pid === undefined) {
        throw new Error(`${command} has no process.`);
    }
    return {
        pid,
        child,
        ended,
        kill: () => {
            child.kill("SIGKILL");
        },
    };
}

/** Resolves after some milliseconds; does not keep the process alive. */
export async function delay(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
        setTimeout(resolve, milliseconds).unref();
    });
}
