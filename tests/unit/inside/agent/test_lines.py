"""What the program says is what the host parses, and the other way round."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.engines.openhands import messages
from testwright.inside.agent import bootstrap, lines, pipe, program

STEP = lines.step_begins(1, "terminal", "run pytest")
TEXTS = st.text(max_size=6000) | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Lu"]), max_size=50)
LINES = [
    lines.ready("1.58.0", "3.12.1", 7.25),
    lines.ask(1, {"messages": [{"role": "user", "content": "\ud800"}]}),
    STEP,
    lines.step_ended(STEP, output="1 passed", is_error=False, exit_code=0),
    lines.step_ended(STEP, output="", is_error=True, exit_code=None),
    lines.step_ended(STEP, output="", is_error=False, exit_code=-1),
    lines.said("I see."),
    lines.file(b"def test_it(): pass\n"),
    lines.file("# é\r\n".encode()),
    lines.file(b"\xff\xfe"),
    lines.file(b""),
    *(lines.file(None, problem) for problem in get_args(messages.FileProblem)),
    *(lines.round_end(status, "", 3) for status in ("finished", "stuck", "max-steps", "error", "refused")),
    lines.failed("start", "No module named openhands"),
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line)[:60])
def test_the_host_parses_what_the_program_says(line: dict[str, Any]) -> None:
    parsed = messages.parse_line(lines.encoded(line).rstrip(b"\n"))
    assert parsed.model_dump(exclude_unset=True) == line


def test_every_kind_of_line_is_shown_above() -> None:
    kinds = {get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(messages.FromAgent)}
    assert {line["type"] for line in LINES} == kinds


@given(TEXTS, TEXTS, st.binary(max_size=4000), st.integers(1, 1000))
def test_no_text_is_too_long_for_the_host(one: str, other: str, data: bytes, number: int) -> None:
    begun = lines.step_begins(number, one, other)
    for line in (
        begun,
        lines.step_ended(begun, output=one * 3, is_error=True, exit_code=1),
        lines.said(other),
        lines.file(data),
        lines.round_end("error", one, number),
        lines.failed("start", other),
    ):
        assert messages.parse_line(lines.encoded(line).rstrip(b"\n")).type == line["type"]


@pytest.mark.parametrize(
    "message",
    [
        messages.Answer(id=1, body={"choices": []}),
        messages.Refusal(id=1, error=messages.Problem(slug="no-model", message="None is left.", status=503)),
        messages.Round(text="Write tests. é\u2028"),
        messages.End(),
    ],
    ids=lambda message: message.type,
)
def test_the_program_parses_what_the_host_says(message: Any) -> None:
    line = messages.encoded(message)
    assert pipe.parsed(line) == json.loads(line)


def test_every_kind_of_the_hosts_lines_is_known() -> None:
    kinds = {kind.model_fields["type"].default for kind in get_args(messages.ToAgent)}
    assert set(pipe._FIELDS) | {"start"} == kinds


def test_the_header_has_what_the_program_reads() -> None:
    assert set(program._FIELDS) | {"version", "workspace_bytes"} <= set(messages.Start.model_fields)


def test_both_sides_agree_on_version_and_limits() -> None:
    assert lines.VERSION == messages.VERSION
    assert lines.MAX_LINE == messages.MAX_LINE == bootstrap.MAX_HEADER
    assert get_args(messages.Start.model_fields["type"].annotation) == ("start",)
