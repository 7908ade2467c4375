"""Whether an answer is worth anything: a model that cannot do the job says so in none of its fields. Pure.

A false alarm is worse than a miss: it costs a request and throws away an answer, while a miss is found by whoever uses
the answer. So each rule wants what honest text does not have; ``tests/unit/models/test_answers_honest.py`` holds them
against real source files.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from testwright.models.repetition import loop_in
from testwright.models.tool_text import call_in_text
from testwright.models.values import ChatRequest, Fault

MOST_EQUAL_CALLS = 8
"""As many equal tool calls in one answer are a loop: nobody needs the same thing done so often at once."""


def check(body: Mapping[str, Any], request: ChatRequest) -> dict[str, Any]:
    """The answer with what is missing of its tool calls: an id for each, ``{}`` for no arguments.

    Args:
        body: A whole ``chat.completion``, as ``streams.Completion`` makes it.
        request: What was asked.

    Raises:
        Fault: The answer is ``empty``, ``looping``, a ``tool-call-as-text``, a ``bad-tool-call``, or ``forbidden``.
    """
    choice = body["choices"][0]
    message = choice["message"]
    reason = choice["finish_reason"]
    calls = message.get("tool_calls") or []
    content = message["content"] or ""
    offered = _offered(request)
    _check_loop(message, calls, is_cut=reason == "length")
    if calls:
        calls = _checked(calls, offered, body, is_cut=reason == "length")
    elif not content.strip():
        _raise_empty(message, reason)
    elif (name := call_in_text(content, offered)) is not None:
        raise Fault("tool-call-as-text", f"It writes a call of the tool {name} as text instead of calling it.")
    if not calls:
        return dict(body)
    whole = {**choice, "message": {**message, "tool_calls": calls}}
    if reason == "stop":
        whole["finish_reason"] = "tool_calls"  # what agents look at; some servers say ``stop`` with a call
    return {**body, "choices": [whole]}


def _offered(request: ChatRequest) -> frozenset[str]:
    """Names of the tools that were offered."""
    tools = request.body.get("tools")
    functions = [tool.get("function") for tool in tools if isinstance(tool, Mapping)] if isinstance(tools, list) else []
    return frozenset(one["name"] for one in functions if isinstance(one, Mapping) and isinstance(one.get("name"), str))


def _raise_empty(message: Mapping[str, Any], reason: str) -> NoReturn:
    if reason == "content_filter":
        raise Fault("forbidden", "The provider's filter has taken the answer away.")
    if message.get("refusal"):
        raise Fault("forbidden", "The model refuses to answer.")
    thought = message.get("reasoning") or message.get("reasoning_content")
    if thought and reason == "length":
        raise Fault("empty", "It spent all tokens of its answer on thinking.")
    raise Fault("empty", "The answer is empty.")


def _check_loop(message: Mapping[str, Any], calls: Sequence[Mapping[str, Any]], *, is_cut: bool) -> None:
    texts = [message.get(name) or "" for name in ("content", "reasoning", "reasoning_content")]
    texts += [call["function"]["arguments"] for call in calls]
    for text in texts:
        phrase = loop_in(text, is_cut=is_cut)
        if phrase is not None:
            raise Fault("looping", f"It says the same again and again: {_shown(phrase)}")
    equal = Counter((call["function"]["name"], call["function"]["arguments"]) for call in calls)
    if equal and max(equal.values()) >= MOST_EQUAL_CALLS:
        raise Fault("looping", f"It makes the same tool call {max(equal.values())} times in one answer.")


def _checked(
    calls: Sequence[Mapping[str, Any]], offered: frozenset[str], body: Mapping[str, Any], *, is_cut: bool
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    ids: set[str] = set()
    for number, call in enumerate(calls):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        if name not in offered:
            raise Fault("bad-tool-call", f"It calls a tool that nobody offered: {_shown(name)}")
        arguments = (
            arguments if arguments.strip() else "{}"
        )  # some leave out what a tool without parameters does not need
        if not _is_object(arguments):
            why = "the limit of tokens has cut them off" if is_cut else "they are no JSON object"
            raise Fault("bad-tool-call", f"The arguments of its call of {name} cannot be used: {why}.")
        call_id = call["id"]
        if not call_id or call_id in ids:
            call_id = _made_id(body, number, name, arguments)
        ids.add(call_id)
        found.append({**call, "id": call_id, "function": {"name": name, "arguments": arguments}})
    return found


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _made_id(body: Mapping[str, Any], number: int, name: str, arguments: str) -> str:
    """An id of our own, the same for the same answer, and different from those of other answers."""
    told = json.dumps([str(body.get("id")), number, name, arguments])
    return "call_" + hashlib.sha256(told.encode()).hexdigest()[:24]


def _shown(text: str) -> str:
    """A short piece of a model's text, on one line, with nothing that a terminal obeys."""
    return repr(text if len(text) <= 60 else text[:59] + "…")
