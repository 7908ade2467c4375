"""Work-done progress: a run's events as a percentage and a message that a person can follow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from lsprotocol import types

from testwright.lsp.work.runs import RunKind
from testwright.model import Phase, RunEvent

LEAST_SECONDS = 0.1
"""Between two reports within a phase; more often nobody can read, and some clients redraw at each."""
TICK_SECONDS = 1.0
"""Between two reports while an agent works, whose steps take as long as a model thinks: the time goes on."""

SPANS: dict[RunKind, dict[Phase, tuple[int, int]]] = {
    "generate": {
        "analyse": (0, 2),
        "prepare": (2, 6),
        "baseline": (6, 20),
        "explore": (20, 50),
        "judge": (50, 75),
        "agent": (75, 95),
        "verify": (85, 98),
        "write": (98, 100),
    },
    "judge": {"analyse": (0, 3), "prepare": (3, 10), "baseline": (10, 25), "verify": (25, 50), "judge": (50, 100)},
    "measure": {"analyse": (0, 5), "prepare": (5, 20), "baseline": (20, 100)},
}
"""Which part of the whole a phase is, in percent, by what runs on twelve modules took. An agent goes on from where
the run is."""

STEPS = {"candidates": (0.0, 0.6), "mutants": (0.6, 1.0)}
"""Which part of its phase a step is, in a run that has candidates."""

SHARES: dict[Phase, float] = {"baseline": 0.25, "explore": 0.4}
"""Parts of the budget that a phase takes at most which does not count what it does; its time is then its measure."""

HALF_OF_STEPS = 20
"""After how many steps an agent is taken to be half way; how many it will take nobody knows."""


class Percentage:
    """Percent done, which never goes back.

    Args:
        kind: What kind of run it is of.
    """

    def __init__(self, kind: RunKind) -> None:
        self._spans = SPANS[kind]
        self._steps = STEPS if kind == "generate" else {}
        self._reached = 0
        self._phase: Phase | None = None
        self._since = 0.0
        self._agent: tuple[int, float] | None = None

    def after(self, event: RunEvent) -> int:
        """Percent after an event: the phase's share, and within it what the event says is done of all."""
        if event.phase != self._phase:
            self._phase, self._since = event.phase, event.elapsed
        if event.phase == "agent" and self._agent is None:
            self._agent = self._reached, event.elapsed
        first, last = self._spans.get(event.phase, (self._reached, self._reached))
        if self._agent is not None and event.phase in ("agent", "judge"):  # its rounds are judged, too
            first, since = self._agent
            last = self._spans.get("agent", (first, first))[1]
            part = _part_of_agent(event, since)
        else:
            part = self._part(event)
        self._reached = max(self._reached, first + int(part * (last - first)))
        return self._reached

    def _part(self, event: RunEvent) -> float:
        """Which part of its phase is done, 0 to 1."""
        done, of = _number(event, "done"), _number(event, "all")
        if of > 0:
            begin, end = self._steps.get(str(event.data.get("step")), (0.0, 1.0))
            return begin + (end - begin) * min(1.0, done / of)
        left = _number(event, "left")
        if (share := SHARES.get(event.phase)) is not None and left > 0:
            return min(1.0, (event.elapsed - self._since) / (share * (event.elapsed + left)))
        return 0.0


def _part_of_agent(event: RunEvent, since: float) -> float:
    """Which part of an agent's work is done, 0 to 1: by its steps, or by its time when that is nearer to its end."""
    steps, spent = max(0.0, _number(event, "steps")), max(0.0, event.elapsed - since)
    left = max(0.0, _number(event, "left"))
    by_time = spent / (spent + left) if spent > 0 else 0.0
    return max(by_time, steps / (steps + HALF_OF_STEPS))


def _number(event: RunEvent, key: str) -> float:
    value = event.data.get(key, 0)
    return float(value) if isinstance(value, int | float) else 0.0


class Progress:
    """One progress that a client shows, from its beginning to its end.

    It can be told of before the client shows it: whether it does is known only when it has answered, and the work does
    not wait for that.

    Args:
        notify: Sends a notification.
        title: What is being done.
        message: What is being done first.

    Attributes:
        over: Set when it has ended.
    """

    def __init__(self, notify: Callable[[str, Any], None], title: str, message: str) -> None:
        self._notify = notify
        self._title = title
        self._message = message
        self._percent = 0
        self._token: int | str | None = None
        self.over = asyncio.Event()

    def show(self, token: int | str) -> None:
        """The client shows it under a token; if it is over, for a moment, so that it lets the token go."""
        self._token = token
        self._send(
            types.WorkDoneProgressBegin(
                title=self._title, cancellable=True, message=self._message, percentage=self._percent
            )
        )
        if self.over.is_set():
            self._send(types.WorkDoneProgressEnd(message=self._message))

    def report(self, message: str, percent: int | None = None) -> None:
        """Show a message, and how much is done when that is known."""
        if self.over.is_set():
            return
        self._message = message
        self._percent = self._percent if percent is None else percent
        self._send(types.WorkDoneProgressReport(cancellable=True, message=message, percentage=self._percent))

    def end(self, message: str) -> None:
        """Take it away; a second time does nothing."""
        if self.over.is_set():
            return
        self.over.set()
        self._message = message
        self._send(types.WorkDoneProgressEnd(message=message))

    def _send(self, value: object) -> None:
        if self._token is not None:
            self._notify(types.PROGRESS, types.ProgressParams(self._token, value))


class RunProgress(Progress):
    """The progress of a run, by its events.

    Args:
        notify: Sends a notification.
        kind: What kind of run it is of.
        title: What is being done.
        message: What is being done first.
    """

    def __init__(self, notify: Callable[[str, Any], None], kind: RunKind, title: str, message: str) -> None:
        super().__init__(notify, title, message)
        self._percentage = Percentage(kind)
        self._phase: Phase | None = None
        self._last = 0.0
        self._held: asyncio.TimerHandle | None = None

    def take(self, event: RunEvent) -> None:
        """Show an event; in a moment, unless a further one comes, when the last was shown just now."""
        if event.kind in ("note", "finished") or self.over.is_set():
            return
        percent, now = self._percentage.after(event), time.monotonic()
        self._let_go()
        wait = self._last + LEAST_SECONDS - now
        if event.phase == self._phase and wait > 0:
            # The step that it tells of may last: what was shown before it is not what is being done.
            self._held = asyncio.get_running_loop().call_later(wait, self._show_event, event, percent, now)
            return
        self._phase = event.phase
        self._show_event(event, percent, now)

    def end(self, message: str) -> None:
        """Take it away; a second time does nothing."""
        self._let_go()
        super().end(message)

    def _show_event(self, event: RunEvent, percent: int, came: float) -> None:
        """Show an event; one of an agent's again and again, until the next one comes."""
        from testwright.progress_rendering import progress_line  # noqa: PLC0415 - loaded with the service

        self._last = time.monotonic()
        self.report(progress_line(event, later=self._last - came), percent)
        if "requests" in event.data:
            loop = asyncio.get_running_loop()
            self._held = loop.call_later(TICK_SECONDS, self._show_event, event, percent, came)

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.cancel()
            self._held = None
