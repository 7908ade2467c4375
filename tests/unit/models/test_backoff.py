from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.models.backoff import SHORTEST_TOLD, Backoff, told_wait
from testwright.models.values import Fault


@pytest.mark.parametrize(
    ("retry_after", "resets_at", "expected"),
    [
        (None, None, None),
        (7.0, None, 7.0),
        (7.0, 5_000.0, 7.0),  # the seconds are surer than a time by another clock
        (None, 1_030.0, 30.0),
        (None, 990.0, SHORTEST_TOLD),  # our clock is ahead of the provider's
        (0.0, None, SHORTEST_TOLD),
    ],
)
def test_the_provider_is_believed_first(
    retry_after: float | None, resets_at: float | None, expected: float | None
) -> None:
    fault = Fault("upstream-limit", "busy", retry_after=retry_after, resets_at=resets_at)
    assert told_wait(fault, 1_000.0) == expected


@given(st.integers(), st.integers(1, 10_000))
def test_equal_jitter_keeps_half_of_a_wait_that_doubles(seed: int, tries: int) -> None:
    whole = float(min(40, 2 * 2 ** (tries - 1)))
    assert whole / 2 <= Backoff(Random(seed), first=2.0, longest=40.0).wait(tries) <= whole


@given(st.integers(), st.integers(1, 10_000))
def test_full_jitter_passes_no_wait_that_doubles(seed: int, tries: int) -> None:
    whole = float(min(40, 2 * 2 ** (tries - 1)))
    assert 0 <= Backoff(Random(seed), first=2.0, longest=40.0).wait(tries, is_network=True) <= whole


def test_full_jitter_scatters_over_the_whole_wait_and_equal_jitter_over_its_half() -> None:
    backoff = Backoff(Random(1), first=2.0, longest=40.0)
    full = [backoff.wait(1, is_network=True) for _ in range(500)]
    equal = [backoff.wait(1) for _ in range(500)]
    assert min(full) < 0.1
    assert max(full) > 1.9
    assert min(equal) < 1.1
    assert max(equal) > 1.9
