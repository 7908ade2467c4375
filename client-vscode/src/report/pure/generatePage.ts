/** The page of a run that wrote tests, or found none to write. */
import type { Added, GenerateReport } from "../../protocol";
import { agentPart, byEngine, isOfAgent, toldOf } from "./agentPart";
import { type Content, type Markup, markup } from "./html";
import { modelUse } from "./modelUse";
import {
    type Action,
    branchLinks,
    circumstances,
    coverageChange,
    fact,
    fileLink,
    headline,
    isHidden,
    limited,
    lineLinks,
    moreOf,
    MOST,
    type Names,
    notCovered,
    notes,
    section,
    sentence,
    subject,
    testLink,
    type Tone,
    toolbar,
} from "./parts";
import {
    type Arc,
    branchesBeside,
    counted,
    grouped,
    groupedBy,
    fileName,
    percent,
    reasonParts,
    shortened,
} from "./words";

const STOPPED_BY: Readonly<Record<string, string>> = {
    exhausted: "nothing was left to try",
    plateau: "more cases added nothing",
    cases: "all cases were used",
    wall: "the time was used up",
    covered: "everything was covered",
};

/** Errors for which looking at the machine is the next step. */
const OF_THE_MACHINE = new Set(["interpreter", "box-unavailable", "box-failure", "settings", "registry"]);

/**
 * The parts of the page.
 *
 * @param added Which of its tests are in the file; null when nothing can be done about them any more.
 */
export function generatePage(report: GenerateReport, names: Names, added: Added | null): Content {
    return [
        markup`<h1>Tests for ${subject(report)}</h1>`,
        headline(tone(report), outcome(report, names.tests)),
        toolbar(actions(report, added)),
        report.success && coverageChange(report.coverage.before, report.coverage.after, report.threshold),
        kept(report, added),
        notCovered(report.coverage.after ?? report.coverage.before),
        diff(report.diff),
        discarded(report.tests.discarded),
        agentPart(report),
        notes(toldOf(report).others),
        modelUse(report.models),
        circumstances(report, names.module, stoppedBy(report)),
    ];
}

function tone(report: GenerateReport): Tone {
    switch (report.status) {
        case "failed":
            return "bad";
        case "cancelled":
            return "plain";
        case "written":
        case "dry-run":
        case "nothing-to-add":
            return report.threshold_reached ? (report.status === "written" ? "good" : "plain") : "warning";
    }
}

function outcome(report: GenerateReport, testsName: string | null): Content {
    const where =
        testsName === null
            ? "the test file"
            : hasTestFile(report)
              ? fileLink("tests", testsName)
              : markup`<code>${testsName}</code>`;
    const below =
        report.success &&
        !report.threshold_reached &&
        ` The coverage is below the threshold of ${percent(report.threshold)}.`;
    return [ending(report, where), report.error !== null && ` ${sentence(report.error.message)}`, below];
}

/** Whether there is a test file for sure: one that would be written may not be there yet. */
function hasTestFile(report: GenerateReport): boolean {
    return report.test_file !== null && (report.status === "written" || report.status === "nothing-to-add");
}

function ending(report: GenerateReport, where: Content): Content {
    const tests = counted(report.tests.kept.length, "test");
    switch (report.status) {
        case "written":
            return [tests, report.tests.kept.length === 1 ? " was" : " were", " added to ", where, "."];
        case "dry-run":
            return ["A dry run: ", tests, " would be added to ", where, "; nothing was written."];
        case "nothing-to-add":
            return "No test was added: none that could be proven adds to those that it has.";
        case "cancelled":
            return "The run was cancelled; nothing was written.";
        case "failed":
            return "The run failed.";
    }
}

function actions(report: GenerateReport, added: Added | null): Action[] {
    const there = hasTestFile(report);
    const failed = report.status === "failed";
    return [
        ...(there ? [{ label: "Open Test File", does: "open-tests", primary: true } as const] : []),
        there ? { label: "Improve Tests", does: "again" } : { label: "Generate Again", does: "again", primary: true },
        ...(there ? [{ label: "Judge Tests", does: "judge" } as const] : []),
        ...(added === null
            ? []
            : [
                  {
                      label: discardLabel(added.tests.length),
                      does: "discard",
                      hidden: added.tests.length === 0,
                  } as const,
                  {
                      label: acceptLabel(added.rejected.length),
                      does: "accept-all",
                      hidden: added.rejected.length === 0,
                  } as const,
              ]),
        ...(failed && OF_THE_MACHINE.has(report.error?.slug ?? "")
            ? [{ label: "Run Doctor", does: "doctor" } as const]
            : []),
        ...(failed ? [{ label: "Show Logs", does: "logs" } as const] : []),
    ];
}

/** What the button says that takes back all tests of the run. */
export function discardLabel(tests: number): string {
    return tests === 1 ? "Discard 1 Test" : `Discard All ${grouped(tests)} Tests`;
}

/** What the button says that puts back all tests that were taken out. */
export function acceptLabel(tests: number): string {
    return `Put Back ${grouped(tests)} Test${tests === 1 ? "" : "s"}`;
}

// ----------------------------------------------------------------------------------------------- tests

type Kept = GenerateReport["tests"]["kept"][number];

function kept(report: GenerateReport, added: Added | null): Markup | null {
    const { shown, more } = limited(report.tests.kept, MOST.kept);
    if (shown.length === 0) {
        return null;
    }
    const out = new Set(added?.rejected);
    const reviewed = new Set([...(added?.tests ?? []), ...out]);
    const written = report.status === "written";
    const groups = groupedBy(shown, (test) => test.target).map(
        ([target, tests]) =>
            markup`<div class="target">
                <h3><code>${target}</code></h3>
                <ul class="tests">
                    ${groupedBy(tests, (test) => test.name).map(([name, cases]) =>
                        keptTest(name, cases, written, reviewed.has(name) ? (out.has(name) ? "out" : "in") : "fixed"),
                    )}
                </ul>
            </div>`,
    );
    const file = report.test_file;
    const title = [
        file === null ? "Tests" : markup`Tests in <code>${fileName(file)}</code>`,
        markup` <span class="count">${grouped(report.tests.kept.length)}</span>`,
    ];
    const closed =
        written && added === null
            ? markup`<p class="hint">
                  The language server was started again since, so tests of this run cannot be rejected from here any
                  more: remove by hand what is not wanted.
              </p>`
            : null;
    return section(title, [byEngine(report), ...groups, moreOf(more, `${grouped(more)} more`), closed], "tests");
}

/** One test; several cases of it are one in the file. */
function keptTest(name: string, cases: readonly Kept[], written: boolean, state: "in" | "out" | "fixed"): Markup {
    const origins = [...new Set(cases.map((test) => test.origin).filter((origin) => !isOfAgent(origin)))].join(", ");
    const ofAgent = cases.some((test) => isOfAgent(test.origin));
    const badge = ofAgent && markup` <span class="badge">agent</span>`;
    const proposers = [
        origins !== "" && markup`<span class="origin">${origins}</span>`,
        origins !== "" && ofAgent && " and ",
        ofAgent && "the agent",
    ];
    const review =
        state !== "fixed" &&
        markup`<div class="review">
            <button type="button" class="quiet" data-do="reject" data-test="${name}" aria-label="Reject ${name}"${isHidden(
                state === "out",
            )}>Reject</button>
            <button type="button" class="quiet" data-do="accept" data-test="${name}" aria-label="Put back ${name}"${isHidden(
                state === "in",
            )}>Put Back</button>
        </div>`;
    return markup`<li class="test${state === "out" && " out"}" data-name="${name}">
        <div class="name">
            ${written ? testLink(name) : markup`<code>${name}</code>`}${badge} <span class="state"${isHidden(state !== "out")}>taken out</span>
        </div>
        <div class="evidence">${evidence(cases)} (proposed by ${proposers})</div>
        ${review}
    </li>`;
}

/** What a test has added, in the words of the server. */
function evidence(cases: readonly Kept[]): Content {
    const lines = cases.flatMap((test) => test.lines_added);
    const branches = branchesBeside(uniqueArcs(cases.flatMap((test) => test.branches_added)), lines);
    // Reports that an earlier version has kept do not say it.
    const killed = cases.reduce((sum, test) => sum + ((test.mutants_killed as number | undefined) ?? 0), 0);
    const noticed = killed > 0 ? `notices ${counted(killed, "mutant")}` : "notices mutants that others do not";
    if (lines.length === 0 && branches.length === 0) {
        return noticed;
    }
    return [
        "covers ",
        lines.length > 0 && [
            new Set(lines).size === 1 ? "line " : "lines ",
            lineLinks("module", lines, MOST.linesOfTest),
        ],
        lines.length > 0 && branches.length > 0 && " and ",
        branches.length > 0 && [
            branches.length === 1 ? "branch " : "branches ",
            branchLinks(branches, MOST.branchesOfTest),
        ],
        killed > 0 && `, and ${noticed}`,
    ];
}

function uniqueArcs(branches: readonly Arc[]): Arc[] {
    return [...new Map(branches.map((arc) => [arc.join(), arc])).values()];
}

// ----------------------------------------------------------------------------------------------- what is not in the file

type Discarded = GenerateReport["tests"]["discarded"][number];

/** Candidates by reason, the most frequent first; their sources are shown when they are asked for. */
function discarded(candidates: readonly Discarded[]): Markup | null {
    const byReason = groupedBy(candidates, (candidate) => reasonParts(candidate.reason).shared).sort(
        ([, a], [, b]) => b.length - a.length,
    );
    const { shown, more } = limited(byReason, MOST.reasons);
    let left: number = MOST.allSources;
    const groups = shown.map(([reason, all]) => {
        const some = limited(all, Math.min(MOST.sources, left));
        left -= some.shown.length;
        return markup`<details>
            <summary>${sentence(reason)} <span class="count">${grouped(all.length)}</span></summary>
            ${some.shown.map(source)}
            ${moreOf(some.more, `${grouped(some.more)} more`)}
        </details>`;
    });
    return groups.length === 0
        ? null
        : section(
              markup`Discarded candidates <span class="count">${grouped(candidates.length)}</span>`,
              [groups, moreOf(more, counted(more, "other reason"))],
              "discarded",
          );
}

function source(candidate: Discarded): Markup {
    const { own } = reasonParts(candidate.reason);
    const text = shortened(candidate.source, MOST.linesOfSource, MOST.widthOfSource);
    return markup`<div class="candidate">
        <p>For <code>${candidate.target}</code>${own !== "" && `: ${sentence(own)}`}</p>
        <pre tabindex="0"><code>${text}</code></pre>
    </div>`;
}

/** What would be written, where nothing was. */
function diff(text: string): Markup | null {
    if (text === "") {
        return null;
    }
    const { shown, more } = limited(text.replace(/\n$/, "").split("\n"), MOST.linesOfDiff);
    const lines = shown.map((line) => [
        markup`<span class="${kindOfLine(line)}">${line.slice(0, MOST.sentence)}</span>`,
        "\n",
    ]);
    return section(
        "What would be written",
        markup`<pre class="diff" tabindex="0"><code>${lines}</code></pre>
            ${moreOf(more, counted(more, "more line"))}`,
        "diff",
    );
}

function kindOfLine(line: string): string {
    if (line.startsWith("+++") || line.startsWith("---") || line.startsWith("@@")) {
        return "head";
    }
    return line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : "same";
}

function stoppedBy(report: GenerateReport): Markup[] {
    const why = report.stopped_by === null ? undefined : (STOPPED_BY[report.stopped_by] ?? report.stopped_by);
    return why === undefined ? [] : [fact("The search ended", why)];
}
