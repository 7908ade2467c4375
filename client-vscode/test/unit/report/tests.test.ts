import assert from "node:assert/strict";

import { lineOfTest } from "../../../src/report/pure/tests";

const TEXT = `import pytest


@pytest.mark.parametrize("a", [1])
def test_total(a):
    def test_inner():
        pass


class TestOther:
    def test_total(self): ...


class TestCart:
    async def test_total(self):
        """def test_late"""

    test_alias = None


def test_outer(): ...

    def test_total_twice (self): ...


def test_total_of_all(): ...
async  def test_waits(): ...
def test_été(): ...
`;

describe("where a test stands", () => {
    const cases: [string, number | null][] = [
        ["test_total", 4],
        ["test_total[1-def test_waits]", 4],
        ["test_total[a]b]", 4],
        ["TestCart::test_total", 14],
        ["TestOther::test_total", 10],
        ["TestCart::test_outer", null],
        ["test_total_of_all", 25],
        ["test_waits", 26],
        ["test_été", 27],
        ["test_late", null],
        ["TestCart::test_missing", null],
        ["TestNone::test_total", null],
        ["test_tot", null],
        ["test_.otal", null],
        ["", null],
        ["::", null],
    ];
    for (const [name, line] of cases) {
        it(`${name || "nothing"}: ${line ?? "not there"}`, () => {
            assert.equal(lineOfTest(TEXT, name), line);
        });
    }

    it("whatever ends the lines", () => {
        assert.equal(lineOfTest("\r\n\r\ndef test_a(): ...\rdef test_b(): ...", "test_b"), 3);
    });
});
