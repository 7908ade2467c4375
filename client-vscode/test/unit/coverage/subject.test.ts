/** Which file the status bar tells of. */
import assert from "node:assert/strict";

import { isNamedAsTest, subjectOf } from "../../../src/coverage/pure/subject";

const python = { scheme: "file", languageId: "python" };

describe("the status bar's file", () => {
    it("is the Python file that is active", () => {
        assert.equal(subjectOf({ ...python, uri: "file:///w/a.py" }, new Map()), "file:///w/a.py");
    });

    it("is the module whose tests are active", () => {
        const tested = new Map([["file:///w/test_a.py", "file:///w/a.py"]]);
        assert.equal(subjectOf({ ...python, uri: "file:///w/test_a.py" }, tested), "file:///w/a.py");
    });

    it("is none where no Python file is active", () => {
        assert.equal(subjectOf(undefined, new Map()), undefined);
        assert.equal(subjectOf({ ...python, uri: "file:///w/a.md", languageId: "markdown" }, new Map()), undefined);
        for (const scheme of ["untitled", "git", "vscode-notebook-cell"]) {
            assert.equal(subjectOf({ ...python, uri: `${scheme}:a.py`, scheme }, new Map()), undefined);
        }
    });

    it("is not a test file by its name alone", () => {
        assert.deepEqual(
            ["test_a.py", "a_test.py", "conftest.py", "a.py", "contest.py", "testing.py"].map(isNamedAsTest),
            [true, true, true, false, false, false],
        );
    });
});
