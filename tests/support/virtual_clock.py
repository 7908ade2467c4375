"""A clock whose time passes when there is nothing left to do, so that a day takes milliseconds.

It stands in for ``testwright.models.clock.Clock`` in a program that runs in one event loop, its scripted servers
included. While any callback is ready, a socket has something to read, or a thread of the loop's executor works, time
stands still; then it moves to the moment at which the first sleeper wakes. So limits of time, waits and delays of a
server meet in the same order on each machine, however slow it is.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

START = 1_800_000_000.0
"""The wall clock's first time: 2027-01-15 08:00:00 UTC."""

_QUIET_ROUNDS = 3
_GRACE = 0.001
"""Real seconds without anything to do, before time moves while sockets are open: the kernel may take a moment."""


class VirtualClock:
    """Two times, and a wait that takes none.

    Args:
        start: The wall clock's first time, in seconds since 1970 UTC. The monotonic one begins at 1000.
    """

    def __init__(self, start: float = START) -> None:
        self._monotonic = 1000.0
        self._ahead = start - self._monotonic
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0
        self._mover: asyncio.Task[None] | None = None
        self._watch: _Watch | None = None
        self.slept: list[float] = []
        """What was asked of ``sleep``, in order."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._monotonic

    def time(self) -> float:
        """Seconds since 1970 UTC."""
        return self._monotonic + self._ahead

    async def sleep(self, seconds: float) -> None:
        """Wait for others to do what they can, then until it is time."""
        self.slept.append(seconds)
        self.attach()
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._monotonic + max(0.0, seconds), self._count, woken))
        if self._mover is None or self._mover.done() or self._mover.get_loop() is not loop:
            self._mover = loop.create_task(self._move())
        await woken

    def attach(self) -> None:
        """Watch the running loop from now on, threads that it starts included; the first ``sleep`` does so at latest."""
        loop = asyncio.get_running_loop()
        if self._watch is None or self._watch.loop is not loop:
            self._watch = _Watch.of(loop)

    def advance(self, seconds: float) -> None:
        """Let time pass; those who sleep so long wake."""
        self._pass_to(self._monotonic + seconds)

    def set_wall(self, when: float) -> None:
        """Set the wall clock alone, as a user or the network may do, forth or back."""
        self._ahead = when - self._monotonic

    def _pass_to(self, when: float) -> None:
        self._monotonic = max(self._monotonic, when)
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)

    async def _move(self) -> None:
        while True:
            while self._sleepers and self._sleepers[0][2].done():  # cancelled
                heapq.heappop(self._sleepers)
            if not self._sleepers or self._watch is None:
                return
            await self._watch.quiet()
            if self._sleepers and not self._sleepers[0][2].done():
                self._pass_to(self._sleepers[0][0])


class _Watch:
    """Knows when a loop has nothing to do. Only the loop's own lists can say so, hence the private names."""

    @classmethod
    def of(cls, loop: Any) -> _Watch:
        """The one of a loop, however many clocks it has had: each would add to what every round of it costs."""
        if not hasattr(loop, "watch_of_tests"):
            loop.watch_of_tests = cls(loop)
        watch: _Watch = loop.watch_of_tests
        return watch

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self._threads = _CountedThreads(loop)
        loop.set_default_executor(self._threads)
        self._events = 0
        self._looking = asyncio.Lock()
        select = loop._selector.select

        def counted(timeout: float | None = None) -> Any:
            events = select(timeout)
            self._events += len(events)
            return events

        loop._selector.select = counted

    async def quiet(self) -> None:
        """Return when no callback is ready, no thread works, and no socket has had anything for a moment.

        One clock at a time looks: two would take each other's looking for something to do, and go on for ever.
        """
        async with self._looking:
            await self._quiet()

    async def _quiet(self) -> None:
        while True:
            rounds = 0
            while rounds < _QUIET_ROUNDS:
                await asyncio.sleep(_GRACE if self._threads.at_work else 0)
                rounds = 0 if self._loop_is_busy() else rounds + 1
            has_sockets = len(self.loop._selector.get_map()) > 1  # one descriptor is the loop's, to wake itself
            if not has_sockets:
                return
            before = self._events
            await asyncio.sleep(_GRACE)
            if self._events == before and not self._loop_is_busy():
                return

    def _loop_is_busy(self) -> bool:
        return bool(self.loop._ready) or self._threads.at_work > 0


class _CountedThreads(ThreadPoolExecutor):
    """The loop's executor, which knows whether a thread works whose result the loop has not got yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop
        self.at_work = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.at_work += 1
        future = super().submit(fn, *args, **kwargs)
        # After the loop's own callback, which is added as soon as this returns.
        self.loop.call_soon(future.add_done_callback, self._finished)
        return future

    def _finished(self, _: Future[Any]) -> None:
        self.loop.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self.at_work -= 1
