/** The folders and variables of one real VS Code: all its own, below one folder that goes at the end. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** Where the repository is; the scripts that start the tests say so. */
export const ROOT = process.env["REPOSITORY"] ?? "";

/** Python's environment with Testwright and pytest, as `make setup-dev` makes it. */
export const VENV_BIN = join(ROOT, process.env["VENV"] ?? ".venv", "bin");

export type Settings = Readonly<Record<string, unknown>>;

/** What keeps VS Code from showing what a test does not want to see, and from asking the network. */
const QUIET: Settings = {
    "chat.disableAIFeatures": true,
    "extensions.autoCheckUpdates": false,
    "extensions.autoUpdate": false,
    "extensions.ignoreRecommendations": true,
    "files.autoSave": "off", // as it is on a desktop
    "git.enabled": false,
    "npm.fetchOnlinePackageInfo": false,
    "remote.autoForwardPorts": false,
    "security.workspace.trust.untrustedFiles": "open",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "workbench.enableExperiments": false,
    "workbench.reduceMotion": "on", // no picture shows something half there
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.settings.enableNaturalLanguageSearch": false,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": false,
    "workbench.welcomePage.walkthroughs.openOnInstall": false,
};

export interface Surroundings {
    /** Everything of this VS Code is below it. */
    readonly folder: string;
    readonly userData: string;
    readonly extensions: string;
    /** `TMPDIR` of the editor, and thereby of the server. */
    readonly temporary: string;
    /** Where workspaces are laid out. */
    readonly workspaces: string;
    /** The whole environment of the editor. */
    readonly environment: Readonly<Record<string, string>>;
    /** Delete it. */
    remove(): void;
}

export interface Wishes {
    /** Settings of the machine; those of the user are {@link QUIET} and `userSettings`. */
    readonly machineSettings?: Settings;
    readonly userSettings?: Settings;
    /** Variables that are added or replaced; undefined takes one away. */
    readonly environment?: Readonly<Record<string, string | undefined>>;
    /** Folders whose programs are found by name, first to last; else the environment of the repository and the system's. */
    readonly path?: readonly string[];
}

/** Make the folders. */
export function makeSurroundings({
    machineSettings = {},
    userSettings = {},
    environment = {},
    path,
}: Wishes): Surroundings {
    // Short, because sockets are below it, and their paths may have 107 bytes.
    const folder = mkdtempSync(join(tmpdir(), "tw-"));
    const below = (...names: string[]): string => {
        const made = join(folder, ...names);
        mkdirSync(made, { recursive: true });
        return made;
    };
    const userData = below("user-data");
    writeFileSync(join(below("user-data", "Machine"), "settings.json"), JSON.stringify(machineSettings, null, 4));
    writeFileSync(
        join(below("user-data", "User"), "settings.json"),
        JSON.stringify({ ...QUIET, ...userSettings }, null, 4),
    );
    const temporary = below("tmp");
    const variables: Record<string, string | undefined> = {
        PATH: path?.join(delimiter) ?? [VENV_BIN, "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
        HOME: below("home"),
        LANG: "C.UTF-8",
        SHELL: "/bin/sh",
        TMPDIR: temporary,
        XDG_CACHE_HOME: below("home", ".cache"),
        XDG_CONFIG_HOME: below("home", ".config"),
        XDG_DATA_HOME: below("home", ".local", "share"),
        XDG_RUNTIME_DIR: below("run"),
        XDG_STATE_HOME: below("home", ".local", "state"),
        TESTWRIGHT_CACHE_DIR: below("testwright", "cache"),
        TESTWRIGHT_STATE_DIR: below("testwright", "state"),
        EXTENSIONS_GALLERY: "{}",
        ...environment,
    };
    return {
        folder,
        userData,
        extensions: below("extensions"),
        temporary,
        workspaces: below("workspaces"),
        environment: Object.fromEntries(
            Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
        ),
        remove: () => {
            rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
        },
    };
}

/** Put a stub of another extension, from `test/support/stubs/<id>`, where VS Code finds it as an installed one. */
export function addStub(surroundings: Surroundings, id: string): void {
    const source = join(ROOT, "client-vscode", "test", "support", "stubs", id);
    if (!existsSync(source)) {
        const known = readdirSync(dirname(source)).join(", ");
        throw new Error(`There is no stub of ${id}; there are: ${known}`);
    }
    cpSync(source, join(surroundings.extensions, `${id}-9999.0.0`), { recursive: true });
}
