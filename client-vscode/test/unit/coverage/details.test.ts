/** From what the server says to the shape of the editor's coverage. */
import assert from "node:assert/strict";

import fc from "fast-check";

import type { Branch, ModuleCoverage } from "../../../src/protocol";
import { isSame, statementsOf, summariesOf } from "../../../src/coverage/pure/details";

/** Few, so that the same comes more than once. */
const line = fc.nat({ max: 8 });
const branch: fc.Arbitrary<Branch> = fc.record({
    from: line,
    to: fc.option(line, { nil: null }),
    taken: fc.boolean(),
});
const status = fc.record({
    coveredLines: fc.array(line),
    missingLines: fc.array(line),
    branches: fc.array(branch),
});

function module(uri: string, lines: [number, number], branches: [number, number], stale = false): ModuleCoverage {
    return {
        uri,
        lines: { covered: lines[0], total: lines[1] },
        branches: { covered: branches[0], total: branches[1] },
        stale,
    };
}

describe("statements of a file", () => {
    it("are its lines, with the ways on from each", () => {
        const statements = statementsOf({
            coveredLines: [0, 3],
            missingLines: [4, 9],
            branches: [
                { from: 3, to: 9, taken: false },
                { from: 3, to: 4, taken: true },
                { from: 9, to: null, taken: false },
                { from: 9, to: 0, taken: false },
            ],
        });
        assert.deepEqual(statements, [
            { line: 0, isExecuted: true, branches: [] },
            {
                line: 3,
                isExecuted: true,
                branches: [
                    { isTaken: true, label: "to line 5" },
                    { isTaken: false, label: "to line 10" },
                ],
            },
            { line: 4, isExecuted: false, branches: [] },
            {
                line: 9,
                isExecuted: false,
                branches: [
                    { isTaken: false, label: "to line 1" },
                    { isTaken: false, label: "out of the block" },
                ],
            },
        ]);
    });

    it("are each line that is known, once and in order", () => {
        fc.assert(
            fc.property(status, (given) => {
                const statements = statementsOf(given);
                const lines = [...new Set([...given.coveredLines, ...given.missingLines])].sort((a, b) => a - b);
                assert.deepEqual(
                    statements.map((one) => one.line),
                    lines,
                );
                const covered = new Set(given.coveredLines);
                assert.ok(statements.every((one) => one.isExecuted === covered.has(one.line)));
            }),
        );
    });

    it("have each way on that begins at one of them, once, taken if it was taken at all", () => {
        fc.assert(
            fc.property(status, (given) => {
                for (const { line: from, branches } of statementsOf(given)) {
                    const here = given.branches.filter((one) => one.from === from);
                    const targets = new Set(here.map(({ to }) => to));
                    assert.equal(branches.length, targets.size);
                    assert.equal(new Set(branches.map(({ label }) => label)).size, targets.size);
                    const taken = new Set(here.filter((one) => one.taken).map(({ to }) => to));
                    assert.equal(branches.filter(({ isTaken }) => isTaken).length, taken.size);
                }
            }),
        );
    });
});

describe("figures of all files", () => {
    it("leave out branches where there are none, and files without a line to execute", () => {
        assert.deepEqual(
            summariesOf([
                module("file:///a.py", [3, 4], [1, 2]),
                module("file:///b.py", [4, 4], [0, 0]),
                module("file:///__init__.py", [0, 0], [0, 0]),
            ]),
            [
                { uri: "file:///a.py", lines: { covered: 3, total: 4 }, branches: { covered: 1, total: 2 } },
                { uri: "file:///b.py", lines: { covered: 4, total: 4 } },
            ],
        );
    });

    it("are what the editor takes, whatever comes", () => {
        const count = fc.record({
            covered: fc.oneof(fc.integer(), fc.double()),
            total: fc.oneof(fc.integer(), fc.double()),
        });
        fc.assert(
            fc.property(
                fc.array(fc.record({ uri: fc.webUrl(), lines: count, branches: count, stale: fc.boolean() })),
                (modules) => {
                    for (const { lines, branches } of summariesOf(modules)) {
                        for (const { covered, total } of [lines, ...(branches === undefined ? [] : [branches])]) {
                            assert.ok(Number.isInteger(covered) && Number.isInteger(total));
                            assert.ok(covered >= 0 && covered <= total && total > 0, `${covered} of ${total}`);
                        }
                    }
                },
            ),
        );
    });

    it("are compared by what is shown of them", () => {
        const figures = summariesOf([module("file:///a.py", [3, 4], [1, 2]), module("file:///b.py", [4, 4], [0, 0])]);
        const [first, second] = figures;
        assert.ok(first && second);
        assert.ok(isSame(figures, [second, first]));
        assert.ok(
            isSame(
                figures,
                summariesOf([
                    module("file:///a.py", [3, 4], [1, 2], true),
                    ...[module("file:///b.py", [4, 4], [0, 0])],
                ]),
            ),
        );
        assert.ok(!isSame(figures, [first]));
        assert.ok(!isSame(figures, [first, { ...second, lines: { covered: 3, total: 4 } }]));
        assert.ok(!isSame(figures, [{ ...first, branches: { covered: 2, total: 2 } }, second]));
    });
});
