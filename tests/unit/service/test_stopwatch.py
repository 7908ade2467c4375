"""Time of a run: each moment counts for one phase, and what has a limit of its own is not charged."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from testwright.service.stopwatch import Stopwatch


@dataclass(slots=True)
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


def fails_after(clock: Clock, seconds: float) -> None:
    clock.passes(seconds)
    raise TimeoutError


def test_within_another_phase_that_one_stands_still() -> None:
    clock = Clock()
    watch = Stopwatch(60.0, clock)
    clock.passes(1)
    with watch.phase("agent"):
        clock.passes(10)
        with watch.phase("judge"):
            clock.passes(3)
        clock.passes(5)
        with watch.phase("judge"):
            clock.passes(4)
    with watch.phase("verify"):
        clock.passes(2)
    assert watch.seconds == {"agent": 15.0, "judge": 7.0, "verify": 2.0}
    assert watch.elapsed == 25.0


def test_what_is_not_charged_leaves_the_budget_as_it_was() -> None:
    clock = Clock()
    watch = Stopwatch(60.0, clock)
    clock.passes(20)
    with watch.uncharged():
        clock.passes(500)
        assert watch.remaining == 40.0
    assert watch.remaining == 40.0
    clock.passes(5)
    assert watch.remaining == 35.0
    assert watch.elapsed == 525.0


def test_an_error_ends_a_phase_and_what_is_not_charged() -> None:
    clock = Clock()
    watch = Stopwatch(60.0, clock)
    with pytest.raises(TimeoutError), watch.uncharged(), watch.phase("agent"):
        fails_after(clock, 7)
    clock.passes(2)
    assert watch.seconds == {"agent": 7.0}
    assert watch.remaining == 58.0
