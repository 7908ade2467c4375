/* global require, exports, process, setTimeout */
// A stub of Microsoft's Python Environments extension: the part of its API that tells the chosen environment, with the
// shapes that the npm package @vscode/python-environments declares. The real one cannot be installed where the tests run.
//
// `forTests` is what the tests work it with. STUB_ENVIRONMENTS says how it is activated: `fails`, `odd` (another API), or
// as many milliseconds as it takes.
const vscode = require("vscode");

exports.activate = async () => {
    const how = process.env.STUB_ENVIRONMENTS ?? "";
    if (how === "fails") {
        throw new Error("the environment tools have crashed");
    }
    if (how === "odd") {
        return { apiVersion: 7, environmentFor: () => undefined };
    }
    if (/^\d+$/.test(how)) {
        await new Promise((resolve) => setTimeout(resolve, Number(how)));
    }
    const changed = new vscode.EventEmitter();
    const chosen = new Map();
    let answer = "well";
    let asked = 0;

    const environmentOf = (path) =>
        path === undefined
            ? undefined
            : {
                  envId: { id: path, managerId: "stub:venv" },
                  name: "stub",
                  displayName: "stub",
                  displayPath: path,
                  version: "3.12.1",
                  environmentPath: vscode.Uri.file(path),
                  execInfo: { run: { executable: path } },
                  sysPrefix: path.replace(/\/bin\/[^/]*$/, ""),
              };

    return {
        async getEnvironment(scope) {
            asked += 1;
            switch (answer) {
                case "throws":
                    throw new Error("no such project");
                case "hangs":
                    return new Promise(() => undefined);
                case "odd":
                    return { interpreter: "/usr/bin/python3" };
                default:
                    return environmentOf(chosen.get(scope?.toString()) ?? chosen.get(undefined));
            }
        },
        onDidChangeEnvironment: changed.event,
        forTests: {
            get asked() {
                return asked;
            },
            /** `well`, `throws`, `hangs` or `odd`. */
            answer(how) {
                answer = how;
            },
            /** The user chooses an environment for a folder, or for all; undefined takes it back. */
            choose(folder, path) {
                const before = chosen.get(folder?.toString());
                if (path === undefined) {
                    chosen.delete(folder?.toString());
                } else {
                    chosen.set(folder?.toString(), path);
                }
                changed.fire({ uri: folder, old: environmentOf(before), new: environmentOf(path) });
            },
        },
    };
};
