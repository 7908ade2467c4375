import assert from "node:assert/strict";

import { reportOf, summaryOf, type Outcome, type Result } from "../../../src/runs/pure/batch";
import type { RunFinished } from "../../../src/protocol";
import { figures, finished, withTests } from "./samples";

function result(name: string, outcome: Outcome): Result {
    return { name, uri: `file:///w/${name}.py`, outcome };
}

function ended(name: string, changes: Partial<RunFinished> = {}): Result {
    return result(name, { is: "ended", finished: finished({ report: withTests(3), ...changes }) });
}

const left = (name: string): Result => result(name, { is: "left" });
const failed = (name: string, message = "It failed."): Result => result(name, { is: "refused", message });
const nothing = (name: string): Result => ended(name, { status: "nothing-to-add", report: withTests(0) });

describe("what became of runs for many modules", () => {
    it("is told in one sentence when all is well", () => {
        assert.deepEqual(summaryOf([ended("a"), ended("b")]), {
            severity: "info",
            message: "6 tests for 2 modules are written.",
        });
        assert.equal(summaryOf([ended("a", { report: withTests(1) })])?.message, "1 test for 1 module is written.");
    });

    it("tells what had nothing to add, what failed, and what was cancelled", () => {
        const cancelled = ended("d", { status: "cancelled", message: "", report: null });
        assert.deepEqual(summaryOf([ended("a"), nothing("b"), failed("c"), cancelled, left("e")]), {
            severity: "warning",
            message:
                "3 tests for 1 module are written. 1 module had nothing to add. 1 module failed: c. " +
                "2 modules were cancelled.",
        });
        assert.equal(summaryOf([nothing("b")])?.message, "No test was written. 1 module had nothing to add.");
    });

    it("names three failures and counts the others", () => {
        const message = summaryOf(["a", "b", "c", "d", "e"].map((name) => failed(name)))?.message;
        assert.equal(message, "No test was written. 5 modules failed: a, b, c and 2 more.");
    });

    it("is not told when the user cancelled before anything was done", () => {
        const cancelled = ended("a", { status: "cancelled", message: "", report: null });
        assert.equal(summaryOf([cancelled, left("b")]), undefined);
        assert.equal(summaryOf([]), undefined);
    });

    it("is a document with a line for each, and why some failed", () => {
        const after = { coverage: { before: figures(12.9), after: figures(99.6) } };
        const text = reportOf(
            [
                ended("shop.a_b", { report: withTests(2, after), testUri: "file:///w/tests/test_a%20b.py" }),
                ended("shop.c", { status: "failed", message: "No | pipes\nhere.", report: null, testUri: null }),
                left("shop.d"),
            ],
            (uri) => uri,
        );
        const lines = text.split("\n");
        assert.ok(
            lines.includes(
                "| [shop.a\\_b](file:///w/shop.a_b.py) | written | 12 % | 99 % | 2 | " +
                    "[test\\_a b.py](file:///w/tests/test_a%20b.py) |",
            ),
            text,
        );
        assert.ok(lines.includes("| [shop.d](file:///w/shop.d.py) | cancelled |  |  | 0 |  |"), text);
        assert.ok(lines.includes("- **shop.c**: No \\| pipes here."), text);
    });
});
