"""Tasks that go on though nobody waits for their end any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_going: set[asyncio.Task[None]] = set()


def in_background(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start a task and hold it until it is done; the loop itself holds tasks weakly."""
    task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
    _going.add(task)
    task.add_done_callback(_going.discard)
    return task
