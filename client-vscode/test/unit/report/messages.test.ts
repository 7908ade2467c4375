import assert from "node:assert/strict";

import fc from "fast-check";

import { readRequest, readState } from "../../../src/report/pure/messages";

const RUN = "generate-1";

describe("what the page of a report sends", () => {
    it("is read when it is of a known shape", () => {
        const known = [
            { type: "ready" },
            { type: "open", place: "module", line: 3, end: 4 },
            { type: "open", place: "tests", line: null, end: null },
            { type: "test", name: "test_a[1]" },
            { type: "reject", name: "test_a" },
            { type: "accept", name: "test_a" },
            ...["open-tests", "again", "judge", "discard", "accept-all", "logs", "doctor", "retry"].map((type) => ({
                type,
            })),
        ];
        for (const request of known) {
            assert.deepEqual(readRequest({ run: RUN, ...request }, RUN), request);
        }
    });

    it("is not read when it is of an earlier page", () => {
        assert.equal(readRequest({ run: "generate-0", type: "discard" }, RUN), null);
        assert.equal(readRequest({ type: "discard" }, RUN), null);
        assert.equal(readRequest({ run: null, type: "retry" }, RUN), null);
        assert.deepEqual(readRequest({ run: null, type: "retry" }, null), { type: "retry" });
    });

    const wrong: [string, unknown][] = [
        ["no object", "open"],
        ["nothing", null],
        ["a list", [{ type: "ready" }]],
        ["no type", {}],
        ["an unknown type", { type: "executeCommand", command: "x" }],
        ["what every object has", { type: "constructor" }],
        ["a path", { type: "open", place: "/etc/passwd", line: 1, end: 1 }],
        ["a URI", { type: "open", place: "command:workbench.action.quit", line: null, end: null }],
        ["no place", { type: "open", line: 1, end: 1 }],
        ["line 0", { type: "open", place: "module", line: 0, end: 1 }],
        ["no whole line", { type: "open", place: "module", line: 1.5, end: 2 }],
        ["no line", { type: "open", place: "module", line: null, end: 2 }],
        ["no number", { type: "open", place: "module", line: "1", end: 2 }],
        ["not a number", { type: "open", place: "module", line: NaN, end: NaN }],
        ["an end before its beginning", { type: "open", place: "module", line: 3, end: 2 }],
        ["more lines than there are", { type: "open", place: "module", line: 1, end: 1e12 }],
        ["no name", { type: "reject" }],
        ["an empty name", { type: "reject", name: "" }],
        ["a name that is none", { type: "accept", name: ["test_a"] }],
        ["a name without end", { type: "test", name: "x".repeat(1001) }],
    ];
    for (const [name, message] of wrong) {
        it(`is not read when it is ${name}`, () => {
            const whole =
                typeof message === "object" && message !== null && !Array.isArray(message)
                    ? { run: RUN, ...message }
                    : message;
            assert.equal(readRequest(whole, RUN), null);
        });
    }

    it("never throws, and never lets more through than was looked at", () => {
        const keys: Record<string, string[]> = {
            open: ["end", "line", "place", "type"],
            test: ["name", "type"],
            reject: ["name", "type"],
            accept: ["name", "type"],
        };
        const message = fc.record({
            run: fc.constantFrom<unknown>(RUN, null),
            type: fc.oneof(fc.constantFrom("open", "test", "reject", "ready", "discard", "toString"), fc.anything()),
            place: fc.oneof(fc.constantFrom("module", "tests"), fc.anything()),
            line: fc.oneof(fc.integer(), fc.anything()),
            end: fc.oneof(fc.integer(), fc.anything()),
            name: fc.oneof(fc.string(), fc.anything()),
            extra: fc.anything(),
        });
        fc.assert(
            fc.property(fc.oneof(message, fc.anything()), (given) => {
                const read = readRequest(given, RUN);
                if (read !== null) {
                    assert.deepEqual(Object.keys(read).sort(), keys[read.type] ?? ["type"]);
                }
            }),
        );
    });

    it("is restored from a state that is one", () => {
        assert.equal(readState({ uri: "file:///a/b.py", run: "generate-3" }), "file:///a/b.py");
        for (const state of [undefined, null, "x", {}, { uri: 1 }, { uri: "command:x" }, { uri: "https://host/x" }]) {
            assert.equal(readState(state), null);
        }
    });
});
