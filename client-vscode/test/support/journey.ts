/** One journey: a VS Code of its own for the steps of one `describe`, which follow each other. */
import { dirname, join } from "node:path";

import { RealProject } from "./realProject";
import { VENV_BIN, type Settings, type Wishes } from "./surroundings";
import { VsCode, type Start } from "./vscode";

/** What is told when tests of {@link RealProject.module} have been written. */
export const WRITTEN = /\d+ tests? for _encode (is|are) in tests\/test_encode\.py/;

export interface Journey {
    readonly vscode: VsCode;
    readonly project: RealProject;
}

export interface Begin extends Omit<Start, "workspace"> {
    /** Change the project before it is opened. */
    readonly prepare?: (project: RealProject) => void;
    /** Settings of the machine that are known only when the journey begins. */
    readonly settings?: () => Promise<Settings>;
    /** Whether the extension makes its server's environment itself; else it uses the repository's. */
    readonly ownEnvironment?: boolean;
}

/**
 * Begin a journey in the real project. To be called in a `describe`.
 *
 * A step that fails leaves a picture, and the steps after it are not tried.
 */
export function journey(name: string, { prepare, settings, ownEnvironment = false, ...start }: Begin): Journey {
    let vscode: VsCode | undefined;
    let project: RealProject | undefined;
    let failed: string | undefined;

    before(async () => {
        vscode = await VsCode.start(name, {
            ...(ownEnvironment ? bareMachine() : {}),
            ...start,
            machineSettings: {
                // A run ends when it finds no more; a busy machine may take longer for that than users have to wait.
                "testwright.budget": 90,
                ...(ownEnvironment ? {} : { "testwright.path": join(VENV_BIN, "testwright") }),
                ...start.machineSettings,
                ...(await settings?.()),
            },
            workspace: (folder) => {
                project = RealProject.make(join(folder, "mdurl"));
                prepare?.(project);
                return project.root;
            },
        });
    });

    beforeEach(() => {
        if (failed !== undefined) {
            throw new Error(`"${failed}" failed before`);
        }
    });

    afterEach(async function () {
        if (this.currentTest?.state === "failed" && failed === undefined) {
            failed = this.currentTest.title;
            await vscode?.keep(failed);
        }
    });

    after(async () => {
        await vscode?.close();
    });

    const made = <Value>(value: Value | undefined): Value => {
        if (value === undefined) {
            throw new Error(`The journey ${name} has not begun.`);
        }
        return value;
    };
    return {
        get vscode() {
            return made(vscode);
        },
        get project() {
            return made(project);
        },
    };
}

/** A machine with a Python that has no packages, and wheels in a folder where others have an index. */
function bareMachine(): Wishes {
    const { TESTS_PYTHON: python, TESTS_WHEELS: wheels } = process.env;
    if (python === undefined || wheels === undefined) {
        throw new Error("TESTS_PYTHON and TESTS_WHEELS are not set; run scripts/journeys.mjs");
    }
    return {
        path: [dirname(python), "/usr/bin", "/bin"],
        environment: { PIP_CONFIG_FILE: "/dev/null", PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheels },
    };
}
