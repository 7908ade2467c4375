/**
 * The server's own Python environment, in the editor's storage folder: made at first use, shared by all windows, made anew
 * when it is broken or the extension is another version.
 *
 * Each environment has a folder of its own and is never changed. It is whole when its seal is written, which is the last
 * step: whatever ends the making before leaves a ruin, which is never used and is cleared away by the next making. One
 * that is distrusted loses its seal, and the servers that run from it keep their files until they have ended.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { wordsOf } from "../pure/words";
import { run } from "./run";
import { folderName, holderName, isHeld, isOfKit, kitName, readSeal, type Seal } from "./pure/folders";
import {
    countRequirements,
    failureOf,
    failureText,
    pipArguments,
    pipVariables,
    plainVariables,
    stepOf,
    withWheel,
} from "./pure/installing";
import { pipFor, type Python, pythonText } from "./pure/pythons";
import { parseAnswer, versionText } from "./pure/versions";
import { Trouble } from "./trouble";

type Variables = Readonly<Record<string, string | undefined>>;

export interface Ground {
    /** The folder of all environments; it is made when it is missing. */
    readonly storage: string;
    /** Where the extension has the server's wheel and its requirements. */
    readonly bundled: string;
    /** The extension's version, which is the server's. */
    readonly version: string;
    readonly variables: Variables;
    readonly log: (line: string) => void;
}

/** An environment that is whole. */
export interface Environment {
    readonly folder: string;
    readonly python: string;
    readonly seal: Seal;
}

export interface Making {
    /** What the setting `testwright.server.python` says; empty when none does. */
    readonly asked: string;
    /** Find the Python to make it with. */
    readonly findPython: (signal: AbortSignal | undefined) => Promise<Python>;
    /** What is being done, for a person who waits. */
    readonly report: (step: string) => void;
    readonly signal?: AbortSignal | undefined;
}

interface Kit {
    readonly name: string;
    readonly requirements: string;
}

const SEAL = "testwright.json";
const HOLDERS = "holders";
const LOCK = "making.lock";

/** A making that has not shown itself for so long has ended without saying so. */
const SILENT_SECONDS = 20;

const HEARTBEAT_MS = 2_000;

/** How often one who waits looks. */
const LOOK_MS = 200;

/** Enough for a cold disk; a sound Python answers in a tenth of a second. */
const TRY_SECONDS = 30;

export class OwnEnvironments {
    readonly #ground: Ground;
    readonly #me = holderName(hostname(), process.pid);
    #kit: Promise<Kit> | undefined;

    constructor(ground: Ground) {
        this.#ground = ground;
    }

    /**
     * One that is whole and starts, if there is one, and hold it.
     *
     * @param asked What the setting `testwright.server.python` says; one made otherwise does not count.
     */
    async existing(asked: string, signal?: AbortSignal): Promise<Environment | undefined> {
        const kit = await this.#readKit();
        for (const name of await this.#folders()) {
            if (!isOfKit(name, kit.name)) {
                continue;
            }
            const folder = join(this.#ground.storage, name);
            const seal = await readSealOf(folder);
            if (seal === undefined || (asked !== "" && seal.asked !== asked)) {
                continue;
            }
            await this.#hold(folder); // before it is looked at, so that nobody clears it away meanwhile
            const wrong = await this.#examine(folder, seal, signal);
            if (wrong === undefined) {
                return { folder, python: pythonOf(folder), seal };
            }
            this.#ground.log(`The environment ${folder} is broken and will not be used any more: ${wrong}`);
            await this.distrust(folder);
        }
        return undefined;
    }

    /**
     * Make one, or wait for another window that is making one, and hold it.
     *
     * @throws {Trouble} It cannot be made, and why; nothing is left of it.
     */
    async make(making: Making): Promise<Environment> {
        const kit = await this.#readKit();
        await mkdir(this.#ground.storage, { recursive: true });
        const release = await this.#lock(making);
        try {
            const made = await this.existing(making.asked, making.signal); // by whom we have waited for
            if (made !== undefined) {
                return made;
            }
            making.report("looking for a Python");
            const python = await making.findPython(making.signal);
            const name = folderName(kit.name, python.version, randomBytes(4).toString("hex"));
            const folder = join(this.#ground.storage, name);
            try {
                const began = performance.now();
                const environment = await this.#makeIn(folder, kit, python, making);
                const seconds = ((performance.now() - began) / 1000).toFixed(1);
                this.#ground.log(`Made the environment ${folder} with ${pythonText(python)} in ${seconds} s.`);
                return environment;
            } catch (error) {
                await remove(folder);
                throw error;
            }
        } finally {
            await release();
        }
    }

    /** Use it no more. What runs from it keeps its files. */
    async distrust(folder: string): Promise<void> {
        await rm(join(folder, SEAL), { force: true });
        await this.#release(folder);
    }

    /** Clear away what nobody uses: ruins, other versions, and those that this window has not chosen. */
    async clear(keep: string): Promise<void> {
        const maker = (await this.#lockedBy())?.isAlive === true;
        for (const name of await this.#folders()) {
            const folder = join(this.#ground.storage, name);
            if (folder === keep || (await this.#isHeld(folder))) {
                continue;
            }
            const seal = await readSealOf(folder);
            if (seal === undefined && maker) {
                continue; // it may be the one that is being made
            }
            const aside = join(folder, `${SEAL}.cleared`);
            if (seal !== undefined) {
                await rename(join(folder, SEAL), aside).catch(() => undefined);
                if (await this.#isHeld(folder)) {
                    await rename(aside, join(folder, SEAL)).catch(() => undefined); // somebody has just taken it
                    continue;
                }
            }
            this.#ground.log(`Clearing away ${folder}, which nobody uses.`);
            await remove(folder);
        }
    }

    /** Hold none any more; the editor is closing. */
    async close(): Promise<void> {
        for (const name of await this.#folders()) {
            await this.#release(join(this.#ground.storage, name));
        }
    }

    async #makeIn(folder: string, kit: Kit, python: Python, making: Making): Promise<Environment> {
        const { log, variables, storage } = this.#ground;
        const { report, signal } = making;
        const base = { cwd: storage, signal, env: plainVariables(variables) };

        report(`making it with ${pythonText(python)}`);
        // pip is run from outside of the environment: with one of its own, making it takes twice as long.
        const venv = await run(python.path, ["-I", "-m", "venv", "--without-pip", folder], { ...base, seconds: 60 });
        if (venv.code !== 0) {
            log(`${python.path} -m venv: ${venv.stderr || venv.stdout}`);
            const failure = failureOf(venv.stderr);
            throw new Trouble(
                "making",
                failure === "unknown"
                    ? `Testwright could not set up its Python environment: ${pythonText(python)} (${python.path}) failed to make one. ` +
                          "Name another Python in the setting testwright.server.python."
                    : failureText(failure, venv.stderr, pythonText(python)),
            );
        }
        const inside = pythonOf(folder);
        const requirements = join(folder, "requirements.txt");
        await writeFile(requirements, kit.requirements);

        report("fetching what it needs");
        const total = countRequirements(kit.requirements);
        let fetched = 0;
        const pip =
            python.pipWheel !== undefined && pipFor(python) === "wheel"
                ? [inside, "-I", join(python.pipWheel, "pip")]
                : [python.path, "-I", "-m", "pip", "--python", inside];
        const installed = await run(pip[0] ?? "", [...pip.slice(1), ...pipArguments(requirements, folder)], {
            ...base,
            env: pipVariables(variables),
            took: (line) => {
                log(`pip: ${line}`);
                const step = stepOf(line, fetched, total);
                if (step !== undefined) {
                    report(step);
                    fetched += step.startsWith("fetching") ? 1 : 0;
                }
            },
        });
        if (installed.code !== 0) {
            const failure = failureOf(installed.stderr + installed.stdout);
            throw new Trouble(
                failure === "missing" || failure === "permission" || failure === "space" ? "making" : "index",
                failureText(failure, installed.stderr, pythonText(python)),
            );
        }

        report("trying it");
        const seal: Seal = {
            format: 1,
            version: this.#ground.version,
            python: pythonText(python),
            asked: making.asked,
            packages: await countPackages(folder),
        };
        const wrong = (await this.#examine(folder, seal, signal)) ?? (await this.#tryLibraries(folder, signal));
        if (wrong !== undefined) {
            log(`The environment that was made does not work: ${wrong}`);
            throw new Trouble(
                "making",
                `Testwright's Python environment was made with ${pythonText(python)} (${python.path}), but does not work. ` +
                    "What went wrong is in the log; another Python can be named in the setting testwright.server.python.",
            );
        }
        await this.#hold(folder);
        await writeFile(join(folder, `${SEAL}.new`), `${JSON.stringify(seal, undefined, 4)}\n`);
        await rename(join(folder, `${SEAL}.new`), join(folder, SEAL));
        return { folder, python: inside, seal };
    }

    /** What is wrong with it, if something is. */
    async #examine(folder: string, seal: Seal, signal: AbortSignal | undefined): Promise<string | undefined> {
        const packages = await countPackages(folder);
        if (packages !== seal.packages) {
            return `it has ${packages} files and folders of libraries, and had ${seal.packages}`;
        }
        const said = await this.#try(folder, ["-I", "-m", "testwright", "--version"], signal);
        const version = parseAnswer(said.output);
        if (said.wrong === undefined && version !== undefined && versionText(version) === seal.version) {
            return undefined;
        }
        return said.wrong ?? `it says that it is ${JSON.stringify(said.output.trim())}`;
    }

    /** Whether what is compiled can be loaded, which `--version` does not do. */
    async #tryLibraries(folder: string, signal: AbortSignal | undefined): Promise<string | undefined> {
        return (await this.#try(folder, ["-I", "-c", "import pydantic, pygls.lsp.server, testwright.lsp"], signal))
            .wrong;
    }

    async #try(
        folder: string,
        args: readonly string[],
        signal: AbortSignal | undefined,
    ): Promise<{ output: string; wrong?: string }> {
        try {
            const ran = await run(pythonOf(folder), args, {
                cwd: folder,
                env: plainVariables(this.#ground.variables),
                seconds: TRY_SECONDS,
                signal,
            });
            return ran.code === 0
                ? { output: ran.stdout }
                : { output: ran.stdout, wrong: ran.timedOut ? `no answer within ${TRY_SECONDS} s` : ran.stderr.trim() };
        } catch (error) {
            signal?.throwIfAborted();
            return { output: "", wrong: wordsOf(error) };
        }
    }

    async #readKit(): Promise<Kit> {
        this.#kit ??= this.#loadKit();
        this.#kit.catch(() => (this.#kit = undefined));
        return this.#kit;
    }

    async #loadKit(): Promise<Kit> {
        const { bundled, version } = this.#ground;
        const wheel = join(bundled, `testwright-${version}-py3-none-any.whl`);
        try {
            const [requirements, content] = await Promise.all([
                readFile(join(bundled, "requirements.txt")),
                readFile(wheel),
            ]);
            const sha256 = createHash("sha256").update(content).digest("hex");
            return {
                name: kitName(version, requirements, content),
                requirements: withWheel(requirements.toString("utf8"), pathToFileURL(wheel).href, sha256),
            };
        } catch (error) {
            this.#ground.log(`The extension's own files cannot be read: ${String(error)}`);
            throw new Trouble(
                "package",
                "Testwright's extension is not whole: the server that it brings is missing. Install the extension again, " +
                    "or name a testwright in the setting testwright.path.",
            );
        }
    }

    /** Newest first, as far as names tell. */
    async #folders(): Promise<string[]> {
        const entries = await readdir(this.#ground.storage, { withFileTypes: true }).catch(() => []);
        return entries
            .filter((entry) => entry.isDirectory())
            .map((entry) => entry.name)
            .sort();
    }

    // ---- who uses what

    async #hold(folder: string): Promise<void> {
        await mkdir(join(folder, HOLDERS), { recursive: true });
        await writeFile(join(folder, HOLDERS, this.#me), "");
    }

    async #release(folder: string): Promise<void> {
        await rm(join(folder, HOLDERS, this.#me), { force: true });
    }

    async #isHeld(folder: string): Promise<boolean> {
        for (const name of await readdir(join(folder, HOLDERS)).catch(() => [])) {
            if (isHeld(name, hostname(), isAlive, await ageOf(join(folder, HOLDERS, name)))) {
                return true;
            }
        }
        return false;
    }

    // ---- one makes, the others wait

    async #lock(making: Making): Promise<() => Promise<void>> {
        const path = join(this.#ground.storage, LOCK);
        for (let waited = false; ; waited = true) {
            making.signal?.throwIfAborted();
            try {
                await writeFile(path, this.#me, { flag: "wx" });
                break;
            } catch (error) {
                if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
                    this.#ground.log(`${path} cannot be written: ${String(error)}`);
                    throw new Trouble("making", failureText("permission", "", ""));
                }
            }
            const maker = await this.#lockedBy();
            if (maker?.isAlive === false) {
                this.#ground.log(`${maker.name} has left off making an environment.`);
                await rm(path, { force: true });
                continue;
            }
            if (!waited) {
                making.report("another window is setting it up");
            }
            await sleep(LOOK_MS);
        }
        const heart = setInterval(() => {
            const now = new Date();
            utimes(path, now, now).catch(() => undefined);
        }, HEARTBEAT_MS);
        return async () => {
            clearInterval(heart);
            await rm(path, { force: true });
        };
    }

    async #lockedBy(): Promise<{ name: string; isAlive: boolean } | undefined> {
        const path = join(this.#ground.storage, LOCK);
        try {
            const name = await readFile(path, "utf8");
            const seconds = await ageOf(path);
            // Between the making of the file and the writing of the name there is a moment without one.
            const mine = name === "" || isHeld(name, hostname(), isAlive, seconds);
            return { name, isAlive: mine && seconds < SILENT_SECONDS };
        } catch {
            return undefined;
        }
    }
}

/** The executable of an environment. */
export function pythonOf(folder: string): string {
    return join(folder, "bin", "python");
}

async function readSealOf(folder: string): Promise<Seal | undefined> {
    const text = await readFile(join(folder, SEAL), "utf8").catch(() => undefined);
    return text === undefined ? undefined : readSeal(text);
}

async function countPackages(folder: string): Promise<number> {
    const [version] = (await readdir(join(folder, "lib")).catch(() => [])).filter((name) =>
        /^(python|pypy)3/.test(name),
    );
    const entries = await readdir(join(folder, "lib", version ?? "", "site-packages")).catch(() => []);
    return entries.filter((name) => name !== "__pycache__").length;
}

async function ageOf(path: string): Promise<number> {
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    return (Date.now() - mtimeMs) / 1000;
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}

async function remove(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 200 }).catch(() => undefined);
}
