"""What all of the judge's starts share: limits, time left, and words for how a box ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import Any

from testwright.boxes.protocol import BoxExit, Limits

LIMITS = Limits()
"""Limits of the judge's starts, but for the wall time, which each start sets."""

TIME_ZONES = {"UTC": "UTC", "UTC+05:45": "XST-05:45", "UTC-09:30": "XWT+09:30"}
"""Time zones in words and as POSIX has them, which needs no zone files; there the sign is turned round."""


def limits_for(seconds: float, base: Limits = LIMITS) -> Limits:
    """Limits with a wall time of at least half a second."""
    return replace(base, wall=max(0.5, seconds))


def seconds_left(deadline: float) -> float:
    """Seconds until ``deadline``, a time of ``time.monotonic()``; 0 when it is over."""
    return max(0.0, deadline - time.monotonic())


def ending_words(ended: BoxExit | None) -> str:  # noqa: PLR0911 - one return per cause
    """How a box ended, as the rest of a sentence that begins with "it"."""
    if ended is None:
        return "ended without a word"
    match ended.cause:
        case "wall":
            return "did not end in time"
        case "memory":
            return "needed more memory than it may have"
        case "output":
            return "wrote more output than it may"
        case "killed":
            return "was stopped"
        case "signalled":
            return f"was ended by signal {-ended.code}"
        case "exited":
            return f"ended its process with exit code {ended.code}"


def last_words(ended: BoxExit | None) -> str:
    """The last line of a box's standard error, at most 300 characters."""
    lines = [line.strip() for line in (ended.stderr if ended else "").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; the first that fails ends the others, and its error is raised as it is, not as a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as failures:
        error: BaseException = failures
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
