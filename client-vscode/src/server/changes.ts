/** What changes in the editor while the server runs, and what follows from it. */
import * as vscode from "vscode";

import type { Interpreters } from "../python/interpreters";
import type { ApiKeys } from "../secrets";
import { isEnabled } from "../settings";
import { debounced } from "./pure/debounce";

/** A person who edits settings, or an extension that sets up an environment, makes several changes in a row. */
const SETTLED_MS = 300;

/** Settings that say what is started, and with what. The server asks for the others by itself. */
const STARTED_WITH = ["path", "server.source", "server.python"].map((name) => `testwright.${name}`);

export interface Consequences {
    /** `testwright.enable` was switched. */
    enabled(isOn: boolean): void;
    /** What the server is started with has changed. */
    renew(reasons: readonly string[]): void;
    /** Another interpreter may hold, or there are other folders. */
    interpreters(): void;
    /** The user trusts the workspace now. */
    trusted(): void;
}

/** Follow the editor's settings, the keys, the interpreters, the folders and the user's trust. */
export function followChanges(interpreters: Interpreters, keys: ApiKeys, then: Consequences): vscode.Disposable {
    let wasEnabled = isEnabled();
    const renew = debounced<string>(SETTLED_MS, (reasons) => {
        then.renew([...new Set(reasons)]);
    });
    const others = debounced<undefined>(SETTLED_MS, () => {
        then.interpreters();
    });
    const subscriptions = [
        renew,
        others,
        vscode.workspace.onDidChangeConfiguration((event) => {
            if (event.affectsConfiguration("testwright.enable") && isEnabled() !== wasEnabled) {
                wasEnabled = isEnabled();
                then.enabled(wasEnabled);
            }
            for (const name of STARTED_WITH) {
                if (event.affectsConfiguration(name)) {
                    renew.call(`${name} has changed`);
                }
            }
        }),
        keys.onDidChange(() => {
            renew.call("the API key has changed");
        }),
        interpreters.onDidChange(() => {
            others.call(undefined);
        }),
        vscode.workspace.onDidChangeWorkspaceFolders(() => {
            others.call(undefined);
        }),
        vscode.workspace.onDidGrantWorkspaceTrust(() => {
            then.trusted();
        }),
    ];
    return vscode.Disposable.from(...subscriptions);
}
