"""The ``match`` of ``pytest.raises``: a plain text as a pattern that a person can read (pure)."""

from __future__ import annotations

import re

_SPECIAL = frozenset(".^$*+?{}[]\\|()")
_READABLE_ESCAPES = 6
_READABLE_LENGTH = 60


def is_plain(text: str) -> bool:
    """Whether a text is its own pattern."""
    return bool(text) and not _SPECIAL.intersection(text)


def escaped(text: str) -> str:
    """Escape only what means something in a pattern; unlike ``re.escape``, spaces stay spaces."""
    return "".join("\\" + character if character in _SPECIAL else character for character in text)


def unescaped(pattern: str) -> str | None:
    """The text that a pattern stands for, None when it is more than an escaped text."""
    text = re.sub(r"\\(\W)", r"\1", pattern)
    return text if pattern in {escaped(text), re.escape(text)} else None


def raw_literal(text: str) -> str | None:
    """A raw string literal of the escaped text, None where ``re.escape`` reads better."""
    pattern = escaped(text)
    if len(pattern) - len(text) > _READABLE_ESCAPES or len(text) > _READABLE_LENGTH:
        return None
    if "\\" in text or not text.isprintable():
        return None
    quote = "'" if '"' in text else '"'
    return None if quote in text else f"r{quote}{pattern}{quote}"
