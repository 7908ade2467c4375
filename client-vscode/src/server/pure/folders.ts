/** The folders of the environments, and what is written into one when it is whole. */
import { createHash } from "node:crypto";

/** What an environment is made of decides its name, so that another version has another one. */
export function kitName(version: string, ...contents: readonly Buffer[]): string {
    const hash = createHash("sha256");
    for (const content of contents) {
        hash.update(`${content.length}:`).update(content);
    }
    return `${version}-${hash.digest("hex").slice(0, 12)}`;
}

/** Each environment has a folder of its own, however often one is made of the same. */
export function folderName(kit: string, python: readonly number[], unique: string): string {
    return `${kit}-py${python.slice(0, 2).join(".")}-${unique}`;
}

/** Whether a folder's environment is made of this. */
export function isOfKit(folder: string, kit: string): boolean {
    return folder.startsWith(`${kit}-py`);
}

/** The seal of a whole environment: it is written last, and without it a folder is a ruin. */
export interface Seal {
    readonly format: 1;
    /** Of Testwright. */
    readonly version: string;
    /** For a person: `Python 3.12.4`. */
    readonly python: string;
    /** What the setting `testwright.server.python` said; empty when the Python was looked for. */
    readonly asked: string;
    /** Entries below its site-packages, by which one sees that somebody has tidied up. */
    readonly packages: number;
}

/** Undefined when it is none of ours. */
export function readSeal(text: string): Seal | undefined {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch {
        return undefined;
    }
    if (typeof value !== "object" || value === null) {
        return undefined;
    }
    const { format, version, python, asked, packages } = value as Record<string, unknown>;
    return format === 1 &&
        typeof version === "string" &&
        typeof python === "string" &&
        typeof asked === "string" &&
        typeof packages === "number"
        ? { format, version, python, asked, packages }
        : undefined;
}

/** Who holds something: a process of a machine. It is the name of a file. */
export function holderName(host: string, pid: number): string {
    return `${host.replace(/[^A-Za-z0-9-]/g, "_")}.${pid}`;
}

/**
 * Whether a holder is still there. Of another machine (a home that several share) only the age can tell.
 *
 * @param seconds Since its file was last touched.
 */
export function isHeld(name: string, host: string, isAlive: (pid: number) => boolean, seconds: number): boolean {
    const at = name.lastIndexOf(".");
    const pid = Number(name.slice(at + 1));
    if (at < 0 || !Number.isInteger(pid) || pid <= 0) {
        return false;
    }
    return name === holderName(host, pid) ? isAlive(pid) : seconds < FORGOTTEN_SECONDS;
}

/** After it, what another machine holds counts as left behind. */
const FORGOTTEN_SECONDS = 14 * 24 * 3600;
