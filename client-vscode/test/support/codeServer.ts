/** code-server: the real VS Code, served to a browser. */
import { execFileSync, spawn } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { killTree } from "./processes";
import { ROOT, VENV_BIN, type Surroundings } from "./surroundings";
import type { Tools } from "./tools";
import { waitFor } from "./waiting";

export interface CodeServer {
    /** `127.0.0.1:8123` */
    readonly address: string;
    readonly pid: number;
    /** Address of a page with a folder or `.code-workspace` file opened, and what VS Code is told besides. */
    page(workspace: string, payload?: readonly (readonly [string, string])[]): string;
    /** A path as VS Code in the browser names it. */
    remote(path: string): string;
    /** What it has logged. */
    log(): string;
    /** End it, and all that it has started. */
    stop(): void;
}

export interface CodeServerOptions {
    /** Whether VS Code asks if the user trusts a workspace; else it trusts all. */
    readonly asksForTrust?: boolean;
    /** Whether the page may name an extension under development and its tests; VS Code shows no toasts then. */
    readonly forExtensionTests?: boolean;
    /** Programs that it, and what it starts, cannot start. */
    readonly withoutPrograms?: readonly string[];
}

/** Start it and wait until it serves. */
export async function startCodeServer(
    tools: Tools,
    surroundings: Surroundings,
    { asksForTrust = false, forExtensionTests = false, withoutPrograms = [] }: CodeServerOptions = {},
): Promise<CodeServer> {
    const config = join(surroundings.folder, "code-server.yaml");
    writeFileSync(config, "");
    const logFile = join(surroundings.folder, "code-server.log");
    const output = openSync(logFile, "a");
    const log = (): string => readFileSync(logFile, "utf8");
    const [program, ...words] = hiding(withoutPrograms);
    const started = spawn(
        program ?? tools.node,
        [
            ...(program === undefined ? [] : [...words, tools.node]),
            tools.codeServer,
            "--auth=none",
            "--bind-addr=127.0.0.1:0",
            `--config=${config}`,
            `--user-data-dir=${surroundings.userData}`,
            `--extensions-dir=${surroundings.extensions}`,
            "--disable-telemetry",
            "--disable-update-check",
            ...(asksForTrust ? [] : ["--disable-workspace-trust"]),
            "--disable-getting-started-override",
            "--ignore-last-opened",
            ...(forExtensionTests ? ["--vscode-option=enable-smoke-test-driver"] : []),
        ],
        { cwd: surroundings.folder, env: surroundings.environment, stdio: ["ignore", output, output] },
    );
    const { pid } = started;
    if (pid === undefined) {
        throw new Error(`code-server does not start: ${tools.node} ${tools.codeServer}`);
    }
    let address: string | undefined;
    try {
        address = await waitFor(
            "answer of code-server",
            async () => {
                if (started.exitCode !== null) {
                    throw new Error(`code-server ended with ${started.exitCode}:\n${log()}`);
                }
                // A port of its own choice: one that we have found free may be taken when it gets there.
                const found = /HTTP server listening on http:\/\/(127\.0\.0\.1:\d+)/.exec(log())?.[1];
                if (found === undefined) {
                    return undefined;
                }
                return fetch(`http://${found}/healthz`).then(
                    (answer) => (answer.ok ? found : undefined),
                    () => undefined,
                );
            },
            { seconds: 120 },
        );
    } catch (error) {
        killTree(pid);
        throw error;
    }
    return {
        address,
        pid,
        page: (workspace, payload = []) => {
            const query = new URLSearchParams({
                [workspace.endsWith(".code-workspace") ? "workspace" : "folder"]: workspace,
                payload: JSON.stringify(payload),
            });
            return `http://${address}/?${query.toString()}`;
        },
        remote: (path) => `vscode-remote://${address}${path}`,
        log,
        stop: () => {
            killTree(pid);
        },
    };
}

/** What to start a program with, so that it finds nothing but an empty file in the place of some others. */
function hiding(programs: readonly string[]): string[] {
    if (programs.length === 0) {
        return [];
    }
    const bwrap = execFileSync(
        join(VENV_BIN, "python"),
        ["-c", "from sandbox import find_bwrap; print(find_bwrap())"],
        {
            encoding: "utf8",
            env: { ...process.env, PYTHONPATH: join(ROOT, "tests", "bench"), PYTHONDONTWRITEBYTECODE: "1" },
        },
    );
    const hidden = programs.flatMap((path) => ["--ro-bind", "/dev/null", path]);
    return [bwrap.trim(), "--die-with-parent", "--dev-bind", "/", "/", ...hidden, "--"];
}
