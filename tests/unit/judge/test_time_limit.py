"""The time of a test ends it, but never while coverage.py counts a line of it: that would leave its lock held."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from testwright.inside.mutant_tests import TIMED_OUT, ItemRunner, TimeLimit
from testwright.inside.runner_time import TestTimeLimit

SECONDS = 0.05


def counting(seconds: float, then: Callable[[], object]) -> Any:
    """A function of coverage.py's that takes this long, calls ``then`` and notes that it came to its end."""
    there: dict[str, Any] = {"__name__": "coverage.collector", "then": then, "time": time, "ended": []}
    exec(  # noqa: S102 - only so is it a function of a module of that name
        f"def count():\n    end = time.monotonic() + {seconds}\n"
        "    while time.monotonic() < end:\n        then()\n    ended.append(True)\n",
        there,
    )
    return there


def limited(work: Callable[[], object]) -> None:
    phase = TestTimeLimit(SECONDS).pytest_runtest_call()
    next(phase)
    try:
        work()
    finally:
        phase.close()


def test_ends_what_does_not_end() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"did not end within 0\.05 seconds"):
        limited(lambda: time.sleep(60))


@pytest.mark.parametrize("then", [lambda: None, lambda: time.sleep(0.001)], ids=["itself", "what it calls"])
def test_waits_until_coverage_has_counted(then: Callable[[], object]) -> None:
    there = counting(4 * SECONDS, then)

    def work() -> None:
        there["count"]()
        time.sleep(60)

    with pytest.raises(pytest.fail.Exception) as failure:
        limited(work)
    assert there["ended"] == [True]
    assert all(entry.frame.f_globals is not there for entry in failure.traceback)


def test_ends_a_test_that_never_leaves_coverage() -> None:
    there = counting(600, lambda: None)
    with pytest.raises(pytest.fail.Exception):
        limited(there["count"])
    assert there["ended"] == []


def test_a_test_of_a_mutant_waits_until_coverage_has_counted() -> None:
    there = counting(4 * SECONDS, lambda: None)

    def work() -> bool:
        there["count"]()
        time.sleep(60)
        return True

    outcome = ItemRunner().guarded(work, TimeLimit(cpu=60.0, wall=SECONDS))
    assert outcome.state == TIMED_OUT
    assert there["ended"] == [True]


def test_a_test_of_a_mutant_that_never_leaves_coverage_is_given_up() -> None:
    there, runner, given_up = counting(600, lambda: None), ItemRunner(), []
    runner.give_up = lambda: given_up.append(True)
    assert runner.guarded(lambda: there["count"]() is None, TimeLimit(cpu=60.0, wall=SECONDS)).state == TIMED_OUT
    assert given_up == [True]
    assert there["ended"] == []
