"""A run's events as a line that a person can follow, the same at a terminal and in an editor (pure)."""

from __future__ import annotations

from testwright.model import RunEvent
from testwright.rendering import cost_words

PLAIN_SECONDS = 120
"""Up to so many, seconds are told as such."""


def progress_line(event: RunEvent, *, later: float = 0.0) -> str:
    """What is being done, and how far it is.

    While an engine of our own works that is what is left of the time; while an agent does, what it has taken.

    Args:
        event: The last of the run; its notes and its end are no step.
        later: Seconds that have passed since it came.

    >>> told = RunEvent("progress", "agent", "step 7: running pytest, 3 failed", 130.2, {"requests": 14, "cost": 0.02})
    >>> progress_line(told)
    'step 7: running pytest, 3 failed, 2 min 10 s, 14 requests, $0.02'
    """
    parts = [_step(event)]
    is_agent = "requests" in event.data
    if is_agent:
        parts += _taken(event, later)
    if (covered := event.data.get("covered")) is not None:
        parts.append(f"{int(float(covered))} % covered")
    if not is_agent and (left := _number(event, "left") - later) > 0:
        parts.append(f"{duration_words(left)} left")
    return ", ".join(parts)


def duration_words(seconds: float) -> str:
    """Seconds as people say them.

    >>> [duration_words(seconds) for seconds in (0.4, 75, 130, 3725)]
    ['0 s', '75 s', '2 min 10 s', '1 h 2 min']
    """
    whole = round(max(0.0, seconds))
    if whole < PLAIN_SECONDS:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def _step(event: RunEvent) -> str:
    data = event.data
    match data.get("step"):
        case "candidates" if "kept" in data:
            return f"{data['kept']} of {data['all']} tests kept"
        case "mutants":
            kept = f"{data['kept']} tests kept, " if "kept" in data else ""
            return f"{kept}{data['done']} of {data['all']} mutants tried"
    return event.message


def _taken(event: RunEvent, later: float) -> list[str]:
    """Time, requests and money of a run with an agent so far."""
    requests, cost = int(_number(event, "requests")), _number(event, "cost")
    parts = [duration_words(event.elapsed + later)]
    if requests:
        parts.append("1 request" if requests == 1 else f"{requests:,} requests")
    if cost > 0 and event.data.get("event") != "answered":  # whose cost is that of the one answer
        parts.append(cost_words(cost))
    return parts


def _number(event: RunEvent, key: str) -> float:
    value = event.data.get(key, 0)
    return float(value) if isinstance(value, int | float) else 0.0
