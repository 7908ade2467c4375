import assert from "node:assert/strict";

import fc from "fast-check";

import { duration, inOrder, nothingIn, question, stateOf } from "../../../src/commands/pure/folder";

function module(name: string, testUri: string | null, percent: number | null): Parameters<typeof stateOf>[0] {
    return { uri: `file:///w/${name}.py`, name, testUri, percent };
}

describe("generating tests for a folder", () => {
    it("offers those without tests first, then what is covered least", () => {
        const modules = [
            module("unknown", "t", null),
            module("full", "t", 100),
            module("b", null, null),
            module("half", "t", 50),
            module("a", null, 12),
            module("none", "t", 0),
        ];
        const names = inOrder(modules).map(({ name }) => name);
        assert.deepEqual(names, ["a", "b", "none", "half", "full", "unknown"]);
        assert.equal(modules[0]?.name, "unknown", "what was given is as it was");
    });

    it("says how each stands", () => {
        assert.equal(stateOf(module("a", null, null)), "no tests yet");
        assert.equal(stateOf(module("a", "t", null)), "has tests");
        assert.equal(stateOf(module("a", "t", 99.6)), "has tests, 99 % covered");
    });

    it("asks once, with the number and the longest time", () => {
        assert.deepEqual(question(14, 30), {
            message: "Generate tests for 14 modules?",
            detail:
                "It takes 7 minutes at most, 30 seconds for each, one after the other. " +
                "You can cancel at any time: what is written by then stays.",
        });
        assert.equal(question(1, 30).message, "Generate tests for 1 module?");
    });

    it("tells times as a person does, and never too little", () => {
        assert.deepEqual([1, 30.2, 119, 121, 7 * 60, 2 * 3600, 2 * 3600 + 1].map(duration), [
            "1 second",
            "31 seconds",
            "119 seconds",
            "3 minutes",
            "7 minutes",
            "2 hours",
            "3 hours",
        ]);
        const UNITS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600 };
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 1e6 }), (seconds) => {
                const [count, unit] = duration(seconds).split(" ");
                const told = Number(count) * (UNITS[(unit ?? "").replace(/s$/, "")] ?? Number.NaN);
                assert.ok(told >= seconds && told <= seconds * 2 + 60);
            }),
        );
    });

    it("says why there is nothing to do", () => {
        assert.equal(nothingIn("docs", []), "There is no Python module in docs.");
        const reason = "test_a.py is a test file itself.";
        assert.equal(nothingIn("tests", [{ reason }]), `Nothing in tests can be tested. ${reason}`);
        assert.match(nothingIn("tests", [{ reason }, { reason }]), /itself\. 1 other file was left out, too\.$/);
        assert.match(nothingIn("tests", [{ reason }, { reason }, { reason }]), /2 other files were left out, too\.$/);
    });
});
