/** When the editor's coverage view is filled. */
import assert from "node:assert/strict";

import fc from "fast-check";

import { Turns } from "../../../src/coverage/pure/turns";

describe("the coverage view's turn", () => {
    let turns: Turns;
    beforeEach(() => {
        turns = new Turns();
    });

    it("does not come by itself", () => {
        assert.equal(turns.take(false), undefined);
        assert.equal(turns.take(true), undefined);
    });

    for (const [kind, status] of [
        ["generate", "written"],
        ["generate", "nothing-to-add"],
        ["measure", "measured"],
    ] as const) {
        it(`comes once after a run (${kind}: ${status})`, () => {
            turns.runChanged({ run: "1", state: "running" });
            assert.equal(turns.take(false), undefined);
            turns.runFinished({ run: "1", kind, status });
            assert.equal(turns.take(false), "show");
            assert.equal(turns.take(false), undefined);
        });
    }

    for (const [kind, status] of [
        ["judge", "judged"],
        ["generate", "failed"],
        ["generate", "cancelled"],
        ["measure", "cancelled"],
    ] as const) {
        it(`does not come after a run that shows nothing new (${kind}: ${status})`, () => {
            turns.runChanged({ run: "1", state: "running" });
            turns.runFinished({ run: "1", kind, status });
            turns.runChanged({ run: "1", state: "ended" });
            assert.equal(turns.take(true), undefined);
        });
    }

    it("comes when the last of several runs has ended", () => {
        turns.runChanged({ run: "1", state: "running" });
        turns.runChanged({ run: "2", state: "queued" });
        turns.runFinished({ run: "1", kind: "generate", status: "written" });
        turns.runChanged({ run: "1", state: "ended" });
        assert.equal(turns.take(false), undefined);
        turns.runChanged({ run: "2", state: "running" });
        turns.runFinished({ run: "2", kind: "generate", status: "failed" });
        turns.runChanged({ run: "2", state: "ended" });
        assert.equal(turns.take(false), "show");
    });

    it("comes after a change by others only while ours is seen", () => {
        turns.changed();
        assert.equal(turns.take(false), undefined, "the user's own coverage is there, or none");
        assert.equal(turns.take(true), "compare");
        assert.equal(turns.take(true), undefined);
    });

    it("comes when it is asked for", () => {
        turns.ask();
        assert.equal(turns.take(false), "show");
    });

    it("is not kept from coming by runs of a server that is gone", () => {
        turns.runChanged({ run: "1", state: "running" });
        turns.ask();
        turns.serverGone();
        assert.equal(turns.take(false), "show");
    });

    it("never comes while a run goes on, and never twice for one reason", () => {
        const run = fc.constantFrom("1", "2", "3");
        const step = fc.oneof(
            fc.record({
                is: fc.constant("change" as const),
                run,
                state: fc.constantFrom("queued", "running", "ended"),
            }),
            fc.record({ is: fc.constant("finish" as const), run, status: fc.constantFrom("written", "cancelled") }),
            fc.record({ is: fc.constant("data" as const) }),
            fc.record({ is: fc.constant("take" as const), isSeen: fc.boolean() }),
        );
        fc.assert(
            fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
                const all = new Turns();
                const going = new Set<string>();
                let reasons = 0;
                for (const one of steps) {
                    if (one.is === "change") {
                        all.runChanged(one);
                        if (one.state === "ended") {
                            going.delete(one.run);
                        } else {
                            going.add(one.run);
                        }
                    } else if (one.is === "finish") {
                        all.runFinished({ run: one.run, kind: "generate", status: one.status });
                        going.delete(one.run);
                        reasons += one.status === "written" ? 1 : 0;
                    } else if (one.is === "data") {
                        all.changed();
                        reasons += 1;
                    } else {
                        const turn = all.take(one.isSeen);
                        if (turn !== undefined) {
                            assert.equal(going.size, 0);
                            assert.ok(reasons > 0);
                            assert.ok(turn === "show" || one.isSeen);
                            reasons = 0;
                        }
                    }
                }
            }),
        );
    });
});
