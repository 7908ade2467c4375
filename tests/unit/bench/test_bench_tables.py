from __future__ import annotations

from pathlib import Path

import generate
import pytest
from generate import Result
from projects import Subject, load_sets
from sandbox import BenchError
from score import Coverage, Score


def _result(module: str, line: float, *, failures: dict[str, str] | None = None) -> Result:
    coverage = Coverage(line, 80.0, 88.0, 77.0, (3, 4, 5, 9), ((3, 4),))
    return Result(Subject(module, "x==1"), seconds=20.0, exit_code=0, score=Score(7, failures or {}, coverage, ()))


def test_a_subject_without_a_file_counts_as_nothing_covered() -> None:
    none = Result(Subject("c", "x==1"), seconds=40.0, exit_code=3, problem="Nothing was proven.")
    text = generate._table(load_sets()["twelve"], [_result("a", 90.0), _result("b", 80.0), none])
    last = next(line.split() for line in text.splitlines() if line.startswith("median"))
    assert last == ["median", "80.0", "80.0", "88.0", "0.0", "0.0", "20.0"]
    assert "no file" in text


def test_published_figures_stand_beside_ours_with_nothing_excluded() -> None:
    group = load_sets()["published"]
    result = _result(group.subjects[0].module, 90.0)
    result.subject = group.subjects[0]
    row = next(line.split() for line in generate._table(group, [result]).splitlines() if line.startswith("httpie"))
    assert row == [
        result.subject.module,
        "7",
        "0",
        "90.0",
        "80.0",
        "77.0",
        "100.0",
        "56.5",
        "53.0",
        "0/0",
        "0/0",
        "20.0",
        "0",
    ]


@pytest.mark.parametrize(
    ("result", "good"),
    [
        (_result("a", 50.0), True),
        (_result("a", 50.0, failures={"test_x": "(passed, failed, passed)"}), False),
        (Result(Subject("a", "x==1"), score=Score(0, {}, None, ())), False),
        (Result(Subject("a", "x==1"), problem="It ended without a file."), False),
    ],
)
def test_what_makes_the_bench_fail(result: Result, good: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert result.good is good


def test_details_name_what_is_missing_and_what_failed() -> None:
    text = generate._details(_result("a", 50.0, failures={"test_x": "(passed, failed, passed)"}))
    assert "missing lines: 3-5, 9" in text
    assert "missing branches: 3->4" in text
    assert "FAILED test_x: (passed, failed, passed)" in text


def test_an_unknown_subject_is_an_error() -> None:
    options = generate._options(["--only", "no.such.module"])
    with pytest.raises(BenchError, match=r"no\.such\.module"):
        generate._choose(options)


def test_quick_takes_three_subjects() -> None:
    chosen = generate._choose(generate._options(["--quick"]))
    assert [subject.module for _, subjects in chosen for subject in subjects] == list(generate.QUICK)


def test_one_bench_at_a_time(tmp_path: Path) -> None:
    with generate._only_one(tmp_path), pytest.raises(BenchError, match="Another bench"), generate._only_one(tmp_path):
        raise AssertionError
