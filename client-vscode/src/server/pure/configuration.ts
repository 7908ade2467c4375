/** Which of the editor's settings the server gets, and at which level they must have been made. */

/** What the editor knows of a setting, as `WorkspaceConfiguration.inspect` tells it. */
export interface Inspection {
    readonly globalValue?: unknown;
    readonly workspaceValue?: unknown;
    readonly workspaceFolderValue?: unknown;
}

/** Settings of the server, by their names in the section `testwright`. */
const EVERYONES = [
    "coverageThreshold",
    "budget",
    "engine",
    "placement",
    "seed",
    "maxIterations",
    "preferredModel",
    "fallbackModels",
    "confirmEdits",
    "hints.codeLens",
    "hints.diagnostics",
] as const;

/**
 * Say how code is contained, where it is sent, what may be spent, or what is told of it: the user's own word, never that
 * of a folder.
 */
const USERS = [
    "box",
    "passEnv",
    "agentBox",
    "agentSdk",
    "agentImageBase",
    "dataCollection",
    "maxModelCost",
    "maxModelRequests",
    "maxModelTokens",
    "modelDeadline",
    "modelBaseUrl",
    "modelRegistry",
    "logLevel",
] as const;

/**
 * The section as the server gets it.
 *
 * What nobody has set is left out, as is a text that was emptied: the editor's settings are stronger than those of a
 * `pyproject.toml`, and a default must not be. `python` is left out, too: which interpreter holds is told by a notification of its own, wherever it
 * comes from.
 *
 * @param inspect What is known of a setting, for one folder.
 */
export function serverSettings(inspect: (name: string) => Inspection | undefined): Record<string, unknown> {
    const section: Record<string, unknown> = {};
    for (const name of EVERYONES) {
        const found = inspect(name);
        put(section, name, found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue);
    }
    for (const name of USERS) {
        put(section, name, inspect(name)?.globalValue);
    }
    return section;
}

/** `hints.codeLens` is `codeLens` of the object `hints`. */
function put(section: Record<string, unknown>, name: string, value: unknown): void {
    if (value === undefined || value === null || value === "") {
        return;
    }
    const [first = "", second] = name.split(".");
    if (second === undefined) {
        section[first] = value;
    } else {
        section[first] = { ...(section[first] as object | undefined), [second]: value };
    }
}
