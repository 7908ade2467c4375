"""One cheap question that only a model which calls tools can answer: what ``testwright models check`` asks."""

from __future__ import annotations

import json
from typing import Any

from testwright.models.values import ChatAnswer, ChatRequest, FaultKind

TOOL = "report_sum"
_SUM = 42

PROBE = ChatRequest(
    body={
        "messages": [
            {"role": "user", "content": f"Add 17 and 25, and call the tool {TOOL} with the sum. Say nothing else."}
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": TOOL,
                    "description": "Takes the sum of two numbers.",
                    "parameters": {
                        "type": "object",
                        "properties": {"sum": {"type": "integer", "description": "The sum."}},
                        "required": ["sum"],
                        "additionalProperties": False,
                    },
                },
            }
        ],
        "temperature": 0,
        "max_tokens": 1000,  # a model that reasons takes some hundred before it calls
    }
)
"""The question. It holds nothing of anybody's."""

UNABLE = frozenset[FaultKind]({"empty", "looping", "tool-call-as-text", "bad-tool-call"})
"""Faults that say that the model cannot do it; the others say nothing about that."""


def shortcoming(answer: ChatAnswer) -> str:
    """What is wrong with an answer to ``PROBE``, as a sentence; empty when the tool was called as it should be."""
    calls = _calls(answer)
    if not calls:
        cut = " Its answer was cut off." if answer.finish_reason == "length" else ""
        return f"It did not call the tool that it was to call.{cut}"
    function = calls[0].get("function")
    if not isinstance(function, dict) or function.get("name") != TOOL:
        return "It called a tool that is not there."
    try:
        given = json.loads(function["arguments"])["sum"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return "It called the tool without the argument that it needs."
    if given == str(_SUM):
        return f"It called the tool with {given!r} as text in place of a number."
    if isinstance(given, bool) or given != _SUM:
        return f"It called the tool with {str(given)[:40]!r} in place of {_SUM}."
    return ""


def _calls(answer: ChatAnswer) -> list[dict[str, Any]]:
    try:
        calls = answer.body["choices"][0]["message"]["tool_calls"]
    except (LookupError, TypeError):
        return []
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
