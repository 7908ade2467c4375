"""A run's account as Markdown: what a reader finds in it, and that nothing in it can become something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_reading import TEXTS, blocks, links, spans

from testwright.lsp.reports.run_report import MAX_SOURCE_LINES, MAX_SOURCES, report_markdown
from testwright.lsp.reports.sections import MAX_MISSING
from testwright.rendering import ReportJson

ROOT = Path("/w")


def coverage(percent: float, lines: list[int], branches: list[list[int]]) -> dict[str, Any]:
    return {
        "line": percent,
        "branch": percent,
        "percent": percent,
        "missing_lines": lines,
        "missing_branches": branches,
    }


def report(text: str = "x", **changes: Any) -> ReportJson:
    """A report whose foreign texts are all the same."""
    values: dict[str, Any] = {
        "status": "written",
        "success": True,
        "threshold": 70.0,
        "threshold_reached": True,
        "test_file": "/w/tests/test_pricing.py",
        "module": text,
        "path": "/w/src/pricing.py",
        "symbol": None,
        "coverage": {
            "before": coverage(25.0, [3, 4, 5, 9], [[7, 9]]),
            "after": coverage(87.5, [9], [[2, 9], [7, 8], [7, -1]]),
        },
        "tests": {
            "kept": [
                {
                    "name": text,
                    "target": text,
                    "origin": text,
                    "lines_added": [3, 4, 5],
                    "branches_added": [[2, 3], [6, 7]],
                    "line": 12,
                    "mutants_killed": 0,
                }
            ],
            "discarded": [{"target": text, "reason": f"{text}: {text}", "source": text}],
        },
        "seconds": {"explore": 2.0, "judge": 1.5},
        "box": text,
        "interpreter": text,
        "python_version": text,
        "seed": 7,
        "stopped_by": "plateau",
        "diff": "",
        "notes": [text],
        "error": None,
        "models": [
            {
                "model": text,
                "provider": text,
                "requests": 1204,
                "answers": 1200,
                "prompt_tokens": 45_000,
                "completion_tokens": 1234,
                "cost": 0.00123,
                "seconds": 34.2,
                "retries": 2,
                "faults": {"down": 3, text: 1},
                "breaker": ["open"],
            }
        ],
    }
    made: ReportJson = {**values, **changes}  # type: ignore[typeddict-item]
    return made


@given(TEXTS, st.sampled_from(["written", "failed"]))
def test_no_text_of_a_report_becomes_anything_else(text: str, status: str) -> None:
    error = {"slug": "target", "message": "x" + text}
    hostile = report_markdown(report("x" + text, status=status, error=error), ROOT)
    harmless = report_markdown(report("x", status=status, error=error | {"message": "x"}), ROOT)
    assert blocks(hostile) == blocks(harmless)
    assert spans(hostile) == spans(harmless)


def test_a_report_tells_what_was_added_and_what_is_missing() -> None:
    markdown = report_markdown(report("pricing"), ROOT)
    assert markdown.startswith(
        "# Tests for `pricing`\n\n1 test was added to [tests/test_pricing.py](<file:///w/tests/test_pricing.py>).\n"
    )
    assert "| before | █████░░░░░░░░░░░░░░░ | 25 % | 25 % | 25 % |" in markdown
    assert "| after | █████████████████░░░ | 87.5 % | 87.5 % | 87.5 % |" in markdown
    assert "- `pricing` covers lines 3-5 and branch 6→7 (proposed by pricing)" in markdown
    assert "- [pricing.py:9](<file:///w/src/pricing.py#L9>)\n" in markdown
    assert "- [pricing.py:7](<file:///w/src/pricing.py#L7>), the branch to line 8\n" in markdown
    assert "- [pricing.py:7](<file:///w/src/pricing.py#L7>), the branch that leaves it" in markdown
    assert "pricing.py:2]" not in markdown  # its branch leads to a line that is missing, which says it already
    assert "- Seconds: 3.5 (explore 2.0, judge 1.5)" in markdown
    assert "- The search ended: more cases added nothing" in markdown


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mutants_killed": 4}, "covers lines 3-5 and branch 6→7, and notices 4 mutants (proposed by x)"),
        ({"mutants_killed": 1, "lines_added": [], "branches_added": []}, "`x` notices 1 mutant (proposed by x)"),
        ({"lines_added": [], "branches_added": []}, "`x` notices mutants that others do not (proposed by x)"),
        ({"mutants_killed": None, "line": None}, "`x` covers lines 3-5 and branch 6→7 (proposed by x)"),
    ],
    ids=["both", "mutants alone", "of an earlier version", "without"],
)
def test_what_a_test_is_there_for(changes: dict[str, Any], sentence: str) -> None:
    told = report("x")
    (test,) = told["tests"]["kept"]
    kept = {name: value for name, value in {**test, **changes}.items() if value is not None}
    assert sentence in report_markdown(report("x", tests={"kept": [kept], "discarded": []}), ROOT)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "nothing-to-add", "tests": {"kept": [], "discarded": []}}, "No test was added: none that could be"),
        ({"status": "dry-run"}, "A dry run: 1 test would be added to [tests/test_pricing.py]"),
        ({"status": "cancelled", "success": False}, "The run was cancelled; nothing was written."),
        (
            {"status": "failed", "success": False, "error": {"slug": "target", "message": "It is [no] module."}},
            r"The run failed. It is \[no\] module.",
        ),
        ({"threshold_reached": False, "threshold": 92.5}, "The coverage is below the threshold of 92.5 %."),
        ({"symbol": "Cart.total"}, "# Tests for `Cart.total` of `x`"),
        ({"coverage": {"before": None, "after": None}}, "\n\nThe coverage is not known.\n"),
        ({"test_file": None, "status": "failed", "success": False}, "\n\nThe run failed.\n"),
    ],
)
def test_the_headline_says_how_it_ended(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in report_markdown(report(**changes), ROOT)


def test_a_file_outside_of_the_project_is_told_whole() -> None:
    markdown = report_markdown(report(test_file="/else where/test_it.py"), ROOT)
    assert links(markdown)[0] == "file:///else%20where/test_it.py"
    assert "[/else where/test_it.py]" in markdown


def test_discarded_candidates_are_grouped_by_reason_the_most_frequent_first() -> None:
    discarded = [
        {"target": "f", "reason": "it failed: ValueError.", "source": "def test_f(): ..."},
        *({"target": "g", "reason": "adds nothing.", "source": f"number_{n}"} for n in range(MAX_SOURCES + 3)),
    ]
    markdown = report_markdown(report(tests={"kept": [], "discarded": discarded}), ROOT)
    assert markdown.index(f"### adds nothing ({MAX_SOURCES + 3})") < markdown.index("### it failed (1)")
    assert f"```python\nnumber_{MAX_SOURCES - 1}\n```\n\nAnd 3 more." in markdown
    assert "For `f`: ValueError.\n\n```python\ndef test_f(): ...\n```" in markdown


def test_long_lists_and_sources_are_cut_and_say_so() -> None:
    missing = coverage(1.0, list(range(1, 2 * MAX_MISSING + 2, 2)), [])
    source = "\n".join(f"line_{number}" for number in range(MAX_SOURCE_LINES + 1))
    discarded = [{"target": "f", "reason": "adds nothing", "source": source}]
    tests = {"kept": [], "discarded": discarded}
    markdown = report_markdown(report(coverage={"before": None, "after": missing}, tests=tests), ROOT)
    assert markdown.count("(<file:///w/src/pricing.py#L") == MAX_MISSING
    assert "\n- and 1 more\n" in markdown
    assert f"line_{MAX_SOURCE_LINES - 1}\n# ...\n```" in markdown


def test_what_was_asked_of_each_model_is_told() -> None:
    assert (
        "## Models that were asked\n\n"
        "| Model | Requests | Answers | Tokens | Cost | Faults |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| x (x) | 1,204 | 1,200 | 46,234 | \\$0.0012 | 3 down, 1 x |\n"
    ) in report_markdown(report(), ROOT)


def test_nothing_is_said_of_models_where_none_was_asked() -> None:
    earlier = {name: value for name, value in report().items() if name != "models"}
    for one in (report(models=[]), earlier):
        assert "Models that were asked" not in report_markdown(one, ROOT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("by_engine", "told"),
    [
        ({"embedded": 14, "openhands": 5}, ">): 14 of the embedded engine, 5 of the agent."),
        ({"embedded": 1}, ">)."),
        ({}, ">)."),
    ],
)
def test_who_has_proposed_the_tests_is_told_where_an_agent_worked(by_engine: dict[str, int], told: str) -> None:
    made = report()
    made["tests"]["by_engine"] = by_engine
    (headline,) = [line for line in report_markdown(made, ROOT).splitlines() if "added to" in line]
    assert headline.endswith(told)
