/** What `testwright doctor` has found, as a document. */
import { escaped } from "../../pure/markdown";

export interface Finding {
    readonly name: string;
    /** `missing` keeps tests from being generated; `note` does not. */
    readonly state: "ok" | "note" | "missing";
    readonly detail: string;
    readonly next_step: string;
}

/** What is said of one project. */
export interface Examination {
    /** The folder's name, or what was looked at in its place. */
    readonly title: string;
    readonly findings: readonly Finding[];
}

/** @throws {Error} It is not what `testwright doctor --json` prints. */
export function readFindings(output: string): readonly Finding[] {
    const values: unknown = JSON.parse(output);
    const findings = isRecord(values) ? values["findings"] : undefined;
    if (!Array.isArray(findings) || !findings.every(isFinding)) {
        throw new Error("There are no findings in it.");
    }
    return findings;
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null;
}

function isFinding(value: unknown): value is Finding {
    return (
        isRecord(value) &&
        ["ok", "note", "missing"].includes(String(value["state"])) &&
        ["name", "detail", "next_step"].every((key) => typeof value[key] === "string")
    );
}

const MARKS: Readonly<Record<Finding["state"], string>> = { ok: "✓ ok", note: "· note", missing: "✗ missing" };

/**
 * The document: what to do first, then all that was looked at.
 *
 * @param subject What was asked, for a person: `testwright 0.1.0 in its own environment`.
 * @param notes Sentences on how it was looked.
 */
export function doctorDocument(examination: Examination, subject: string, notes: readonly string[] = []): string {
    const { title, findings } = examination;
    const missing = findings.filter((finding) => finding.state === "missing");
    const steps = findings
        .filter((finding) => finding.next_step !== "")
        .map((finding) => `- **${escaped(finding.name)}**: ${escaped(finding.next_step)}`);
    const rows = findings.map(
        ({ name, state, detail }) => `| ${escaped(name)} | ${MARKS[state]} | ${escaped(detail)} |`,
    );
    return [
        `# Testwright Doctor: ${escaped(title)}`,
        "",
        missing.length === 0
            ? "**Tests can be generated here.**"
            : `**Tests cannot be generated here yet:** ${missing.map((finding) => escaped(finding.name)).join(", ")} ` +
              `${missing.length === 1 ? "is" : "are"} missing.`,
        ...notes.flatMap((note) => ["", escaped(note)]),
        ...(steps.length > 0 ? ["", "## What to do", "", ...steps] : []),
        "",
        "## What was looked at",
        "",
        "| | | |",
        "|---|---|---|",
        ...rows,
        "",
        `Asked: ${escaped(subject)}`,
        "",
    ].join("\n");
}
