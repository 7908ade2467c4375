/** What changes in the editor while the server runs, and what follows from it. */
import * as vscode from "vscode";

import type { Interpreters } from "../python/interpreters";
import type { ApiKeys } from "../secrets";
import { isEnabled, settingsOf } from "../settings";
import { debounced } from "./pure/debounce";

/** A person who edits settings, or an extension that sets up an environment, makes several changes in a row. */
const SETTLED_MS = 300;

/** Settings that say what is started, and with what. The server asks for the others by itself. */
const STARTED_WITH = ["path", "server.source", "server.python"];

export interface Consequences {
    /** `testwright.enable` was switched. */
    enabled(isOn: boolean): void;
    /** What the server is started with has changed. */
    renew(reasons: readonly string[]): void;
    /** So have the keys, which what goes on may need to its end. */
    keys(): void;
    /** Another interpreter may hold, or there are other folders. */
    interpreters(): void;
    /** The user trusts the workspace now. */
    trusted(): void;
}

/** Follow the editor's settings, the keys, the interpreters, the folders and the user's trust. */
export function followChanges(interpreters: Interpreters, keys: ApiKeys, then: Consequences): vscode.Disposable {
    let wasEnabled = isEnabled();
    let startedWith = STARTED_WITH.map(valueOf);
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
            // A change in a folder's settings is an event, too, and changes nothing: these are the user's own.
            const before = startedWith;
            startedWith = STARTED_WITH.map(valueOf);
            for (const [index, name] of STARTED_WITH.entries()) {
                if (before[index] !== startedWith[index]) {
                    renew.call(`testwright.${name} has changed`);
                }
            }
        }),
        keys.onDidChange(() => {
            then.keys();
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

function valueOf(name: string): string {
    return settingsOf().get<string>(name) ?? "";
}
