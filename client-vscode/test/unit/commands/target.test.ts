import assert from "node:assert/strict";

import { looksLikeTest, objectionTo, type Candidate } from "../../../src/commands/pure/target";

const MODULE: Candidate = { scheme: "file", name: "pricing.py", isPython: true, isInWorkspace: true };
const objection = (changes: Partial<Candidate>): ReturnType<typeof objectionTo> =>
    objectionTo({ ...MODULE, ...changes }, true, "generate tests for it");

describe("whether a file can be worked on", () => {
    it("has no objection to a module of the workspace", () => {
        assert.equal(objection({}), undefined);
    });

    it("says what to do when none is active", () => {
        assert.deepEqual(objectionTo(undefined, true, "judge its tests"), {
            message: "No Python file is active. Open a module to judge its tests.",
        });
    });

    it("asks for trust before all else", () => {
        for (const file of [undefined, MODULE, { ...MODULE, scheme: "untitled" }]) {
            const found = objectionTo(file, false, "generate tests for it");
            assert.equal(found?.step, "trust");
            assert.match(found.message, /not trusted/);
        }
    });

    it("asks to save what has no file yet", () => {
        assert.deepEqual(objection({ scheme: "untitled", name: "Untitled-1", isInWorkspace: false }), {
            message: "Untitled-1 has no file yet. Save it to generate tests for it.",
            step: "save",
        });
    });

    it("takes no cells, no other schemes, no other languages, and nothing outside", () => {
        assert.match(objection({ scheme: "vscode-notebook-cell" })?.message ?? "", /cell of a notebook/);
        assert.match(objection({ scheme: "git" })?.message ?? "", /pricing\.py is one of git:/);
        assert.equal(
            objection({ name: "README.md", isPython: false })?.message,
            "README.md is not a Python file. Open a module to generate tests for it.",
        );
        assert.equal(objection({ isInWorkspace: false })?.step, "openFolder");
    });

    it("knows what is named as a test file", () => {
        for (const name of ["test_a.py", "a_test.py", "conftest.py", "Test_A.py"]) {
            assert.equal(looksLikeTest(name), true, name);
        }
        for (const name of ["a.py", "testing.py", "latest.py", "contest.py", "test_a.pyi"]) {
            assert.equal(looksLikeTest(name), false, name);
        }
    });
});
