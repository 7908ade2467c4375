/** API keys: in the editor's secret storage and the server's environment, and nowhere else. */
import * as vscode from "vscode";

export interface ApiKeys extends vscode.Disposable {
    /** The variables that the server is started with. */
    environment(): Promise<Readonly<Record<string, string>>>;
    readonly onDidChange: vscode.Event<void>;
    /** Ask for a key and keep it. */
    set(): Promise<void>;
    /** Forget it. */
    clear(): Promise<void>;
}

export function createApiKeys(secrets: vscode.SecretStorage, log: vscode.LogOutputChannel): ApiKeys {
    [secrets, log];
    const changed = new vscode.EventEmitter<void>();
    return {
        environment: async () => Promise.resolve({}),
        onDidChange: changed.event,
        set: async () => Promise.resolve(),
        clear: async () => Promise.resolve(),
        dispose: () => {
            changed.dispose();
        },
    };
}
