"""What is sent to a provider of what was asked. Pure.

Who asks may be an agent that reads text of strangers, so the fields pass a list of those that are known to ask for
nothing but an answer: not for plug-ins, web search or several answers, which cost money even with a free model, and
not for another model or provider.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from testwright.models.values import ChatRequest, Fault, ModelEntry, Provider

MAX_REQUEST_BYTES = 16 * 1024 * 1024
"""More than any model's context holds."""

FIELDS = frozenset(
    {
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "seed",
        "temperature",
        "top_p",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
    }
)
"""OpenAI's, which all servers know."""
OPENROUTER_FIELDS = frozenset(
    {
        "top_k",
        "min_p",
        "top_a",
        "repetition_penalty",
        "reasoning",
        "reasoning_effort",
        "include_reasoning",
        "prompt_cache_key",
    }
)
"""What OpenRouter takes besides. Agents add some of them for any model; strict servers refuse what is new to them."""


def request_body(
    provider: Provider,
    entry: ModelEntry,
    request: ChatRequest,
    *,
    data_collection: Literal["allow", "deny"],
) -> bytes:
    """The body of a chat-completions request.

    Usage is asked for where a stream does not bring it by itself; OpenRouter always does ("Usage Accounting" in its
    documentation). ``data_collection`` is only sent to deny it: what the account's own settings deny stays denied.

    Raises:
        Fault: It cannot be sent: it is no JSON, too large, or offers a tool that is no function.
    """
    fields = FIELDS | OPENROUTER_FIELDS if provider.speaks_openrouter else FIELDS
    body: dict[str, Any] = {name: value for name, value in request.body.items() if name in fields}
    _check_tools(body.get("tools"))
    body["model"] = entry.name
    body["stream"] = request.stream
    if provider.speaks_openrouter:
        if data_collection == "deny":
            body["provider"] = {"data_collection": "deny"}
    elif request.stream:
        body["stream_options"] = {"include_usage": True}
    try:
        sent = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _refused(f"it cannot be written as JSON: {error}") from None
    if len(sent) > MAX_REQUEST_BYTES:
        raise _refused(f"it is larger than {MAX_REQUEST_BYTES:,} bytes")
    return sent


def _check_tools(tools: Any) -> None:
    """Only functions are offered: a provider's own tools, as its web search, would run there and cost money."""
    if tools is None:
        return
    if not isinstance(tools, list):
        raise _refused("its tools are no list")
    for tool in tools:
        if not isinstance(tool, Mapping) or tool.get("type") != "function":
            raise _refused("it offers a tool that is no function")


def _refused(why: str) -> Fault:
    return Fault("bad-request", f"The request was not sent: {why}.", was_sent=False)
