/** Looks for the Python that the server's environment is made with. */
import { constants } from "node:fs";
import { access, readdir, readFile, realpath, stat } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { delimiter, isAbsolute, join, sep } from "node:path";

import { wordsOf } from "../pure/words";
import { run } from "./run";
import { plainVariables } from "./pure/installing";
import {
    fitness,
    inPlace,
    NAMES,
    noPython,
    OLDEST,
    type Python,
    pythonText,
    QUESTION,
    readPython,
    usualPlaces,
} from "./pure/pythons";
import { Trouble } from "./trouble";

export interface Search {
    /** What the setting `testwright.server.python` says; empty: look for one. */
    readonly asked: string;
    /** Known already, and better than what is found: the interpreter that is chosen in the editor. */
    readonly first: readonly string[];
    /** Nothing in these folders is run: they are of a workspace that the user does not trust. */
    readonly shunned: readonly string[];
    readonly variables: Readonly<Record<string, string | undefined>>;
    readonly log: (line: string) => void;
    readonly signal?: AbortSignal | undefined;
    /** Where there is no other: the system. */
    readonly home?: string;
    readonly places?: boolean;
    readonly seconds?: number;
}

/** A Python that does not answer within it is passed over. */
const ANSWER_SECONDS = 5;

/**
 * The Python to make the environment with.
 *
 * @throws {Trouble} There is none, and why.
 */
export async function findPython(search: Search): Promise<Python> {
    if (search.asked !== "") {
        return askedPython(search);
    }
    const unsure: Python[] = [];
    const bare: Python[] = [];
    const old: Python[] = [];
    const asked = new Set<string>();
    for await (const candidate of candidates(search)) {
        const real = await realpath(candidate).catch(() => undefined);
        if (real === undefined || asked.has(real)) {
            continue;
        }
        asked.add(real);
        if (await isShunned(candidate, search.shunned)) {
            search.log(`${candidate} is in a workspace that is not trusted, and is not run.`);
            continue;
        }
        const python = await ask(candidate, search);
        if (python === undefined) {
            continue;
        }
        const fit = fitness(python);
        search.log(`${candidate} is ${pythonText(python)} (${python.path}): ${fit}.`);
        if (fit === "good") {
            return python;
        }
        ({ unsure, bare, old })[fit].push(python);
    }
    const [second] = unsure;
    if (second === undefined) {
        const [system, text] = [process.platform, await release()];
        throw new Trouble("python", noPython({ bare, old }, system, text));
    }
    return second;
}

/**
 * The program that a setting names: an absolute path, one below `~`, an environment's folder, or a name on PATH.
 *
 * @param names Programs that are looked for where it names a folder.
 * @returns Undefined when there is none.
 */
export async function programOf(
    value: string,
    names: readonly string[],
    variables: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
    const path = value.replace(/^~(?=\/|$)/, homedir()).replace(/^\$\{userHome\}/, homedir());
    if (!path.includes(sep)) {
        return (await onPath(path, variables))[0];
    }
    if (!isAbsolute(path)) {
        return undefined;
    }
    for (const candidate of [path, ...names.flatMap((name) => [join(path, "bin", name), join(path, name)])]) {
        if (await isProgram(candidate)) {
            return candidate;
        }
    }
    return undefined;
}

/** Whether a path is, or leads, into one of these folders. */
export async function isShunned(path: string, folders: readonly string[]): Promise<boolean> {
    const isBelow = (one: string, folder: string): boolean => one === folder || one.startsWith(folder + sep);
    const real = await realpath(path).catch(() => path);
    for (const folder of folders) {
        const realFolder = await realpath(folder).catch(() => folder);
        if ([path, real].some((one) => isBelow(one, folder) || isBelow(one, realFolder))) {
            return true;
        }
    }
    return false;
}

async function askedPython(search: Search): Promise<Python> {
    const named = `The setting testwright.server.python names ${search.asked}`;
    const path = await programOf(search.asked, ["python3", "python"], search.variables);
    if (path === undefined) {
        throw new Trouble("setting", `${named}, and there is no such program. Correct or clear the setting.`);
    }
    const python = await ask(path, search);
    if (python === undefined) {
        throw new Trouble("setting", `${named}, which does not answer as a Python does. Correct or clear the setting.`);
    }
    switch (fitness(python)) {
        case "old":
            throw new Trouble(
                "setting",
                `${named}, which is ${pythonText(python)}; the server needs ${OLDEST[0]}.${OLDEST[1]} or newer. Correct or clear the setting.`,
            );
        case "bare":
            throw new Trouble("setting", noPython({ bare: [python], old: [] }, process.platform, await release()));
        case "good":
        case "unsure":
            return python;
    }
}

async function* candidates(search: Search): AsyncGenerator<string> {
    yield* search.first;
    for (const name of NAMES) {
        yield* await onPath(name, search.variables);
    }
    if (search.places ?? true) {
        for (const place of usualPlaces(process.platform, search.home ?? homedir(), search.variables)) {
            yield* inPlace(place, await readdir(place.folder).catch(() => []));
        }
    }
}

async function ask(path: string, search: Search): Promise<Python | undefined> {
    const seconds = search.seconds ?? ANSWER_SECONDS;
    try {
        const { code, stdout, stderr, timedOut } = await run(path, ["-I", "-c", QUESTION], {
            cwd: tmpdir(),
            env: plainVariables(search.variables),
            seconds,
            signal: search.signal,
        });
        const python = code === 0 ? readPython(stdout) : undefined;
        if (python === undefined) {
            const how = timedOut
                ? `did not answer within ${seconds} s`
                : `answered ${JSON.stringify(stderr.trim().slice(-300))}`;
            search.log(`${path} ${how}.`);
        }
        return python;
    } catch (error) {
        search.signal?.throwIfAborted();
        search.log(`${path} cannot be run: ${wordsOf(error)}`);
        return undefined;
    }
}

/** Programs of that name, first to last; folders that are not absolute are left out, for they may be a workspace's. */
async function onPath(name: string, variables: Readonly<Record<string, string | undefined>>): Promise<string[]> {
    const found: string[] = [];
    for (const folder of (variables["PATH"] ?? "").split(delimiter)) {
        if (isAbsolute(folder) && (await isProgram(join(folder, name)))) {
            found.push(join(folder, name));
        }
    }
    return found;
}

/** Whether there is a file that can be executed. */
export async function isProgram(path: string): Promise<boolean> {
    try {
        await access(path, constants.X_OK);
        return (await stat(path)).isFile();
    } catch {
        return false;
    }
}

/** `ID` and `ID_LIKE` of the system, where it tells them. */
async function release(): Promise<string> {
    const text = await readFile("/etc/os-release", "utf8").catch(() => "");
    return text
        .split("\n")
        .filter((line) => /^ID(_LIKE)?=/.test(line))
        .join(" ");
}
