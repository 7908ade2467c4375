import assert from "node:assert/strict";

import { choices } from "../../../src/commands/pure/cancel";

describe("what can be cancelled of several", () => {
    it("is all, or one", () => {
        const going = ["a", "b"].map((label) => ({ label, cancel: async () => Promise.resolve() }));
        assert.deepEqual(
            choices(going).map(({ label, what }) => [label, what.map((one) => one.label)]),
            [
                ["All 2", ["a", "b"]],
                ["a", ["a"]],
                ["b", ["b"]],
            ],
        );
    });
});
