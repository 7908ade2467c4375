/** A project whose modules none of us wrote: that of `tests/editors`, laid out and run by the same code. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

import { ROOT, VENV_BIN } from "./surroundings";

/** The package mdurl in a project of its own, without any tests. */
export class RealProject {
    /** A small module of two functions, `get_encode_cache` and `encode`. */
    readonly module = "src/mdurl/_encode.py";
    readonly testFile = "tests/test_encode.py";
    /** A module whose search takes seconds. */
    readonly largeModule = "src/mdurl/_parse.py";
    readonly largeTestFile = "tests/test_parse.py";
    /** A test that the project's people wrote; its file has no line end at its end. */
    readonly ownTest =
        'from mdurl._encode import encode\n\n\ndef test_my_own():\n    assert encode("a b") == "a%20b"  # ñ 🐍 é';

    private constructor(readonly root: string) {}

    /** Lay it out in a folder that does not exist yet. */
    static make(root: string): RealProject {
        python("RealProject.make(Path(sys.argv[1]))", root);
        return new RealProject(root);
    }

    path(file: string): string {
        return join(this.root, file);
    }

    exists(file: string): boolean {
        return existsSync(this.path(file));
    }

    read(file: string): string {
        return readFileSync(this.path(file), "utf8");
    }

    write(file: string, text: string): void {
        mkdirSync(dirname(this.path(file)), { recursive: true });
        writeFileSync(this.path(file), text);
    }

    /** All files, as paths from the root. */
    files(): string[] {
        return (readdirSync(this.root, { recursive: true }) as string[])
            .filter((name) => !name.startsWith(".git/") && statSync(this.path(name)).isFile())
            .sort();
    }

    /** The line, counted from 1, that begins with a text. */
    lineOf(file: string, beginning: string): number {
        const index = this.read(file)
            .split("\n")
            .findIndex((line) => line.startsWith(beginning));
        if (index < 0) {
            throw new Error(`No line of ${file} begins with ${beginning}`);
        }
        return index + 1;
    }

    /** Run a test file by plain pytest in bubblewrap. @returns How many tests passed. @throws {Error} Not all did. */
    passing(testFile: string): number {
        const output = python(
            "ended = RealProject(Path(sys.argv[1])).run_pytest(Path(sys.argv[2]))\n" +
                "print(ended.output)\n" +
                "sys.exit(ended.code)",
            this.root,
            this.path(testFile),
        );
        const passed = /\b(\d+) passed/.exec(output);
        if (passed === null || /failed|error/.test(output)) {
            throw new Error(`${testFile} does not pass:\n${output}`);
        }
        return Number(passed[1]);
    }
}

/** The names of the test functions in a file's text. */
export function namesOfTests(text: string): string[] {
    return [...text.matchAll(/^(?:async )?def (test_\w+)/gm)].map((match) => match[1] ?? "");
}

/** Whether a text still holds all lines of an earlier one, in their order. */
export function keepsAllLines(before: string, after: string): boolean {
    const rest = after.split("\n").values();
    return before.split("\n").every((line) => {
        for (let next = rest.next(); next.done !== true; next = rest.next()) {
            if (next.value === line) {
                return true;
            }
        }
        return false;
    });
}

function python(code: string, ...words: string[]): string {
    const path = ["editors", "bench"].map((name) => join(ROOT, "tests", name)).join(delimiter);
    const preamble = "import sys\nfrom pathlib import Path\nfrom real_project import RealProject\n";
    const ran = spawnSync(join(VENV_BIN, "python"), ["-c", preamble + code, ...words], {
        encoding: "utf8",
        env: { ...process.env, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: "1" },
        timeout: 90_000,
    });
    if (ran.status !== 0) {
        throw new Error(`Python ended with ${ran.status ?? String(ran.error)}:\n${ran.stdout}\n${ran.stderr}`);
    }
    return ran.stdout;
}
