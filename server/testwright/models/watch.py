"""A limit of time that can be moved, by a clock that may be a test's."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from testwright.models.clock import Clock


class Watch:
    """Ends what runs inside its ``async with`` with a TimeoutError when the time is over.

    It is ``asyncio.timeout`` with two limits, one for all of it and one for what is being done now, and with a clock
    of ours. A cancellation from elsewhere stays one.

    Args:
        clock: Its monotonic time and its sleep are used.
        seconds: For all of it.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds
        self._at = self._end
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = self._at
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._is_over = False

    @property
    def is_at_end(self) -> bool:
        """Whether it is the limit for all of it that holds now."""
        return self._at >= self._end

    def allow(self, seconds: float) -> None:
        """What is done from now on may take so long, within the limit for all of it."""
        self._at = min(self._clock.monotonic() + seconds, self._end)
        if self._timer is not None and self._at < self._timer_at and not self._is_over:
            self._timer.cancel()
            self._start()

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        if self._task is None:
            raise RuntimeError("a limit of time needs a task that it can end")
        self._cancelling = self._task.cancelling()
        self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._is_over and self._task is not None:
            is_ours = self._task.uncancel() <= self._cancelling
            if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
                raise TimeoutError from error

    def _start(self) -> None:
        self._timer_at = self._at
        self._timer = asyncio.create_task(self._run())

    async def _run(self) -> None:
        # The time may have been moved on while this slept.
        while (left := self._at - self._clock.monotonic()) > 0:
            self._timer_at = self._at
            await self._clock.sleep(left)
        self._is_over = True
        if self._task is not None:
            self._task.cancel()
