from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from virtual_clock import VirtualClock

from testwright.models.breaker import FAILURES, FIRST_OPEN, LONGEST_OPEN, Breaker, Breakers, Permit


def enter(breaker: Breaker) -> Permit:
    permit = breaker.enter()
    assert permit is not None
    return permit


def opened(clock: VirtualClock) -> Breaker:
    breaker = Breaker(clock)
    assert [enter(breaker).failed() for _ in range(FAILURES)] == [None] * (FAILURES - 1) + ["open"]
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(VirtualClock())
    for _ in range(FAILURES):
        for _ in range(FAILURES - 1):
            assert enter(breaker).failed() is None
        assert enter(breaker).answered() is None
    assert breaker.state == "closed"


def test_what_says_nothing_about_the_model_neither_counts_nor_mends() -> None:
    breaker = Breaker(VirtualClock())
    for _ in range(FAILURES - 1):
        enter(breaker).failed()
        enter(breaker).give_back()
    assert enter(breaker).failed() == "open"


def test_an_open_one_lets_nobody_in_until_its_time_is_over_then_one_probe() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    assert breaker.enter() is None
    clock.advance(FIRST_OPEN - 1)
    assert breaker.ready_in() == 1
    assert breaker.enter() is None
    clock.advance(1)
    assert breaker.ready_in() == 0
    probe = enter(breaker)
    assert probe.change == "half-open"
    assert breaker.enter() is None
    assert breaker.ready_in() is None
    assert probe.answered() == "closed"
    assert enter(breaker).change is None


def test_a_clock_on_the_wall_that_jumps_opens_nothing() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    clock.set_wall(clock.time() + 86_400)
    assert breaker.enter() is None


def test_a_failed_probe_doubles_the_time_up_to_the_longest_and_an_answer_resets_it() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    times = []
    for _ in range(8):
        wait = breaker.ready_in()
        assert wait is not None
        times.append(wait)
        clock.advance(wait)
        assert enter(breaker).failed() == "open"
    assert times == [min(FIRST_OPEN * 2**number, LONGEST_OPEN) for number in range(8)]
    clock.advance(LONGEST_OPEN)
    assert enter(breaker).answered() == "closed"
    for _ in range(FAILURES):
        enter(breaker).failed()
    assert breaker.ready_in() == FIRST_OPEN


def test_a_cancelled_probe_gives_its_place_to_the_next() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    clock.advance(FIRST_OPEN)
    assert enter(breaker).give_back() is None
    probe = enter(breaker)
    assert probe.change is None
    assert breaker.enter() is None
    assert probe.answered() == "closed"


@pytest.mark.parametrize("end", [Permit.answered, Permit.failed, Permit.give_back])
def test_a_late_answer_from_before_says_nothing_about_now(end: Callable[[Permit], object]) -> None:
    clock = VirtualClock()
    breaker = Breaker(clock)
    late = enter(breaker)
    for _ in range(FAILURES):
        enter(breaker).failed()
    clock.advance(FIRST_OPEN)
    probe = enter(breaker)
    assert end(late) is None
    assert breaker.state == "half-open"
    assert breaker.enter() is None
    assert probe.failed() == "open"


def test_a_permit_ends_once() -> None:
    breaker = Breaker(VirtualClock())
    permit = enter(breaker)
    for _ in range(FAILURES):
        permit.failed()
    assert breaker.state == "closed"


def test_each_model_of_each_provider_has_its_own_and_always_the_same() -> None:
    breakers = Breakers(VirtualClock())
    assert breakers.of("a", "m") is breakers.of("a", "m")
    assert len({breakers.of("a", "m"), breakers.of("b", "m"), breakers.of("a", "n")}) == 3


def test_of_many_threads_one_gets_the_probe() -> None:
    clock = VirtualClock()
    breaker = opened(clock)
    clock.advance(FIRST_OPEN)
    with ThreadPoolExecutor(16) as pool:
        permits = list(pool.map(lambda _: breaker.enter(), range(200)))
    assert sum(permit is not None for permit in permits) == 1


class BreakerMachine(RuleBasedStateMachine):
    """Any order of entering, ending and waiting, against a model that keeps every request by hand."""

    @initialize()
    def begin(self) -> None:
        self.clock = VirtualClock()
        self.breaker = Breaker(self.clock)
        self.state = "closed"
        self.row = 0
        self.open_for = FIRST_OPEN
        self.opens_at = 0.0
        self.age = 0  # grows with each change of state
        self.under_way: list[tuple[Permit, int]] = []

    def become(self, state: str) -> None:
        self.state = state
        self.age += 1

    def probes(self) -> int:
        return sum(age == self.age for _, age in self.under_way) if self.state == "half-open" else 0

    @rule()
    def ask(self) -> None:
        if self.state == "open" and self.clock.monotonic() >= self.opens_at:
            may, change = True, "half-open"
        else:
            may, change = self.state == "closed" or (self.state == "half-open" and self.probes() == 0), None
        permit = self.breaker.enter()
        assert (permit is not None) == may
        if permit is not None:
            assert permit.change == change
            if change is not None:
                self.become(change)
            self.under_way.append((permit, self.age))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.sampled_from(["answered", "failed", "give_back"]))
    def end(self, data: st.DataObject, outcome: str) -> None:
        at = data.draw(st.integers(0, len(self.under_way) - 1))
        permit, age = self.under_way.pop(at)
        expected = None
        if age == self.age:
            if outcome == "answered":
                self.row = 0
                expected = None if self.state == "closed" else "closed"
                self.open_for = FIRST_OPEN
            elif outcome == "failed":
                self.row += 1
                if self.state == "half-open":
                    self.open_for = min(2 * self.open_for, LONGEST_OPEN)
                    expected = "open"
                elif self.row >= FAILURES:
                    expected = "open"
        assert getattr(permit, outcome)() == expected
        if expected is not None:
            self.become(expected)
        if expected == "open":
            self.opens_at = self.clock.monotonic() + self.open_for

    @rule(seconds=st.sampled_from([0.5, FIRST_OPEN, LONGEST_OPEN]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(seconds=st.floats(-1e9, 1e9))
    def jump(self, seconds: float) -> None:
        self.clock.set_wall(self.clock.time() + seconds)

    @invariant()
    def is_as_the_model_says(self) -> None:
        assert self.breaker.state == self.state
        assert self.probes() <= 1
        left = self.breaker.ready_in()
        match self.state:
            case "closed":
                assert left == 0
            case "open":
                assert left == max(0.0, self.opens_at - self.clock.monotonic())
            case _:
                assert left == (None if self.probes() else 0)


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(deadline=None, stateful_step_count=60)
