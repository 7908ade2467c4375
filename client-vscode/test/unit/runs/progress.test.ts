import assert from "node:assert/strict";

import fc from "fast-check";

import { isMeasurement, Percentage, percentOfMany } from "../../../src/runs/pure/progress";

describe("what the editor's progress is told", () => {
    it("gets by how much more is done, not how much", () => {
        const percentage = new Percentage();
        assert.deepEqual(
            [0, 2, 20, 20, 85, 100].map((percent) => percentage.to(percent)),
            [0, 2, 18, 0, 65, 15],
        );
    });

    it("shows a bar without end until something is known, and never again then", () => {
        const percentage = new Percentage();
        assert.equal(percentage.to(undefined), undefined);
        assert.equal(percentage.to(10), 10);
        assert.equal(percentage.to(undefined), 0);
        assert.equal(percentage.to(12), 2);
    });

    it("adds up to the most that was told, and to 100 at most, whatever is told", () => {
        fc.assert(
            fc.property(
                fc.array(fc.option(fc.double({ min: -50, max: 150, noNaN: true }), { nil: undefined })),
                (told) => {
                    const percentage = new Percentage();
                    const sum = told.reduce<number>((all, percent) => {
                        const increment = percentage.to(percent) ?? 0;
                        assert.ok(increment >= 0);
                        return all + increment;
                    }, 0);
                    const most = Math.max(0, ...told.map((percent) => Math.min(100, percent ?? 0)));
                    assert.ok(Math.abs(sum - most) < 1e-9);
                },
            ),
        );
    });

    it("counts the current of many as a part of all", () => {
        assert.equal(percentOfMany(0, 4), 0);
        assert.equal(percentOfMany(1, 4, 50), 37.5);
        assert.equal(percentOfMany(4, 4), 100);
        assert.equal(percentOfMany(0, 0), 100);
    });

    it("knows measurements by their titles", () => {
        assert.equal(isMeasurement("Measuring the coverage of pricing"), true);
        assert.equal(isMeasurement("Generating tests for pricing"), false);
        assert.equal(isMeasurement("Judging the tests of pricing"), false);
    });
});
