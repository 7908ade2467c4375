/** What became of runs for many modules, in words. */
import { escaped } from "../../pure/markdown";
import type { GenerateReport, RunFinished } from "../../protocol";

/** `refused`: the server would not begin it, or went away. `left`: not begun, since the user has cancelled. */
export type Outcome =
    | { readonly is: "ended"; readonly finished: RunFinished }
    | { readonly is: "refused"; readonly message: string }
    | { readonly is: "left" };

export interface Result {
    readonly uri: string;
    readonly name: string;
    readonly outcome: Outcome;
}

/** What became of one, as far as a person needs to tell. */
type Fate = "written" | "nothing" | "failed" | "cancelled";

function fateOf({ outcome }: Result): Fate {
    if (outcome.is !== "ended") {
        return outcome.is === "refused" ? "failed" : "cancelled";
    }
    switch (outcome.finished.status) {
        case "written":
            return "written";
        case "cancelled":
            return "cancelled";
        case "failed":
            return "failed";
        default:
            return "nothing";
    }
}

function messageOf({ outcome }: Result): string {
    return outcome.is === "ended" ? outcome.finished.message : outcome.is === "refused" ? outcome.message : "";
}

export interface Summary {
    readonly severity: "info" | "warning";
    readonly message: string;
}

/** Failures that the message names; of more it tells the number. */
const NAMED = 3;

/** The one message after all of them; undefined when the user cancelled before anything was done. */
export function summaryOf(results: readonly Result[]): Summary | undefined {
    const of = (fate: Fate): readonly Result[] => results.filter((result) => fateOf(result) === fate);
    const [written, nothing, failed, cancelled] = [of("written"), of("nothing"), of("failed"), of("cancelled")];
    if (cancelled.length === results.length) {
        return undefined;
    }
    const tests = written.reduce((sum, result) => sum + keptIn(result), 0);
    const sentences = [
        written.length > 0
            ? `${counted(tests, "test")} for ${counted(written.length, "module")} ${tests === 1 ? "is" : "are"} written.`
            : "No test was written.",
        nothing.length > 0 ? `${counted(nothing.length, "module")} had nothing to add.` : "",
        failed.length > 0 ? `${counted(failed.length, "module")} failed: ${listed(failed)}.` : "",
        cancelled.length > 0 ? `${counted(cancelled.length, "module")} ${were(cancelled.length)} cancelled.` : "",
    ];
    return {
        severity: failed.length > 0 ? "warning" : "info",
        message: sentences.filter((sentence) => sentence !== "").join(" "),
    };
}

function keptIn({ outcome }: Result): number {
    return outcome.is === "ended" ? (generated(outcome.finished)?.tests.kept.length ?? 0) : 0;
}

function generated(finished: RunFinished): GenerateReport | undefined {
    return finished.kind === "generate" ? ((finished.report as GenerateReport | null) ?? undefined) : undefined;
}

function listed(failed: readonly Result[]): string {
    const named = failed.slice(0, NAMED).map((result) => result.name);
    const more = failed.length - named.length;
    return more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
}

/** `1 test`, `2 tests`. */
export function counted(count: number, noun: string): string {
    return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function were(count: number): string {
    return count === 1 ? "was" : "were";
}

const FATES: Readonly<Record<Fate, string>> = {
    written: "written",
    nothing: "nothing to add",
    failed: "failed",
    cancelled: "cancelled",
};

/**
 * All of them as a document in Markdown.
 *
 * @param linkTo Gives the target of a link to a file.
 */
export function reportOf(results: readonly Result[], linkTo: (uri: string) => string): string {
    const summary = summaryOf(results);
    const rows = results.map((result) => {
        const finished = result.outcome.is === "ended" ? result.outcome.finished : undefined;
        const report = finished !== undefined ? generated(finished) : undefined;
        const test = finished?.testUri ?? null;
        const cells = [
            `[${escaped(result.name)}](${linkTo(result.uri)})`,
            FATES[fateOf(result)],
            percent(report?.coverage.before?.percent),
            percent((report?.coverage.after ?? report?.coverage.before)?.percent),
            String(keptIn(result)),
            test !== null ? `[${escaped(nameOf(test))}](${linkTo(test)})` : "",
        ];
        return `| ${cells.join(" | ")} |`;
    });
    const failures = results
        .filter((result) => fateOf(result) === "failed")
        .map((result) => `- **${escaped(result.name)}**: ${escaped(messageOf(result))}`);
    return [
        "# Tests for a folder",
        ...(summary !== undefined ? ["", escaped(summary.message)] : []),
        "",
        "| module | | covered before | covered now | tests added | test file |",
        "|---|---|---:|---:|---:|---|",
        ...rows,
        ...(failures.length > 0 ? ["", "## What failed", "", ...failures] : []),
        "",
    ].join("\n");
}

/** Rounded down, since 99.6 % is not all. */
function percent(value: number | undefined): string {
    return value === undefined ? "" : `${Math.floor(value)} %`;
}

function nameOf(uri: string): string {
    const name = uri.slice(uri.lastIndexOf("/") + 1);
    try {
        return decodeURIComponent(name);
    } catch {
        return name;
    }
}
