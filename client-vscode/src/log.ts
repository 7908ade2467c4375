/** The extension's own log, and how errors are told. */
import * as vscode from "vscode";

import { wordsOf } from "./pure/words";

/** The channel "Testwright"; the server's own log is another, "Testwright Server". */
export function createLog(): vscode.LogOutputChannel {
    return vscode.window.createOutputChannel("Testwright", { log: true });
}

/**
 * An error that is told to the user as it is: what happened, why, and the next step.
 *
 * Whatever else is thrown is a mistake of ours: it goes to the log with its stack, and the user is told where to look.
 */
export class UserError extends Error {
    override readonly name = "UserError";

    /** @param actions Buttons below the message: a label and what it does. */
    constructor(
        message: string,
        readonly actions: readonly { readonly label: string; readonly run: () => unknown }[] = [],
    ) {
        super(message);
    }
}

/** Several may have waited for what failed; they come to tell of it within a moment. */
const SAME_MS = 1_000;
const lastTold = new WeakMap<Error, number>();

/** Tell an error to the user: a {@link UserError} as it is, any other with the way to the log. */
export async function tell(error: unknown, log: vscode.LogOutputChannel): Promise<void> {
    if (error instanceof vscode.CancellationError) {
        return;
    }
    if (error instanceof Error) {
        const now = performance.now();
        if (now - (lastTold.get(error) ?? -SAME_MS) < SAME_MS) {
            return;
        }
        lastTold.set(error, now);
    }
    const known = error instanceof UserError;
    log.error(known ? error.message : error instanceof Error ? error : String(error));
    const actions = known
        ? error.actions
        : [
              {
                  label: "Show Logs",
                  run: () => {
                      log.show();
                  },
              },
          ];
    const message = known ? error.message : `Testwright: ${wordsOf(error)}`;
    const chosen = await vscode.window.showErrorMessage(message, ...actions.map((action) => action.label));
    await actions.find((action) => action.label === chosen)?.run();
}
