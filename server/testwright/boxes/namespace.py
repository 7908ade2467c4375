"""The process tree of a bubblewrap start: a process namespace, which the kernel ends whole with its first process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from typing import ClassVar

from testwright.boxes.launcher import processes
from testwright.boxes.limits import readable
from testwright.boxes.trees import GRACE, Outcome, code_or_signal
from testwright.errors import BoxFailure

_START_TIMEOUT = 10.0  # seconds; it takes some 5 ms, but the machine may be very busy


class Namespace:
    """Bubblewrap's outer process, which waits, and the first process of the namespace, with which all ends."""

    forks_are_limited: ClassVar[bool] = True

    def __init__(self, process: asyncio.subprocess.Process, status: int, close: Callable[[], None]) -> None:
        """Take over a start.

        Args:
            process: The outer process.
            status: Descriptor to read bubblewrap's status from (non-blocking); owned from now on.
            close: Called when all is over.
        """
        self._process = process
        self._status = status
        self._close = close
        self._told = b""
        self._first: int | None = None
        self._handle: int | None = None

    async def begin(self) -> None:
        """Wait until the namespace is there, so that it can be killed from then on.

        Raises:
            BoxFailure: Bubblewrap hangs; nothing is left of it.
        """
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                await self._find_first()
        except TimeoutError as error:
            self.kill()
            stderr = await self._last_words()
            self.close()
            raise BoxFailure(
                f"bubblewrap did not start: {stderr or 'it gave no reason'}.", next_step="See testwright doctor."
            ) from error

    async def _find_first(self) -> None:
        while b"\n" not in self._told and await self._more_status():
            pass
        if b"\n" in self._told:
            first = int(json.loads(self._told.split(b"\n")[0])["child-pid"])
            # Gone already: then the outer process has the whole story, and there is nothing to kill.
            with contextlib.suppress(ProcessLookupError):
                self._handle = os.pidfd_open(first)
            self._first = first

    async def _more_status(self) -> bool:
        await readable(self._status)
        data = os.read(self._status, 4096)
        self._told += data
        return bool(data)

    async def _last_words(self) -> str:
        stderr = b""
        if self._process.stderr is not None:
            with contextlib.suppress(TimeoutError):
                stderr = await asyncio.wait_for(self._process.stderr.read(4096), 1.0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 1.0)
        return stderr.decode(errors="replace").strip().removeprefix("bwrap: ")

    def pids(self) -> list[int]:
        """The first process and all that descend from it; in a namespace nothing can leave that tree."""
        return [] if self._first is None else [self._first, *processes.descendants(self._first)]

    @staticmethod
    def scratch_size() -> int:
        """The scratch is in memory, and the kernel limits it."""
        return 0

    def kill(self) -> None:
        """Kill the namespace; the outer process ends by itself then, and is killed when there is no namespace."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        elif self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    @staticmethod
    def grace() -> float:
        """The kernel kills at once."""
        return GRACE

    async def gone(self) -> None:
        """Wait for the namespace's end: its first process ends only after the kernel has ended all others."""
        if self._handle is not None:
            await readable(self._handle)

    def outcome(self, status: int, stderr: str) -> Outcome:
        """The program's exit code. Bubblewrap tells signals as 128 and more, which an exit code may be as well.

        Raises:
            BoxFailure: Bubblewrap could not make the box.
        """
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._status, 4096):
                self._told += data
        for line in self._told.splitlines():
            code = json.loads(line).get("exit-code")
            if code is not None:
                return Outcome(code_or_signal(int(code)))
        if status < 0:
            return Outcome(status)
        reason = stderr.strip().rpartition("\n")[2].removeprefix("bwrap: ") or "it gave no reason"
        raise BoxFailure(f"bubblewrap could not make the box: {reason}.", next_step="See testwright doctor.")

    def close(self) -> None:
        """Give back the descriptors."""
        os.close(self._status)
        if self._handle is not None:
            os.close(self._handle)
        self._close()
