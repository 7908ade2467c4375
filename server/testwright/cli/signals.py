"""Signals that cancel what runs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_T = TypeVar("_T")


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """The first signal cancels the current task, which cleans up; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def restore() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def cancel() -> None:
        restore()
        if task is not None:
            task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, cancel)
    try:
        yield
    finally:
        restore()


def run_until_signal(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it in an event loop of its own.

    Raises:
        KeyboardInterrupt: A signal has cancelled it.
    """

    async def guarded() -> _T:
        with cancelled_by_signals():
            return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
