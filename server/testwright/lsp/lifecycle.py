"""The end of the server, however it comes: ``exit``, a closed pipe, a client that is gone, a signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger(__name__)

END_SECONDS = 3.0
"""For ending what goes on; boxes that are still there then die with the process, or are removed by the next start."""
THREAD_SECONDS = 1.0
"""For threads, which cannot be cancelled."""
LOOK_EVERY = 2.0
"""Seconds between two looks at the client's process."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Life:
    """Whether the server is to go on.

    Attributes:
        over: Set when it is to end.
        reason: Why.
    """

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.reason = ""

    def end(self, reason: str) -> None:
        """Let it end; the first reason counts."""
        if not self.over.is_set():
            self.reason = reason
            logger.info("The server ends: %s", reason)
            self.over.set()


@contextlib.contextmanager
def ended_by_signals(life: Life) -> Iterator[None]:
    """The first signal ends the server in order, a second one at once."""
    loop = asyncio.get_running_loop()

    def restore() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def end(number: signal.Signals) -> None:
        restore()
        life.end(f"signal {number.name}")

    for number in _SIGNALS:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    finally:
        restore()


async def watch_client(process_id: Callable[[], int | None], life: Life) -> None:
    """End when the client's process is gone, which a pipe that others hold open would not tell.

    Args:
        process_id: Of the client, None until it is known; one that is not there when it is first told (a client in
            another container) is not watched.
        life: Is ended.
    """
    watched: int | None = None
    seen: int | None = None
    while True:
        await asyncio.sleep(LOOK_EVERY)
        told = process_id()
        if told != seen:
            seen = told
            watched = told if told is not None and _lives(told) else None
        elif watched is not None and not _lives(watched):
            life.end(f"the client's process {watched} is gone")
            return


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


async def end_in_time(work: Callable[[], Awaitable[None]]) -> None:
    """End what goes on, within ``END_SECONDS``."""
    try:
        await asyncio.wait_for(work(), END_SECONDS)
    except TimeoutError:
        logger.warning("What was going on did not end within %g seconds", END_SECONDS)
    except Exception:
        logger.exception("The end failed")


class Threads:
    """The threads in which coroutines let work be done; one that hangs must not hold the process.

    To be made where the server's loop runs.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(thread_name_prefix="testwright")
        asyncio.get_running_loop().set_default_executor(self._executor)

    async def end(self) -> None:
        """Take no more work, and wait for what is being done, within ``THREAD_SECONDS``."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(THREAD_SECONDS):
                while self._alive():  # noqa: ASYNC110 - threads tell nobody of their end
                    await asyncio.sleep(0.01)
        if alive := self._alive():
            logger.warning("%d threads did not end within %g seconds", alive, THREAD_SECONDS)

    def leave(self, code: int) -> int:
        """The exit code; with a thread that hangs the process ends here, since Python would wait for it."""
        if self._alive():
            os._exit(code)
        return code

    def _alive(self) -> int:
        return sum(thread.is_alive() for thread in self._executor._threads)  # noqa: SLF001 - there is no other way to ask
