"""Work in a thread that must not go on when its run has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def to_its_end(work: Callable[[], _T], stop: Callable[[], None] = lambda: None) -> _T:
    """Do something in a thread, and wait for its end when cancelled as well.

    Args:
        work: What to do.
        stop: Called when cancelled, to make ``work`` end earlier.

    Raises:
        asyncio.CancelledError: It was cancelled; the work has ended all the same, and what it gave is dropped.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen, so that the loop does not tell of it
        raise
