"""What an answer took, as the provider counts it, or estimated where it does not. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from testwright.models.values import ModelEntry, Usage

CHARACTERS_OF_TOKEN = 4
"""Of English and of code, by the rule of thumb that OpenAI gives for its tokenisers."""


def usage_told(said: Mapping[str, Any], entry: ModelEntry) -> Usage:
    """The ``usage`` of an answer; its cost by the registry's prices where the provider does not say it."""
    prompt, completion = _count(said.get("prompt_tokens")), _count(said.get("completion_tokens"))
    cost = said.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not math.isfinite(cost) or cost < 0:
        cost = _cost(entry, prompt, completion)
    return Usage(prompt_tokens=prompt, completion_tokens=completion, cost=float(cost))


def usage_estimated(sent: bytes, message: Mapping[str, Any], entry: ModelEntry) -> Usage:
    """What an answer may have taken whose provider does not count.

    Args:
        sent: The body of the request.
        message: Of the answer.
        entry: Whose prices hold.
    """
    prompt = math.ceil(len(sent) / CHARACTERS_OF_TOKEN)
    completion = math.ceil(len(json.dumps(message, ensure_ascii=False)) / CHARACTERS_OF_TOKEN)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cost=_cost(entry, prompt, completion),
        is_estimated=True,
    )


def _cost(entry: ModelEntry, prompt: int, completion: int) -> float:
    return (prompt * entry.cost_per_1m_input + completion * entry.cost_per_1m_output) / 1_000_000


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
