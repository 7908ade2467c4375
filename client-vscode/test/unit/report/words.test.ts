import assert from "node:assert/strict";

import fc from "fast-check";

import {
    branchesBeside,
    branchWords,
    costWords,
    counted,
    fileName,
    groupedBy,
    inEditorWords,
    percent,
    reasonParts,
    shortened,
    spans,
    spanWords,
} from "../../../src/report/pure/words";

describe("words of a report", () => {
    it("counts", () => {
        assert.deepEqual(
            [0, 1, 2, 1000, 1234567].map((count) => counted(count, "test")),
            ["0 tests", "1 test", "2 tests", "1,000 tests", "1,234,567 tests"],
        );
    });

    it("tells percentages as they are", () => {
        assert.deepEqual([0, 33.62, 100, 99.9, 70].map(percent), ["0 %", "33.62 %", "100 %", "99.9 %", "70 %"]);
    });

    it("tells money as people do", () => {
        assert.deepEqual([0, 0.00001, 0.00123, 0.01, 1.5, 1234.567].map(costWords), [
            "free",
            "under $0.0001",
            "$0.0012",
            "$0.01",
            "$1.50",
            "$1,234.57",
        ]);
    });

    it("joins neighbouring lines", () => {
        assert.deepEqual(spans([5, 3, 4, 9, 9, 11, 12]).map(spanWords), ["3-5", "9", "11-12"]);
        assert.deepEqual(spans([]), []);
    });

    it("loses no line and adds none", () => {
        fc.assert(
            fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 300 })), (lines) => {
                const found = spans(lines);
                const told = found.flatMap(([first, last]) =>
                    Array.from({ length: last - first + 1 }, (_, index) => first + index),
                );
                assert.deepEqual(
                    told,
                    [...lines].sort((a, b) => a - b),
                );
                for (const [index, span] of found.entries()) {
                    const next = found[index + 1];
                    assert.ok(next === undefined || next[0] > span[1] + 1, "neighbours are one span");
                }
            }),
        );
    });

    it("leaves out branches of which a line speaks already", () => {
        const found = branchesBeside(
            [
                [9, 12],
                [11, 13],
                [4, 3],
                [4, -1],
                [7, 8],
            ],
            [7, 12],
        );
        assert.deepEqual(found.map(branchWords), ["4→exit", "4→3", "11→13"]);
    });

    it("parts a reason into what many share and what is its own", () => {
        assert.deepEqual(reasonParts("it failed: ValueError: no. really"), {
            shared: "it failed",
            own: "ValueError: no. really",
        });
        assert.deepEqual(reasonParts("it adds nothing."), { shared: "it adds nothing", own: "" });
    });

    it("names settings in place of options", () => {
        assert.deepEqual(
            [
                "Give it more time with --budget.",
                "Let it in with --pass-env NAME.",
                "Name another file with --output.",
                "Run `testwright doctor --json` for more.",
                "a--b, x --- y",
            ].map(inEditorWords),
            [
                "Give it more time with the setting testwright.budget.",
                "Let it in with the setting testwright.passEnv NAME.",
                "Name another file with `testwright generate --output`.",
                "Run `testwright doctor --json` for more.",
                "a--b, x --- y",
            ],
        );
    });

    it("shortens sources, and says so", () => {
        assert.equal(shortened("a\nb\n\n", 2, 10), "a\nb");
        assert.equal(shortened("a\r\nb\nc", 2, 10), "a\nb\n# ...");
        assert.equal(shortened("0123456789x", 2, 10), "0123456789…");
        assert.equal(shortened(`a\nb\n${"c".repeat(100)}`, 3, 10), `a\nb\n${"c".repeat(10)}…\n# ...`);
    });

    it("groups in the order of the first of each", () => {
        assert.deepEqual(
            groupedBy(["b1", "a1", "b2"], (text) => text.charAt(0)),
            [
                ["b", ["b1", "b2"]],
                ["a", ["a1"]],
            ],
        );
    });

    it("knows a file's name on every system", () => {
        assert.deepEqual(["/a/b/c.py", "C:\\a\\c.py", "c.py", ""].map(fileName), ["c.py", "c.py", "c.py", ""]);
    });
});
