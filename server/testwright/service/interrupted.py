"""Runs that were cut off: noted while they go on, told of afterwards, with what they had proven.

One that was cancelled counts as cut off when it had proven something: whoever has cancelled it need not have seen where
that is saved, as when an editor was closed. A note never fails a run: what cannot be kept is told in a sentence.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from testwright.boxes.docker.labels import boot, host_name
from testwright.boxes.launcher import processes
from testwright.errors import TestwrightError
from testwright.housekeeping import state_dir
from testwright.model import Phase
from testwright.service.job import Job
from testwright.service.threads import to_its_end
from testwright.store.runs import RunNote, RunNotes
from testwright.writing.place import proposal_path, save_proposal

_NOBODY = ""
"""The process of a run that is over."""


@dataclass(frozen=True, slots=True)
class InterruptedRun:
    """A run that was cut off, by a kill, a crash, or the end of the machine.

    Attributes:
        id: Its own, for ``forget_run``.
        began: In seconds since 1970 UTC.
        workspace: Absolute, resolved root.
        path: Absolute, resolved path of the module's file.
        symbol: Qualified name in it, None for the whole module.
        test_file: The one file that it might write; it is as it was, or whole.
        phase: Where it was.
        tests: How many tests it had proven, each by itself.
        covered: Percent of what tests were wanted for that is covered with them; None when nothing was known.
        proposal: The file that it had made of them so far; None when there is none.
        told: Whether the user was told of it unasked.
    """

    id: str
    began: float
    workspace: Path
    path: Path
    symbol: str | None
    test_file: Path
    phase: str
    tests: int
    covered: float | None
    proposal: Path | None
    told: bool = False

    @property
    def words(self) -> str:
        """The same as a sentence."""
        what = f"{self.path.name}::{self.symbol}" if self.symbol else self.path.name
        told = f"A run on {what} was cut off in the phase {self.phase}"
        if not self.tests:
            return f"{told}, before it had proven a test."
        count = "1 test" if self.tests == 1 else f"{self.tests} tests"
        where = f"; {'it is' if self.tests == 1 else 'they are'} saved in {self.proposal}" if self.proposal else ""
        return f"{told}, when it had proven {count}{where}."


def interrupted_runs(environ: Mapping[str, str] | None = None) -> tuple[InterruptedRun, ...]:
    """Runs that were cut off and not taken up again, the newest first. It takes milliseconds, or as long as the disk.

    Args:
        environ: Names the state folder; the process's own when None.

    Raises:
        SettingsError: The state folder cannot be ours.
        WriteFailure: The disk refuses.
    """
    with RunNotes(state_dir(environ)) as notes:
        return tuple(_interrupted(note) for note in notes.all() if _is_gone(note))


def forget_run(run: str, environ: Mapping[str, str] | None = None) -> bool:
    """Keep nothing of an interrupted run; a proposal that it saved stays where it is.

    Args:
        run: Its id.
        environ: Names the state folder; the process's own when None.

    Returns:
        Whether there was one.

    Raises:
        SettingsError: The state folder cannot be ours.
        WriteFailure: The disk refuses.
    """
    with RunNotes(state_dir(environ)) as notes:
        return any(note.id == run and _is_gone(note) for note in notes.all()) and notes.remove(run)


def told_of(runs: Iterable[str], environ: Mapping[str, str] | None = None) -> None:
    """Keep that the user was told of interrupted runs, so that nobody tells them again unasked.

    Args:
        runs: Their ids.
        environ: Names the state folder; the process's own when None.

    Raises:
        SettingsError: The state folder cannot be ours.
        WriteFailure: The disk refuses.
    """
    with RunNotes(state_dir(environ)) as notes:
        for run in runs:
            notes.tell(run)


class RunRecord:
    """What is kept of a run while it goes on.

    Leaving the block takes the note away, unless the run was cancelled and what it had proven stays saved.

    Args:
        job: Whose run it is.
        environ: Names the state folder.
        tell: Takes a sentence: what could not be kept, and which earlier run on the module was cut off.
    """

    def __init__(self, job: Job, environ: Mapping[str, str], tell: Callable[[str], None]) -> None:
        self._job = job
        self._environ = environ
        self._tell = tell
        self._notes: RunNotes | None = None
        self._note = RunNote(
            id=secrets.token_hex(8),
            process=_process(os.getpid()),
            host=host_name(),
            boot=boot(),
            began=time.time(),
            workspace=job.target.workspace,
            path=job.target.path,
            symbol=job.target.symbol,
            test_file=job.place.path,
            phase="prepare",
        )
        self._earlier: tuple[RunNote, ...] = ()
        self._is_ours = False
        self._stays = False

    @property
    def id(self) -> str:
        """The note's own, for ``forget_run``."""
        return self._note.id

    @property
    def proposal(self) -> Path | None:
        """Where what was proven is saved; None when nothing is."""
        return self._note.proposal

    async def __aenter__(self) -> Self:
        try:
            await self._do(self._begin)
        except BaseException:
            await self._do(partial(self._end, (self._note,)))
            raise
        for note in self._earlier:
            self._tell(_interrupted(note).words)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_ours and not self._stays and self._note.proposal is not None:
            self._note.proposal.unlink(missing_ok=True)
        if isinstance(error, asyncio.CancelledError) and self._stays and self._note.proposal is not None:
            self._note = replace(self._note, process=_NOBODY)
            await self._do(self._put)
            await self._do(partial(self._end, ()))
            return
        done = (self._note, *(self._earlier if kind is None else ()))
        await self._do(partial(self._end, done))

    async def at(self, phase: Phase) -> None:
        """Keep where the run is."""
        self._note = replace(self._note, phase=phase)
        await self._do(self._put)

    async def keep(self, data: bytes, tests: int, covered: float | None) -> None:
        """Save the test file as it would be now, in place of what was saved before.

        Args:
            data: The whole file.
            tests: How many tests of this run are in it.
            covered: Percent of what is asked for that is covered with them.
        """
        before, was_ours = self._note.proposal, self._is_ours
        try:
            state = state_dir(self._environ)
            path = proposal_path(data, self._job.place, state)
            if path != before:
                is_new = not path.exists()  # else somebody was told of it before
                try:
                    await to_its_end(partial(save_proposal, data, self._job.place, state))
                finally:
                    if path.is_file():  # also when cancelled meanwhile
                        self._is_ours = is_new
                        self._note = replace(self._note, proposal=path)
        except TestwrightError as error:
            self._tell(f"What is proven so far is not saved for the case of a crash: {error.message}")
            return
        self._note = replace(self._note, tests=tests, covered=covered)
        await self._do(self._put)
        if was_ours and before is not None and before != path:
            before.unlink(missing_ok=True)

    def keep_proposal(self) -> Path | None:
        """What is saved stays when the run ends: for who is told where it is."""
        self._stays = True
        return self._note.proposal

    async def _do(self, work: Callable[[], None]) -> None:
        """Do something with the notes in a thread; when they cannot be kept, go on without."""
        try:
            await to_its_end(work)
        except TestwrightError as error:
            self._tell(f"This run is not noted for the case that it is cut off: {error.message}")
            self._close()

    def _begin(self) -> None:
        self._notes = RunNotes(state_dir(self._environ))
        self._earlier = tuple(note for note in self._notes.all() if note.path == self._note.path and _is_gone(note))
        self._notes.put(self._note)

    def _put(self) -> None:
        if self._notes is not None:
            self._notes.put(self._note)

    def _end(self, done: Sequence[RunNote]) -> None:
        if self._notes is not None:
            for note in done:
                self._notes.remove(note.id)
            self._close()

    def _close(self) -> None:
        if self._notes is not None:
            self._notes.close()
            self._notes = None


def _process(pid: int) -> str:
    return f"{pid}:{processes.start_time(pid)}"


def _is_gone(note: RunNote) -> bool:
    """Whether the process that did a run has gone. Of another machine's, or another namespace's, nothing is known."""
    if note.host != host_name():
        return False
    pid = note.process.partition(":")[0]
    return note.boot != boot() or not pid.isdigit() or _process(int(pid)) != note.process


def _interrupted(note: RunNote) -> InterruptedRun:
    return InterruptedRun(
        id=note.id,
        began=note.began,
        workspace=note.workspace,
        path=note.path,
        symbol=note.symbol,
        test_file=note.test_file,
        phase=note.phase,
        tests=note.tests,
        covered=note.covered,
        proposal=note.proposal,
        told=note.told,
    )
