"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it is, in a word or two.
        state: ``missing`` keeps tests from being generated; ``note`` does not.
        detail: What was found.
        next_step: What to do about it; empty when there is nothing to do.
    """

    name: str
    state: State
    detail: str
    next_step: str = ""
