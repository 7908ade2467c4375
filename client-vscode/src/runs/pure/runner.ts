/** How a test file is run when the user asks for that. */

export interface Surroundings {
    /** Whether Microsoft's Python extension is there, which puts tests into the test explorer. */
    readonly hasPythonExtension: boolean;
    /** Whether the folder's tests are set up in it as tests of pytest. */
    readonly usesPytest: boolean;
    /** Whether the editor has the command that runs the tests of the active file. */
    readonly hasRunCurrentFile: boolean;
}

/**
 * In the test explorer where that knows the tests; else by pytest in a terminal, which is what a user without it does.
 *
 * The command alone tells nothing: the editor always has it, and without somebody who finds tests it finds none.
 */
export function howToRun(surroundings: Surroundings): "explorer" | "terminal" {
    const { hasPythonExtension, usesPytest, hasRunCurrentFile } = surroundings;
    return hasPythonExtension && usesPytest && hasRunCurrentFile ? "explorer" : "terminal";
}

/** What a project's root has, as the server looks for it. */
export const ROOT_MARKS = ["pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "tox.ini"] as const;

/** The folders from a file's own up to the workspace folder, which is the last; all as paths with `/`. */
export function foldersAround(file: string, workspaceFolder: string): readonly string[] {
    const top = workspaceFolder.replace(/\/+$/, "");
    const found: string[] = [];
    for (let at = parent(file); at.startsWith(`${top}/`); at = parent(at)) {
        found.push(at);
    }
    return [...found, top === "" ? "/" : top];
}

function parent(path: string): string {
    return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
