"""The account of a judgement as Markdown: what a reader finds in it, and that nothing in it can become something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from markdown_reading import TEXTS, blocks, spans

from testwright.judge_rendering import JudgeReportJson
from testwright.lsp.reports.judge_report import MAX_PASSED, MAX_SURVIVORS, judge_markdown

ROOT = Path("/w")


def judged(text: str = "x", **changes: Any) -> JudgeReportJson:
    """A report whose foreign texts are all the same."""
    values: dict[str, Any] = {
        "status": "judged",
        "sound": False,
        "complete": True,
        "module": text,
        "path": "/w/pricing.py",
        "symbol": None,
        "test_file": "/w/tests/test_pricing.py",
        "tests": [
            {"name": text, "outcome": "passed", "reason": ""},
            {"name": text, "outcome": "flaky", "reason": text},
            {"name": text, "outcome": "failed", "reason": text},
        ],
        "findings": [{"test": text, "line": 12, "kind": "no-assertion", "message": text}],
        "coverage": {
            "line": 50.0,
            "branch": 25.0,
            "percent": 40.0,
            "missing_lines": [3],
            "missing_branches": [],
        },
        "mutants": {
            "total": 8,
            "killed": 3,
            "uncovered": 2,
            "undecided": 1,
            "not_run": 1,
            "score": 50.0,
            "survivors": [{"id": "1", "line": 4, "function": text, "operator": "AOR", "change": text}],
        },
        "seconds": {"judge": 1.5},
        "box": text,
        "interpreter": text,
        "python_version": text,
        "seed": 0,
        "notes": [text],
        "error": None,
    }
    made: JudgeReportJson = {**values, **changes}  # type: ignore[typeddict-item]
    return made


@given(TEXTS)
def test_no_text_of_a_report_becomes_anything_else(text: str) -> None:
    hostile, harmless = judge_markdown(judged("x" + text), ROOT), judge_markdown(judged("x"), ROOT)
    assert blocks(hostile) == blocks(harmless)
    assert spans(hostile) == spans(harmless)


def test_a_report_tells_what_asks_for_attention_first() -> None:
    markdown = judge_markdown(judged("pricing"), ROOT)
    assert markdown.startswith(
        "# The tests of `pricing`\n\n"
        "3 tests in [tests/test_pricing.py](<file:///w/tests/test_pricing.py>): not all are sound.\n"
    )
    assert "| by these tests | ████████░░░░░░░░░░░░ | 40 % | 50 % | 25 % |" in markdown
    assert (
        "## Findings\n\n- [test_pricing.py:12](<file:///w/tests/test_pricing.py#L12>) `pricing`: pricing\n" in markdown
    )
    order = ["## Findings", "### Failed (1)", "### Flaky (1)", "### Sound (1)", "## Mutants (8)", "## Not covered"]
    places = [markdown.index(title) for title in order]
    assert places == sorted(places)
    assert (
        "██████████░░░░░░░░░░ 50 % noticed: 3 noticed, 1 not noticed, 2 in lines that no test runs, 1 undecided, "
        "1 not run for want of time.\n"
    ) in markdown
    assert "- [pricing.py:4](<file:///w/pricing.py#L4>) in `pricing`: pricing\n" in markdown


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sound": True}, "): all are sound.\n"),
        ({"complete": False}, "not all are sound. There was no time to judge all.\n"),
        (
            {"status": "failed", "test_file": None, "error": {"slug": "target", "message": "There is no `test`."}},
            "\n\nThe tests could not be judged. There is no \\`test\\`.\n",
        ),
        ({"status": "cancelled"}, "\n\nThe judgement was cancelled.\n"),
        ({"symbol": "Cart.total"}, "# The tests of `Cart.total` of `x`"),
        ({"mutants": None, "coverage": None}, "\n\nThe coverage is not known.\n"),
    ],
)
def test_the_headline_says_how_it_ended(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in judge_markdown(judged(**changes), ROOT)


def test_mutants_without_a_score_are_told_all_the_same() -> None:
    figures: dict[str, Any] = {
        "total": 1,
        "killed": 0,
        "uncovered": 0,
        "undecided": 1,
        "not_run": 0,
        "score": None,
        "survivors": [],
    }
    assert "## Mutants (1)\n\n1 undecided.\n" in judge_markdown(judged(mutants=figures), ROOT)


def test_long_lists_are_cut_and_say_so() -> None:
    tests = [{"name": f"test_{number}", "outcome": "passed", "reason": ""} for number in range(MAX_PASSED + 2)]
    survivor = {"id": "1", "line": 4, "function": "f", "operator": "AOR", "change": "+ for -"}
    mutants = {
        "total": 1,
        "killed": 0,
        "uncovered": 0,
        "undecided": 0,
        "not_run": 0,
        "score": 0.0,
        "survivors": [survivor] * (MAX_SURVIVORS + 3),
    }
    markdown = judge_markdown(judged(tests=tests, mutants=mutants), ROOT)
    assert f"`test_{MAX_PASSED - 1}`\n- and 2 more\n" in markdown
    assert markdown.count("+ for -") == MAX_SURVIVORS
    assert "\n- and 3 more\n" in markdown
