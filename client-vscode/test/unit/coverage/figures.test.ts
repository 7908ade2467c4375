/** The words of the status bar. */
import assert from "node:assert/strict";

import fc from "fast-check";

import { itemOf, LINKS, type Situation } from "../../../src/coverage/pure/figures";
import type { CoverageStatus } from "../../../src/protocol";

const KNOWN: CoverageStatus = {
    uri: "file:///w/shop/pricing.py",
    version: 1,
    state: "known",
    percent: 78.9,
    line: 80,
    branch: 75.5,
    stale: false,
    missingLines: [3],
    coveredLines: [1, 2],
    branches: [{ from: 2, to: 3, taken: false }],
    tests: 12,
    testUri: "file:///w/tests/test_pricing.py",
    reason: null,
};
const UNKNOWN: CoverageStatus = {
    ...KNOWN,
    state: "unknown",
    percent: null,
    line: null,
    branch: null,
    missingLines: [],
    coveredLines: [],
    branches: [],
    tests: 0,
    testUri: null,
    reason: "It was not measured yet.",
};

function situation(status: CoverageStatus | undefined, more: Partial<Situation> = {}): Situation {
    return {
        server: "running",
        isTrusted: true,
        name: "pricing.py",
        status,
        testFile: typeof status?.testUri === "string" ? "tests/test_pricing.py" : undefined,
        ...more,
    };
}

/** The commands that Markdown links to. */
function linked(tooltip: string): string[] {
    return [...tooltip.matchAll(/\]\(command:([^)?]+)/g)].map(([, command]) => command ?? "");
}

describe("the status bar", () => {
    it("tells what is covered, and leads to the report", () => {
        const item = itemOf(situation(KNOWN));
        assert.equal(item.text, "tests 78 %");
        assert.equal(item.label, "Tests cover 78 percent of pricing.py");
        assert.match(item.tooltip, /\*\*78\.9 %\*\* of pricing\.py: 80 % of its lines, 75\.5 % of its branches\./);
        assert.match(item.tooltip, /12 tests in \[tests\/test\\_pricing\.py\]\(command:vscode\.open\?/);
        assert.equal(item.click, "report");
        assert.deepEqual(linked(item.tooltip), [LINKS.open, LINKS.report, LINKS.measure, LINKS.improve]);
    });

    it("opens the test file itself", () => {
        const [, argument] = /vscode\.open\?([^)]+)\)/.exec(itemOf(situation(KNOWN)).tooltip) ?? [];
        assert.deepEqual(JSON.parse(decodeURIComponent(argument ?? "")), [KNOWN.testUri]);
    });

    it("marks what is stale, tells why, and leads to measuring", () => {
        const item = itemOf(
            situation({ ...KNOWN, stale: true, reason: "The module has changed since it was measured." }),
        );
        assert.equal(item.text, "$(history) tests 78 % (stale)");
        assert.match(item.label, /, stale$/);
        assert.match(item.tooltip, /The module has changed since it was measured\./);
        assert.equal(item.click, "measure");
    });

    it("does not speak of branches where there are none", () => {
        assert.doesNotMatch(itemOf(situation({ ...KNOWN, branch: 100, branches: [] })).tooltip, /branch/);
    });

    it("tells why nothing is known, and leads to the next step", () => {
        const item = itemOf(situation(UNKNOWN));
        assert.equal(item.text, "tests –");
        assert.match(item.tooltip, /It was not measured yet\./);
        assert.equal(item.click, "generate");
        assert.equal(itemOf(situation({ ...UNKNOWN, testUri: KNOWN.testUri })).click, "measure");
        assert.equal(itemOf(situation(UNKNOWN, { isTrusted: false })).click, "trust");
    });

    it("turns while it is measured, with the figures of before", () => {
        assert.equal(itemOf(situation({ ...KNOWN, state: "measuring" })).text, "$(loading~spin) tests 78 %");
        assert.equal(itemOf(situation({ ...UNKNOWN, state: "measuring" })).text, "$(loading~spin) tests …");
        assert.equal(itemOf(situation({ ...UNKNOWN, state: "measuring" })).click, undefined);
    });

    it("tells of a server that does not answer, and leads to starting it again", () => {
        for (const [server, click] of [
            ["off", "restart"],
            ["starting", "logs"],
            ["failed", "restart"],
        ] as const) {
            // Whatever was told before counts for nothing.
            const item = itemOf(situation(KNOWN, { server }));
            assert.equal(item.click, click);
            assert.doesNotMatch(item.text, /\d/);
            assert.ok(linked(item.tooltip).includes(LINKS.logs));
        }
    });

    it("asks for nothing while an answer is awaited", () => {
        assert.deepEqual(
            [itemOf(situation(undefined))].map(({ text, click }) => ({ text, click })),
            [{ text: "$(loading~spin) tests", click: undefined }],
        );
    });

    it("never tells more than is covered, and says in words what icons say", () => {
        const status = fc.record({
            percent: fc.double({ min: 0, max: 100, noNaN: true }),
            stale: fc.boolean(),
            state: fc.constantFrom("known", "measuring"),
        });
        fc.assert(
            fc.property(status, (given) => {
                const { text, label } = itemOf(
                    situation({ ...KNOWN, ...given, state: given.state as CoverageStatus["state"] }),
                );
                const shown = Number(/(\d+) %/.exec(text)?.[1]);
                assert.ok(shown <= given.percent && given.percent < shown + 1);
                assert.equal(text.includes("(stale)") && label.includes("stale"), given.stale);
                assert.doesNotMatch(label, /\$\(/);
            }),
        );
    });

    it("lets no name or reason be anything but text", () => {
        const text = fc.string({ maxLength: 40 });
        const allowed = new Set<string>(Object.values(LINKS));
        const hostile = fc.constantFrom(
            "](command:workbench.action.terminal.sendSequence)",
            "[x](command:evil)",
            "<img src=x>",
            "a\n\n# b",
        );
        fc.assert(
            fc.property(fc.oneof(text, hostile), fc.oneof(text, hostile), (name, reason) => {
                for (const status of [
                    { ...KNOWN, stale: true, reason },
                    { ...UNKNOWN, reason },
                ]) {
                    const { tooltip } = itemOf(situation(status, { name, testFile: name }));
                    const unescaped = tooltip.replaceAll(/\\./gs, "");
                    for (const command of linked(unescaped)) {
                        assert.ok(allowed.has(command), command);
                    }
                    assert.doesNotMatch(unescaped, /[<#]/);
                }
            }),
        );
    });
});
