"""A whole answer as the events of a stream, for a client that has asked for one. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

DONE = b"data: [DONE]\n\n"


def events(answer: dict[str, Any], *, with_usage: bool) -> Iterator[bytes]:
    """Server-sent events of OpenAI's format: each choice at once, its end, usage where it is wanted, and the last one.

    Args:
        answer: A ``chat.completion``.
        with_usage: Whether ``stream_options`` asked for it.
    """
    base = {**{name: value for name, value in answer.items() if name not in ("choices", "usage")}}
    base["object"] = "chat.completion.chunk"
    for choice in answer.get("choices", ()):
        index = choice.get("index", 0)
        delta = dict(choice.get("message", {}))
        if delta.get("tool_calls"):
            delta["tool_calls"] = [{"index": number, **call} for number, call in enumerate(delta["tool_calls"])]
        yield _event({**base, "choices": [{"index": index, "delta": delta, "finish_reason": None}]})
        yield _event({**base, "choices": [{"index": index, "delta": {}, "finish_reason": choice.get("finish_reason")}]})
    if with_usage and "usage" in answer:
        yield _event({**base, "choices": [], "usage": answer["usage"]})
    yield DONE


def _event(payload: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"
