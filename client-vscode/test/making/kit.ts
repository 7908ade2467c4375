/** A small thing to install instead of the server, which says what the server says; pip and Python are the real ones. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes a wheel: its path, the distribution's name, its version, and its modules as JSON. */
const WRITE_WHEEL = `
import json, sys, zipfile
path, name, version, files = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
info = f"{name}-{version}.dist-info"
files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
files[f"{info}/RECORD"] = "".join(f"{file},,\\n" for file in [*files, f"{info}/RECORD"])
with zipfile.ZipFile(path, "w") as archive:
    for file, text in files.items():
        archive.writestr(file, text)
`;

/** Write a wheel into a folder. */
export function writeWheel(
    folder: string,
    name: string,
    version: string,
    files: Readonly<Record<string, string>>,
): string {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${name}-${version}-py3-none-any.whl`);
    execFileSync("python3", ["-I", "-c", WRITE_WHEEL, path, name, version, JSON.stringify(files)]);
    return path;
}

/** What `bundled/` of an extension has. */
export function writeKit(
    folder: string,
    version: string,
    { requirements = "", says = `testwright ${version} (Python 3)` } = {},
): string {
    writeWheel(folder, "testwright", version, {
        "testwright/__init__.py": "",
        "testwright/__main__.py": `print(${JSON.stringify(says)})\n`,
        "testwright/lsp.py": "",
        "pydantic/__init__.py": "",
        "pygls/__init__.py": "",
        "pygls/lsp/__init__.py": "",
        "pygls/lsp/server.py": "",
    });
    writeFileSync(join(folder, "requirements.txt"), requirements);
    return folder;
}
