"""How long to wait before the next try.

Pure. What the provider says comes first. Else the wait doubles with each try; a provider that answers gets *equal*
jitter (at least half of it is waited, since full jitter collapses towards zero and breaks limits per minute), a
network that does not gets *full* jitter (whoever lost the connection at the same moment comes back scattered). Both
are named so in https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
"""

from __future__ import annotations

from random import Random

from testwright.models.values import Fault

SHORTEST_TOLD = 1.0
"""Seconds that a told wait takes at least: a provider whose clock is behind ours says zero."""


def told_wait(fault: Fault, wall: float) -> float | None:
    """Seconds that the provider asks us to wait; None when it does not say.

    Args:
        fault: What it answered.
        wall: The time now, in seconds since 1970 UTC.
    """
    if fault.retry_after is not None:
        return max(fault.retry_after, SHORTEST_TOLD)
    if fault.resets_at is not None:
        return max(fault.resets_at - wall, SHORTEST_TOLD)
    return None


class Backoff:
    """Waits that double.

    Args:
        random: Where the jitter comes from.
        first: Seconds of the first wait, before jitter.
        longest: Seconds that no wait passes.
    """

    def __init__(self, random: Random, *, first: float, longest: float) -> None:
        self._random = random
        self._first = first
        self._longest = longest

    def wait(self, tries: int, *, is_network: bool = False) -> float:
        """Seconds to wait after a number of tries, 1 or more, that failed."""
        whole = self._longest
        if tries <= 60:  # 2.0**60 is far past any wait, and no number of tries may overflow
            whole = min(self._longest, self._first * 2.0 ** (tries - 1))
        if is_network:
            return self._random.uniform(0.0, whole)
        return whole / 2 + self._random.uniform(0.0, whole / 2)
