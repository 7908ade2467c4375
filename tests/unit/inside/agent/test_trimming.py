"""Older outputs are left out until a conversation fits, and nothing else is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.inside.agent.trimming import CHARACTERS_A_TOKEN, KEPT, trimmed


def tool(text: str, *, as_parts: bool = True) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": text}] if as_parts else text}


def assistant(**arguments: Any) -> dict[str, Any]:
    function = {"name": "f", "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function": function}]}


def conversation(length: int, size: int = 1000) -> dict[str, Any]:
    messages = [{"role": "system", "content": "s" * 500}, {"role": "user", "content": "u" * 500}]
    for _ in range(length):
        messages += [assistant(command="create", file_text="t" * size), tool("o" * size)]
    return {"messages": messages, "tools": [{"type": "function"}]}


def size_of(body: dict[str, Any]) -> int:
    return len(json.dumps(body))


@pytest.mark.parametrize("tokens", [None, 1_000_000])
def test_what_fits_stays_as_it_is(tokens: int | None) -> None:
    body = conversation(10)
    assert trimmed(body, tokens) == body


def test_the_oldest_go_first_and_only_as_many_as_must() -> None:
    body = conversation(10)
    before = json.dumps(body)
    tokens = size_of(body) // CHARACTERS_A_TOKEN - 500
    short = trimmed(body, tokens)
    assert json.dumps(body) == before
    assert size_of(short) <= tokens * CHARACTERS_A_TOKEN
    changed = [number for number, one in enumerate(short["messages"]) if one != body["messages"][number]]
    assert changed == [2, 3]
    assert short["messages"][3]["content"] == [
        {"type": "text", "text": "[An earlier output of 1000 characters, left out.]"}
    ]
    arguments = json.loads(short["messages"][2]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"command": "create", "file_text": "[1000 characters, left out]"}


def test_the_newest_and_the_task_stay_whatever_the_size() -> None:
    body = conversation(10)
    short = trimmed(body, 1)
    assert short["messages"][:2] == body["messages"][:2]
    assert short["messages"][-KEPT:] == body["messages"][-KEPT:]
    assert all("left out" in str(one) for one in short["messages"][2:-KEPT])


def test_contents_that_are_plain_texts_stay_plain() -> None:
    body = {"messages": [tool("o" * 999, as_parts=False), *conversation(3)["messages"]]}
    assert trimmed(body, 1)["messages"][0]["content"] == "[An earlier output of 999 characters, left out.]"


@given(
    st.lists(
        st.sampled_from([tool("x" * 300), tool("", as_parts=False), assistant(a="y" * 500), {"role": "assistant"}])
        | st.builds(lambda text: {"role": "tool", "content": text}, st.none() | st.text() | st.lists(st.integers()))
        | st.just({"role": "assistant", "tool_calls": [{"function": {"arguments": "{bad"}}, {}]}),
        max_size=12,
    ),
    st.integers(1, 2000),
)
def test_any_conversation_keeps_its_messages_and_their_roles(messages: list[dict[str, Any]], tokens: int) -> None:
    short = trimmed({"messages": messages}, tokens)["messages"]
    assert [one.get("role") for one in short] == [one.get("role") for one in messages]
    assert short[-KEPT:] == messages[-KEPT:]
