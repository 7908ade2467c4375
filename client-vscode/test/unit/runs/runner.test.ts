import assert from "node:assert/strict";

import { foldersAround, howToRun } from "../../../src/runs/pure/runner";

describe("how a test file is run", () => {
    const all = { hasPythonExtension: true, usesPytest: true, hasRunCurrentFile: true };

    it("is by the test explorer, where that knows the tests", () => {
        assert.equal(howToRun(all), "explorer");
    });

    for (const name of Object.keys(all)) {
        it(`is in a terminal without ${name}`, () => {
            assert.equal(howToRun({ ...all, [name]: false }), "terminal");
        });
    }

    it("begins in the nearest of the folders around it", () => {
        assert.deepEqual(foldersAround("/w/a/tests/test_x.py", "/w"), ["/w/a/tests", "/w/a", "/w"]);
        assert.deepEqual(foldersAround("/w/test_x.py", "/w/"), ["/w"]);
        assert.deepEqual(foldersAround("/ww/test_x.py", "/w"), ["/w"]);
        assert.deepEqual(foldersAround("/a/test_x.py", "/"), ["/a", "/"]);
    });
});
