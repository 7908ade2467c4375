"""Runs: one at a time for a module, a queue for the rest, and a way to cancel each.

A command answers at once with a run's id; the work is a task that is owned here, since the protocol's own cancelling
ends only the answer and not the work.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from testwright.lsp.texts.uris import module_name

logger = logging.getLogger(__name__)

RunKind = Literal["generate", "judge", "measure"]
RunState = Literal["queued", "running", "ended"]
EndStatus = Literal["written", "nothing-to-add", "dry-run", "judged", "measured", "failed", "cancelled"]
Severity = Literal["info", "warning", "error"]
Offer = Literal["set-up-agent", "consent"]

AT_ONCE = max(2, (os.cpu_count() or 2) // 2)
"""Runs that go on at the same time; each has up to three boxes at work."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a run is to do.

    Attributes:
        kind: Write tests, judge those that are there, or measure what they cover.
        path: The module's file, as the editor names it.
        module: The same, links resolved: what tells one module from another.
        symbol: Qualified name in it, None for the module.
        folder_uri: Its workspace folder as the client names it, None outside of all.
        root: Root of its project.
        token: The client's own progress token, None when the server is to create one.
        quiet: Whether it was not asked for by the user: no progress, no message at the end.
        show: Whether the editor is to show the test file at the end; not where many are written in a row.
        versions: URI to version of the documents that were open when it was asked for.
    """

    kind: RunKind
    path: Path
    module: Path
    symbol: str | None
    folder_uri: str | None
    root: Path
    token: int | str | None = None
    quiet: bool = False
    show: bool = True
    versions: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def module_name(self) -> str:
        """The module's last name, in words for a person: ``pricing``; a package goes by its folder."""
        return module_name(self.path)

    @property
    def subject(self) -> str:
        """What it is about, in words: ``pricing``, ``Cart.total``."""
        return self.symbol or self.module_name

    def is_same(self, other: Work) -> bool:
        """Whether both would do the same."""
        return (self.kind, self.module, self.symbol) == (other.kind, other.module, other.symbol)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes:
        status: What became of it.
        message: A sentence for the user; empty when there is nothing to tell.
        severity: How the sentence is to be shown.
        test_file: The test file that it was about, None without one.
        report: Its whole account as JSON values, None without one.
        summary: The same in a few words, for the end of its progress.
        proposal: Where the test file is kept that was not put into its place, None without one.
        mergeable: Whether it would have been, had the file not changed meanwhile: the same once more may do it.
        offers: What would let an agent take on what is left, which the user may do now.
    """

    status: EndStatus
    message: str
    severity: Severity = "info"
    test_file: Path | None = None
    report: dict[str, Any] | None = None
    summary: str = ""
    proposal: Path | None = None
    mergeable: bool = False
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """What a run had proven that did not come to its end.

    Attributes:
        path: The test file as it would be with that.
        words: Where it is, as a sentence.
        record: Under which id the run is listed as interrupted; None when it is not.
    """

    path: Path
    words: str
    record: str | None


class Run:
    """One run.

    Attributes:
        id: Unique within the server's life.
        work: What it does.
        state: Where it is.
        quiet: As in its work, until somebody asks for the same.
        cancelled: Whether it was asked to stop.
        is_settled: Whether what it was to do is done, so that it cannot be cancelled any more.
        waits_for: How many other runs must end before it can go on, as far as is known; 0 when it goes on.
        ending: How it ended, None as long as it has not.
        saved: What it had proven when it failed or was cancelled; None when that was nothing.
    """

    def __init__(self, number: int, work: Work) -> None:
        self.id = f"{work.kind}-{number}"
        self.work = work
        self.state: RunState = "queued"
        self.quiet = work.quiet
        self.cancelled = False
        self.waits_for = 0
        self.ending: Ending | None = None
        self.saved: Saved | None = None
        self.is_settled = False
        self._reason = ""
        self._task: asyncio.Task[None] | None = None
        self._has_begun = False
        self._may_go = asyncio.Event()
        self._on_wait: Callable[[int], None] | None = None

    def cancel(self, reason: str = "") -> bool:
        """Stop it: its boxes die within two seconds, and nothing is written.

        Args:
            reason: Why, when it was not the user who wanted it; a sentence for them.

        Returns:
            Whether it is stopped by this; not when it was already, or is over but for telling so.
        """
        if self.state == "ended" or self.cancelled or self.is_settled:
            return False
        self.cancelled, self._reason = True, reason
        # A task that is cancelled before its first step never takes it, and so would not come to its own end.
        if self._has_begun and self._task is not None:
            self._task.cancel()
        return True

    def settle(self) -> None:
        """What it was to do is done: from now on it cannot be cancelled."""
        self.is_settled = True

    def end(self, ending: Ending) -> None:
        """Say how it ended."""
        self.settle()
        if self.ending is None:
            self.ending = ending

    def end_cancelled(self) -> None:
        """Say that it was cancelled, and where that is which it had proven."""
        severity: Severity = "warning" if self._reason else "info"
        if self.saved is None:
            self.end(Ending("cancelled", self._reason, severity))
            return
        reason = self._reason or f"The run for {self.work.subject} was cancelled."
        self.end(Ending("cancelled", f"{reason} {self.saved.words}", severity, proposal=self.saved.path))

    async def turn(self, on_wait: Callable[[int], None]) -> None:
        """Wait until it may go on.

        Args:
            on_wait: Called with the number of runs that must end first, at once and whenever it changes.
        """
        if self.waits_for:
            on_wait(self.waits_for)
        self._on_wait = on_wait
        await self._may_go.wait()
        self._on_wait = None

    def let_go(self) -> None:
        """Its turn has come."""
        self.state, self.waits_for = "running", 0
        self._may_go.set()

    def let_wait(self, waits_for: int) -> None:
        """Its turn has not come."""
        changed, self.waits_for = waits_for != self.waits_for, waits_for
        if changed and self._on_wait is not None:
            self._on_wait(waits_for)

    def begin(self, job: Callable[[Run], Awaitable[None]]) -> asyncio.Task[None]:
        """Begin its task, which always ends without an exception, and with ``ending``."""
        self._task = asyncio.create_task(self._go(job), name=f"testwright {self.id}")
        return self._task

    async def wait(self) -> None:
        """Wait for its end."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _go(self, job: Callable[[Run], Awaitable[None]]) -> None:
        self._has_begun = True
        try:
            if not self.cancelled:
                await job(self)
        except asyncio.CancelledError:
            self.end_cancelled()
        except Exception:
            logger.exception("%s ended by an error of Testwright's own", self.id)
            self.end(Ending("failed", "Testwright itself failed; its log says why.", "error"))
        if self.cancelled:
            self.end_cancelled()


Job = Callable[[Run], Awaitable[None]]


class Runs:
    """All runs of this server, the oldest first.

    Args:
        job: Does a run's work: waits for its ``turn``, and says how it ended.
        on_change: Called when a run was queued, goes on, or has ended.
        at_once: How many go on at the same time.
    """

    def __init__(self, job: Job, on_change: Callable[[Run], None], at_once: int = AT_ONCE) -> None:
        self._job = job
        self._on_change = on_change
        self._at_once = at_once
        self._runs: dict[str, Run] = {}
        self._numbers = itertools.count(1)

    @property
    def alive(self) -> tuple[Run, ...]:
        """Those that have not ended, the oldest first."""
        return tuple(self._runs.values())

    def start(self, work: Work) -> tuple[Run, bool]:
        """Start a run, or queue it.

        Returns:
            The run, and whether it is new: when the same is going on already, that run is given.
        """
        for run in self._runs.values():
            if run.work.is_same(work) and not run.cancelled and not run.is_settled:
                run.quiet = run.quiet and work.quiet
                return run, False
        run = Run(next(self._numbers), work)
        self._runs[run.id] = run
        run.begin(self._job).add_done_callback(lambda _: self._ended(run))
        self._schedule()
        if run.state == "queued":
            self._on_change(run)
        return run, True

    def find(self, run_id: str) -> Run | None:
        """The run of that id, None when it has ended or never was."""
        return self._runs.get(run_id)

    def cancel_all(self, reason: str = "") -> tuple[Run, ...]:
        """Cancel all, and say which were stopped by that."""
        return tuple(run for run in self.alive if run.cancel(reason))

    async def close(self) -> None:
        """Cancel all and wait until nothing of them is left."""
        runs = self.alive
        self.cancel_all()
        for run in runs:
            await run.wait()

    def _schedule(self) -> None:
        """Let those go on whose turn has come: the oldest first, those of one module one after the other."""
        going = [run for run in self._runs.values() if run.state == "running"]
        free = self._at_once - len(going)
        ahead_in_module: dict[Path, int] = {}
        for ahead, run in enumerate(self.alive):
            own = ahead_in_module.get(run.work.module, 0)
            ahead_in_module[run.work.module] = own + 1
            if run.state != "queued":
                continue
            if free > 0 and own == 0:
                free -= 1
                run.let_go()
                self._on_change(run)
            else:
                run.let_wait(max(own, ahead - self._at_once + 1, 1))

    def _ended(self, run: Run) -> None:
        run.state = "ended"
        self._runs.pop(run.id, None)
        try:
            self._on_change(run)
        finally:
            self._schedule()
