/** Processes, as /proc shows them. */
import { readdirSync, readFileSync } from "node:fs";

export interface Process {
    readonly pid: number;
    readonly parent: number;
    /** Its command line, spaces between the words. */
    readonly command: string;
}

/** All that are alive (no zombies). */
export function processes(): Process[] {
    return readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .flatMap((name) => {
            try {
                // The name in parentheses may hold anything, so what follows the last one is read.
                const stat = readFileSync(`/proc/${name}/stat`, "utf8");
                const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
                const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
                return state === "Z" || state === "X" ? [] : [{ pid: Number(name), parent: Number(parent), command }];
            } catch {
                return []; // it has ended meanwhile
            }
        });
}

/** All but those that another is just starting: until they become a program, they have the command line of their parent. */
export function withoutCopies(all: readonly Process[]): Process[] {
    const commands = new Map(all.map(({ pid, command }) => [pid, command]));
    return all.filter(({ parent, command }) => commands.get(parent) !== command);
}

/** Those that one has started, directly or not; itself left out. */
export function descendants(root: number): Process[] {
    const all = processes();
    const found: Process[] = [];
    const parents = [root];
    for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
        for (const child of all.filter((process) => process.parent === parent)) {
            found.push(child);
            parents.push(child.pid);
        }
    }
    return found;
}

/** Those whose command line names a folder or file; this one left out. */
export function speakingOf(path: string): Process[] {
    return processes().filter(({ pid, command }) => pid !== process.pid && command.includes(path));
}

/** End a process and all that descend from it, at once. */
export function killTree(root: number): void {
    // Those that are started meanwhile are found by the next look.
    for (let round = 0; round < 5; round++) {
        const pids = [...descendants(root).map(({ pid }) => pid), root].filter(isAlive);
        if (pids.length === 0) {
            return;
        }
        for (const pid of pids) {
            try {
                process.kill(pid, "SIGKILL");
            } catch {
                // it has ended meanwhile
            }
        }
    }
}

export function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}
