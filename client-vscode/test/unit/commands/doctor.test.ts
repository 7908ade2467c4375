import assert from "node:assert/strict";

import { doctorDocument, readFindings, type Finding } from "../../../src/commands/pure/doctor";

const OK: Finding = { name: "pytest", state: "ok", detail: "9.2.0, the project's own", next_step: "" };
const MISSING: Finding = {
    name: "box landlock",
    state: "missing",
    detail: "This kernel | has none.",
    next_step: "Install a newer kernel.",
};

describe("what doctor has found", () => {
    it("is read from what it prints", () => {
        assert.deepEqual(readFindings(JSON.stringify({ ok: true, findings: [OK] })), [OK]);
    });

    for (const [what, output] of [
        ["no JSON", "Usage: testwright"],
        ["another object", "{}"],
        ["no object", "null"],
        ["a finding of another kind", JSON.stringify({ findings: [{ ...OK, state: "broken" }] })],
        ["a finding without its next step", JSON.stringify({ findings: [{ ...OK, next_step: undefined }] })],
    ] as const) {
        it(`is not read from ${what}`, () => {
            assert.throws(() => readFindings(output));
        });
    }

    it("begins with whether tests can be generated, and goes on with what to do", () => {
        const text = doctorDocument({ title: "shop", findings: [OK, MISSING] }, "testwright 0.1.0");
        const at = (part: string): number => {
            assert.ok(text.includes(part), `${part} is not in:\n${text}`);
            return text.indexOf(part);
        };
        const places = [
            at("# Testwright Doctor: shop"),
            at("**Tests cannot be generated here yet:** box landlock is missing."),
            at("## What to do\n\n- **box landlock**: Install a newer kernel."),
            at("| pytest | ✓ ok | 9.2.0, the project's own |"),
            at("| box landlock | ✗ missing | This kernel \\| has none. |"),
            at("Asked: testwright 0.1.0"),
        ];
        assert.deepEqual(
            places,
            [...places].sort((one, other) => one - other),
        );
    });

    it("has nothing to do when all is there, and says how it has looked", () => {
        const text = doctorDocument({ title: "shop", findings: [OK] }, "testwright", ["Not trusted."]);
        assert.ok(text.includes("**Tests can be generated here.**\n\nNot trusted."));
        assert.ok(!text.includes("What to do"));
    });
});
