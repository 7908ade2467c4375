/** What waits for the end of runs. */
import assert from "node:assert/strict";
import { mock } from "node:test";

import { AfterRuns, SETTLED_MS } from "../../../src/server/pure/afterRuns";

describe("what must not happen in the middle of a run", () => {
    let waiting: AfterRuns;
    let done: string[];
    const settle = () => {
        mock.timers.tick(SETTLED_MS);
    };
    const want = (name: string) => {
        waiting.do(() => done.push(name));
    };

    beforeEach(() => {
        mock.timers.enable({ apis: ["setTimeout"] });
        waiting = new AfterRuns();
        done = [];
    });
    afterEach(() => {
        mock.timers.reset();
    });

    it("happens at once where none goes on, and once for several in a row", () => {
        want("first");
        want("second");
        assert.deepEqual([done, waiting.isWaiting], [[], false]);
        settle();
        assert.deepEqual(done, ["second"]);
        settle();
        assert.deepEqual(done, ["second"]);
    });

    it("waits for the end of all, those that are queued included", () => {
        waiting.take({ run: "generate-1", state: "running" });
        waiting.take({ run: "generate-2", state: "queued" });
        want("it");
        settle();
        assert.equal(waiting.isWaiting, true);
        waiting.take({ run: "generate-1", state: "ended" });
        settle();
        assert.deepEqual(done, []);
        waiting.take({ run: "generate-2", state: "running" });
        waiting.take({ run: "generate-2", state: "ended" });
        assert.deepEqual(done, [], "the account of the run is on its way");
        settle();
        assert.deepEqual(done, ["it"]);
    });

    it("waits for a run that begins as another one ends", () => {
        waiting.take({ run: "generate-1", state: "running" });
        want("it");
        waiting.take({ run: "generate-1", state: "ended" });
        waiting.take({ run: "measure-2", state: "queued" });
        settle();
        assert.deepEqual(done, []);
    });

    it("need not happen any more when the process is gone, and holds up nothing of the next", () => {
        waiting.take({ run: "generate-1", state: "running" });
        want("it");
        waiting.gone();
        settle();
        assert.deepEqual([done, waiting.isWaiting], [[], false]);
        want("another");
        settle();
        assert.deepEqual(done, ["another"]);
    });

    it("does not happen after the end", () => {
        want("it");
        waiting.dispose();
        settle();
        assert.deepEqual(done, []);
    });
});
