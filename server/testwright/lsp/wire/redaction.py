"""Values that are never told: those of variables whose names are those of keys."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
LEAST_LENGTH = 8
"""Shorter values are no keys, and hiding them would hide half of a log."""

_KEY_NAME = re.compile(r"(?i)(?:(?:^|_)key|apikey|token|secret|password|passwd|credentials?)(?:$|_)")


class Redaction:
    """Hides the values of keys in text.

    Args:
        environ: Variables to look at; the process's own when None.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        variables = os.environ if environ is None else environ
        values = {
            value.strip()
            for name, value in variables.items()
            if _KEY_NAME.search(name) and len(value.strip()) >= LEAST_LENGTH
        }
        # Within JSON a value can be spelled with escapes.
        values |= {json.dumps(value, ensure_ascii=escaped)[1:-1] for value in values for escaped in (True, False)}
        # The longest first: one may be a part of another.
        ordered = sorted(values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def hide(self, text: str) -> str:
        """The text, with ``***`` in place of each such value."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)

    def hide_in(self, value: Any) -> Any:
        """A JSON value, with ``***`` in each of its texts."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {self.hide(str(name)): self.hide_in(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.hide_in(one) for one in value]
        return value
