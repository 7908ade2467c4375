/** What to start as the language server: our own environment, or the `testwright` that a setting or an environment has. */
import type * as vscode from "vscode";

import type { Interpreters } from "../python/interpreters";

export interface Program {
    readonly command: string;
    /** Without `lsp` and its options. */
    readonly args: readonly string[];
    /** For a person: `testwright 0.1.0 in its own environment (Python 3.12.4)`. */
    readonly description: string;
}

export interface Programs {
    /** Find it, making the environment with progress shown when need be. @throws {UserError} There is none, and why. */
    find(): Promise<Program>;
    /** It did not work: look again from the beginning at the next {@link find}, and make the environment anew. */
    distrust(): void;
}

export function createPrograms(
    context: vscode.ExtensionContext,
    interpreters: Interpreters,
    log: vscode.LogOutputChannel,
): Programs {
    [context, interpreters, log];
    return {
        find: async () => Promise.resolve({ command: "testwright", args: [], description: "" }),
        distrust: () => undefined,
    };
}
