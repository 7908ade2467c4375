from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from testwright.errors import TestwrightError
from testwright.rendering import ReportJson, branch_words, exit_code, line_ranges, report_to_json, unfinished_report

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


def every_error(base: type[TestwrightError] = TestwrightError) -> list[type[TestwrightError]]:
    return [base, *(error for child in base.__subclasses__() for error in every_error(child))]


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.slug)
def test_each_error_has_its_exit_code(error: type[TestwrightError]) -> None:
    report = unfinished_report("failed", "a.py", threshold=70.0, slug=error.slug, message="No.")
    assert exit_code(report) == error.exit_code
