/** API keys: in the editor's secret storage and the server's environment, and nowhere else. */
import * as vscode from "vscode";

import { clearedMessage, judge, keptMessage, NONE_KEPT, PROVIDERS, type Provider } from "./pure/keys";

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
    const changed = new vscode.EventEmitter<void>();
    // The editor tells of changes by other windows, too.
    const watching = secrets.onDidChange(({ key }) => {
        if (PROVIDERS.some((provider) => nameOf(provider) === key)) {
            changed.fire();
        }
    });
    const kept = async (): Promise<readonly Provider[]> => {
        const keys = await Promise.all(PROVIDERS.map(async (provider) => secrets.get(nameOf(provider))));
        return PROVIDERS.filter((_, index) => keys[index] !== undefined);
    };
    return {
        environment: async () => {
            const found: Record<string, string> = {};
            for (const provider of PROVIDERS) {
                const key = await secrets.get(nameOf(provider));
                if (key !== undefined) {
                    found[provider.variable] = key;
                }
            }
            return found;
        },
        onDidChange: changed.event,
        set: async () => {
            const provider = await choose(PROVIDERS, "Whose key is it?");
            const key = provider && (await ask(provider));
            if (provider !== undefined && key !== undefined) {
                await secrets.store(nameOf(provider), key);
                log.info(`The ${provider.name} API key was set.`);
                void vscode.window.showInformationMessage(keptMessage(provider));
            }
        },
        clear: async () => {
            const providers = await kept();
            if (providers.length === 0) {
                void vscode.window.showInformationMessage(NONE_KEPT);
                return;
            }
            const provider = await choose(providers, "Whose key is to be forgotten?");
            if (provider !== undefined) {
                await secrets.delete(nameOf(provider));
                log.info(`The ${provider.name} API key was cleared.`);
                void vscode.window.showInformationMessage(clearedMessage(provider));
            }
        },
        dispose: () => {
            watching.dispose();
            changed.dispose();
        },
    };
}

/** What a provider's key is called in the secret storage, which is of this extension alone. */
function nameOf(provider: Provider): string {
    return `apiKey.${provider.id}`;
}

/** One of them; there is no question where there is no choice. */
async function choose(providers: readonly Provider[], question: string): Promise<Provider | undefined> {
    if (providers.length === 1) {
        return providers[0];
    }
    const items = providers.map((provider) => ({
        label: provider.name,
        description: provider.description,
        provider,
    }));
    return (await vscode.window.showQuickPick(items, { placeHolder: question }))?.provider;
}

async function ask(provider: Provider): Promise<string | undefined> {
    const key = await vscode.window.showInputBox({
        title: `${provider.name} API Key`,
        prompt: "It is kept in VS Code's secret storage and handed to Testwright's server alone.",
        placeHolder: `${provider.prefix}…`,
        password: true,
        ignoreFocusOut: true, // it is copied from another window
        validateInput: (text) => {
            const found = judge(provider, text);
            return (
                found && {
                    message: found.message,
                    severity: found.isRefused
                        ? vscode.InputBoxValidationSeverity.Error
                        : vscode.InputBoxValidationSeverity.Warning,
                }
            );
        },
    });
    // Nobody sees the spaces around a key that was pasted.
    return key?.trim();
}
