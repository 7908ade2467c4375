/** What the page and the extension say to each other. Nothing that the page says is believed before it was looked at. */
import type { Added } from "../../protocol";
import type { Place } from "./parts";

/** What the page asks for. It names files by what they are, never by a path. */
export type Request =
    | { readonly type: "ready" }
    | { readonly type: "open"; readonly place: Place; readonly line: number | null; readonly end: number | null }
    | { readonly type: "test"; readonly name: string }
    | { readonly type: "reject"; readonly name: string }
    | { readonly type: "accept"; readonly name: string }
    | { readonly type: (typeof PLAIN)[number] };

const PLAIN = ["open-tests", "again", "judge", "discard", "accept-all", "logs", "doctor", "retry"] as const;

/** What is sent when a button is pressed: by its data, as the page has it. */
export function messageOf(data: Readonly<Record<string, string | undefined>>): Readonly<Record<string, unknown>> {
    const { do: type, place, line, end, test } = data;
    if (type === "open") {
        const first = line === undefined ? null : Number(line);
        return { type, place, line: first, end: end === undefined ? first : Number(end) };
    }
    return test === undefined ? { type } : { type, name: test };
}

/** What the extension tells the page without loading it anew. */
export interface Told {
    readonly type: "reviewed";
    readonly run: string | null;
    /** Which tests are in the file, and which are out; null when nothing can be done about them. */
    readonly added: Added | null;
    readonly labels: { readonly discard: string; readonly accept: string };
    /** What was done, or why it was not; null leaves what stands there. */
    readonly answer: { readonly text: string; readonly failed: boolean } | null;
}

const MOST_LINES = 10_000_000;
const LONGEST_NAME = 1000;

/**
 * Read a message of the page.
 *
 * @param run The run that the page shows now; a message of an earlier page is not read.
 * @returns Null for what is none of the shapes.
 */
export function readRequest(message: unknown, run: string | null): Request | null {
    if (!isRecord(message) || message["run"] !== run || typeof message["type"] !== "string") {
        return null;
    }
    const type = message["type"];
    switch (type) {
        case "ready":
            return { type };
        case "open":
            return readOpen(message);
        case "test":
        case "reject":
        case "accept": {
            const name = message["name"];
            return typeof name === "string" && name !== "" && name.length <= LONGEST_NAME ? { type, name } : null;
        }
        default: {
            const plain = PLAIN.find((known) => known === type);
            return plain === undefined ? null : { type: plain };
        }
    }
}

function readOpen(message: Readonly<Record<string, unknown>>): Request | null {
    const { place, line, end } = message as { place?: unknown; line?: unknown; end?: unknown };
    if (place !== "module" && place !== "tests") {
        return null;
    }
    if (line === null && end === null) {
        return { type: "open", place, line: null, end: null };
    }
    return isLine(line) && isLine(end) && line <= end ? { type: "open", place, line, end } : null;
}

function isLine(value: unknown): value is number {
    return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MOST_LINES;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Which module a page that is restored was about; null when what was kept is not of this form. */
export function readState(state: unknown): string | null {
    const uri = isRecord(state) ? state["uri"] : undefined;
    return typeof uri === "string" && uri.length <= 10_000 && uri.startsWith("file://") ? uri : null;
}
