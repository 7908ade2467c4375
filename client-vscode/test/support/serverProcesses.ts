/** In the extension host: the processes of the language server that belong to this window. */
import { join } from "node:path";

import { processes, speakingOf, withoutCopies, type Process } from "./processes";

/** Servers, that is: not what they have started. */
export function servers(): Process[] {
    const client = `--clientProcessId ${process.pid}`;
    return withoutCopies(processes()).filter(({ command }) => command.includes(" lsp ") && command.includes(client));
}

/** What runs the workspace's code for them. A box names the folder that is made for its run. */
export function boxes(): Process[] {
    return speakingOf(join(testsFolder(), "tmp", "testwright-run-"));
}

/** The folder of all that belongs to this VS Code. */
export function testsFolder(): string {
    const folder = process.env["TESTS_FOLDER"];
    if (folder === undefined) {
        throw new Error("TESTS_FOLDER names no folder");
    }
    return folder;
}

/** End one as a crash or an out-of-memory killer does. */
export function crash(pid: number | undefined): void {
    if (pid === undefined) {
        throw new Error("There is no process to end");
    }
    process.kill(pid, "SIGKILL");
}
