import assert from "node:assert/strict";

import type { Added, GenerateReport, JudgeReport } from "../../../src/protocol";
import { acceptLabel, discardLabel } from "../../../src/report/pure/generatePage";
import { messageOf, readRequest } from "../../../src/report/pure/messages";
import { renderProblem } from "../../../src/report/pure/page";
import { MOST } from "../../../src/report/pure/parts";
import { attribute, type Element, rawTextOf, tagged, textOf, withClass } from "./dom";
import { allIn, FRAME, pageOf, REPORTS, USES, withAgent } from "./samples";

/** A report of a real run with parts of it changed. */
function like<Report extends GenerateReport | JudgeReport>(report: Report, changes: Partial<Report>): Report {
    return { ...report, ...changes };
}

function headlineOf(page: string): string {
    const [headline] = withClass(page, "headline");
    assert.ok(headline);
    return within(headline, "span").slice(0, 2).map(textOf).join(" ");
}

function buttons(page: string): string[] {
    const [toolbar] = withClass(page, "toolbar");
    assert.ok(toolbar);
    return within(toolbar, "button")
        .filter((button) => attribute(button, "hidden") === undefined)
        .map(textOf);
}

function within(element: Element, tag: string): Element[] {
    return element.childNodes.flatMap((node) =>
        "tagName" in node ? [...(node.tagName === tag ? [node] : []), ...within(node, tag)] : [],
    );
}

/** The section below a heading. */
function section(page: string, id: string): Element | undefined {
    return tagged(page, "section").find((one) => attribute(one, "aria-labelledby") === id);
}

function sectionText(page: string, id: string): string {
    const found = section(page, id);
    assert.ok(found, `There is no section ${id}`);
    return textOf(found);
}

describe("the page of a run that has asked models", () => {
    const rowsOf = (page: string): string[][] => {
        const found = section(page, "models");
        assert.ok(found);
        return within(found, "tr").map((row) => [...within(row, "th"), ...within(row, "td")].map(textOf));
    };

    it("tells of each what was sent, what it cost, and what went wrong", () => {
        assert.deepEqual(rowsOf(pageOf(REPORTS.asked)), [
            ["Model", "Requests", "Answers", "Tokens", "Cost", "Faults"],
            [
                "qwen/qwen3-coder:free openrouter",
                "1,204",
                "1,200",
                "46,234",
                "free",
                "3 down, 1 empty; 2 retries; left alone for a while, 2 times",
            ],
            ["vendor/paid openrouter", "1", "1", "1,000", "$0.0012", "none"],
        ]);
    });

    it("says nothing of models where none was asked, as in a report of an earlier version", () => {
        assert.ok(!("models" in REPORTS.written), "it is one of an earlier version");
        for (const report of [REPORTS.written, like(REPORTS.asked, { models: [] })]) {
            assert.equal(section(pageOf(report), "models"), undefined);
        }
    });

    it("does not end only because there are many", () => {
        const [use] = USES;
        assert.ok(use);
        const page = pageOf(like(REPORTS.asked, { models: Array.from({ length: 60 }, () => use) }));
        assert.match(sectionText(page, "models"), /and 10 other models$/);
    });
});

describe("the page of a run in which an agent has worked", () => {
    const report = REPORTS.byAgent;

    it("tells its rounds, its time, and what it took", () => {
        const found = section(pageOf(report), "agent");
        assert.ok(found);
        const facts = within(found, "dt").map((name, index) => [
            textOf(name),
            textOf(within(found, "dd")[index] ?? ""),
        ]);
        assert.deepEqual(facts, [
            ["Tests in the file", "1"],
            ["Time", "72.4 s"],
            ["Requests", "1,205"],
            ["Tokens", "47,234"],
            ["Cost", "$0.0012"],
        ]);
        assert.deepEqual(within(found, "li").map(textOf), report.notes.slice(0, 2));
    });

    it("leaves other notes where they are", () => {
        const found = section(pageOf(report), "notes");
        assert.ok(found);
        assert.deepEqual(within(found, "li").map(textOf), ["pytest was lent to the project."]);
    });

    it("says who has proposed how many tests, and marks those of the agent", () => {
        const page = pageOf(report);
        assert.match(
            sectionText(page, "tests"),
            /^Tests in test_rates\.py 5 4 of the embedded engine, 1 of the agent /,
        );
        const marked = withClass(page, "test").filter((test) => /\bagent\b/.test(textOf(test)));
        assert.deepEqual(
            marked.map((test) => attribute(test, "data-name")),
            [report.tests.kept[0]?.name],
        );
        assert.match(textOf(marked[0] ?? ""), / agent .*\(proposed by the agent\)/);
    });

    it("says so when it has worked in vain", () => {
        const inVain = withAgent(REPORTS.written, {
            tests: { ...REPORTS.written.tests, by_engine: { embedded: 5, openhands: 0 } },
        });
        assert.match(sectionText(pageOf(inVain), "tests"), /5 of the embedded engine, none of the agent/);
        assert.match(sectionText(pageOf(inVain), "agent"), /^The agent Tests in the file 0 /);
    });

    it("says nothing of it where none has worked", () => {
        for (const other of [REPORTS.written, REPORTS.asked]) {
            const page = pageOf(other);
            assert.equal(section(page, "agent"), undefined);
            assert.equal(withClass(page, "badge").length, 0);
        }
        const needs = "1 line is left, which an agent would take on. What it lacks: a key (set OPENROUTER_API_KEY).";
        assert.match(sectionText(pageOf(like(REPORTS.written, { notes: [needs] })), "notes"), /^Notes 1 line is left/);
    });
});

describe("the page of a run", () => {
    it("says what was asked for, and how it ended, in the words of the server", () => {
        const { written, dryRun, failed } = REPORTS;
        assert.equal(textOf(tagged(pageOf(written), "h1")[0] ?? ""), "Tests for invoicing.rates");
        assert.equal(
            textOf(tagged(pageOf(like(written, { symbol: "RateBoard.rate" })), "h1")[0] ?? ""),
            "Tests for RateBoard.rate of invoicing.rates",
        );
        assert.equal(textOf(tagged(pageOf(failed), "h1")[0] ?? ""), "Tests for broken.py");
        const one = { kept: written.tests.kept.slice(0, 1), discarded: [] };
        const ends: [GenerateReport, string][] = [
            [written, "✓ 5 tests were added to tests/test_shop.py."],
            [like(written, { tests: one }), "✓ 1 test was added to tests/test_shop.py."],
            [
                like(written, { threshold: 99.5, threshold_reached: false }),
                "! 5 tests were added to tests/test_shop.py. The coverage is below the threshold of 99.5 %.",
            ],
            [dryRun, "• A dry run: 6 tests would be added to tests/test_shop.py; nothing was written."],
            [
                like(written, { status: "nothing-to-add" }),
                "• No test was added: none that could be proven adds to those that it has.",
            ],
            [like(failed, { status: "cancelled", error: null }), "• The run was cancelled; nothing was written."],
            [
                failed,
                "✕ The run failed. /home/ada/shop/broken.py has a syntax error: invalid syntax (line 1, column 12: " +
                    "def broken(:). Correct that line, or, if it needs a Python newer than 3.11, run Testwright on it.",
            ],
            [
                like(failed, { error: { slug: "usage", message: "Give it more time with --budget." } }),
                "✕ The run failed. Give it more time with the setting testwright.budget.",
            ],
        ];
        for (const [report, expected] of ends) {
            assert.equal(headlineOf(pageOf(report)), expected);
        }
    });

    it("has the coverage before and after in figures, and as bars that say them", () => {
        const page = pageOf(REPORTS.writtenMany);
        const rows = withClass(page, "coverage").flatMap((table) => within(table, "tr"));
        assert.deepEqual(
            rows.map((row) =>
                row.childNodes.flatMap((node) =>
                    "tagName" in node && within(node, "svg").length === 0 ? [textOf(node)] : [],
                ),
            ),
            [
                ["", "before", "", "after"],
                ["Total", "33.62 %", "100 %"],
                ["Lines", "45.35 %", "100 %"],
                ["Branches", "0 %", "100 %"],
            ],
        );
        const [total, lines] = withClass(page, "bar");
        assert.ok(total && lines);
        assert.equal(attribute(total, "role"), "img");
        assert.equal(attribute(total, "aria-label"), "Total: 33.62 % before, 100 % after, threshold 70 %");
        assert.equal(textOf(within(total, "title")[0] ?? ""), attribute(total, "aria-label"));
        const width = (kind: string): (string | undefined)[] =>
            within(total, "rect")
                .filter((rect) => attribute(rect, "class") === kind)
                .map((rect) => attribute(rect, "width"));
        assert.deepEqual([width("track"), width("before"), width("gain")], [["1000"], ["336"], ["664"]]);
        const [gain] = within(total, "rect").filter((rect) => attribute(rect, "class") === "gain");
        assert.equal(attribute(gain ?? assert.fail(), "x"), "336");
        // The threshold is one of both together.
        assert.deepEqual(
            within(total, "line").map((line) => attribute(line, "x1")),
            ["700"],
        );
        assert.equal(within(lines, "line").length, 0);
    });

    it("says what of the coverage is not known", () => {
        const { written } = REPORTS;
        const page = pageOf(like(written, { coverage: { ...written.coverage, before: null } }));
        assert.match(sectionText(page, "coverage"), /Total not known .*100 %/);
        const none = pageOf(like(written, { coverage: { before: null, after: null } }));
        assert.match(sectionText(none, "coverage"), /The coverage is not known\./);
    });

    it("has each kept test with its evidence and who has proposed it, and leads to both", () => {
        const page = pageOf(REPORTS.writtenMany);
        const tests = withClass(page, "test");
        assert.equal(tests.length, 18);
        const extend = tests.find((test) => attribute(test, "data-name") === "test_invoice_extend");
        assert.ok(extend);
        assert.equal(
            textOf(extend),
            "test_invoice_extend covers lines 71-72, 82-85, 92-93, 97-98, and notices 3 mutants (proposed by embedded:search)",
        );
        const [state] = withClass(page, "state");
        assert.equal(attribute(state ?? assert.fail(), "hidden"), "");
        const links = within(extend, "button").map((button) => [
            attribute(button, "data-do"),
            attribute(button, "data-place") ?? attribute(button, "data-test"),
            attribute(button, "data-line"),
            attribute(button, "data-end"),
        ]);
        assert.deepEqual(links.slice(0, 2), [
            ["test", "test_invoice_extend", undefined, undefined],
            ["open", "module", "71", "72"],
        ]);
        assert.match(textOf(tests[0] ?? ""), /^test_payment_terms notices 4 mutants \(/);
        const [first] = REPORTS.writtenMany.tests.kept;
        assert.ok(first);
        const kept = [{ ...first, mutants_killed: 0 }];
        const unknown = pageOf(like(REPORTS.writtenMany, { tests: { kept, discarded: [] } }));
        assert.match(textOf(withClass(unknown, "test")[0] ?? ""), /notices mutants that others do not/);
    });

    it("tells branches of lines that were covered before", () => {
        const { written } = REPORTS;
        const [first] = written.tests.kept;
        assert.ok(first);
        const kept = [
            {
                ...first,
                mutants_killed: 5,
                lines_added: [12],
                branches_added: [
                    [3, 5],
                    [4, -2],
                    [12, 13],
                ] as [number, number][],
            },
        ];
        const text = textOf(withClass(pageOf(like(written, { tests: { kept, discarded: [] } })), "test")[0] ?? "");
        assert.match(text, /covers line 12 and branches 3→5, 4→exit, and notices 5 mutants \(proposed by/);
    });

    it("counts cases of one test as one", () => {
        const { written } = REPORTS;
        const [first] = written.tests.kept;
        assert.ok(first);
        const kept = [
            { ...first, lines_added: [12], origin: "a", mutants_killed: 1 },
            { ...first, lines_added: [13], origin: "b", mutants_killed: 2 },
        ];
        const tests = withClass(pageOf(like(written, { tests: { kept, discarded: [] } })), "test");
        assert.equal(tests.length, 1);
        assert.match(textOf(tests[0] ?? ""), /covers lines 12-13, and notices 3 mutants \(proposed by a, b\)/);
    });

    it("has what is still missing, with links", () => {
        const page = pageOf(REPORTS.dryRun);
        assert.equal(sectionText(page, "missing"), "Not covered Lines 25-27, 38, 43");
        const { after } = REPORTS.dryRun.coverage;
        assert.ok(after);
        const branches = pageOf(
            like(REPORTS.dryRun, {
                coverage: {
                    before: null,
                    after: {
                        ...after,
                        missing_lines: [],
                        missing_branches: [
                            [9, 11],
                            [30, -20],
                        ],
                    },
                },
            }),
        );
        assert.equal(sectionText(branches, "missing"), "Not covered Branches 9→11, 30→exit");
        assert.equal(section(pageOf(REPORTS.written), "missing"), undefined);
    });

    it("has each discarded candidate with its reason and source, folded, the most frequent first", () => {
        const { written } = REPORTS;
        const candidate = (reason: string): GenerateReport["tests"]["discarded"][number] => ({
            target: "convert",
            reason,
            source: "a = 1\nb = 2",
        });
        const discarded = [
            candidate("it failed: ValueError: x: y"),
            candidate("it adds nothing to what is covered already."),
            candidate("it failed: TypeError"),
        ];
        const page = pageOf(like(written, { tests: { kept: [], discarded } }));
        const groups = tagged(page, "details");
        assert.deepEqual(
            groups.map((group) => textOf(within(group, "summary")[0] ?? "")),
            ["it failed 2", "it adds nothing to what is covered already 1"],
        );
        assert.ok(groups.every((group) => attribute(group, "open") === undefined));
        assert.match(textOf(groups[0] ?? ""), /For convert: ValueError: x: y a = 1 b = 2 For convert: TypeError/);
        assert.equal(rawTextOf(within(groups[0] ?? assert.fail(), "pre")[0] ?? assert.fail()), "a = 1\nb = 2");
    });

    it("shows the diff of what was not written, line by line", () => {
        const page = pageOf(REPORTS.dryRun);
        const [diff] = withClass(page, "diff");
        assert.equal(rawTextOf(diff ?? assert.fail()), REPORTS.dryRun.diff);
        assert.equal(section(pageOf(REPORTS.written), "diff"), undefined);
    });

    it("has its notes, and on what it ran, for how long", () => {
        const page = pageOf(REPORTS.dryRun);
        assert.equal(
            sectionText(page, "notes"),
            "Notes .git look like secrets by their names and are hidden from the box. No test could be proven for stamp.",
        );
        assert.match(
            sectionText(page, "circumstances"),
            /Module shop\.py Box bubblewrap Interpreter \/home\/ada\/.venv\/bin\/python \(3\.11\.7\) Seed 0 Time 24\.0 s The search ended the time was used up/,
        );
        assert.match(sectionText(page, "circumstances"), /explore .*8\.4 s/);
    });

    it("offers what can be done next", () => {
        const { written, dryRun, failed } = REPORTS;
        assert.deepEqual(buttons(pageOf(written)), ["Open Test File", "Improve Tests", "Judge Tests"]);
        assert.deepEqual(buttons(pageOf(dryRun)), ["Generate Again"]);
        assert.deepEqual(buttons(pageOf(failed)), ["Generate Again", "Show Logs"]);
        const noBox = like(failed, { error: { slug: "box-unavailable", message: "There is no box." } });
        assert.deepEqual(buttons(pageOf(noBox)), ["Generate Again", "Run Doctor", "Show Logs"]);
    });

    it("leads nowhere where nothing was written", () => {
        const page = pageOf(REPORTS.dryRun);
        const leads = tagged(page, "button").filter(
            (button) => attribute(button, "data-place") === "tests" || attribute(button, "data-do") === "test",
        );
        assert.deepEqual(leads, []);
    });
});

describe("tests of a run that can be taken out", () => {
    const report = REPORTS.written;
    const names = allIn(report).tests;
    const [first, ...others] = names;
    assert.ok(first !== undefined && others.length > 0);

    /** What can be done about each test: the labels of the buttons that are shown. */
    function reviews(added: Added | null): Record<string, string[]> {
        return Object.fromEntries(
            withClass(pageOf(report, added), "test").map((test) => [
                attribute(test, "data-name") ?? "",
                within(test, "button")
                    .filter((button) => attribute(button, "class") === "quiet")
                    .filter((button) => attribute(button, "hidden") === undefined)
                    .map((button) => attribute(button, "aria-label") ?? ""),
            ]),
        );
    }

    it("are offered to be rejected, one by one and all", () => {
        const all = allIn(report);
        assert.deepEqual(reviews(all), Object.fromEntries(names.map((name) => [name, [`Reject ${name}`]])));
        assert.deepEqual(buttons(pageOf(report, all)).slice(3), [`Discard All ${names.length} Tests`]);
    });

    it("are offered to be put back when they are out", () => {
        const added = { tests: others, rejected: [first] };
        assert.deepEqual(reviews(added)[first], [`Put back ${first}`]);
        assert.deepEqual(
            withClass(pageOf(report, added), "out").map((test) => attribute(test, "data-name")),
            [first],
        );
        assert.deepEqual(buttons(pageOf(report, added)).slice(3), [
            others.length === 1 ? "Discard 1 Test" : `Discard All ${others.length} Tests`,
            "Put Back 1 Test",
        ]);
        assert.deepEqual(buttons(pageOf(report, { tests: [], rejected: names })).slice(3), [
            `Put Back ${names.length} Tests`,
        ]);
    });

    it("are left alone when the server that has run it is gone, and that is said", () => {
        assert.deepEqual(reviews(null), Object.fromEntries(names.map((name) => [name, []])));
        assert.match(sectionText(pageOf(report), "tests"), /The language server was started again since/);
        assert.doesNotMatch(sectionText(pageOf(report, allIn(report)), "tests"), /started again/);
        assert.doesNotMatch(sectionText(pageOf(REPORTS.dryRun), "tests"), /started again/);
    });

    it("are counted on the buttons", () => {
        assert.deepEqual([1, 2, 1200].map(discardLabel), [
            "Discard 1 Test",
            "Discard All 2 Tests",
            "Discard All 1,200 Tests",
        ]);
        assert.deepEqual([1, 2].map(acceptLabel), ["Put Back 1 Test", "Put Back 2 Tests"]);
    });
});

describe("the page of a judgement", () => {
    const { judged, judgeFailed } = REPORTS;

    it("says how it ended, in the words of the server", () => {
        assert.equal(textOf(tagged(pageOf(judged), "h1")[0] ?? ""), "The tests of shop");
        const ends: [JudgeReport, string][] = [
            [judged, "! 10 tests in tests/test_shop.py: not all are sound."],
            [like(judged, { sound: true }), "✓ 10 tests in tests/test_shop.py: all are sound."],
            [
                like(judged, { sound: true, complete: false }),
                "! 10 tests in tests/test_shop.py: all are sound. There was no time to judge all.",
            ],
            [like(judged, { status: "cancelled" }), "• The judgement was cancelled."],
        ];
        for (const [report, expected] of ends) {
            assert.equal(headlineOf(pageOf(report)), expected);
        }
        assert.match(headlineOf(pageOf(judgeFailed)), /^✕ The tests could not be judged\. .* has a syntax error/);
    });

    it("has the tests by what became of them, what asks for attention first and open", () => {
        const groups = within(section(pageOf(judged), "tests") ?? assert.fail(), "details");
        assert.deepEqual(
            groups.map((group) => [textOf(within(group, "summary")[0] ?? ""), attribute(group, "open") !== undefined]),
            [
                ["Failed 1", true],
                ["Flaky 1", true],
                ["Sound 8", false],
            ],
        );
        assert.match(textOf(groups[0] ?? ""), /test_wrong: AssertionError: assert 'closed' == '<script>alert\(1\)/);
    });

    it("has findings that lead to their lines", () => {
        const found = section(pageOf(judged), "findings") ?? assert.fail();
        assert.match(
            textOf(found),
            /^Findings 4 test_shop\.py:43 test_lucky: It never runs: the one of the same name in line 52 takes its place\./,
        );
        const [link] = within(found, "button");
        assert.deepEqual(
            ["data-place", "data-line"].map((name) => attribute(link ?? assert.fail(), name)),
            ["tests", "43"],
        );
    });

    it("has the mutants, and the changes that no test notices", () => {
        const page = pageOf(judged);
        const text = sectionText(page, "mutants");
        assert.match(text, /56\.67 %/);
        assert.match(text, /34 noticed 9 not noticed 17 in lines that no test runs/);
        assert.match(text, /shop\.py:15 in Cart\.add : 1 → 0|shop\.py:15 in Cart\.add: 1 → 0/);
        const [bar] = withClass(page, "bar").slice(-1);
        assert.ok(bar);
        const late = pageOf(like(judged, { mutants: { ...(judged.mutants ?? assert.fail()), not_run: 4 } }));
        assert.match(sectionText(late, "mutants"), /4 not run for want of time\./);
    });

    it("offers what can be done next", () => {
        assert.deepEqual(buttons(pageOf(judged)), ["Open Test File", "Improve Tests", "Judge Again"]);
        assert.deepEqual(buttons(pageOf(judgeFailed)), ["Generate Tests", "Judge Again", "Show Logs"]);
    });
});

describe("every page", () => {
    const pages = Object.values(REPORTS).map((report) => pageOf(report));

    it("lets nothing in but its own style and script", () => {
        for (const page of pages) {
            const policy = tagged(page, "meta").find((meta) => attribute(meta, "http-equiv") !== undefined);
            assert.equal(
                attribute(policy ?? assert.fail(), "content"),
                `default-src 'none'; style-src ${FRAME.source}; script-src 'nonce-${FRAME.nonce}'; base-uri 'none'; form-action 'none'`,
            );
            for (const element of [...tagged(page, "style"), ...tagged(page, "img"), ...tagged(page, "a")]) {
                assert.fail(element.tagName);
            }
            assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=/);
        }
    });

    it("has no button that asks for what is not read", () => {
        const reviewed = pageOf(REPORTS.written, { ...allIn(REPORTS.written), rejected: ["test_convert"] });
        for (const page of [...pages, reviewed, renderProblem("a", "b", "file:///a.py", FRAME)]) {
            for (const button of tagged(page, "button")) {
                const data = Object.fromEntries(
                    button.attrs
                        .filter(({ name }) => name.startsWith("data-"))
                        .map(({ name, value }) => [name.slice("data-".length), value]),
                );
                const request = readRequest({ run: "generate-1", ...messageOf(data) }, "generate-1");
                assert.equal(request?.type, data["do"], JSON.stringify(data));
            }
        }
    });

    it("can be read aloud: headings in order, names for what is drawn, one name for each part", () => {
        for (const page of pages) {
            const levels = ["h1", "h2", "h3"].map((tag) => tagged(page, tag).length);
            assert.equal(levels[0], 1);
            for (const svg of tagged(page, "svg")) {
                assert.equal(attribute(svg, "role"), "img");
                assert.ok((attribute(svg, "aria-label") ?? "") !== "");
                assert.ok(within(svg, "title").length === 1 && within(svg, "desc").length === 1);
            }
            const ids = tagged(page, "h2").map((heading) => attribute(heading, "id"));
            assert.equal(new Set(ids).size, ids.length);
            for (const button of tagged(page, "button")) {
                assert.ok(textOf(button) !== "");
                assert.equal(attribute(button, "type"), "button");
            }
        }
    });
});

describe("huge reports", function () {
    this.timeout(30_000);

    const many = <Value>(count: number, make: (index: number) => Value): Value[] =>
        Array.from({ length: count }, (_, index) => make(index));

    it("stay small and quick, and say how much more there is", () => {
        const { written } = REPORTS;
        const report = like(written, {
            tests: {
                kept: many(3000, (index) => ({
                    name: `test_${index}`,
                    target: `f${index % 40}`,
                    origin: "embedded:search",
                    line: index,
                    mutants_killed: 2,
                    lines_added: many(200, (line) => 1 + line * 2),
                    branches_added: many(200, (line): [number, number] => [2 + line * 2, -1]),
                })),
                discarded: many(5000, (index) => ({
                    target: `f${index}`,
                    reason: index < 4000 ? `it failed: ${index}` : `reason ${index % 100}: x`,
                    source: "x = 1\n".repeat(1000) + "y".repeat(100_000),
                })),
            },
            coverage: {
                before: null,
                after: {
                    line: 50,
                    branch: 50,
                    percent: 50,
                    missing_lines: many(5000, (i) => i * 2 + 1),
                    missing_branches: [],
                },
            },
            notes: many(500, (index) => `note ${index}`),
        });
        const began = performance.now();
        const page = pageOf(report);
        const spent = performance.now() - began;
        assert.ok(page.length < 2_000_000, `${page.length} characters`);
        assert.ok(spent < 5000, `${spent} ms`);
        assert.match(sectionText(page, "tests"), /and 2,700 more/);
        assert.match(
            sectionText(page, "tests"),
            /and 188 more and branches .* and 192 more, and notices 2 mutants \(proposed by/,
        );
        assert.match(sectionText(page, "missing"), /and 4,800 more$/);
        assert.match(sectionText(page, "discarded"), /^Discarded candidates 5,000 it failed 4,000/);
        assert.match(
            sectionText(page, "discarded"),
            new RegExp(`and ${4000 - MOST.sources} more`.replace("3980", "3,980")),
        );
        assert.match(sectionText(page, "discarded"), /and 71 other reasons$/);
        assert.equal(tagged(page, "pre").length, MOST.allSources);
        assert.match(sectionText(page, "notes"), /and 400 more$/);
    });

    it("of judgements, too", () => {
        const { judged } = REPORTS;
        const [survivor] = judged.mutants?.survivors ?? [];
        const [finding] = judged.findings;
        assert.ok(survivor && finding && judged.mutants);
        const report = like(judged, {
            tests: many(4000, (index) => ({ name: `test_${index}`, outcome: "passed", reason: "" })),
            findings: many(1000, () => finding),
            mutants: { ...judged.mutants, total: 20_000, survivors: many(20_000, () => survivor) },
        });
        const page = pageOf(report);
        assert.ok(page.length < 1_000_000, `${page.length} characters`);
        assert.match(sectionText(page, "tests"), /Sound 4,000 .* and 3,500 more$/);
        assert.match(sectionText(page, "findings"), /^Findings 1,000 .* and 800 more$/);
        assert.match(sectionText(page, "mutants"), /and 19,800 more$/);
    });
});
