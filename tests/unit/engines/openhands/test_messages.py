"""Lines on the agent's pipe: what is a message is read, and everything else is one clear failure."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.engines.openhands import messages
from testwright.engines.openhands.messages import Answer, End, Problem, Refusal, Round, Start, encoded, parse_line
from testwright.errors import AgentFailure
from testwright.inside.agent import lines, pipe


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def a_file(text: str | None = "x = 1\n", **fields: Any) -> dict[str, Any]:
    digest = None if text is None else sha(text.encode("utf-8", "surrogatepass"))
    return {"type": "file", "text": text, "base64": None, "sha": digest, "problem": None, **fields}


READY = {"type": "ready", "version": 1, "sdk": "1.58.0", "python": "3.12.1", "seconds": 7.7}


@pytest.mark.parametrize(
    "line",
    [
        lines.ready("1.58.0", "3.12.1", 7.7),
        lines.ask(1, {"messages": [{"role": "user", "content": "é\ud800"}]}),
        lines.step_begins(1, "terminal", "run pytest"),
        lines.step_ended(lines.step_begins(2, "t" * 5000, "w" * 5000), output="o" * 9000, is_error=True, exit_code=1),
        lines.step_ended(lines.step_begins(3, "think", "think"), output="", is_error=False, exit_code=None),
        lines.said("s" * 90_000),
        lines.file(b"def test(): pass\n"),
        lines.file(b"\xff\xfe"),
        lines.file(b""),
        *(lines.file(None, problem) for problem in ("missing", "link", "not-a-file", "too-large", "unreadable")),
        *(lines.round_end(s, "d" * 9000, 3) for s in ("finished", "stuck", "max-steps", "error", "refused")),
        lines.failed("start", "w" * 9000),
    ],
    ids=lambda line: line["type"],
)
def test_what_the_program_makes_is_understood(line: dict[str, Any]) -> None:
    parsed = parse_line(lines.encoded(line).removesuffix(b"\n"))
    assert parsed.type == line["type"]
    assert parsed.model_dump(exclude_none=True) == {key: value for key, value in line.items() if value is not None}


@pytest.mark.parametrize(
    "message",
    [
        Answer(id=3, body={"choices": [{"message": {"content": "é\ud800"}}]}),
        Refusal(id=4, error=Problem(slug="key", message="No key.", status=401)),
        Round(text="Write tests.\n"),
        End(),
    ],
    ids=lambda message: str(message.type),
)
def test_what_the_host_makes_is_understood_by_the_program(message: Any) -> None:
    assert pipe.parsed(encoded(message)) == message.model_dump()


def test_both_sides_speak_the_same_version_and_know_the_same_caps() -> None:
    assert messages.VERSION == lines.VERSION == Start.model_fields["version"].default
    assert messages.MAX_LINE == lines.MAX_LINE


WRONG: dict[str, bytes] = {
    "empty": b"",
    "prose": b"Traceback (most recent call last):",
    "not an object": b"[1]",
    "no type": b"{}",
    "unknown type": b'{"type":"run","command":"rm"}',
    "another field": json.dumps({**READY, "key": "x"}).encode(),
    "a missing field": b'{"type":"said"}',
    "another version": json.dumps({**READY, "version": 2}).encode(),
    "a truth value as a number": b'{"type":"ask","id":true,"body":{}}',
    "a body that is a list": b'{"type":"ask","id":1,"body":[]}',
    "number zero": b'{"type":"ask","id":0,"body":{}}',
    "not a number": b'{"type":"ready","version":1,"sdk":"1","python":"3","seconds":NaN}',
    "endless": b'{"type":"ready","version":1,"sdk":"1","python":"3","seconds":1e999}',
    "a long text": json.dumps({"type": "said", "text": "x" * 5000}).encode(),
    "no UTF-8": b'{"type":"said","text":"\xff"}',
    "UTF-16": '{"type":"said","text":"x"}'.encode("utf-16"),
    "deep": b"[" * 100_000,
    "a number of many digits": b'{"type":"ask","id":' + b"9" * 9000 + b',"body":{}}',
    "huge": b'{"type":"said","text":"' + b"x" * messages.MAX_LINE + b'"}',
}


@pytest.mark.parametrize("line", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_message_is_a_failure_with_a_next_step(line: bytes) -> None:
    with pytest.raises(AgentFailure, match="agent's program") as failure:
        parse_line(line)
    assert failure.value.next_step
    assert failure.value.slug == "agent"


@pytest.mark.parametrize(
    "wrong",
    [
        a_file(sha=sha(b"other")),
        a_file(sha=None),
        a_file(sha="z" * 64),
        a_file(None),
        a_file("x", base64="eA=="),
        a_file("x", problem="missing"),
        a_file(None, problem="stolen"),
        a_file("\ud800"),
        a_file(None, base64="no base64", sha=sha(b"")),
        a_file("é" * (messages.FILE_LIMIT // 2 + 1)),
        a_file(None, base64=base64.b64encode(b"x" * (messages.FILE_LIMIT + 1)).decode(), sha=sha(b"")),
    ],
)
def test_a_file_that_does_not_fit_its_digest_is_not_taken(wrong: dict[str, Any]) -> None:
    with pytest.raises(AgentFailure):
        parse_line(json.dumps(wrong).encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    sorted({name for kind in get_args(messages.FromAgent) for name in kind.model_fields} - {"type"})
)
kinds = st.sampled_from(["ready", "ask", "step", "said", "file", "round_end", "failed", "x"])
almost = st.builds(
    lambda kind, rest: json.dumps({**rest, "type": kind}).encode(),
    kinds,
    st.dictionaries(fields, json_values, max_size=8),
)


@given(st.binary(max_size=300) | almost)
def test_any_bytes_are_a_message_or_one_kind_of_failure(line: bytes) -> None:
    try:
        parsed = parse_line(line)
    except AgentFailure:
        return
    assert parsed.type in {"ready", "ask", "step", "said", "file", "round_end", "failed"}
