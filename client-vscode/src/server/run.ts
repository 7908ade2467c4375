/** Short-lived programs: started without a shell, with a time limit, and ended with all that they have started. */
import { spawn } from "node:child_process";

export interface Ran {
    /** Null when a signal ended it. */
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
    readonly timedOut: boolean;
}

export interface RunOptions {
    /** Never a workspace's folder: what lies there must not be taken for a program or a module. */
    readonly cwd: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    /** Without it, as long as it takes. */
    readonly seconds?: number;
    readonly signal?: AbortSignal | undefined;
    /** Each line, as it comes. */
    readonly took?: (line: string) => void;
}

/** How to end those that run; nothing may outlive the editor. */
const running = new Set<() => void>();
process.on("exit", () => {
    running.forEach((end) => {
        end();
    });
});

/** More is not kept of each stream. */
const KEPT_CHARACTERS = 1_000_000;

/** How long the output of one that has ended may still come. */
const DRAIN_MS = 1_000;

/**
 * Run a program to its end.
 *
 * @throws {Error} It cannot be started, or `signal` was given; then nothing of it runs any more.
 */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
    options.signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, {
            cwd: options.cwd,
            env: { ...options.env },
            detached: true, // a group of its own, so that its children can be ended with it
            stdio: ["ignore", "pipe", "pipe"],
        });
        let timedOut = false;
        const end = (): void => {
            try {
                process.kill(-(child.pid ?? NaN), "SIGKILL");
            } catch {
                // it has ended
            }
        };
        const limit =
            options.seconds === undefined
                ? undefined
                : setTimeout(() => {
                      timedOut = true;
                      end();
                  }, options.seconds * 1000);
        options.signal?.addEventListener("abort", end);
        running.add(end);
        const settle = (how: () => void): void => {
            clearTimeout(limit);
            options.signal?.removeEventListener("abort", end);
            running.delete(end);
            how();
        };
        const outputs = [child.stdout, child.stderr].map((stream) => {
            const output = { text: "", line: "" };
            stream.setEncoding("utf8").on("data", (chunk: string) => {
                output.text = (output.text + chunk).slice(-KEPT_CHARACTERS);
                const lines = (output.line + chunk).split(/\r?\n/);
                output.line = lines.pop() ?? "";
                lines.forEach((line) => options.took?.(line));
            });
            return output;
        });
        child.on("error", (error) => {
            settle(() => {
                reject(error);
            });
        });
        child.on("exit", () => {
            // Whoever it has left behind may hold its output open for ever.
            setTimeout(() => {
                child.stdout.destroy();
                child.stderr.destroy();
            }, DRAIN_MS).unref();
        });
        child.on("close", (code) => {
            settle(() => {
                if (options.signal?.aborted === true) {
                    reject(options.signal.reason as Error);
                    return;
                }
                const [stdout, stderr] = outputs.map((output) => output.text);
                resolve({ code, stdout: stdout ?? "", stderr: stderr ?? "", timedOut });
            });
        });
    });
}
