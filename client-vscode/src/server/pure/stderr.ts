/** What the server writes on standard error: records, each a JSON object on a line, and whatever else Python prints. */

export type Level = "error" | "warning" | "info" | "debug";

export interface Line {
    /** Undefined for a line that is no record: of a traceback, say. */
    readonly level: Level | undefined;
    readonly text: string;
}

/** Read one line; undefined when there is nothing on it. */
export function readLine(line: string): Line | undefined {
    const text = line.trimEnd();
    if (text === "") {
        return undefined;
    }
    const record = recordOf(text);
    if (record === undefined) {
        return { level: undefined, text };
    }
    const { message, traceback } = record;
    return {
        level: levelOf(record.level),
        text: [message, traceback].filter((part) => part !== undefined).join("\n"),
    };
}

function recordOf(text: string): { message: string; traceback?: string; level?: unknown } | undefined {
    if (!text.startsWith("{")) {
        return undefined;
    }
    try {
        const record = JSON.parse(text) as { message?: unknown; traceback?: unknown; level?: unknown };
        return typeof record.message === "string"
            ? {
                  message: record.message,
                  level: record.level,
                  ...(typeof record.traceback === "string" ? { traceback: record.traceback } : {}),
              }
            : undefined;
    } catch {
        return undefined;
    }
}

function levelOf(level: unknown): Level {
    switch (level) {
        case "critical":
            return "error";
        case "error":
        case "warning":
        case "info":
        case "debug":
            return level;
        default:
            return "info";
    }
}

/** The last lines, for the sentence that says why a server could not be started. */
export class LastLines {
    readonly #lines: Line[] = [];

    /** @param most How many are kept. */
    constructor(readonly most = 50) {}

    add(line: Line): void {
        this.#lines.push(line);
        if (this.#lines.length > this.most) {
            this.#lines.shift();
        }
    }

    /**
     * The one that tells most: of a traceback its last line, which names the error; else the last record of an error.
     * What a server says in order at its end is none of these.
     */
    get telling(): string | undefined {
        const telling = this.#lines.filter((line) => line.level === undefined || line.level === "error");
        return (telling.at(-1) ?? this.#lines.at(-1))?.text.split("\n").at(-1)?.trim();
    }
}
