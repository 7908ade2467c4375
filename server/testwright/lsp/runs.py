"""Runs: one at a time for a module, a queue for the rest, and a way to cancel each.

A command answers at once with a run's id; the work is a task that is owned here, since the protocol's own cancelling
ends only the answer and not the work.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

logger = logging.getLogger(__name__)

RunKind = Literal["generate", "judge", "measure"]
RunState = Literal["queued", "running", "ended"]

AT_ONCE = max(2, (os.cpu_count() or 2) // 2)
"""Runs that go on at the same time; each has up to three boxes at work."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a run is to do.

    Attributes:
        kind: Write tests, judge those that are there, or measure what they cover.
        path: The module's file, as the editor names it.
        symbol: Qualified name in it, None for the module.
        folder_uri: Its workspace folder as the client names it, None outside of all.
        root: Root of its project.
        token: The client's own progress token, None when the server is to create one.
        quiet: Whether it was not asked for by the user: no progress, no message at the end.
    """

    kind: RunKind
    path: Path
    symbol: str | None
    folder_uri: str | None
    root: Path
    token: int | str | None = None
    quiet: bool = False

    @property
    def subject(self) -> str:
        """What it is about, in words: ``pricing``, ``Cart.total``."""
        name = self.path.parent.name if self.path.stem == "__init__" else self.path.stem
        return self.symbol or name

    def is_same(self, other: Work) -> bool:
        """Whether both would do the same."""
        return (self.kind, self.path, self.symbol) == (other.kind, other.path, other.symbol)


class Run:
    """One run.

    Attributes:
        id: Unique within the server's life.
        work: What it does.
        state: Where it is.
        cancelled: Whether it was asked to stop.
    """

    def __init__(self, number: int, work: Work) -> None:
        self.id = f"{work.kind}-{number}"
        self.work = work
        self.state: RunState = "queued"
        self.cancelled = False
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Stop it: its boxes die within a second, and nothing is written."""
        if self.state != "ended" and self.task is not None and not self.cancelled:
            self.cancelled = True
            self.task.cancel()


Job = Callable[[Run], Awaitable[None]]


class Runs:
    """All runs of this server.

    Args:
        job: Does a run's work; it must not raise, and ends soon after it was cancelled.
        at_once: How many go on at the same time.
    """

    def __init__(self, job: Job, at_once: int = AT_ONCE) -> None:
        self._job = job
        self._slots = asyncio.Semaphore(at_once)
        self._modules: dict[Path, asyncio.Lock] = {}
        self._runs: dict[str, Run] = {}
        self._numbers = itertools.count(1)
        self._closed = False

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
            if run.work.is_same(work) and not run.cancelled:
                return run, False
        run = Run(next(self._numbers), work)
        self._runs[run.id] = run
        run.task = asyncio.create_task(self._go(run), name=f"testwright {run.id}")
        return run, True

    def find(self, run_id: str) -> Run | None:
        """The run of that id, None when it has ended or never was."""
        return self._runs.get(run_id)

    def position(self, run: Run) -> int:
        """How many runs it waits for, 0 when it goes on."""
        if run.state != "queued":
            return 0
        return sum(1 for other in itertools.takewhile(lambda other: other is not run, self._runs.values()))

    def cancel_all(self) -> tuple[Run, ...]:
        """Cancel all, and say which."""
        runs = self.alive
        for run in runs:
            run.cancel()
        return runs

    async def close(self) -> None:
        """Cancel all and wait until nothing of them is left."""
        self._closed = True
        tasks = [run.task for run in self.cancel_all() if run.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _go(self, run: Run) -> None:
        """Do it when its turn has come. Its task always ends without an exception."""
        module = self._modules.setdefault(run.work.path, asyncio.Lock())
        try:
            async with module, self._slots:
                run.state = "running"
                await self._job(run)
        except asyncio.CancelledError:
            logger.info("%s was cancelled", run.id)
        except Exception:
            logger.exception("%s ended by an error of Testwright's own", run.id)
        finally:
            run.state = "ended"
            self._runs.pop(run.id, None)
            if not any(other.work.path == run.work.path for other in self._runs.values()):
                self._modules.pop(run.work.path, None)
