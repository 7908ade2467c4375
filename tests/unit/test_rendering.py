from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from testwright.errors import TestwrightError
from testwright.model import KeptTest, ModelUse
from testwright.rendering import (
    ModelUseJson,
    ReportJson,
    branch_words,
    cost_words,
    exit_code,
    kept_by_engine,
    line_ranges,
    origin_words,
    report_to_json,
    unfinished_report,
    use_from_json,
    use_to_json,
    use_words,
)

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], ""),
        ([7], "7"),
        ([3, 1, 2, 2], "1-3"),
        ([1, 3, 4, 9], "1, 3-4, 9"),
        (range(1, 60, 2), "1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 and 18 more"),
    ],
)
def test_lines_are_written_as_ranges(lines: list[int], words: str) -> None:
    assert line_ranges(lines) == words


def test_branches_that_a_missing_line_speaks_of_are_left_out() -> None:
    assert branch_words([(4, 9), (2, 3), (9, 10), (12, -1)], missing_lines=[9]) == "2->3, 12->exit"


def test_the_schema_in_the_documentation_is_that_of_the_json() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == TypeAdapter(ReportJson).json_schema()


def test_an_unfinished_report_is_valid_json() -> None:
    report = unfinished_report("cancelled", "a.py", threshold=70.0, slug="cancelled", message="Cancelled.")
    TypeAdapter(ReportJson).validate_python(report_to_json(report), strict=True)
    assert exit_code(report) == 130


USE = ModelUse(
    "vendor/coder:free",
    "openrouter",
    requests=12,
    answers=11,
    prompt_tokens=45_000,
    completion_tokens=1_200,
    seconds=34.4,
    retries=1,
    faults={"down": 1},
    breaker=("open", "half-open", "closed"),
)


@pytest.mark.parametrize("use", [USE, ModelUse("a", "b"), replace(USE, cost=0.25)], ids=["much", "nothing", "paid"])
def test_what_was_asked_of_a_model_comes_back_from_json(use: ModelUse) -> None:
    values = TypeAdapter(ModelUseJson).validate_python(json.loads(json.dumps(use_to_json(use))), strict=True)
    assert use_from_json(values) == use


def test_a_report_holds_what_was_asked_of_each_model() -> None:
    report = unfinished_report("failed", "a.py", threshold=70.0, slug="model", message="No.")
    values = report_to_json(replace(report, models=(USE, ModelUse("a", "b"))))
    TypeAdapter(ReportJson).validate_python(values, strict=True)
    assert [(use["model"], use["requests"]) for use in values["models"]] == [("vendor/coder:free", 12), ("a", 0)]


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (
            USE,
            "asked vendor/coder:free 12 times, 11 answers, 46,200 tokens, free, 34 s, 1 retry, faults: 1 down, breaker: open → half-open → closed",
        ),
        (
            ModelUse("m", "p", requests=1, answers=1, prompt_tokens=1, cost=1.5, retries=0),
            "asked m once, 1 token, $1.50, 0 s",
        ),
        (
            ModelUse("m", "p", requests=3, retries=2, faults={"empty": 1, "down": 2}),
            "asked m 3 times, 0 answers, 0 tokens, free, 0 s, 2 retries, faults: 2 down, 1 empty",
        ),
    ],
    ids=["free", "paid", "failed"],
)
def test_what_was_asked_of_a_model_in_words(use: ModelUse, words: str) -> None:
    assert use_words(use) == words


def test_a_report_holds_how_many_tests_each_engine_has_proposed() -> None:
    def kept(name: str, origin: str) -> KeptTest:
        return KeptTest(name, "f", origin, (), ())

    report = unfinished_report("failed", "a.py", threshold=70.0, slug="x", message="No.")
    assert report_to_json(report)["tests"]["by_engine"] == {}
    tests = (kept("a", "embedded:search"), kept("b", "embedded:doctest"), kept("c", "openhands"))
    told = replace(report, kept=tests, seconds={"analyse": 1.0, "explore": 2.0, "agent": 3.0})
    values = report_to_json(told)
    TypeAdapter(ReportJson).validate_python(values, strict=True)
    assert values["tests"]["by_engine"] == {"embedded": 2, "openhands": 1}
    in_vain = replace(told, kept=tests[:2])
    assert kept_by_engine(in_vain) == {"embedded": 2, "openhands": 0}


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        ({}, ""),
        ({"embedded": 14, "openhands": 5}, "14 of the embedded engine, 5 of the agent"),
        ({"embedded": 14, "openhands": 0}, "14 of the embedded engine, none of the agent"),
        ({"openhands": 1, "another": 2}, "1 of the agent, 2 of another"),
    ],
)
def test_who_proposed_the_tests_in_words(counted: dict[str, int], words: str) -> None:
    assert origin_words(counted) == words


@pytest.mark.parametrize(
    ("cost", "words"),
    [(0.0, "free"), (0.00001, "under $0.0001"), (0.00123, "$0.0012"), (0.01, "$0.01"), (1234.5, "$1,234.50")],
)
def test_money_is_told_as_people_say_it(cost: float, words: str) -> None:
    assert cost_words(cost) == words


def every_error(base: type[TestwrightError] = TestwrightError) -> list[type[TestwrightError]]:
    return [base, *(error for child in base.__subclasses__() for error in every_error(child))]


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.slug)
def test_each_error_has_its_exit_code(error: type[TestwrightError]) -> None:
    report = unfinished_report("failed", "a.py", threshold=70.0, slug=error.slug, message="No.")
    assert exit_code(report) == error.exit_code
