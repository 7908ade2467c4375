"""Keep a conversation within what a model reads: the oldest outputs of tools are left out first. Pure.

The SDK's own way is to have a model sum up, which costs requests and is known to come to no end.
"""

from __future__ import annotations

import json
from typing import Any

CHARACTERS_A_TOKEN = 3
"""Of code and tool output; English prose has four. Too few only leaves out more."""

KEPT = 4
"""So many of the newest messages are never shortened: the agent reacts to them."""

MAX_ARGUMENT = 400


def trimmed(body: dict[str, Any], tokens: int | None) -> dict[str, Any]:
    """The request, its older outputs and long arguments left out until it has at most so many tokens.

    It may stay longer: who answers then says so.
    """
    if tokens is None:
        return body
    messages = list(body.get("messages", ()))
    size = len(json.dumps(body))
    for number in range(len(messages) - KEPT):
        if size <= tokens * CHARACTERS_A_TOKEN:
            break
        shorter = _shorter(messages[number])
        size -= len(json.dumps(messages[number])) - len(json.dumps(shorter))
        messages[number] = shorter
    return {**body, "messages": messages}


def _shorter(message: dict[str, Any]) -> dict[str, Any]:
    if message.get("role") == "tool":
        left_out = f"[An earlier output of {len(_text(message.get('content')))} characters, left out.]"
        content: Any = [{"type": "text", "text": left_out}] if isinstance(message.get("content"), list) else left_out
        return {**message, "content": content}
    if message.get("role") == "assistant" and message.get("tool_calls"):
        return {**message, "tool_calls": [_shorter_call(call) for call in message["tool_calls"]]}
    return message


def _shorter_call(call: dict[str, Any]) -> dict[str, Any]:
    """Long arguments, as the content of a created file, are said in short; it stays JSON of the same names."""
    function = call.get("function", {})
    try:
        arguments = json.loads(function.get("arguments", ""))
    except (TypeError, ValueError):
        return call
    if not isinstance(arguments, dict):
        return call
    short = {
        name: f"[{len(value)} characters, left out]" if isinstance(value, str) and len(value) > MAX_ARGUMENT else value
        for name, value in arguments.items()
    }
    return {**call, "function": {**function, "arguments": json.dumps(short)}}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
