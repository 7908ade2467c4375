from __future__ import annotations

from typing import Any

import pytest

from testwright.models.probe import PROBE, TOOL, shortcoming
from testwright.models.values import ChatAnswer, Usage


def answer(message: Any, finish_reason: str = "tool_calls") -> ChatAnswer:
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
    return ChatAnswer(model="m", body=body, finish_reason=finish_reason, usage=Usage(), seconds=1.0)


def calling(arguments: Any, name: Any = TOOL) -> dict[str, Any]:
    return {"content": None, "tool_calls": [{"id": "1", "function": {"name": name, "arguments": arguments}}]}


@pytest.mark.parametrize("arguments", ['{"sum": 42}', '{"sum": 42.0}', ' {"sum":42, "note": "x"} '])
def test_a_call_with_the_right_argument_is_what_is_wanted(arguments: str) -> None:
    assert shortcoming(answer(calling(arguments))) == ""


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"content": "The sum is 42."}, "It did not call the tool that it was to call."),
        ({"content": "", "tool_calls": []}, "It did not call the tool that it was to call."),
        ({"content": "", "tool_calls": "none"}, "It did not call the tool that it was to call."),
        (None, "It did not call the tool that it was to call."),
        (calling('{"sum": 42}', name="add"), "It called a tool that is not there."),
        ({"tool_calls": [{"id": "1", "function": None}]}, "It called a tool that is not there."),
        (calling('{"sum": 43}'), "It called the tool with '43' in place of 42."),
        (calling('{"sum": "42"}'), "It called the tool with '42' as text in place of a number."),
        (calling('{"sum": true}'), "It called the tool with 'True' in place of 42."),
        (calling('{"total": 42}'), "It called the tool without the argument that it needs."),
        (calling("42"), "It called the tool without the argument that it needs."),
        (calling("{"), "It called the tool without the argument that it needs."),
        (calling(None), "It called the tool without the argument that it needs."),
        (calling("[" * 100_000), "It called the tool without the argument that it needs."),
    ],
    ids=str,
)
def test_what_else_it_may_answer_is_told(message: Any, words: str) -> None:
    assert shortcoming(answer(message)) == words


def test_an_answer_that_was_cut_off_is_told() -> None:
    assert shortcoming(answer({"content": "Let me think"}, "length")).endswith(" Its answer was cut off.")


def test_the_question_names_its_tool() -> None:
    assert TOOL in PROBE.body["messages"][0]["content"]
    assert [tool["function"]["name"] for tool in PROBE.body["tools"]] == [TOOL]
