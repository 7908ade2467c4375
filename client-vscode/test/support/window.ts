/** What a file of extension-host tests wants of the VS Code that it runs in; `<name>.window.ts` beside `<name>.test.ts`. */
import type { Settings } from "./surroundings";

export interface Window {
    /** A folder of `test/support/workspaces`, or of `examples`; copied for each run. `invoicing` if nothing is said. */
    readonly workspace?: string;
    /**
     * The file in it to open instead of the folder, `two.code-workspace`.
     */
    readonly workspaceFile?: string;
    /** Settings of the machine, added to `testwright.path`, which names the repository's own testwright. */
    readonly machineSettings?: Settings;
    readonly userSettings?: Settings;
    /** Whether VS Code asks if the user trusts the workspace (it is not trusted then). */
    readonly asksForTrust?: boolean;
    /** Identifiers of stubs in `test/support/stubs` that are installed beside. */
    readonly stubs?: readonly string[];
    /** Variables of the editor, added to what `surroundings.ts` has; null takes one away. */
    readonly environment?: Readonly<Record<string, string | null>>;
    /** Folders in which programs are found by name, instead of the usual ones. */
    readonly path?: readonly string[];
}
