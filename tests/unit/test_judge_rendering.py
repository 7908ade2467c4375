from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from testwright.judge_rendering import (
    JudgeReportJson,
    judge_exit_code,
    judge_report_to_json,
    outcome_words,
    unfinished_judge_report,
)
from testwright.model import (
    CoverageFigures,
    JudgedTest,
    JudgeReport,
    MutantSummary,
    MutationFigures,
    TestFinding,
    TestOutcome,
)

SCHEMA = Path(__file__).parents[2] / "docs" / "judge-report.schema.json"

REPORT = JudgeReport(
    status="judged",
    module="shop.cart",
    path="/work/shop/src/shop/cart.py",
    symbol=None,
    test_file="/work/shop/tests/test_cart.py",
    tests=(JudgedTest("test_total[1]", "passed"), JudgedTest("TestCart::test_add", "skipped", "not here")),
    findings=(TestFinding("test_total", 7, "no-assertion", "It asserts nothing: only an exception makes it fail."),),
    coverage=CoverageFigures(90.0, 75.0, 85.0, (9,), ((9, 12), (14, -1))),
    mutants=MutationFigures(
        total=40, killed=30, uncovered=2, undecided=1, survivors=(MutantSummary("a1", 5, "Cart.add", "CRP", "1 → 2"),)
    ),
    complete=False,
    seconds={"verify": 1.23456},
    box="bubblewrap",
    interpreter="/work/shop/.venv/bin/python",
    python_version="3.12.1",
    seed=0,
    error=None,
    error_slug=None,
    notes=("There was time for 34 of 40 mutants.",),
)


def test_the_schema_in_the_documentation_is_that_of_the_json() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == TypeAdapter(JudgeReportJson).json_schema()


def test_the_json_is_valid_and_says_all() -> None:
    values = TypeAdapter(JudgeReportJson).validate_python(judge_report_to_json(REPORT), strict=True)
    assert values["sound"] is True
    assert values["tests"][1] == {"name": "TestCart::test_add", "outcome": "skipped", "reason": "not here"}
    assert values["findings"][0]["line"] == 7
    assert values["coverage"] is not None
    assert values["coverage"]["missing_branches"] == [[9, 12], [14, -1]]
    assert values["mutants"] == {
        "total": 40,
        "killed": 30,
        "uncovered": 2,
        "undecided": 1,
        "not_run": 6,
        "score": 90.91,
        "survivors": [{"id": "a1", "line": 5, "function": "Cart.add", "operator": "CRP", "change": "1 → 2"}],
    }
    assert values["seconds"] == {"verify": 1.235}
    assert values["error"] is None
    assert set(values) >= set(JudgeReport.__slots__) - {"error_slug"}


def test_an_unfinished_report_is_valid_json() -> None:
    report = unfinished_judge_report("cancelled", "a.py", slug="cancelled", message="Cancelled.")
    values = TypeAdapter(JudgeReportJson).validate_python(judge_report_to_json(report), strict=True)
    assert (values["mutants"], values["sound"]) == (None, False)
    assert values["error"] == {"slug": "cancelled", "message": "Cancelled."}
    assert judge_exit_code(report) == 130


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["passed"], 0),
        (["passed", "skipped"], 0),
        (["passed", "failed"], 1),
        (["passed", "flaky"], 1),
        (["passed", "not-judged"], 1),
        (["skipped"], 1),
        ([], 1),
    ],
)
def test_the_exit_code_is_zero_when_each_test_is_sound(outcomes: list[TestOutcome], code: int) -> None:
    tests = tuple(JudgedTest(f"test_{number}", outcome) for number, outcome in enumerate(outcomes))
    assert judge_exit_code(replace(REPORT, tests=tests)) == code


@pytest.mark.parametrize(
    ("slug", "code"), [("usage", 2), ("settings", 2), ("target", 3), ("nothing-to-judge", 3), ("of-tomorrow", 3)]
)
def test_a_failure_has_the_exit_code_of_its_error(slug: str, code: int) -> None:
    assert judge_exit_code(replace(REPORT, status="failed", error="No.", error_slug=slug)) == code


def test_a_score_is_of_what_is_decided() -> None:
    figures = MutationFigures(total=9, killed=3, uncovered=1, undecided=4, survivors=())
    assert (figures.score, figures.left) == (75.0, 1)
    assert MutationFigures(total=5, killed=0, uncovered=0, undecided=5, survivors=()).score is None


def test_outcomes_in_words() -> None:
    tests = (
        JudgedTest("a", "flaky"),
        JudgedTest("b", "not-judged"),
        JudgedTest("c", "passed"),
        JudgedTest("d", "flaky"),
    )
    assert outcome_words(replace(REPORT, tests=tests)) == "1 passed, 2 flaky, 1 not judged"
    assert outcome_words(replace(REPORT, tests=())) == "no tests"
