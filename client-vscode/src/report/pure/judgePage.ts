/** The page of a judgement of existing tests. */
import type { JudgeReport } from "../../protocol";
import { mutantBar, type MutantCounts, mutantWords } from "./chart";
import { type Content, type Markup, markup } from "./html";
import {
    type Action,
    andMore,
    circumstances,
    coverageNow,
    fileLink,
    headline,
    key,
    limited,
    lineLink,
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
import { counted, grouped, fileName, percent } from "./words";

/** What became of a test, what asks for attention first. */
const OUTCOMES = [
    ["failed", "Failed"],
    ["flaky", "Flaky"],
    ["not-judged", "Not judged"],
    ["skipped", "Skipped"],
    ["passed", "Sound"],
] as const;

/** The parts of the page. */
export function judgePage(report: JudgeReport, names: Names): Content {
    return [
        markup`<h1>The tests of ${subject(report)}</h1>`,
        headline(tone(report), outcome(report, names.tests)),
        toolbar(actions(report)),
        report.status === "judged" && report.coverage !== null && coverageNow(report.coverage),
        findings(report),
        outcomes(report.tests),
        mutants(report),
        notCovered(report.coverage),
        notes(report.notes),
        circumstances(report, names.module, []),
    ];
}

function tone(report: JudgeReport): Tone {
    if (report.status === "cancelled") {
        return "plain";
    }
    if (report.error !== null) {
        return "bad";
    }
    return report.sound && report.complete ? "good" : "warning";
}

function outcome(report: JudgeReport, testsName: string | null): Content {
    if (report.status === "cancelled") {
        return "The judgement was cancelled.";
    }
    if (report.error !== null) {
        return `The tests could not be judged. ${sentence(report.error.message)}`;
    }
    return [
        counted(report.tests.length, "test"),
        testsName !== null && [" in ", fileLink("tests", testsName)],
        `: ${report.sound ? "all" : "not all"} are sound.`,
        !report.complete && " There was no time to judge all.",
    ];
}

function actions(report: JudgeReport): Action[] {
    const there = report.test_file !== null;
    return [
        ...(there ? [{ label: "Open Test File", does: "open-tests", primary: true } as const] : []),
        { label: there ? "Improve Tests" : "Generate Tests", does: "again" },
        { label: "Judge Again", does: "judge" },
        ...(report.status === "failed" ? [{ label: "Show Logs", does: "logs" } as const] : []),
    ];
}

/** Tests that cannot find what they seem to look for. */
function findings(report: JudgeReport): Markup | null {
    const { shown, more } = limited(report.findings, MOST.findings);
    const file = report.test_file === null ? null : fileName(report.test_file);
    return shown.length === 0
        ? null
        : section(
              markup`Findings <span class="count">${grouped(report.findings.length)}</span>`,
              markup`<ul class="entries">
                  ${shown.map(
                      ({ test, line, message }) =>
                          markup`<li>
                              ${line !== null && file !== null && [place("tests", file, line), " "]}
                              ${test !== null && markup`<code>${test}</code>: `}${sentence(message)}
                          </li>`,
                  )}${andMore(more)}
              </ul>`,
              "findings",
          );
}

function place(where: "module" | "tests", file: string, line: number): Markup {
    return lineLink(where, [line, line], `${file}:${line}`, `${file}, line ${line}`);
}

/** The tests by what became of them. */
function outcomes(tests: JudgeReport["tests"]): Markup | null {
    const groups = OUTCOMES.flatMap(([outcome, title]) => {
        const found = tests.filter((test) => test.outcome === outcome);
        const { shown, more } = limited(found, MOST.tests);
        const list = markup`<ul class="entries">
            ${shown.map(
                ({ name, reason }) => markup`<li>${testLink(name)}${reason !== "" && `: ${sentence(reason)}`}</li>`,
            )}${andMore(more)}
        </ul>`;
        const summary = markup`${title} <span class="count">${grouped(found.length)}</span>`;
        return found.length === 0
            ? []
            : [
                  markup`<details${outcome !== "passed" && markup` open`}>
                      <summary>${summary}</summary>
                      ${list}
                  </details>`,
              ];
    });
    return groups.length === 0 ? null : section("Tests", groups, "tests");
}

/** Changes to the module that the tests would notice, and those that they would not. */
function mutants(report: JudgeReport): Markup | null {
    const figures = report.mutants;
    if (figures === null) {
        return null;
    }
    const counts: MutantCounts = {
        killed: figures.killed,
        survived: figures.survivors.length,
        uncovered: figures.uncovered,
        undecided: figures.undecided,
    };
    const told = mutantWords(counts);
    const { shown, more } = limited(figures.survivors, MOST.survivors);
    const file = fileName(report.path);
    const late = figures.not_run > 0 && `${grouped(figures.not_run)} not run for want of time.`;
    return section(
        markup`Mutants <span class="count">${grouped(figures.total)}</span>`,
        [
            figures.score !== null &&
                markup`<table class="coverage">
                    <tbody>
                        <tr>
                            <th scope="row">Noticed</th>
                            <td class="chart">${mutantBar(counts)}</td>
                            <td class="figure strong">${percent(figures.score)}</td>
                        </tr>
                    </tbody>
                </table>`,
            told.length > 0
                ? markup`<p class="legend">
                      ${told.map(([kind, words]) => key(kind, words))}
                  </p>`
                : late === false && markup`<p>None.</p>`,
            late !== false && markup`<p>${late}</p>`,
            shown.length > 0 &&
                markup`<h3>No test notices these changes</h3>
                    <ul class="entries">
                        ${shown.map(
                            (mutant) =>
                                markup`<li>
                                    ${place("module", file, mutant.line)} in <code>${mutant.function}</code>:
                                    ${change(mutant.change)}
                                </li>`,
                        )}${andMore(more)}
                    </ul>`,
        ],
        "mutants",
    );
}

/** `1 → 2` as code, what was and what is put in its place. */
function change(text: string): Content {
    const at = text.indexOf(" → ");
    return at < 0
        ? markup`<code>${text}</code>`
        : markup`<code class="minus">${text.slice(0, at)}</code> → <code class="plus">${text.slice(at + 3)}</code>`;
}
