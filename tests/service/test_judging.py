"""The tests that a module has, judged by the service in real boxes."""

from __future__ import annotations

import asyncio
import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from testwright.errors import BoxUnavailable
from testwright.inside.mutants import enumerate_mutants
from testwright.judge.mutation import mutation_score

if TYPE_CHECKING:
    from testwright.model import JudgeReport

    from .conftest import Project

NEXT_YEAR = f"datetime.date({dt.datetime.now(dt.UTC).year + 1}, 1, 2)"

MODULE = """\
def sign(number: int) -> int:
    if number < 0:
        return -1
    if number > 100:
        return 2
    return 1
"""
SOUND = """\
import pytest

import shop


@pytest.mark.parametrize(("number", "expected"), [(-1, -1), (0, 1), (1, 1), (100, 1), (101, 2)])
def test_sign(number, expected):
    assert shop.sign(number) == expected
"""
WEAK = """\
import unittest

import shop


class SignCase(unittest.TestCase):
    def test_negative(self):
        self.assertEqual(shop.sign(-5), -1)

    def test_positive(self):
        self.assertGreater(shop.sign(5), 0)
"""


def survivors(report: JudgeReport) -> list[tuple[int, str]]:
    assert report.mutants is not None
    return [(mutant.line, mutant.description) for mutant in report.mutants.survivors]


async def test_a_sound_suite(project: Project) -> None:
    project.write("shop.py", MODULE)
    test_file = project.write("tests/test_shop.py", SOUND)
    before = project.files()
    report = await project.judge("shop.py")

    assert (report.status, report.sound, report.complete) == ("judged", True, True)
    assert (report.module, report.symbol) == ("shop", None)
    assert (report.path, report.test_file) == (str(project.workspace / "shop.py"), str(test_file))
    assert [test.name for test in report.tests] == [
        "test_sign[-1--1]",
        "test_sign[0-1]",
        "test_sign[1-1]",
        "test_sign[100-1]",
        "test_sign[101-2]",
    ]
    assert {(test.outcome, test.reason) for test in report.tests} == {("passed", "")}
    assert report.coverage is not None
    assert (report.coverage.percent, report.coverage.missing_lines) == (100.0, ())
    assert report.mutants is not None
    assert report.mutants.total == report.mutants.killed == len(enumerate_mutants(MODULE))
    assert report.mutants.score == 100.0
    assert (report.findings, report.notes, report.error, report.error_slug) == ((), (), None, None)
    assert (report.box != "", report.python_version.count(".")) == (True, 2)
    assert set(report.seconds) == {"analyse", "prepare", "baseline", "verify", "judge"}
    assert project.files() == before
    assert project.left() == []


async def test_a_weak_suite_has_survivors_in_the_right_lines(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", WEAK)
    report = await project.judge("shop.py")
    assert report.sound
    assert [test.name for test in report.tests] == ["SignCase::test_negative", "SignCase::test_positive"]
    assert report.coverage is not None
    assert report.coverage.missing_lines == (5,)
    assert set(survivors(report)) == {
        (2, "0 → 1"),
        (2, "number < 0 → number <= 0"),
        (4, "100 → 101"),
        (4, "100 → 99"),
        (4, "number > 100 → number >= 100"),
        (4, "number > 100 → number <= 100"),
        (6, "1 → 2"),
    }
    assert [line for line, _ in survivors(report)] == [2, 2, 4, 4, 4, 4, 6]
    assert report.mutants is not None
    uncovered = [mutant for mutant in enumerate_mutants(MODULE) if mutant.line == 5]
    assert report.mutants.uncovered == len(uncovered) > 0
    assert report.mutants.killed == report.mutants.total - len(uncovered) - 7
    assert {mutant.qualname for mutant in report.mutants.survivors} == {"sign"}


async def test_tests_that_are_not_sound_take_no_part_in_mutants(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write(
        "tests/test_shop.py",
        "import datetime\n\nimport shop\n\nSEEN = set()\n\n\n"
        "def test_wrong():\n    assert shop.sign(-1) == 1\n\n\n"
        f"def test_date():\n    assert shop.sign(-2) == -1\n    assert datetime.date.today() < {NEXT_YEAR}\n\n\n"
        "def test_first():\n    SEEN.add(shop.sign(1))\n    assert SEEN == {1}\n\n\n"
        "def test_order():\n    assert shop.sign(-3) == -1\n    assert SEEN\n\n\n"
        "def test_quiet():\n    shop.sign(1)\n",
    )
    report = await project.judge("shop.py")
    assert not report.sound
    outcomes = {test.name: test.outcome for test in report.tests}
    assert outcomes == {
        "test_wrong": "failed",
        "test_date": "flaky",
        "test_first": "passed",
        "test_order": "flaky",
        "test_quiet": "passed",
    }
    reasons = {test.name: test.reason for test in report.tests}
    assert reasons["test_wrong"].startswith("assert -1 == 1")
    assert "with the clock 400 days ahead" in reasons["test_date"]
    assert "in another order" in reasons["test_order"]
    assert [(finding.test, finding.line, finding.kind) for finding in report.findings] == [
        ("test_quiet", 27, "no-assertion")
    ]
    # What they alone run is undecided: once they are mended, they may notice it.
    assert report.mutants is not None
    assert report.mutants.undecided > 0
    assert not any(line == 3 for line, _ in survivors(report))


async def test_parameters_that_fail_leave_the_others_their_part(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", SOUND.replace("(101, 2)]", "(101, 2), (5, 7)]"))
    report = await project.judge("shop.py")
    assert [test.name for test in report.tests if test.outcome == "failed"] == ["test_sign[5-7]"]
    assert report.mutants is not None
    assert report.mutants.killed == report.mutants.total


async def test_a_test_that_does_not_run_is_no_finding(project: Project) -> None:
    project.write("shop.py", MODULE)
    skipped = '\n\n@pytest.mark.skip(reason="later")\ndef test_later():\n    shop.sign(1)\n'
    project.write("tests/test_shop.py", SOUND + skipped)
    report = await project.judge("shop.py")
    assert report.tests[-1].outcome == "skipped"
    assert (report.sound, report.findings) == (True, ())


async def test_a_test_that_could_not_be_judged_makes_the_account_incomplete(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", f"import time\n\n{SOUND}\n\ndef test_endless():\n    time.sleep(600)\n")
    report = await project.judge("shop.py", budget=25.0)
    assert report.tests[-1].outcome == "not-judged"
    assert report.mutants is not None
    assert report.mutants.left == 0
    assert (report.sound, report.complete) == (False, False)


async def test_mutants_beyond_the_bound_make_the_account_incomplete(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("testwright.service.judging.mutation_score", partial(mutation_score, limit=4))
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", SOUND)
    report = await project.judge("shop.py")
    assert report.mutants is not None
    assert (report.mutants.killed, report.mutants.left) == (4, report.mutants.total - 4)
    assert (report.sound, report.complete) == (True, False)


async def test_without_a_test_that_passes_no_mutant_runs(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", "import shop\n\n\ndef test_wrong():\n    assert shop.sign(1) == 5\n")
    report = await project.judge("shop.py")
    assert (report.status, report.sound, report.mutants) == ("judged", False, None)
    assert report.complete
    assert "No mutant was run, since no test passes." in report.notes


async def test_no_test_file(project: Project) -> None:
    project.write("src/shop/pricing.py", MODULE)
    report = await project.judge("src/shop/pricing.py")
    assert (report.status, report.error_slug, report.test_file) == ("failed", "nothing-to-judge", None)
    assert report.error == "shop.pricing has no test file. Write one with `testwright generate src/shop/pricing.py`."
    assert project.events[-1].data["status"] == "failed"


@pytest.mark.parametrize(
    ("tests", "slug", "said"),
    [
        ("import shop\n\n\ndef test_a(:\n    pass\n", "target", "line 4"),
        ("import shop\nimport no_such_module\n\n\ndef test_a():\n    pass\n", "nothing-to-judge", "no_such_module"),
        ("import shop\n\n\ndef helper():\n    pass\n", "nothing-to-judge", "finds no test"),
        (b"import shop\n\x00\n", "target", "NUL byte"),
        ("import shop\n" + "#" * (1024 * 1024), "target", "larger than 1024 KiB"),
    ],
    ids=["syntax", "import", "no test", "binary", "too large"],
)
async def test_a_test_file_that_cannot_be_run(project: Project, tests: str | bytes, slug: str, said: str) -> None:
    project.write("shop.py", MODULE)
    test_file = project.write("tests/test_shop.py", tests)
    report = await project.judge("shop.py")
    assert (report.status, report.error_slug, report.sound) == ("failed", slug, False)
    assert said in (report.error or "")
    assert test_file.name in (report.error or "")
    assert project.left() == []


@pytest.mark.parametrize(
    ("text", "options", "slug"),
    [
        ("def f(:\n", {}, "target"),
        (MODULE, {"symbol": "sine"}, "usage"),
        (MODULE, {"budget": -1}, "settings"),
        ("import no_such_module\n\n\ndef f():\n    pass\n", {}, "import-failure"),
        (None, {}, "usage"),
    ],
    ids=["syntax", "symbol", "setting", "import", "no file"],
)
async def test_a_module_that_cannot_be_judged_is_told_and_not_raised(
    project: Project, text: str | None, options: dict[str, Any], slug: str
) -> None:
    project.write("tests/test_shop.py", SOUND)
    if text is not None:
        project.write("shop.py", text)
    report = await project.judge("shop.py", **options)
    assert (report.status, report.error_slug, report.tests) == ("failed", slug, ())
    assert project.left() == []


async def test_no_box_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def choose(_: str) -> None:
        raise BoxUnavailable("There is no box here.", next_step="Install one.")

    monkeypatch.setattr("testwright.service.workshop.choose_box", choose)
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", SOUND)
    report = await project.judge("shop.py")
    assert (report.status, report.error_slug) == ("failed", "box-unavailable")


async def test_what_the_editor_holds_is_judged(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", "import shop\n\n\ndef test_old():\n    assert shop.sign(1) == 5\n")
    unsaved = "import shop\n\n\ndef test_new():\n    assert shop.sign(1) == 7\n"
    report = await project.judge(
        "shop.py", {"tests/test_shop.py": unsaved, "shop.py": "def sign(number):\n    return 7\n"}
    )
    assert [(test.name, test.outcome) for test in report.tests] == [("test_new", "passed")]
    assert report.mutants is not None
    assert (report.mutants.total, report.mutants.killed) == (3, 3)


async def test_a_symbol_limits_figures_and_mutants(project: Project) -> None:
    project.write("shop.py", MODULE + "\n\ndef other(number):\n    return number + 1\n")
    project.write("tests/test_shop.py", SOUND)
    report = await project.judge("shop.py", symbol="sign")
    assert report.symbol == "sign"
    assert report.coverage is not None
    assert report.coverage.percent == 100.0
    assert report.mutants is not None
    assert report.mutants.total == len(enumerate_mutants(MODULE))


async def test_a_budget_that_is_too_short_gives_what_it_allows_and_says_so(project: Project) -> None:
    project.write("shop.py", MODULE)
    slow = "".join(
        f"def test_{number}():\n    time.sleep(0.4)\n    assert shop.sign({number}) == 1\n\n\n" for number in range(20)
    )
    project.write("tests/test_shop.py", f"import time\n\nimport shop\n\n\n{slow}")
    report = await project.judge("shop.py", budget=8.0)
    assert (report.status, report.sound, report.complete) == ("judged", False, False)
    outcomes = [test.outcome for test in report.tests]
    assert "not-judged" in outcomes
    assert set(outcomes) <= {"passed", "not-judged"}
    assert report.coverage is None
    assert any("did not come to an end" in note for note in report.notes)
    assert sum(report.seconds.values()) < 16.0


async def test_when_time_is_over_among_the_mutants_the_rest_is_told(project: Project) -> None:
    functions = "".join(f"def f{number}(a, b):\n    return a * 3 + b - {number}\n\n\n" for number in range(40))
    project.write("shop.py", functions)
    calls = "".join(f"    assert shop.f{number}(2, 5) == {11 - number}\n" for number in range(40))
    project.write(
        "tests/test_shop.py", f"import time\n\nimport shop\n\n\ndef test_all():\n    time.sleep(0.2)\n{calls}"
    )
    report = await project.judge("shop.py", budget=10.0)
    assert (report.sound, report.complete) == (True, False)
    assert report.mutants is not None
    assert 0 < report.mutants.left < report.mutants.total
    assert any(note.startswith("There was time for ") and "--budget" in note for note in report.notes)


async def test_events_tell_how_far_it_is(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", SOUND)
    await project.judge("shop.py")
    phases = [event.phase for event in project.events if event.kind == "phase"]
    assert phases == ["analyse", "prepare", "baseline", "verify", "judge"]
    assert all("left" in event.data for event in project.events)
    tests = [event.data for event in project.events if event.data.get("step") == "tests"]
    assert (tests[-1]["done"], tests[-1]["all"]) == (5, 5)
    mutants = [event.data for event in project.events if event.data.get("step") == "mutants"]
    total = len(enumerate_mutants(MODULE))
    assert [data["done"] for data in mutants] == list(range(1, total + 1))
    assert {data["all"] for data in mutants} == {total}
    assert {data["covered"] for data in mutants} == {100.0}
    last = project.events[-1]
    assert (last.kind, last.data["status"], last.data["kept"], last.data["percent"]) == ("finished", "judged", 5, 100.0)


@pytest.mark.parametrize("words", ["running test_shop.py", "running mutants"])
async def test_a_cancel_ends_the_box_and_leaves_nothing(project: Project, words: str) -> None:
    project.write("shop.py", MODULE)
    pause = "    time.sleep(0.3)\n" if words == "running mutants" else "    time.sleep(600)\n"
    project.write("tests/test_shop.py", f"import time\n\n{SOUND}{pause}")
    seen = project.when(words)
    task = asyncio.create_task(project.judge("shop.py"))
    async with asyncio.timeout(60):
        await seen.wait()
        await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert project.left() == []
