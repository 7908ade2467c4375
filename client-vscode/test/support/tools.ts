/** The programs that a real VS Code consists of here; `.ci/install-vscode` brings them. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

export interface Tools {
    /** Node of the release that code-server needs. */
    readonly node: string;
    /** The script that starts code-server. */
    readonly codeServer: string;
    readonly chromium: string;
}

/** Find them, installing what is missing, unless `VSCODE_TOOLS` says where they are, in the words of `.ci/install-vscode`. */
export function findTools(root: string): Tools {
    const printed =
        process.env["VSCODE_TOOLS"] ??
        execFileSync(join(root, ".ci", "install-vscode"), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    const paths = new Map(
        printed
            .trim()
            .split("\n")
            .map((line) => line.split("=", 2) as [string, string]),
    );
    const get = (name: string): string => {
        const path = paths.get(name);
        if (path === undefined) {
            throw new Error(`.ci/install-vscode prints no ${name}`);
        }
        return path;
    };
    return { node: get("node"), codeServer: get("code-server"), chromium: get("chromium") };
}
