"""Work-done progress: a run's events as a percentage and a message that a person can follow."""

from __future__ import annotations

import logging
import time
from typing import Any

from lsprotocol import types

from testwright.model import Phase, RunEvent

logger = logging.getLogger(__name__)

LEAST_SECONDS = 0.1
"""Between two reports within a phase; more often nobody can read, and some clients redraw at each."""

SPANS: dict[Phase, tuple[int, int]] = {
    "analyse": (0, 2),
    "prepare": (2, 6),
    "baseline": (6, 20),
    "explore": (20, 50),
    "judge": (50, 85),
    "verify": (85, 98),
    "write": (98, 100),
}
"""Which part of the whole a phase is, in percent, by what runs on twelve modules took."""


class Percentage:
    """Percent done, which never goes back."""

    def __init__(self) -> None:
        self._reached = 0

    def after(self, event: RunEvent) -> int:
        """Percent after an event: the phase's share, and within it what the event says is done of all."""
        first, last = SPANS[event.phase]
        done, of = event.data.get("done"), event.data.get("all")
        part = 0.0
        if isinstance(done, int | float) and isinstance(of, int | float) and of > 0:
            part = min(1.0, done / of)
        self._reached = max(self._reached, first + int(part * (last - first)))
        return self._reached


def message_of(event: RunEvent) -> str:
    """A line for a person: ``12 of 31 tests kept, 78 % covered, 14 s left``."""
    parts = [event.message]
    data = event.data
    if "covered" in data:
        parts.append(f"{float(data['covered']):.0f} % covered")
    if left := data.get("left"):
        parts.append(f"{left} s left")
    return ", ".join(parts)


class Progress:
    """One progress of the client's, from its beginning to its end.

    Args:
        server: Sends.
        token: A token that the client has given or that was created; None sends nothing.
        title: What is being done.
    """

    def __init__(self, notify: Any, token: int | str | None, title: str) -> None:
        self._notify = notify
        self._token = token
        self._title = title
        self._percentage = Percentage()
        self._last = 0.0
        self._phase: Phase | None = None
        self._open = False

    def begin(self, message: str) -> None:
        """Show it."""
        self._open = True
        self._send(types.WorkDoneProgressBegin(title=self._title, cancellable=True, message=message, percentage=0))

    def take(self, event: RunEvent) -> None:
        """Show an event, unless the last was shown just now."""
        if event.kind in ("note", "finished") or not self._open:
            return
        now = time.monotonic()
        if event.phase == self._phase and now - self._last < LEAST_SECONDS:
            return
        self._phase, self._last = event.phase, now
        self.report(message_of(event), self._percentage.after(event))

    def report(self, message: str, percentage: int | None = None) -> None:
        """Show a message."""
        if self._open:
            self._send(types.WorkDoneProgressReport(cancellable=True, message=message, percentage=percentage))

    def end(self, message: str) -> None:
        """Take it away; a second time does nothing."""
        if self._open:
            self._open = False
            self._send(types.WorkDoneProgressEnd(message=message))

    def _send(self, value: object) -> None:
        if self._token is not None:
            self._notify(types.PROGRESS, types.ProgressParams(self._token, value))
