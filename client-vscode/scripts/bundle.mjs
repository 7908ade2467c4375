// Fills bundled/ with what the extension's own environment is made of: the server's wheel, and the hash-locked
// requirements that it needs. Needs the repository's Python environment (`make setup`).
import { execFileSync } from "node:child_process";
import {
    copyFileSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    renameSync,
    rmSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(here);

/** Any fixed time makes the same bytes of the same files; this one is hatchling's own. */
export const EPOCH = process.env.SOURCE_DATE_EPOCH ?? "1580601600";

/** Build the wheel and put it into a folder with the requirements. The wheel of another version goes. */
export function bundle(bundled = join(here, "bundled")) {
    const python = resolve(root, process.env.VENV ?? ".venv", "bin", "python");
    if (!existsSync(python)) {
        throw new Error(`There is no ${python}, which builds the server's wheel. Run: make setup`);
    }
    mkdirSync(bundled, { recursive: true });
    const made = mkdtempSync(join(bundled, ".making-"));
    try {
        execFileSync(python, ["-m", "hatchling", "build", "-t", "wheel", "-d", made], {
            cwd: root,
            env: { ...process.env, SOURCE_DATE_EPOCH: EPOCH },
            stdio: ["ignore", "ignore", "pipe"], // told with the error, if there is one
        });
        const wheel = `testwright-${version()}-py3-none-any.whl`;
        const wheels = readdirSync(made);
        if (wheels.join() !== wheel) {
            throw new Error(`pyproject.toml makes ${wheels.join()}, and package.json wants ${wheel}.`);
        }
        copyFileSync(join(root, "requirements", "runtime.txt"), join(made, "requirements.txt"));
        for (const name of [wheel, "requirements.txt"]) {
            renameSync(join(made, name), join(bundled, name)); // so that whoever reads it has the old or the new one
        }
        for (const name of readdirSync(bundled)) {
            if (name.endsWith(".whl") && name !== wheel) {
                rmSync(join(bundled, name));
            }
        }
    } finally {
        rmSync(made, { recursive: true, force: true });
    }
}

/** The extension's version, which is the server's. */
export function version() {
    return JSON.parse(readFileSync(join(here, "package.json"), "utf8")).version;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    bundle();
}
