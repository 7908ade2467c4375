"""Waiting for an editor, with a time limit and a reason when it passes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_until(what: str, look: Callable[[], Value], *, seconds: float, pause: float = 0.1) -> Value:
    """Look again and again until what is seen is true.

    Args:
        what: For the message when the time has passed.
        look: Gives something true when it is there.
        seconds: Time limit.
        pause: Seconds between two looks.

    Returns:
        What was seen.
    """
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < end, f"within {seconds:g} s there was no {what}; the last seen was {seen!r}"
        time.sleep(pause)
