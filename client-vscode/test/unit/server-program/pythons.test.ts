/** Which Python the server's environment is made with. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

import {
    fitness,
    inPlace,
    noPython,
    pipFor,
    type Python,
    pythonText,
    QUESTION,
    readPython,
    usualPlaces,
} from "../../../src/server/pure/pythons";

const GOOD: Python = {
    path: "/usr/bin/python3.12",
    version: [3, 12, 4],
    implementation: "cpython",
    freeThreaded: false,
    venv: true,
    pipWheel: "/wheels/pip-24.0-py3-none-any.whl",
    pip: undefined,
};

const but = (changes: Partial<Python>): Python => ({ ...GOOD, ...changes });

describe("a Python", () => {
    it("answers the question that it is asked", () => {
        const answer = execFileSync("python3", ["-I", "-c", QUESTION], { encoding: "utf8" });
        const python = readPython(answer);
        assert.ok(python, answer);
        assert.equal(
            execFileSync(python.path, ["-I", "-c", "import sys; print(*sys.version_info[:3], sep='.')"], {
                encoding: "utf8",
            }).trim(),
            python.version.join("."),
        );
        assert.equal(python.venv, true);
    });

    it("may print something of its own before the answer", () => {
        assert.deepEqual(
            readPython(
                `hello\n{"path": "/p", "version": [3, 13, 0], "implementation": "cpython", "freeThreaded": false, "venv": true, "pipWheel": null, "pip": "24.2.dev1"}\n`,
            ),
            { ...GOOD, path: "/p", version: [3, 13, 0], pipWheel: undefined, pip: [24, 2, 0] },
        );
    });

    it("is none when it answers something else", () => {
        for (const output of [
            "",
            "Python was not found",
            "null",
            "[]",
            '{"path": ""}',
            '{"path": "/p", "version": "3.12.1"}',
        ]) {
            assert.equal(readPython(output), undefined, output);
        }
    });

    it("will do when it is new enough and can make an environment with pip", () => {
        assert.equal(fitness(GOOD), "good");
        assert.equal(fitness(but({ version: [3, 11, 0] })), "good");
        assert.equal(fitness(but({ version: [3, 14, 9] })), "good");
        assert.equal(fitness(but({ version: [3, 10, 14] })), "old");
        assert.equal(fitness(but({ version: [2, 7, 18] })), "old");
        assert.equal(fitness(but({ venv: false })), "bare");
        assert.equal(fitness(but({ pipWheel: undefined })), "bare");
        assert.equal(fitness(but({ pipWheel: undefined, pip: [22, 2, 2] })), "bare");
        assert.equal(fitness(but({ pipWheel: undefined, pip: [22, 3, 0] })), "good");
    });

    it("is the second choice when there may be no wheels for it", () => {
        assert.equal(fitness(but({ version: [3, 15, 0] })), "unsure");
        assert.equal(fitness(but({ freeThreaded: true })), "unsure");
        assert.equal(fitness(but({ implementation: "pypy" })), "unsure");
    });

    it("runs the pip that it carries, else the one that it has", () => {
        assert.equal(pipFor(but({ pip: [24, 0, 0] })), "wheel");
        assert.equal(pipFor(but({ pipWheel: undefined, pip: [24, 0, 0] })), "installed");
        assert.equal(pipFor(but({ pipWheel: undefined })), undefined);
    });

    it("is named as people name it", () => {
        assert.equal(pythonText(GOOD), "Python 3.12.4");
        assert.equal(pythonText(but({ implementation: "pypy", version: [3, 11, 9] })), "PyPy 3.11.9");
        assert.equal(pythonText(but({ freeThreaded: true })), "Python 3.12.4 (free-threaded)");
    });
});

describe("the places where Pythons are", () => {
    const folders = (platform: NodeJS.Platform, variables = {}): string[] =>
        usualPlaces(platform, "/home/ann", variables).map(({ folder }) => folder);

    it("are those of pyenv, of uv and of the system", () => {
        assert.deepEqual(folders("linux"), [
            "/home/ann/.pyenv/versions",
            "/home/ann/.local/share/uv/python",
            "/home/ann/.local/bin",
            "/usr/local/bin",
            "/usr/bin",
        ]);
    });

    it("have Homebrew's and python.org's on a Mac", () => {
        const places = folders("darwin");
        assert.ok(places.includes("/opt/homebrew/bin"));
        assert.ok(places.includes("/Library/Frameworks/Python.framework/Versions"));
    });

    it("are where the tools' own variables say", () => {
        const places = folders("linux", { PYENV_ROOT: "/pyenv", UV_PYTHON_INSTALL_DIR: "/uv" });
        assert.deepEqual(places.slice(0, 2), ["/pyenv/versions", "/uv"]);
        assert.ok(folders("linux", { XDG_DATA_HOME: "/data" }).includes("/data/uv/python"));
    });

    it("give the newest first, and only what is a Python 3", () => {
        const [pyenv, uv, local] = usualPlaces("linux", "/home/ann", {});
        assert.ok(pyenv && uv && local);
        assert.deepEqual(inPlace(pyenv, ["3.9.18", "3.13.0", "2.7.18", "3.12.10", "3.12.9", "shop-env"]), [
            "/home/ann/.pyenv/versions/3.13.0/bin/python",
            "/home/ann/.pyenv/versions/3.12.10/bin/python",
            "/home/ann/.pyenv/versions/3.12.9/bin/python",
            "/home/ann/.pyenv/versions/3.9.18/bin/python",
        ]);
        assert.deepEqual(inPlace(uv, ["cpython-3.11.9-linux-x86_64-gnu", "cpython-3.12.4-linux-x86_64-gnu", ".lock"]), [
            "/home/ann/.local/share/uv/python/cpython-3.12.4-linux-x86_64-gnu/bin/python3",
            "/home/ann/.local/share/uv/python/cpython-3.11.9-linux-x86_64-gnu/bin/python3",
        ]);
        assert.deepEqual(inPlace(local, ["python3.12", "python3.12-config", "python3", "pytest"]), [
            "/home/ann/.local/bin/python3.12",
        ]);
    });
});

describe("the message when no Python will do", () => {
    it("names what was found instead", () => {
        const text = noPython(
            { bare: [], old: [but({ version: [3, 8, 1] }), but({ version: [3, 10, 2], path: "/opt/python" })] },
            "linux",
            "",
        );
        assert.match(text, /needs Python 3\.11 or newer.*found only Python 3\.10\.2 \(\/opt\/python\)/);
        assert.match(noPython({ bare: [], old: [] }, "linux", ""), /found none/);
    });

    it("names the command of the system", () => {
        assert.match(noPython({ bare: [], old: [] }, "linux", "ID=debian"), /sudo apt install python3 python3-venv/);
        assert.match(
            noPython({ bare: [], old: [] }, "linux", 'ID=linuxmint ID_LIKE="ubuntu debian"'),
            /sudo apt install/,
        );
        assert.match(noPython({ bare: [], old: [] }, "linux", "ID=fedora"), /sudo dnf install/);
        assert.match(noPython({ bare: [], old: [] }, "darwin", ""), /brew install/);
        assert.doesNotMatch(noPython({ bare: [], old: [] }, "linux", "ID=arch"), /apt|dnf|brew/);
    });

    it("tells of one that only lacks what makes environments", () => {
        const bare = [but({ path: "/usr/bin/python3.11", version: [3, 11, 2], pipWheel: undefined })];
        assert.match(
            noPython({ bare, old: [] }, "linux", "ID=debian"),
            /Python 3\.11\.2 .*cannot make environments.*apt install python3\.11-venv/,
        );
        assert.match(noPython({ bare, old: [] }, "linux", "ID=arch"), /venv and ensurepip/);
    });
});
