"""Time as the models see it, so that a test can let a day pass in milliseconds."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two times and a way to wait."""

    def monotonic(self) -> float:
        """Seconds that never go back; for deadlines, waits and breakers."""

    def time(self) -> float:
        """Seconds since 1970 UTC, which the user or the network may set; for days and for times a provider names."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970 UTC."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
