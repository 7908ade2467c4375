/* global require, exports, process, setTimeout */
// A stub of Microsoft's Python extension: the part of its API that tells the active environment, with the shapes that the
// npm package @vscode/python-extension declares. The real one cannot be installed where the tests run.
//
// `forTests` is what the tests work it with. STUB_PYTHON says how it is activated: `fails`, or as many milliseconds as it
// takes; STUB_PYTHON_PATH is what is chosen from the beginning.
const vscode = require("vscode");

exports.activate = async () => {
    const how = process.env.STUB_PYTHON ?? "";
    if (how === "fails") {
        throw new Error("the extension could not be loaded");
    }
    if (/^\d+$/.test(how)) {
        await new Promise((resolve) => setTimeout(resolve, Number(how)));
    }
    const changed = new vscode.EventEmitter();
    const chosen = new Map();
    let asked = 0;
    if (process.env.STUB_PYTHON_PATH !== undefined) {
        chosen.set(undefined, process.env.STUB_PYTHON_PATH);
    }
    const idOf = (resource) => (resource?.uri ?? resource)?.toString();
    return {
        ready: Promise.resolve(),
        environments: {
            getActiveEnvironmentPath(resource) {
                asked += 1;
                // "python" is what the real one says when nothing is chosen.
                const path = chosen.get(idOf(resource)) ?? chosen.get(undefined) ?? "python";
                return { id: path, path };
            },
            async resolveEnvironment(environment) {
                const path = typeof environment === "string" ? environment : environment.path;
                return path.startsWith("/")
                    ? { id: path, path, executable: { uri: vscode.Uri.file(path), bitness: "64-bit", sysPrefix: "/" } }
                    : undefined;
            },
            onDidChangeActiveEnvironmentPath: changed.event,
        },
        forTests: {
            get asked() {
                return asked;
            },
            /** The user chooses an interpreter for a folder (a `WorkspaceFolder`), or for all. */
            choose(folder, path) {
                if (path === undefined) {
                    chosen.delete(idOf(folder));
                } else {
                    chosen.set(idOf(folder), path);
                }
                changed.fire({ id: path ?? "python", path: path ?? "python", resource: folder });
            },
        },
    };
};
