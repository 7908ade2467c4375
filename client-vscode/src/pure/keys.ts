/** Whose API keys there are, what is said of them, and what can be told of one by looking at it. */

export interface Provider {
    readonly id: string;
    /** For a person. */
    readonly name: string;
    /** The variable that hands the key to the server. */
    readonly variable: string;
    /** What its keys begin with; empty when they may begin with anything. */
    readonly prefix: string;
    /** Who that is, where the name does not say it. */
    readonly description: string;
}

/** Those whose keys are taken. */
export const PROVIDERS: readonly Provider[] = [
    {
        id: "openrouter",
        name: "OpenRouter",
        variable: "OPENROUTER_API_KEY",
        prefix: "sk-or-",
        description: "the provider of the models in the registry",
    },
    {
        id: "modelServer",
        name: "Model Server",
        variable: "TESTWRIGHT_MODEL_KEY",
        prefix: "",
        description: "the one at testwright.modelBaseUrl, if it wants a key",
    },
];

/** What is wrong with a text as a key, if anything is. Neither sentence holds any of the text. */
export interface Judgement {
    /** Whether it cannot be one; else it only does not look like one. */
    readonly isRefused: boolean;
    readonly message: string;
}

/** Look at what was typed; spaces around it are not part of it. */
export function judge(provider: Provider, text: string): Judgement | undefined {
    const key = text.trim();
    if (key === "") {
        return { isRefused: true, message: "Paste a key, or press Escape to leave all as it is." };
    }
    // Printable ASCII: anything else cannot be sent in a header.
    if (!/^[\x21-\x7e]+$/.test(key)) {
        return { isRefused: true, message: "A key has no spaces and no special characters. Copy it again." };
    }
    if (!key.startsWith(provider.prefix)) {
        return {
            isRefused: false,
            message: `Keys of ${provider.name} begin with ${provider.prefix}, and this one does not. Enter keeps it all the same.`,
        };
    }
    return undefined;
}

/** Where a key is now, and what it is for. */
export function keptMessage(provider: Provider): string {
    return (
        `The ${provider.name} API key is kept in VS Code's secret storage and handed to Testwright's server alone, ` +
        "never to a box: at once, or when what goes on has ended. Show Models tells which models would be asked with it; " +
        "the embedded engine asks none, the agent does."
    );
}

export function clearedMessage(provider: Provider): string {
    return `The ${provider.name} API key is forgotten. A run that goes on has it until it ends.`;
}

export const NONE_KEPT = "No API key is kept here.";
