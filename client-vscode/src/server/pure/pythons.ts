/** Which Pythons there may be, in what order they are asked, and which of them can make the server's environment. */
import { join } from "node:path";

import { compareVersions, type Version, versionText } from "./versions";

/** The oldest that the server runs in. */
export const OLDEST: Version = [3, 11, 0];

/** The newest that its libraries are known to have wheels for; newer ones are taken when there is nothing else. */
export const NEWEST_KNOWN: Version = [3, 14, 0];

/** Names on PATH, best first. */
export const NAMES = ["python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"] as const;

/** Where a tool or a system puts Pythons that are not on PATH: `folder/<one that matches>/program`. */
export interface Place {
    readonly folder: string;
    readonly names: RegExp;
    /** Below the folder that matches; empty where that is the program itself. */
    readonly program: string;
}

/**
 * The usual places, best first.
 *
 * @param home The user's home.
 */
export function usualPlaces(
    platform: NodeJS.Platform,
    home: string,
    variables: Readonly<Record<string, string | undefined>>,
): Place[] {
    const program = /^python3\.\d+$/;
    const uv =
        variables["UV_PYTHON_INSTALL_DIR"] ??
        join(variables["XDG_DATA_HOME"] ?? join(home, ".local/share"), "uv/python");
    const places: Place[] = [
        {
            folder: join(variables["PYENV_ROOT"] ?? join(home, ".pyenv"), "versions"),
            names: /^3\.\d+/,
            program: "bin/python",
        },
        { folder: uv, names: /^cpython-3\.\d+/, program: "bin/python3" },
        { folder: join(home, ".local/bin"), names: program, program: "" },
    ];
    if (platform === "darwin") {
        places.push(
            { folder: "/opt/homebrew/bin", names: program, program: "" },
            { folder: "/Library/Frameworks/Python.framework/Versions", names: /^3\.\d+$/, program: "bin/python3" },
        );
    }
    places.push(
        { folder: "/usr/local/bin", names: program, program: "" },
        { folder: "/usr/bin", names: program, program: "" },
    );
    return places;
}

/** Those of a folder's entries that a place means, newest first. */
export function inPlace(place: Place, entries: readonly string[]): string[] {
    const number = (name: string): Version => {
        const [, minor, patch] = /3\.(\d+)(?:\.(\d+))?/.exec(name) ?? [];
        return [3, Number(minor ?? 0), Number(patch ?? 0)];
    };
    return entries
        .filter((name) => place.names.test(name))
        .sort((one, other) => compareVersions(number(other), number(one)) || one.localeCompare(other))
        .map((name) => join(place.folder, name, place.program));
}

/** What a Python has told of itself. */
export interface Python {
    /** The executable, as it names itself. */
    readonly path: string;
    readonly version: Version;
    /** `cpython`, `pypy`, … */
    readonly implementation: string;
    /** Built without the global lock; compiled libraries have wheels of their own for it. */
    readonly freeThreaded: boolean;
    /** Whether it has the module that makes environments. */
    readonly venv: boolean;
    /** The wheel of pip that it carries for new environments, if it does. */
    readonly pipWheel: string | undefined;
    /** The version of the pip that is installed in it, if one is. */
    readonly pip: Version | undefined;
}

/** The first pip that installs into another environment (`--python`). */
const PIP_FOR_OTHERS: Version = [22, 3, 0];

/**
 * The question that {@link readPython} reads the answer to; standard library only, and Pythons as old as 3.4 can answer.
 *
 * Where the wheel of pip is, is asked as ensurepip's documentation and Python's build option `--with-wheel-pkg-dir` have it.
 */
export const QUESTION = `
import json, os, sys, sysconfig
def spec(name):
    try:
        from importlib.util import find_spec
        return find_spec(name)
    except Exception:
        return None
wheel = None
folders = [sysconfig.get_config_var("WHEEL_PKG_DIR")]
ensurepip = spec("ensurepip")
if ensurepip is not None and ensurepip.origin:
    folders.append(os.path.join(os.path.dirname(ensurepip.origin), "_bundled"))
    for folder in folders:
        if wheel is None and folder and os.path.isdir(folder):
            wheels = sorted(n for n in os.listdir(folder) if n.startswith("pip-") and n.endswith(".whl"))
            wheel = os.path.join(folder, wheels[-1]) if wheels else None
pip = None
if spec("pip") is not None:
    try:
        from importlib.metadata import version
        pip = version("pip")
    except Exception:
        pass
print("\\n" + json.dumps({
    "path": sys.executable,
    "version": list(sys.version_info[:3]),
    "implementation": sys.implementation.name,
    "freeThreaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "venv": spec("venv") is not None,
    "pipWheel": wheel,
    "pip": pip,
}))
`;

/** Read the answer to {@link QUESTION}; undefined when it is none. */
export function readPython(output: string): Python | undefined {
    let answer: unknown;
    try {
        answer = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
    } catch {
        return undefined;
    }
    if (typeof answer !== "object" || answer === null) {
        return undefined;
    }
    const { path, version, implementation, freeThreaded, venv, pipWheel, pip } = answer as Record<string, unknown>;
    if (typeof path !== "string" || path === "" || !isVersion(version) || typeof implementation !== "string") {
        return undefined;
    }
    return {
        path,
        version,
        implementation,
        freeThreaded: freeThreaded === true,
        venv: venv === true,
        pipWheel: typeof pipWheel === "string" ? pipWheel : undefined,
        pip: typeof pip === "string" ? pipVersion(pip) : undefined,
    };
}

/** `good`: take it; `unsure`: wheels may be missing for it; `old`; `bare`: it cannot make an environment with pip in it. */
export type Fitness = "good" | "unsure" | "bare" | "old";

export function fitness(python: Python): Fitness {
    if (compareVersions(python.version, OLDEST) < 0) {
        return "old";
    }
    if (!python.venv || pipFor(python) === undefined) {
        return "bare";
    }
    const known = compareVersions(python.version, [NEWEST_KNOWN[0], NEWEST_KNOWN[1] + 1, 0]) < 0;
    return known && python.implementation === "cpython" && !python.freeThreaded ? "good" : "unsure";
}

/** How pip is run for an environment that this Python has made: from the wheel, or by the pip that is installed in it. */
export function pipFor(python: Python): "wheel" | "installed" | undefined {
    if (python.pipWheel !== undefined) {
        return "wheel";
    }
    return python.pip !== undefined && compareVersions(python.pip, PIP_FOR_OTHERS) >= 0 ? "installed" : undefined;
}

/** For a person: `Python 3.12.4`, `PyPy 3.11.9`. */
export function pythonText(python: Python): string {
    const name =
        python.implementation === "cpython"
            ? "Python"
            : python.implementation === "pypy"
              ? "PyPy"
              : python.implementation;
    return `${name} ${versionText(python.version)}${python.freeThreaded ? " (free-threaded)" : ""}`;
}

/** What a search has seen, when none of it will do. */
export interface Seen {
    readonly bare: readonly Python[];
    readonly old: readonly Python[];
}

/**
 * What to tell when no Python will do, and what to do about it on this system.
 *
 * @param system `ID` and `ID_LIKE` of /etc/os-release, empty where there is none.
 */
export function noPython(seen: Seen, platform: NodeJS.Platform, system: string): string {
    const [bare] = seen.bare;
    const debian = /\b(debian|ubuntu)\b/.test(system);
    const minor = (python: Python): string => `${python.version[0]}.${python.version[1]}`;
    if (bare !== undefined) {
        const remedy = debian
            ? `Install what is missing: sudo apt install ${bare.path.startsWith("/usr/bin/") ? `python${minor(bare)}-venv` : "python3-venv"}.`
            : "Install its modules venv and ensurepip, or another Python.";
        return `Testwright found ${pythonText(bare)} (${bare.path}), which cannot make environments. ${remedy}`;
    }
    const newest = [...seen.old].sort((one, other) => compareVersions(other.version, one.version))[0];
    const found = newest === undefined ? "found none" : `found only ${pythonText(newest)} (${newest.path})`;
    const remedy = debian
        ? "Install one, such as by sudo apt install python3 python3-venv"
        : /\b(fedora|rhel)\b/.test(system)
          ? "Install one, such as by sudo dnf install python3.13"
          : platform === "darwin"
            ? "Install one, from python.org or by brew install python@3.13"
            : "Install one";
    return (
        `Testwright needs Python ${OLDEST[0]}.${OLDEST[1]} or newer for its server, and ${found}. ${remedy}, ` +
        "or name one in the setting testwright.server.python. Your project may keep its own Python."
    );
}

function isVersion(value: unknown): value is Version {
    return Array.isArray(value) && value.length === 3 && value.every((part) => Number.isInteger(part));
}

function pipVersion(text: string): Version | undefined {
    const match = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(text);
    return match === null ? undefined : [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
}
