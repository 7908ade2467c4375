"""Answers that are worth something, and those that are not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_provider import completion, tool_call

from testwright.models.answers import MOST_EQUAL_CALLS, check
from testwright.models.tool_text import call_in_text
from testwright.models.values import ChatRequest, Fault, FaultKind

NAMES = ("terminal", "file_editor")
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in NAMES]
NAMES_OFFERED = frozenset(NAMES)
WITH_TOOLS = ChatRequest(body={"messages": [], "tools": TOOLS})
WITHOUT = ChatRequest(body={"messages": []})
CALL = '{"name": "terminal", "arguments": {"command": "ls"}}'


DEEP = "".join(f'{{"a{at}":' for at in range(50_000))


def kind_of(whole: dict[str, Any], request: ChatRequest = WITH_TOOLS) -> FaultKind | None:
    try:
        check(whole, request)
    except Fault as fault:
        return fault.kind if fault.was_sent and fault.words.isprintable() else None
    return None


def calls_of(whole: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = check(whole, WITH_TOOLS)["choices"][0]["message"]["tool_calls"]
    return found


# -- empty ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [WITH_TOOLS, WITHOUT], ids=["tools", "no tools"])
@pytest.mark.parametrize(
    ("whole", "kind", "words"),
    [
        (completion(""), "empty", "empty"),
        (completion(None), "empty", "empty"),
        (completion(" \n\t "), "empty", "empty"),
        (completion(" " * 4000, finish_reason="length"), "empty", "empty"),
        (completion("", reasoning="Let me think."), "empty", "empty"),
        (
            completion("", reasoning="Let me think.", finish_reason="length"),
            "empty",
            "all tokens of its answer on thinking",
        ),
        (completion("", finish_reason="content_filter"), "forbidden", "filter"),
        (completion(None, refusal="I cannot help with that."), "forbidden", "refuses"),
    ],
)
def test_nothing_is_no_answer(whole: dict[str, Any], kind: FaultKind, words: str, request_: ChatRequest) -> None:
    with pytest.raises(Fault, match=words) as caught:
        check(whole, request_)
    assert caught.value.kind == kind


@pytest.mark.parametrize("content", ["ok", "0", "…", "  x"])
def test_little_is_an_answer(content: str) -> None:
    whole = completion(content)
    assert check(whole, WITHOUT) == whole


def test_content_none_beside_a_tool_call_is_an_answer() -> None:
    assert kind_of(completion(None, tool_calls=[tool_call("terminal", {})])) is None


# -- looping --------------------------------------------------------------------------------------------------------

LOOPS = {
    "a token": "!" * 400,
    "a word": "the " * 300,
    "a sentence": "I will now run the tests again.\n" * 40,
    "a sentence after some text": "The function has two branches. " * 3 + "Let me look at the file once more. " * 60,
    "a sentence with blanks at its end": "I will now run the tests again.\n" * 40 + "\n \n",
    "a sentence cut off": "I will now run the tests again.\n" * 40 + "I will now r",
    "a long block": ("def test_one():\n    assert add(1, 2) == 3\n    assert add(2, 1) == 3\n\n\n" * 40),
}


@pytest.mark.parametrize("text", LOOPS.values(), ids=LOOPS.keys())
@pytest.mark.parametrize("field", ["content", "reasoning", "arguments"])
def test_a_phrase_again_and_again_until_the_limit_of_tokens_is_a_loop(text: str, field: str) -> None:
    if field == "content":
        whole = completion(text, finish_reason="length")
    elif field == "reasoning":
        whole = completion("", reasoning=text, finish_reason="length")
    else:
        whole = completion(None, tool_calls=[tool_call("terminal", '{"command": "' + text)], finish_reason="length")
    assert kind_of(whole) == "looping"


def test_a_loop_that_ends_by_itself_is_one_when_it_is_nearly_all_there_is() -> None:
    assert kind_of(completion("Sure! " + "The answer is 42. " * 200)) == "looping"


def test_many_equal_tool_calls_are_a_loop_and_different_ones_are_not() -> None:
    equal = [tool_call("terminal", {"command": "ls"}, call_id=f"call_{at}") for at in range(MOST_EQUAL_CALLS)]
    assert kind_of(completion(None, tool_calls=equal)) == "looping"
    assert kind_of(completion(None, tool_calls=equal[1:])) is None
    different = [tool_call("terminal", {"command": f"cat {at}"}, call_id=f"call_{at}") for at in range(20)]
    assert kind_of(completion(None, tool_calls=different)) is None


@pytest.mark.parametrize("finish_reason", ["stop", "length"])
@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"    assert add({at}, {at}) == {2 * at}" for at in range(400)),
        "| Name | Value |\n| ---- | ----- |\n" + "\n".join(f"| {at} | x |" for at in range(300)),
        "# " + "=" * 78 + "\n" + "# a heading\n" + "# " + "=" * 78,
        "iVBORw0KGgoAAAANSUhEUgAAAAUA" + "AAAA" * 30 + "AAAFCAYAAACNbyblAAAAHElEQVQI12P4",
        "x = [" + "0, " * 60 + "\n]",
        "Yes.\n" + "\n" * 3000,
        "a" + " " * 3000,
        "def f():\n    pass\n\n\n" * 15,
        "=" * 150,
        "\n".join(f"x{at} = {at}" for at in range(400)) + "\nzeros = [" + "0, " * 100,
    ],
    ids=["asserts", "table", "rule", "base64", "zeros", "lines", "blanks", "stubs", "short", "a table at the end"],
)
def test_honest_repetition_is_no_loop(text: str, finish_reason: str) -> None:
    assert kind_of(completion(text, finish_reason=finish_reason)) is None


# -- tool calls as text ---------------------------------------------------------------------------------------------

AS_TEXT = {
    "hermes": f"<tool_call>\n{CALL}\n</tool_call>",
    "hermes after words": f"I will list the files.\n<tool_call>\n{CALL}\n</tool_call>",
    "hermes cut off": f"<tool_call>{CALL[:-4]}",
    "qwen coder": "<tool_call>\n<function=terminal>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>",
    "qwen coder without the outer tag": "<function=terminal>\n<parameter=command>\nls\n</parameter>\n</function>",
    "llama function": '<function=terminal>{"command": "ls"}</function>',
    "glm": "<tool_call>terminal\n<arg_key>command</arg_key>\n<arg_value>ls</arg_value>\n</tool_call>",
    "mistral": f"[TOOL_CALLS] [{CALL}]",
    "mistral with args": '[TOOL_CALLS]terminal[ARGS]{"command": "ls"}',
    "llama python tag": f"<|python_tag|>{CALL}",
    "kimi": (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.terminal:0<|tool_call_argument_begin|>{}"
        "<|tool_call_end|><|tool_calls_section_end|>"
    ),
    "deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>terminal\n```json\n{}\n```",  # noqa: RUF001
    "deepseek dsml": '<｜DSML｜function_calls>\n<｜DSML｜invoke name="terminal">',  # noqa: RUF001
    "invoke": '<function_calls>\n<invoke name="terminal">\n<parameter name="command">ls</parameter>\n</invoke>',
    "object": CALL,
    "object with parameters": CALL.replace("arguments", "parameters"),
    "object in a fence": f"Now I call the tool:\n\n```json\n{CALL}\n```\n",
    "object in a bare fence": f"```\n{CALL}\n```",
    "list": f"[{CALL}, {CALL}]",
    "as OpenAI nests it": '{"type": "function", "function": ' + CALL + "}",
    "arguments as text": json.dumps({"name": "terminal", "arguments": '{"command": "ls"}'}),
    "markup in a fence": f"```xml\n<tool_call>{CALL}</tool_call>\n```",
}


@pytest.mark.parametrize("text", AS_TEXT.values(), ids=AS_TEXT.keys())
def test_a_tool_call_in_the_text_is_found_when_such_a_tool_was_offered(text: str) -> None:
    assert kind_of(completion(text)) == "tool-call-as-text"
    assert kind_of(completion(text), WITHOUT) is None
    assert kind_of(completion(text.replace("terminal", "other_tool"))) is None
    assert kind_of(completion(text, tool_calls=[tool_call("terminal", {})])) is None


@pytest.mark.parametrize(
    "text",
    [
        "I would use the terminal tool with the command `ls`.",
        "Call terminal(command='ls') and then finish.",
        f"A call looks like this:\n\n```json\n{CALL}\n```\n\nThat is what I would do.",
        f"In the log stands <tool_call>{CALL}</tool_call>, which is odd.",
        f'```python\nTEXT = """\n<tool_call>\n{CALL}\n</tool_call>\n"""\n```',
        f'```python\nassert parse("<function=terminal>") == {CALL}\n```',
        '{"name": "terminal", "version": "1.0", "arguments": []}',
        '{"name": "terminal", "version": "1.0", "arguments": {}}',
        '{"name": "terminal"}',
        '{"name": "terminal", "arguments": {}, "parameters": {}}',
        '{"terminal": {"command": "ls"}}',
        "```json\n{}\n```",
        "[]",
        "<function=terminal> is how some models write it.",
        "def terminal(arguments):\n    return arguments\n",
    ],
)
def test_prose_and_code_about_tools_are_no_calls(text: str) -> None:
    assert kind_of(completion(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "`" * 100_000,
        "~~~" + " " * 100_000,
        "```" + "a" * 100_000,
        "[TOOL_CALLS]terminal" + " " * 100_000 + "x",
        "<tool_call>terminal" + "\n" * 100_000 + "x",
        "<tool_call>" + "a" * 100_000,
        "<|tool_call_begin|>" + "functions." * 10_000,
        "<|tool_call_begin|>" + ":1" * 50_000,
        "```\n" * 30_000,
        "[" * 100_000 + "{",
    ],
)
def test_no_text_keeps_the_search_for_calls_busy(text: str) -> None:
    """Where a pattern could try again and again, this would not come to an end while anybody waits."""
    assert call_in_text("x" + text + "x", NAMES_OFFERED) is None
    assert call_in_text(text, NAMES_OFFERED) is None


# -- tool calls -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", ["{", "[]", '"{}"', "7", "null", "{'a': 1}", '{"a": NaN}', "{} {}", DEEP, '{"a": Infinity}']
)
def test_arguments_that_are_no_object_are_a_bad_tool_call(arguments: str) -> None:
    with pytest.raises(
        Fault, match="arguments of its call of terminal cannot be used: they are no JSON object"
    ) as caught:
        check(completion(None, tool_calls=[tool_call("terminal", arguments)]), WITH_TOOLS)
    assert caught.value.kind == "bad-tool-call"


def test_arguments_that_were_cut_off_are_told_as_such() -> None:
    whole = completion(None, tool_calls=[tool_call("terminal", '{"command": "l')], finish_reason="length")
    with pytest.raises(Fault, match="the limit of tokens has cut them off") as caught:
        check(whole, WITH_TOOLS)
    assert caught.value.kind == "bad-tool-call"


@pytest.mark.parametrize("name", ["", "rm", "Terminal", "functions.terminal", "\x1b[31m"])
def test_a_tool_that_nobody_offered_is_a_bad_tool_call(name: str) -> None:
    assert kind_of(completion(None, tool_calls=[tool_call(name, {})])) == "bad-tool-call"


def test_without_tools_each_call_is_a_bad_one() -> None:
    assert kind_of(completion(None, tool_calls=[tool_call("terminal", {})]), WITHOUT) == "bad-tool-call"


@pytest.mark.parametrize("arguments", ["", "  ", "\n"])
def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    (call,) = calls_of(completion(None, tool_calls=[tool_call("terminal", arguments)]))
    assert call["function"]["arguments"] == "{}"


def test_good_calls_stay_as_they_are() -> None:
    whole = completion("First this.", tool_calls=[tool_call("terminal", {"command": "ls"}, call_id="abc")])
    assert check(whole, WITH_TOOLS) == whole


def test_a_finish_reason_stop_beside_calls_is_made_what_agents_look_for() -> None:
    whole = completion(None, tool_calls=[tool_call("terminal", {})], finish_reason="stop")
    assert check(whole, WITH_TOOLS)["choices"][0]["finish_reason"] == "tool_calls"
    assert whole["choices"][0]["finish_reason"] == "stop", "what was given is not changed"


@given(ids=st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=6))
def test_each_call_has_an_id_of_its_own(ids: list[str]) -> None:
    whole = completion(None, tool_calls=[tool_call("terminal", {"n": at}, call_id=one) for at, one in enumerate(ids)])
    found = [call["id"] for call in calls_of(whole)]
    assert len(set(found)) == len(ids)
    assert all(found)
    assert found[0] == ids[0] or not ids[0]
    assert found == [call["id"] for call in calls_of(whole)], "the same answer, the same ids"


def test_ids_of_two_answers_differ() -> None:
    first = completion(None, tool_calls=[tool_call("terminal", {}, call_id="")])
    second = {**first, "id": "chatcmpl-2"}
    assert calls_of(first)[0]["id"] != calls_of(second)[0]["id"]


@pytest.mark.parametrize("tools", [None, [], "x", [7], [{}], [{"function": 7}], [{"function": {"name": 7}}]])
def test_tools_of_any_shape_offer_nothing(tools: Any) -> None:
    assert kind_of(completion(f"<tool_call>{CALL}</tool_call>"), ChatRequest(body={"tools": tools})) is None
