"""Events and completions: the same answer, wherever the bytes are cut and whichever way it comes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_provider import DONE, PROCESSING, chunks_of, completion, event, tool_call

from testwright.models.streams import MAX_EVENT_BYTES, MAX_TOOL_CALLS, Completion, EventReader
from testwright.models.values import Fault


def events(pieces: Sequence[bytes]) -> list[str]:
    reader = EventReader()
    found = [data for piece in pieces for data in reader.feed(piece)]
    return [*found, *reader.end()]


def answer_of(pieces: Sequence[bytes]) -> dict[str, Any]:
    growing = new()
    for data in events(pieces):
        growing.add_data(data)
    return growing.whole()


def new() -> Completion:
    return Completion(now=0.0, headers={})


def chunk(delta: Any, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields}


def message_of(*chunks: dict[str, Any]) -> dict[str, Any]:
    growing = new()
    for one in chunks:
        growing.add(one)
    growing.add(chunk({}, "stop"))
    message: dict[str, Any] = growing.whole()["choices"][0]["message"]
    return message


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


# -- events ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\r\rdata: b\r\r", ["a", "b"]),
        (b"data: a\r\ndata: b\n\r\n", ["a\nb"]),
        (b"data:a\n\ndata:  b\n\n", ["a", " b"]),
        (b"data\n\ndata:\ndata:\n\n", ["\n"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", ["a"]),
        (b": OPENROUTER PROCESSING\n\n:\n\ndata: a\n\n", ["a"]),
        (b"event: error\nid: 7\nretry: 5\nfoo: bar\ndata: a\n\n", ["a"]),
        ('data: "äöü 🐍"\n\n'.encode(), ['"äöü 🐍"']),
        (b"data: \xff\n\n", ["\ufffd"]),
        (b"data: a\n\ndata: [DONE]", ["a", "[DONE]"]),
        (b'error: {"code":400}\n\ndata: [DONE]\n\n', ['{"error": {"code":400}}', "[DONE]"]),
        (b"", []),
        (b"\n\n\r\n\r\r", []),
        (b"{}", []),
    ],
)
@given(data=st.data())
def test_events_are_those_of_the_standard_wherever_the_bytes_are_cut(
    body: bytes, expected: list[str], data: st.DataObject
) -> None:
    assert events(data.draw(cut(body))) == expected


@given(lines=st.lists(st.binary(max_size=8)), data=st.data())
def test_any_bytes_are_read_alike_in_one_piece_and_in_many(lines: list[bytes], data: st.DataObject) -> None:
    body = b"".join(
        b"data:" + line + data.draw(st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b""])) for line in lines
    )
    assert events(data.draw(cut(body))) == events([body])


@pytest.mark.parametrize("piece", [b"x" * 65_536, b"data: " + b"x" * 65_000 + b"\n"], ids=["line", "event"])
def test_what_has_no_end_is_refused(piece: bytes) -> None:
    with pytest.raises(Fault, match="larger than") as caught:
        events([piece] * (MAX_EVENT_BYTES // len(piece) + 2))
    assert caught.value.kind == "malformed"


# -- answers --------------------------------------------------------------------------------------------------------

WHOLE = completion(
    "Größe and more of it.",
    tool_calls=[tool_call("write", {"path": "a.py", "text": "x\ny"}), tool_call("run", {}, call_id="call_2")],
)


@given(data=st.data())
def test_a_stream_is_the_same_answer_wherever_it_is_cut(data: st.DataObject) -> None:
    body = PROCESSING + b"".join(event(one) + PROCESSING for one in chunks_of(WHOLE)) + DONE
    assert answer_of(data.draw(cut(body))) == WHOLE


def test_a_whole_answer_is_the_same_as_its_stream() -> None:
    growing = new()
    assert growing.add(WHOLE) == "Größe and more of it."
    assert growing.whole() == WHOLE == answer_of([event(one) for one in chunks_of(WHOLE)])


text_pieces = st.lists(st.text(max_size=10), max_size=5)


@given(content=text_pieces, reasoning=text_pieces, arguments=st.lists(text_pieces, max_size=3))
def test_pieces_are_joined_in_order(content: list[str], reasoning: list[str], arguments: list[list[str]]) -> None:
    chunks = [chunk({"content": piece}) for piece in content] + [chunk({"reasoning": piece}) for piece in reasoning]
    for number in range(len(arguments)):
        begin = {"index": number, "id": f"call_{number}", "function": {"name": f"tool{number}", "arguments": ""}}
        chunks.append(chunk({"tool_calls": [begin]}))
    longest = max(map(len, arguments), default=0)
    for at in range(longest):  # parts of the calls come in turns
        for number, pieces in enumerate(arguments):
            if at < len(pieces):
                chunks.append(chunk({"tool_calls": [{"index": number, "function": {"arguments": pieces[at]}}]}))
    message = message_of(*chunks)
    assert (message["content"] or "") == "".join(content)
    assert message.get("reasoning", "") == "".join(reasoning)
    calls = message.get("tool_calls", [])
    assert [call["function"]["arguments"] for call in calls] == ["".join(pieces) for pieces in arguments]
    assert [call["id"] for call in calls] == [f"call_{number}" for number in range(len(arguments))]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        # Two calls with the index 0 and different ids.
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
                {"index": 0, "id": "b", "function": {"name": "g", "arguments": "[1]"}},
            ],
            [("a", "f", "{}"), ("b", "g", "[1]")],
        ),
        # The name and the id in each part.
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
            ],
            [("a", "f", "{}")],
        ),
        # A name in two parts.
        (
            [{"index": 0, "id": "a", "function": {"name": "wri"}}, {"index": 0, "function": {"name": "te"}}],
            [("a", "write", "")],
        ),
        # No index: whole calls, without ids.
        (
            [{"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "g", "arguments": "{}"}}],
            [("", "f", "{}"), ("", "g", "{}")],
        ),
        # No index: parts.
        (
            [{"id": "a", "function": {"name": "f", "arguments": "{"}}, {"function": {"arguments": "}"}}],
            [("a", "f", "{}")],
        ),
        # Arguments that are an object.
        ([{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}], [("a", "f", '{"x": 1}')]),
        # Nothing that is a call.
        ([None, 7, {}], [("", "", "")]),
    ],
    ids=["same index", "name repeated", "name in parts", "no index", "no index, parts", "object", "nothing"],
)
def test_tool_calls_are_joined_as_servers_send_them(deltas: list[Any], expected: list[tuple[str, str, str]]) -> None:
    message = message_of(*[chunk({"tool_calls": [delta]}) for delta in deltas])
    calls = message["tool_calls"]
    assert [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls] == expected


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([chunk({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]})], {"content": "ab"}),
        ([chunk(None)], {"content": None}),
        ([chunk({"content": None, "refusal": "No."})], {"content": None, "refusal": "No."}),
        ([chunk({"reasoning_content": "hm"})], {"content": None, "reasoning_content": "hm"}),
        (
            [chunk({"reasoning_details": [{"text": "a"}]}), chunk({"reasoning_details": [{"text": "b"}]})],
            {"content": None, "reasoning_details": [{"text": "a"}, {"text": "b"}]},
        ),
        ([{"choices": [{"index": 1, "delta": {"content": "no"}}, {"delta": {"content": "yes"}}]}], {"content": "yes"}),
        ([{"choices": [{"index": [], "delta": {"content": "no"}}]}, {"choices": 7}, {}], {"content": None}),
        ([{"choices": [{"message": {"content": "all at once"}}]}], {"content": "all at once"}),
    ],
)
def test_messages_of_any_shape_are_read(chunks: list[Any], expected: dict[str, Any]) -> None:
    assert message_of(*chunks) == {"role": "assistant", **expected}


def test_usage_is_that_of_the_last_chunk_and_its_second_finish_reason_is_none() -> None:
    growing = new()
    growing.add(chunk({"content": "a"}, usage={"completion_tokens": 1}))
    growing.add(chunk({}, "tool_calls"))
    growing.add(chunk({"content": ""}, "tool_calls", usage={"completion_tokens": 2, "cost": 0.5}))
    whole = growing.whole()
    assert whole["usage"] == {"completion_tokens": 2, "cost": 0.5}
    assert whole["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("data", ["[DONE]", " [DONE] ", json.dumps(WHOLE)])
def test_done_and_a_finish_reason_end_an_answer(data: str) -> None:
    growing = new()
    growing.add(chunk({"content": "a"}))
    assert not growing.has_finished()
    growing.add_data(data)
    assert growing.has_finished()


@pytest.mark.parametrize(
    ("datas", "kind", "words"),
    [
        ([], "malformed", "no content at all"),
        (["[DONE]"], "malformed", "no content at all"),
        (['{"choices":[{"delta":{"content":"a"}}]}'], "malformed", "ends in the middle"),
        (['{"choices":[{"delta":{"content":"a"}}]}', "[DONE]"], "malformed", "ends in the middle"),
        (["{"], "malformed", "not JSON"),
        (["[" * 100_000], "malformed", "not JSON"),
        (["7"], "malformed", "no object"),
        (['{"error": {"code": 429, "message": "slow down"}}'], "upstream-limit", "429: slow down"),
        (['{"error": "oh"}'], "down", "502: oh"),
        (['{"choices": [{"error": {"code": 401, "message": "who?"}}]}'], "bad-key", "401: who?"),
        (['{"choices": [{"delta": {}, "finish_reason": "error"}]}'], "down", "broke off"),
        (['{"object": "error", "message": "too much", "code": 400}'], "bad-request", "400: too much"),
    ],
)
def test_what_is_no_answer_is_a_fault(datas: list[str], kind: str, words: str) -> None:
    growing = new()

    def read() -> None:
        for data in datas:
            growing.add_data(data)
        growing.whole()

    with pytest.raises(Fault, match=words) as caught:
        read()
    assert caught.value.kind == kind
    assert caught.value.was_sent


def test_an_error_keeps_what_was_counted_before_it() -> None:
    growing = new()
    with pytest.raises(Fault):
        growing.add({"error": {"code": 502}, "usage": {"prompt_tokens": 7}})
    assert growing.usage == {"prompt_tokens": 7}


def test_no_stream_has_any_number_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testwright.models.streams.MAX_CHUNKS", 3)
    growing = new()
    for _ in range(3):
        growing.add(chunk({"content": "x"}))
    with pytest.raises(Fault, match="more than 3 parts") as caught:
        growing.add(chunk({"content": "x"}))
    assert caught.value.kind == "malformed"


def test_no_answer_has_any_number_of_calls() -> None:
    with pytest.raises(Fault, match="tool calls"):
        message_of(*[chunk({"tool_calls": [{"index": at, "id": str(at)}]}) for at in range(MAX_TOOL_CALLS + 1)])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["choices", "delta", "message", "content", "tool_calls", "function", "arguments", "name", "id", "index", "error",
             "code", "finish_reason", "usage", "metadata", "reasoning", "reasoning_details", "text", "object", "raw", "headers"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@given(chunks=st.lists(json_values, max_size=4))
def test_whatever_comes_is_an_answer_or_a_fault(chunks: list[Any]) -> None:
    growing = new()
    try:
        for one in chunks:
            growing.add(one)
        whole = growing.whole()
    except Fault:
        return
    choice = whole["choices"][0]
    assert isinstance(choice["finish_reason"], str)
    assert choice["message"]["content"] is None or isinstance(choice["message"]["content"], str)
    for call in choice["message"].get("tool_calls", ()):
        assert isinstance(call["id"], str)
        assert isinstance(call["function"]["name"], str)
        assert isinstance(call["function"]["arguments"], str)
