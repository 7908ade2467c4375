"""Time of a run: what each phase took, and what is left of the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from testwright.model import Phase


class Stopwatch:
    """Counts the seconds of each phase against one budget.

    The budget covers all from where ``start_budget`` is called; what comes before, reading the project to know the
    budget, is counted but not charged.

    Args:
        budget: Seconds.
        clock: A monotonic clock in seconds.
    """

    def __init__(self, budget: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._budget = budget
        self._clock = clock
        self._begun = clock()
        self._charged_from = self._begun
        self._seconds: dict[Phase, float] = {}
        self._running: list[Phase] = []
        self._since = self._begun
        self._held: float | None = None

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        """Add the time of the block to a phase; a phase may come more than once.

        Within the block of another phase, that one's time stands still.
        """
        self._count()
        self._running.append(name)
        try:
            yield
        finally:
            self._count()
            self._running.pop()

    def _count(self) -> None:
        """Add the time since the last call to the phase that runs."""
        now = self._clock()
        if self._running:
            name = self._running[-1]
            self._seconds[name] = self._seconds.get(name, 0.0) + now - self._since
        self._since = now

    @contextmanager
    def uncharged(self) -> Iterator[None]:
        """The time of the block is not charged against the budget."""
        self._held = self._clock()
        try:
            yield
        finally:
            self._charged_from += self._clock() - self._held
            self._held = None

    def start_budget(self, budget: float) -> None:
        """From now on time is charged, against this budget in seconds."""
        self._budget = budget
        self._charged_from = self._clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._begun

    @property
    def remaining(self) -> float:
        """Seconds of the budget that are left, never negative."""
        now = self._clock() if self._held is None else self._held
        return max(0.0, self._budget - (now - self._charged_from))

    def share(self, part: float, *, at_least: float = 1.0) -> float:
        """Seconds that a phase may take: a part of the whole budget, but no more than what is left."""
        return max(at_least, min(part * self._budget, self.remaining))

    @property
    def seconds(self) -> dict[str, float]:
        """Wall time by phase, rounded to milliseconds; phases do not overlap, so their sum is the run's."""
        return {name: round(value, 3) for name, value in self._seconds.items()}
