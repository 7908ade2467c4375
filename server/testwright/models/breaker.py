"""A breaker for each model: after some failures in a row it is left alone for a while, then asked by one request.

Its three states are those of Michael Nygard's "Release It!". The breakers of a process are shared by all its runs,
which may have threads of their own.
"""

from __future__ import annotations

import math
from threading import Lock
from typing import Literal

from testwright.models.clock import Clock

State = Literal["closed", "open", "half-open"]

FAILURES = 3
"""Failures in a row that open a breaker. One question asks an ailing model twice in a round at most, so that it takes
a second question, or a second round, to speak against the model rather than against the question."""

FIRST_OPEN = 30.0
"""Seconds that it is open at first. A probe costs a request of the 50 that a free account has in a day."""

LONGEST_OPEN = 600.0
"""Seconds that it is open at most; each probe that fails doubles the time up to here."""


class Breaker:
    """The breaker of one model.

    Args:
        clock: Only its monotonic time is used.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._state: State = "closed"
        self._failures = 0
        self._open_for = FIRST_OPEN
        self._opened_at = -math.inf
        self._is_probing = False
        self._epoch = 0

    @property
    def state(self) -> State:
        """As the last request left it: an open one whose time is over is still open until somebody enters."""
        return self._state

    def ready_in(self) -> float | None:
        """Seconds until a request may enter: 0 when it may now, None while a probe is under way."""
        with self._lock:
            return self._ready_in()

    def _ready_in(self) -> float | None:
        match self._state:
            case "closed":
                return 0.0
            case "open":
                return max(0.0, self._opened_at + self._open_for - self._clock.monotonic())
            case "half-open":
                return None if self._is_probing else 0.0

    def enter(self) -> Permit | None:
        """Ask for leave to send a request; None when the breaker does not give it.

        Whoever gets a permit must end it with one of its three methods, also when cancelled.
        """
        with self._lock:
            if self._ready_in() != 0.0:
                return None
            change: State | None = None
            if self._state == "open":
                change = self._become("half-open")
            self._is_probing = self._state == "half-open"
            return Permit(self, self._epoch, change)

    def end(self, epoch: int, *, outcome: Literal["answered", "failed", "neither"]) -> State | None:
        """What came of a request, called by its permit; returns the state that the breaker has changed to, if it has.

        A request that was let in before the breaker changed says nothing about how the model is now.
        """
        with self._lock:
            if epoch != self._epoch:
                return None
            if outcome == "answered":
                self._failures = 0
                if self._state == "closed":
                    return None
                self._open_for = FIRST_OPEN
                return self._become("closed")
            if outcome == "neither":
                self._is_probing = False
                return None
            self._failures += 1
            if self._state == "half-open":
                self._open_for = min(self._open_for * 2, LONGEST_OPEN)
            elif self._failures < FAILURES:
                return None
            self._opened_at = self._clock.monotonic()
            return self._become("open")

    def _become(self, state: State) -> State:
        self._state = state
        self._epoch += 1
        self._is_probing = False
        return state


class Permit:
    """Leave for one request. Its first end counts, later ones do nothing.

    Attributes:
        change: The state that the breaker changed to when it gave this permit, if it did.
    """

    def __init__(self, breaker: Breaker, epoch: int, change: State | None) -> None:
        self._breaker: Breaker | None = breaker
        self._epoch = epoch
        self.change = change

    def answered(self) -> State | None:
        """The model gave an answer worth something. Returns what the breaker changed to, as the other two do."""
        return self._end("answered")

    def failed(self) -> State | None:
        """The model failed."""
        return self._end("failed")

    def give_back(self) -> State | None:
        """Nothing was learnt about the model: cancelled, never sent, or a fault that is not its own."""
        return self._end("neither")

    def _end(self, outcome: Literal["answered", "failed", "neither"]) -> State | None:
        breaker, self._breaker = self._breaker, None
        return None if breaker is None else breaker.end(self._epoch, outcome=outcome)


class Breakers:
    """Those of a process, by provider and model.

    Args:
        clock: Given to each.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._of: dict[tuple[str, str], Breaker] = {}

    def of(self, provider: str, model: str) -> Breaker:
        """The breaker of a model, made when it is first asked for."""
        with self._lock:
            return self._of.setdefault((provider, model), Breaker(self._clock))
