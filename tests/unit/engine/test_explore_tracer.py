from __future__ import annotations

from pathlib import Path
from typing import Any

import coverage
import pytest

from testwright.inside.explore.tracer import EventLimit, Tracer, first_lines

SOURCE = """\
def branches(n):
    total = (
        n +
        1
    )
    for i in range(n):
        if i % 2:
            continue
        total += i
    while total > 100:
        total -= 1
    else:
        total += 5
    return total


def numbers():
    yield 1
    yield 2


def fails():
    raise ValueError(
        "no"
    )
"""


def test_first_lines_map_a_statement_to_where_it_begins() -> None:
    found = first_lines(SOURCE)
    assert {line: found.get(line, line) for line in (1, 2, 3, 4, 5, 6, 22, 23, 24, 25)} == {
        1: 1, 2: 2, 3: 2, 4: 2, 5: 2, 6: 6, 22: 22, 23: 23, 24: 23, 25: 23,
    }  # fmt: skip


def load(tmp_path: Path) -> tuple[str, dict[str, Any]]:
    path = tmp_path / "traced.py"
    path.write_text(SOURCE, encoding="utf-8")
    space: dict[str, Any] = {}
    exec(compile(SOURCE, str(path), "exec", dont_inherit=True), space)  # noqa: S102 - a source of this test
    return str(path), space


def exercise(space: dict[str, Any]) -> None:
    space["branches"](0)
    space["branches"](16)
    list(space["numbers"]())
    with pytest.raises(ValueError, match="no"):
        space["fails"]()


def test_lines_and_branches_are_those_that_coverage_counts(tmp_path: Path) -> None:
    path, space = load(tmp_path)
    tracer = Tracer(path, SOURCE)
    tracer.start()
    exercise(space)
    tracer.stop()
    measured = coverage.Coverage(branch=True, data_file=None, include=[path], config_file=False)
    measured.start()
    exercise(space)
    measured.stop()
    analysis = measured._analyze(path)
    branches = {(a, b) for a, ends in analysis.executed_branch_arcs().items() for b in ends}
    possible = branches | {(a, b) for a, ends in analysis.missing_branch_arcs().items() for b in ends}
    assert branches == possible & tracer.arcs
    assert set(analysis.statements) - set(analysis.missing) == tracer.lines


def test_a_case_that_runs_too_long_is_stopped(tmp_path: Path) -> None:
    path, space = load(tmp_path)
    tracer = Tracer(path, SOURCE, max_events=50)
    tracer.start()
    try:
        with pytest.raises(EventLimit):
            space["branches"](1000)
    finally:
        tracer.stop()
