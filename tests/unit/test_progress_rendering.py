"""The line of an event, the same at a terminal and in an editor."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.model import Phase, RunEvent
from testwright.progress_rendering import duration_words, progress_line

TAKEN = {"steps": 7, "requests": 14, "tokens": 81_200, "cost": 0.02, "left": 1690}


def event(phase: Phase, message: str = "", *, elapsed: float = 0.0, **data: Any) -> RunEvent:
    return RunEvent("progress", phase, message, elapsed, data)


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (event("analyse", "reading the project", left=0), "reading the project"),
        (
            event("baseline", "running the existing tests", left=29, covered=62.9),
            "running the existing tests, 62 % covered, 29 s left",
        ),
        (
            event("judge", "14 of 31 candidates judged", step="candidates", done=14, all=31, kept=12, left=14),
            "12 of 31 tests kept, 14 s left",
        ),
        (
            event("judge", "9 of 53 mutants", step="mutants", done=9, all=53, kept=12, covered=99.9, left=3),
            "12 tests kept, 9 of 53 mutants tried, 99 % covered, 3 s left",
        ),
        (event("judge", "x", step="mutants", done=9, all=53, left=3), "9 of 53 mutants tried, 3 s left"),
        (event("explore", "trying inputs", left=600), "trying inputs, 10 min 0 s left"),
    ],
)
def test_of_an_engine_of_our_own_it_tells_what_is_left(told: RunEvent, line: str) -> None:
    assert progress_line(told) == line


@pytest.mark.parametrize(
    ("data", "rest"),
    [
        ({"covered": 78.57}, "2 min 10 s, 14 requests, $0.02, 78 % covered"),
        ({"requests": 1, "cost": 0.0}, "2 min 10 s, 1 request"),
        ({"requests": 0, "cost": 0.0, "covered": 0.0}, "2 min 10 s, 0 % covered"),
        ({"requests": 1200, "cost": 0.00123}, "2 min 10 s, 1,200 requests, $0.0012"),
        ({"event": "failed"}, "2 min 10 s, 14 requests, $0.02"),
        ({"event": "answered", "cost": 0.001}, "2 min 10 s, 14 requests"),
    ],
    ids=["all", "free", "begin", "many", "a fault", "the cost of one answer"],
)
def test_of_an_agent_it_tells_what_it_has_taken(data: dict[str, Any], rest: str) -> None:
    told = event("agent", "step 7: running pytest, 3 failed", elapsed=130.2, **{**TAKEN, **data})
    assert progress_line(told) == f"step 7: running pytest, 3 failed, {rest}"


def test_the_judging_of_its_rounds_is_told_the_same_way() -> None:
    told = event("judge", "x", elapsed=61.0, step="candidates", done=2, all=4, kept=1, **TAKEN)
    assert progress_line(told) == "1 of 4 tests kept, 61 s, 14 requests, $0.02"


def test_the_times_go_on_while_no_event_comes() -> None:
    assert progress_line(event("explore", "trying inputs", left=20), later=7.0) == "trying inputs, 13 s left"
    assert progress_line(event("explore", "trying inputs", left=20), later=21.0) == "trying inputs"
    asking = event("agent", "Asking a:free", elapsed=130.0, requests=14)
    assert progress_line(asking, later=55.0) == "Asking a:free, 3 min 5 s, 14 requests"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1.0, "0 s"),
        (0.6, "1 s"),
        (119.4, "119 s"),
        (119.6, "2 min 0 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (7_385.0, "2 h 3 min"),
    ],
)
def test_seconds_as_people_say_them(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


@given(
    st.sampled_from(["explore", "agent", "judge"]),
    st.dictionaries(
        st.sampled_from(["step", "left", "covered", "requests", "cost", "event"]), st.integers(0, 10**6), max_size=6
    ),
    st.floats(0, 1e5),
)
def test_each_event_has_one_line(phase: Phase, data: dict[str, Any], later: float) -> None:
    line = progress_line(event(phase, "doing something", elapsed=1.0, **data), later=later)
    assert line.startswith("doing something")
    assert "\n" not in line
