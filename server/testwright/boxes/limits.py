"""The supervisor that every box shares: wall time, output, memory and processes are limited from outside.

The kernel's own limits (``prlimit``) stop one process: they are given by ``kernel_limits`` and set inside the box. What
concerns a whole tree is watched here, and a tree that breaks a limit is killed whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Self

from testwright.boxes.background import in_background
from testwright.boxes.feeding import Input
from testwright.boxes.launcher import processes
from testwright.boxes.protocol import MIB, BoxExit, Command, ExitCause, Limits
from testwright.boxes.trees import GRACE, Outcome, ProcessTree
from testwright.errors import BoxFailure, TestwrightError

STDERR_TAIL = 64 * 1024
LONGEST_LINE = 8 * MIB
"""Bytes of one line on standard output; a longer one counts as too much output, so that the host never holds more."""

_CHUNK = 64 * 1024
_WATCH_EVERY = 0.08  # seconds: the kernel's limits hold a single process at once, this is for trees
_SCRATCH_LOOK = 3  # the scratch is measured at every third look
_PATIENCE = 10.0  # seconds that a caller who is cancelled waits for an end all the same; the machine may be very busy
_OPEN_FILES = 1024  # the usual soft limit; a program that wants more than that under test leaks


def kernel_limits(limits: Limits, *, processes_now: int = 0) -> dict[str, tuple[int, int]]:
    """Soft and hard limits for ``prlimit`` and ``setrlimit``, by the lower-case name of the resource.

    ``data`` bounds memory and not ``as``: the address space is reserved far beyond use by many honest programs (thread
    arenas, numeric libraries), private writable memory is what costs; a Python that meets it gets a MemoryError. Shared
    memory escapes it, which the supervisor sees.

    Args:
        limits: What is asked for.
        processes_now: What the kernel counts against the same user already (0 in a user namespace or under a user
            of its own).
    """
    cpu = max(1, round(limits.cpu))
    same = {
        "nproc": limits.processes + processes_now,
        "data": limits.memory,
        "fsize": limits.file,
        "core": 0,
        "nofile": _OPEN_FILES,
    }
    # The CPU's hard limit is later, so that it is SIGXCPU that ends the program, which tells why.
    return {"cpu": (cpu, cpu + 1), **{name: (value, value) for name, value in same.items()}}


class SupervisedProcess:
    """A ``BoxProcess``: one start under its limits."""

    def __init__(
        self, process: asyncio.subprocess.Process, tree: ProcessTree, *, command: Command, wall_start: float
    ) -> None:
        """Begin to watch.

        Args:
            process: What was started, all three standard streams being pipes.
            tree: What there is to count and kill.
            command: What it is, with its standard input and its limits.
            wall_start: The loop's time at which the wall time began.
        """
        limits = command.limits
        self._process = process
        self._tree = tree
        self._limits = limits
        self._input = Input(process.stdin, command)
        self._cause: ExitCause | None = None
        self._exit: BoxExit | None = None
        self._failure: BoxFailure | None = None
        self._reason = ""
        self._tail = bytearray()
        self._stdout_bytes = 0
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + limits.wall - (loop.time() - wall_start)
        self._feeding = loop.create_task(self._input.feed())
        self._listening = loop.create_task(self._listen())
        self._watching = loop.create_task(self._watch())
        self._ending = loop.create_task(self._end())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.kill()

    async def lines(self) -> AsyncIterator[bytes]:
        """Standard output, a line at a time, without the newline.

        What follows the last newline is a line only if the program ended by itself: a killed one was in the middle
        of it.
        """
        rest = bytearray()
        while chunk := await self._read():
            rest += chunk
            if b"\n" in chunk:
                *complete, rest = rest.split(b"\n")
                for line in complete:
                    yield bytes(line)
            if len(rest) > LONGEST_LINE:
                self._stop("output", f"it wrote a line of more than {LONGEST_LINE // MIB} MiB")
                rest.clear()
        ended = await self._ended()
        if rest and ended.cause == "exited":
            yield bytes(rest)

    async def send(self, data: bytes) -> None:
        """Write to the standard input of an interactive start; returns when the program has taken most of it.

        Raises:
            BoxFailure: The program has ended or is being killed, or its input is closed.
        """
        await self._input.send(data)

    async def close_input(self) -> None:
        """End the standard input; what was sent still arrives."""
        await self._input.close()

    async def wait(self) -> BoxExit:
        """Wait for the end; output that nobody has read is read, counted and dropped.

        Raises:
            BoxFailure: The program did not even start.
        """
        while await self._read():
            pass
        return await self._ended()

    async def kill(self) -> None:
        """Kill the whole tree; returns when nothing of it is alive, also when the caller is cancelled meanwhile."""
        self._stop("killed")
        try:
            await _see_through(self._ending)
        finally:
            await self._read_rest()

    def _stop(self, cause: ExitCause, reason: str = "") -> None:
        if self._cause is None and self._process.returncode is None:
            self._cause = cause
            if reason:
                self._reason = f"\nThe box was ended: {reason}.\n"
        if not self._ending.done():
            self._input.abandon()
            self._tree.kill()

    async def _read(self) -> bytes:
        stdout = self._process.stdout
        if stdout is None or self._cause == "output":
            return b""
        chunk = await stdout.read(_CHUNK)
        self._stdout_bytes += len(chunk)
        if self._stdout_bytes > self._limits.output:
            self._stop("output", f"it wrote more than {self._limits.output} bytes to its standard output")
            return b""
        return chunk

    async def _read_rest(self) -> None:
        """Read what nobody else will: asyncio counts a pipe as open until it was read to its end."""
        stdout = self._process.stdout
        if stdout is None:
            return
        with contextlib.suppress(RuntimeError, TimeoutError):  # RuntimeError: somebody does
            async with asyncio.timeout(GRACE):
                while await stdout.read(_CHUNK):
                    pass

    async def _ended(self) -> BoxExit:
        await asyncio.shield(self._ending)
        if self._failure is not None:
            raise self._failure
        if self._exit is None:
            raise BoxFailure("The box ended without telling how.", next_step="Run again.")
        return self._exit

    async def _listen(self) -> None:
        stderr = self._process.stderr
        if stderr is None:
            return
        seen = 0
        while chunk := await stderr.read(_CHUNK):
            self._tail += chunk
            del self._tail[:-STDERR_TAIL]
            seen += len(chunk)
            if seen > self._limits.output:
                self._stop("output", f"it wrote more than {self._limits.output} bytes to its standard error")

    async def _watch(self) -> None:
        """Kill the tree when its wall time, its memory or its processes are used up."""
        loop = asyncio.get_running_loop()
        looks = 0
        while (left := self._deadline - loop.time()) > 0:
            await asyncio.sleep(min(left, _WATCH_EVERY))
            looks += 1
            pids = self._tree.pids()
            if self._memory_exceeded(pids):
                self._stop("memory", f"its processes hold more than {self._limits.memory // MIB} MiB")
                return
            if not self._tree.forks_are_limited and processes.threads_of(pids) > self._limits.processes:
                self._stop("killed", f"it has more than {self._limits.processes} processes")
                return
            if looks % _SCRATCH_LOOK == 0 and self._tree.scratch_size() > self._limits.file:
                self._stop("killed", f"its scratch holds more than {self._limits.file // MIB} MiB")
                return
        self._stop("wall", f"it ran for more than {self._limits.wall:g} seconds")

    def _memory_exceeded(self, pids: list[int]) -> bool:
        limit = self._limits.memory
        return processes.resident_memory(pids) > limit and processes.proportional_memory(pids) > limit

    async def _status(self) -> int:
        """Wait for the started process itself; asyncio's ``wait`` waits for its pipes to be read as well."""
        try:
            handle = os.pidfd_open(self._process.pid)
        except ProcessLookupError:  # ended and taken note of already
            pass
        else:
            try:
                await readable(handle)
            finally:
                os.close(handle)
        while self._process.returncode is None:  # noqa: ASYNC110 - asyncio learns it a moment later, from a thread
            await asyncio.sleep(0.001)
        return self._process.returncode

    async def _end(self) -> None:
        """Wait until all is over, whatever ends it, and tidy up."""
        try:
            status = await self._status()
            self._input.abandon()  # nobody reads it any more, whoever holds its other end
            self._tree.kill()  # the program may have ended before what it started
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._tree.gone(), self._tree.grace())
            self._watching.cancel()
            # A pipe ends when its last writer has gone; should one have escaped, it is not waited for.
            await asyncio.wait([self._listening, self._feeding], timeout=GRACE)
            stderr = self._tail.decode("utf-8", errors="replace")
            try:
                outcome = self._tree.outcome(status, stderr)
            except BoxFailure as failure:
                if self._cause is None:
                    self._failure = failure
                outcome = Outcome(status)
            cause = self._cause or outcome.cause or ("signalled" if outcome.code < 0 else "exited")
            self._exit = BoxExit(cause, outcome.code, stderr + (self._reason or outcome.reason))
        except asyncio.CancelledError:  # with the loop, which shall not be gone before what it started
            self._tree.kill()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await self._status()
            raise
        finally:
            self._input.abandon()
            self._tree.kill()  # we may have been cancelled before the end
            for task in (self._watching, self._listening, self._feeding):
                task.cancel()
            self._tree.close()


async def whole(starting: Coroutine[Any, Any, SupervisedProcess]) -> SupervisedProcess:
    """Wait for a start; when cancelled meanwhile, let it come to its end and kill what it started.

    A start that is cut off in its middle could leave a process that nobody knows: it may not yet be tied to its parent.
    """
    task = asyncio.get_running_loop().create_task(starting)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _see_through(in_background(_undo(task)))
        raise


async def _undo(starting: asyncio.Task[SupervisedProcess]) -> None:
    with contextlib.suppress(TestwrightError):
        process = await starting
        await process.kill()


async def _see_through(task: asyncio.Task[None]) -> None:
    """Wait until a task is done, though cancelled meanwhile; that is raised afterwards.

    Of several boxes of which one fails, the others may be at their end already when they are cancelled for it. Who did
    not wait then would delete the files of programs that live, and close a loop that has not heard of their end.
    """
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task], timeout=None if cancelled is None else _PATIENCE)
            break
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    await task


async def readable(descriptor: int) -> None:
    """Wait until there is something to read; a process's descriptor becomes readable with its end."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
