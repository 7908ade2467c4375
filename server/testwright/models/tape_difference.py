"""Where two JSON values differ first, in words."""

from __future__ import annotations

import json
from typing import Any

_EXCERPT = 30
"""Characters on each side of the first that differs."""


def first_difference(recorded: Any, asked: Any, where: str = "") -> str | None:
    """The first difference between what was recorded and what is asked.

    Args:
        recorded: A JSON value.
        asked: Another one.
        where: Place of both in the whole: ``messages[3].content``.

    Returns:
        A sentence without its full stop; None when there is none.
    """
    if isinstance(recorded, dict) and isinstance(asked, dict):
        return _of_objects(recorded, asked, where)
    if isinstance(recorded, list) and isinstance(asked, list):
        return _of_lists(recorded, asked, where)
    if json.dumps(recorded) == json.dumps(asked):
        return None
    at = _first_other(recorded, asked) if isinstance(recorded, str) and isinstance(asked, str) else 0
    return f"{where or 'it'} is {_shown(recorded, at)} in the record and {_shown(asked, at)} now"


def _of_objects(recorded: dict[str, Any], asked: dict[str, Any], where: str) -> str | None:
    for name in dict.fromkeys((*recorded, *asked)):
        inner = f"{where}.{name}" if where else name
        if name not in asked:
            return f"{inner} is in the record and is not asked now"
        if name not in recorded:
            return f"{inner} is asked now and is not in the record"
        if (found := first_difference(recorded[name], asked[name], inner)) is not None:
            return found
    return None


def _of_lists(recorded: list[Any], asked: list[Any], where: str) -> str | None:
    for number, (one, other) in enumerate(zip(recorded, asked, strict=False)):
        if (found := first_difference(one, other, f"{where}[{number}]")) is not None:
            return found
    if len(recorded) != len(asked):
        return f"{where or 'it'} has {len(recorded)} entries in the record and {len(asked)} now"
    return None


def _first_other(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _shown(value: Any, at: int) -> str:
    if not isinstance(value, str):
        text = json.dumps(value)
        return text if len(text) <= 2 * _EXCERPT else text[: 2 * _EXCERPT] + "…"
    begin = max(0, at - _EXCERPT)
    part = json.dumps(value[begin : at + _EXCERPT], ensure_ascii=False)
    return f"{'…' if begin else ''}{part}{'…' if at + _EXCERPT < len(value) else ''}"
