/** What the pages of all kinds of runs have: links into the code, lists that end, coverage, what is missing, how it ran. */
import type { CoverageFigures, GenerateReport, JudgeReport } from "../../protocol";
import { type Change, coverageBar, coverageWords, shareBar, singleBar } from "./chart";
import { type Content, type Markup, markup } from "./html";
import {
    type Arc,
    branchesBeside,
    branchWords,
    grouped,
    inEditorWords,
    fileName,
    percent,
    seconds,
    type Span,
    spans,
    spanWords,
} from "./words";

/** How many of each are told; the rest as a number. Sources are long, and there may be thousands. */
export const MOST = {
    /** Parts of the module that are not covered. */
    missing: 200,
    /** Spans of lines, and branches, that one test has added. */
    linesOfTest: 12,
    branchesOfTest: 8,
    kept: 300,
    reasons: 30,
    /** Candidates for each reason, and over all of them. */
    sources: 20,
    allSources: 200,
    linesOfSource: 40,
    widthOfSource: 400,
    tests: 500,
    findings: 200,
    survivors: 200,
    linesOfDiff: 2000,
    notes: 100,
    models: 50,
    faults: 20,
    /** Characters of a sentence that others wrote. */
    sentence: 2000,
} as const;

/** The files that a page may lead to. It names them by what they are: the extension knows where they lie. */
export type Place = "module" | "tests";

/** How the files are called on the page: their paths, from the workspace's folder where they are in one. */
export interface Names {
    readonly module: string;
    readonly tests: string | null;
}

/** A heading with what is below it; nothing without. */
export function section(title: Content, body: Content, id: string): Markup | null {
    return body === null || body === false || (Array.isArray(body) && body.length === 0)
        ? null
        : markup`<section aria-labelledby="${id}">
              <h2 id="${id}">${title}</h2>
              ${body}
          </section>`;
}

/** The first of many, and how many more there are. */
export function limited<Value>(
    values: readonly Value[],
    most: number,
): { readonly shown: readonly Value[]; readonly more: number } {
    return { shown: values.slice(0, most), more: Math.max(0, values.length - most) };
}

/** A sentence of the service, as somebody in an editor should read it. */
export function sentence(text: string): string {
    const cut = text.length > MOST.sentence ? `${text.slice(0, MOST.sentence)}…` : text;
    return inEditorWords(cut);
}

/** A link to lines of a file. */
export function lineLink(place: Place, [first, last]: Span, text: string, spoken: string): Markup {
    const end = last > first && markup` data-end="${last}"`;
    return markup`<button type="button" class="link" data-do="open" data-place="${place}" data-line="${first}"${end}
        aria-label="${spoken}">${text}</button>`;
}

/** Lines as links, at most so many. */
export function lineLinks(place: Place, lines: readonly number[], most: number): Content[] {
    const { shown, more } = limited(spans(lines), most);
    const links = shown.map((span) =>
        lineLink(place, span, spanWords(span), `${span[0] === span[1] ? "line" : "lines"} ${spanWords(span)}`),
    );
    return [joined(links), more > 0 && ` and ${grouped(more)} more`];
}

/** Branches as links to where they begin, at most so many. */
export function branchLinks(branches: readonly Arc[], most: number): Content[] {
    const { shown, more } = limited(branches, most);
    const links = shown.map((arc) => lineLink("module", [arc[0], arc[0]], branchWords(arc), spokenBranch(arc)));
    return [joined(links), more > 0 && ` and ${grouped(more)} more`];
}

function spokenBranch([start, end]: Arc): string {
    return `line ${start}, the branch ${end > 0 ? `to line ${end}` : "that leaves it"}`;
}

function joined(links: readonly Markup[]): Content[] {
    return links.map((link, index) => [index > 0 && ", ", link]);
}

/** A link to a whole file. */
export function fileLink(place: Place, name: string): Markup {
    return markup`<button type="button" class="link" data-do="open" data-place="${place}">${name}</button>`;
}

/** A link to a test by its name. */
export function testLink(name: string): Markup {
    return markup`<button type="button" class="link code" data-do="test" data-test="${name}">${name}</button>`;
}

/** What is asked for by a button. */
export interface Action {
    readonly label: string;
    readonly does: "open-tests" | "again" | "judge" | "discard" | "accept-all" | "logs" | "doctor" | "retry";
    readonly primary?: boolean;
    readonly hidden?: boolean;
}

/** Buttons below the headline. */
export function toolbar(actions: readonly Action[]): Markup {
    const buttons = actions.map(
        ({ label, does, primary, hidden }) =>
            markup`<button type="button" class="${primary ? "primary" : "secondary"}" data-do="${does}"${isHidden(hidden)}>
                ${label}
            </button>`,
    );
    return markup`<div class="toolbar" role="group" aria-label="Actions">${buttons}</div>
        <p id="answer" role="status" aria-live="polite"></p>`;
}

/** The attribute of what is not shown. */
export function isHidden(hidden: boolean | undefined): Content {
    return hidden && markup` hidden`;
}

/** How a run ended at a glance: beside the words, never in their place. */
export type Tone = "good" | "warning" | "bad" | "plain";

const MARKS: Readonly<Record<Tone, string>> = { good: "✓", warning: "!", bad: "✕", plain: "•" };

/** The sentence that says how a run ended. */
export function headline(tone: Tone, sentence: Content): Markup {
    return markup`<p class="headline ${tone}">
        <span class="mark" aria-hidden="true">${MARKS[tone]}</span>
        <span>${sentence}</span>
    </p>`;
}

const ROWS = [
    ["Total", "percent"],
    ["Lines", "line"],
    ["Branches", "branch"],
] as const;

/** Coverage before and after, as a table whose bars are a chart. */
export function coverageChange(
    before: CoverageFigures | null,
    after: CoverageFigures | null,
    threshold: number,
): Markup | null {
    if (before === null && after === null) {
        return section("Coverage", markup`<p>The coverage is not known.</p>`, "coverage");
    }
    const rows = ROWS.map(([name, kind]) => {
        const change: Change = { before: before?.[kind] ?? null, after: after?.[kind] ?? null };
        // The threshold is one of lines and branches together.
        const mark = kind === "percent" ? threshold : null;
        return markup`<tr title="${name}: ${coverageWords(change, mark)}">
            <th scope="row">${name}</th>
            <td class="figure">${known(change.before)}</td>
            <td class="chart">${coverageBar(name, change, mark)}</td>
            <td class="figure strong">${known(change.after)}</td>
        </tr>`;
    });
    return section(
        "Coverage",
        markup`<table class="coverage">
                <thead>
                    <tr>
                        <td></td>
                        <th scope="col" class="figure">before</th>
                        <td></td>
                        <th scope="col" class="figure">after</th>
                    </tr>
                </thead>
                <tbody>
                    ${rows}
                </tbody>
            </table>
            <p class="legend" aria-hidden="true">
                ${before !== null && before.percent > 0 && key("before", "covered before")}
                ${key("gain", "by the tests that were added")}
                ${key("threshold", `threshold ${percent(threshold)}`)}
            </p>`,
        "coverage",
    );
}

/** What a colour of a chart means. */
export function key(kind: string, words: string): Markup {
    return markup`<span class="entry"><span class="key ${kind}" aria-hidden="true"></span>${words}</span> `;
}

/** Coverage by the tests that there are. */
export function coverageNow(figures: CoverageFigures): Markup | null {
    const rows = ROWS.map(
        ([name, kind]) =>
            markup`<tr>
                <th scope="row">${name}</th>
                <td class="chart">${singleBar(name, figures[kind])}</td>
                <td class="figure strong">${percent(figures[kind])}</td>
            </tr>`,
    );
    return section(
        "Coverage by these tests",
        markup`<table class="coverage">
            <tbody>
                ${rows}
            </tbody>
        </table>`,
        "coverage",
    );
}

function known(value: number | null): Content {
    return value === null ? markup`<span class="unknown">not known</span>` : percent(value);
}

/** What no test covers. */
export function notCovered(figures: CoverageFigures | null): Markup | null {
    if (figures === null) {
        return null;
    }
    const branches = branchesBeside(figures.missing_branches, figures.missing_lines);
    const found = spans(figures.missing_lines).length;
    if (found === 0 && branches.length === 0) {
        return null;
    }
    return section(
        "Not covered",
        markup`<dl class="facts">
            ${found > 0 && fact("Lines", lineLinks("module", figures.missing_lines, MOST.missing))}
            ${branches.length > 0 && fact("Branches", branchLinks(branches, MOST.missing))}
        </dl>`,
        "missing",
    );
}

/** A name and what is said of it. */
export function fact(name: string, value: Content): Markup {
    return markup`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
    </div>`;
}

/** Sentences one below the other. */
export function notes(told: readonly string[]): Markup | null {
    const { shown, more } = limited(told, MOST.notes);
    const entries = markup`<ul>
        ${shown.map((note) => markup`<li>${sentence(note)}</li>`)}${andMore(more)}
    </ul>`;
    return shown.length === 0 ? null : section("Notes", entries, "notes");
}

/** The end of a list that has more. */
export function andMore(more: number): Markup | null {
    return more > 0 ? markup`<li class="more">and ${grouped(more)} more</li>` : null;
}

/** The same below what is no list. */
export function moreOf(more: number, words: string): Markup | null {
    return more > 0 ? markup`<p class="more">and ${words}</p>` : null;
}

/** On what a run ran, and how long. */
export function circumstances(
    report: GenerateReport | JudgeReport,
    module: string,
    further: readonly Markup[],
): Markup | null {
    const { interpreter, python_version: version } = report;
    const phases = Object.entries(report.seconds);
    const total = phases.reduce((sum, [, spent]) => sum + spent, 0);
    return section(
        "How it ran",
        markup`<dl class="facts">
                ${fact("Module", fileLink("module", module))} ${report.box !== "" && fact("Box", report.box)}
                ${interpreter !== "" && fact("Interpreter", version === "" ? interpreter : `${interpreter} (${version})`)}
                ${fact("Seed", report.seed)} ${phases.length > 0 && fact("Time", seconds(total))} ${further}
            </dl>
            ${
                phases.length > 0 &&
                markup`<table class="phases">
                    <tbody>
                        ${phases.map(
                            ([phase, spent]) =>
                                markup`<tr>
                                    <th scope="row">${phase}</th>
                                    <td class="chart">
                                        ${shareBar(phase, seconds(spent), total > 0 ? spent / total : 0)}
                                    </td>
                                    <td class="figure">${seconds(spent)}</td>
                                </tr>`,
                        )}
                    </tbody>
                </table>`
            }`,
        "circumstances",
    );
}

/** What a run was about: `Cart.total of shop.pricing`; by its file when it was never read. */
export function subject(report: GenerateReport | JudgeReport): Content {
    const module = report.module === "" ? fileName(report.path) : report.module;
    return report.symbol !== null && report.symbol !== ""
        ? [markup`<code>${report.symbol}</code> of `, markup`<code>${module}</code>`]
        : markup`<code>${module}</code>`;
}
