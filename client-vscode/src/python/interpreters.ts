/** Which Python a folder's tests run in: what the user has chosen in the editor. */
import * as vscode from "vscode";

export interface Interpreter {
    /** The executable. */
    readonly path: string;
    /** Who says so: the Python Environments extension, the Python extension, the setting `testwright.python`. */
    readonly source: "environments" | "python" | "setting";
}

/** Asks, in this order, the Environments extension, the Python extension and the setting; none of them must be there. */
export interface Interpreters extends vscode.Disposable {
    /** The interpreter of a folder; undefined when none is chosen. Never fails, and never waits for long. */
    of(folder: vscode.Uri | undefined): Promise<Interpreter | undefined>;
    /** Another one may hold for a folder now, or for all of them. */
    readonly onDidChange: vscode.Event<vscode.Uri | undefined>;
}

export function createInterpreters(log: vscode.LogOutputChannel): Interpreters {
    log.trace("no interpreters yet");
    const changed = new vscode.EventEmitter<vscode.Uri | undefined>();
    return {
        of: async () => Promise.resolve(undefined),
        onDidChange: changed.event,
        dispose: () => {
            changed.dispose();
        },
    };
}
