"""Times in headers and metadata of a refusal: when to try again, and when a limit ends. Pure.

All of them are put on our own clock. Where the response has a ``Date``, a point in time is read as so many seconds from
that, since our clock may be wrong; a limit that ends at midnight by the provider's clock then still ends in an hour.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

FARTHEST = 32 * 86_400.0
"""Seconds. No limit is longer than a month, so what is farther off is no time at all."""

_MILLISECONDS_FROM = 1e11
"""A point in time that is larger than this is in milliseconds: in seconds it would be the year 5138."""
_POINT_FROM = 1e9
"""A number that is larger than this is a point in time, a smaller one is seconds from now."""
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?", re.ASCII)
"""``6m0s`` or ``120ms``, as OpenAI documents for its headers."""


@dataclass(frozen=True, slots=True)
class LimitTold:
    """What a provider says of the limit that was hit.

    Attributes:
        is_told: Whether it says anything.
        seconds: Until it ends; None when it does not say.
        resets_at: The same as seconds since 1970 UTC on our clock.
    """

    is_told: bool = False
    seconds: float | None = None
    resets_at: float | None = None

    @classmethod
    def until(cls, seconds: float | None, *, now: float) -> Self:
        """A limit that ends in so many seconds."""
        return cls(is_told=True, seconds=seconds, resets_at=None if seconds is None else now + seconds)

    @staticmethod
    def at(value: Any, *, now: float) -> float | None:
        """A point in time as seconds since 1970 UTC: a number, or a date as ISO 8601 writes it; None when neither."""
        if isinstance(value, str):
            try:
                point = datetime.fromisoformat(value)
            except ValueError:
                point = None
            if point is not None:
                value = (point if point.tzinfo else point.replace(tzinfo=UTC)).timestamp()
        seconds = _seconds_until(value, now)
        return None if seconds is None else now + seconds


def limit_told(headers: Mapping[str, str], more: Mapping[str, Any], *, now: float) -> LimitTold:
    """The limit of ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset``, also in OpenAI's form with ``-Requests``.

    Args:
        headers: Of the response, names in small letters.
        more: Headers that OpenRouter puts into ``error.metadata.headers``.
        now: Seconds since 1970 UTC by our own clock.
    """
    said = {name.lower(): value for name, value in [*headers.items(), *more.items()]}
    server_now = _server_time(said, now)
    for end in ("", "-requests"):
        told = [said.get(f"x-ratelimit-{what}{end}") for what in ("limit", "remaining", "reset")]
        if any(value is not None for value in told):
            return LimitTold.until(_seconds_until(told[2], server_now), now=now)
    return LimitTold()


def retry_after(headers: Mapping[str, str], metadata: Mapping[str, Any], *, now: float) -> float | None:
    """Seconds to wait: OpenRouter's metadata, which knows the provider behind, else ``Retry-After`` in either form."""
    for field in ("retry_after_seconds", "retry_after_seconds_raw"):
        seconds = _number(metadata.get(field))
        if seconds is not None and 0 <= seconds <= FARTHEST:
            return seconds
    inner = metadata.get("headers")
    more = inner if isinstance(inner, Mapping) else {}
    said = {name.lower(): value for name, value in [*more.items(), *headers.items()]}
    value = said.get("retry-after")
    seconds = _number(value)
    if seconds is None and isinstance(value, str):
        point = _http_date(value)
        seconds = None if point is None else max(0.0, point - _server_time(said, now))
    return seconds if seconds is not None and 0 <= seconds <= FARTHEST else None


def _seconds_until(value: Any, now: float) -> float | None:
    """Seconds from a time to one that was told: a point in seconds or milliseconds, seconds, or a duration."""
    number = _number(value)
    if number is None:
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) and len(value) < 40 else None
        if match is None or not any(match.groups()):
            return None
        hours, minutes, seconds, thousandths = (float(part or 0) for part in match.groups())
        number = hours * 3600 + minutes * 60 + seconds + thousandths / 1000
    elif number >= _POINT_FROM:
        number = (number / 1000 if number >= _MILLISECONDS_FROM else number) - now
    return max(0.0, number) if number <= FARTHEST else None


def _server_time(headers: Mapping[str, Any], now: float) -> float:
    date = headers.get("date")
    point = _http_date(date) if isinstance(date, str) else None
    return now if point is None else point


def _http_date(text: str) -> float | None:
    try:
        point = parsedate_to_datetime(text)
        return (point if point.tzinfo else point.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
