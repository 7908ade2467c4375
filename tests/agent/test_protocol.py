"""Whatever goes wrong on the pipe of the real program: it ends, with words where somebody can hear them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from agent_host import AgentHost, Line, packed
from scripted_agent import Endless, Looper

from testwright.boxes.protocol import Limits

pytestmark = pytest.mark.agent


def nobody(body: dict[str, Any]) -> dict[str, Any]:
    raise AssertionError(f"asked: {body}")


async def last_line(host: AgentHost, stdin: bytes, *, close: bool = True) -> tuple[Line | None, int]:
    """What the program says last about what it was given, and its exit code."""
    async with host.started(stdin, nobody) as conversation:
        if close:
            await conversation.process.close_input()
        with pytest.raises(EOFError):
            await conversation.until()
        assert conversation.ended is not None
        return conversation.lines[-1] if conversation.lines else None, conversation.ended.code


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"version": 2}, "version", "The host speaks version 2, this program 1."),
        ({"test_path": 1}, "protocol", "The header has no test_path of the right kind."),
        ({"max_steps": "many"}, "protocol", "The header has no max_steps of the right kind."),
        ({"type": "begin"}, "start", "The first line is no header."),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_wrong_header_is_told(one_host: AgentHost, fields: Line, code: str, words: str) -> None:
    tar = packed(one_host.workspace, one_host.private)
    header = json.dumps(one_host.header(len(tar), **fields)).encode() + b"\n"
    line, exit_code = await last_line(one_host, header + tar, close=False)
    assert (line, exit_code) == ({"type": "failed", "code": code, "words": words}, 1)


@pytest.mark.parametrize("cut", [0, 100, -1], ids=["no tar", "a piece", "all but the end"])
async def test_a_workspace_that_is_not_whole_is_told(one_host: AgentHost, cut: int) -> None:
    tar = packed(one_host.workspace, one_host.private)
    header = json.dumps(one_host.header(len(tar))).encode() + b"\n"
    line, exit_code = await last_line(one_host, header + tar[:cut])
    assert line is not None
    assert (line["type"], line["code"], exit_code) == ("failed", "start", 1)
    assert "The input ended before the workspace was whole." in line["words"] or "unpacked" in line["words"]


async def test_a_workspace_without_the_program_is_told(one_host: AgentHost) -> None:
    line, exit_code = await last_line(one_host, json.dumps(one_host.header(0)).encode() + b"\n", close=False)
    assert line is not None
    assert (line["type"], line["code"], exit_code) == ("failed", "start", 1)


async def test_an_input_that_ends_ends_the_program_whatever_it_does(one_host: AgentHost) -> None:
    async with one_host.conversation(Endless()) as conversation:
        await conversation.send({"type": "round", "text": "Go."})
        await conversation.until("step")
        await conversation.process.close_input()
        with pytest.raises(EOFError):
            await asyncio.wait_for(conversation.until(), 30)
    assert conversation.ended is not None
    assert (conversation.ended.cause, conversation.ended.code) == ("exited", 0)


@pytest.mark.parametrize(
    "line",
    [b"no json\n", b'{"type":"answer","id":999,"body":{}}\n', b"x" * (8 * 1024 * 1024 + 1) + b"\n"],
    ids=["no JSON", "an answer to nothing", "too long"],
)
async def test_a_wrong_line_in_the_middle_of_a_round_ends_the_program(one_host: AgentHost, line: bytes) -> None:
    async with one_host.conversation(nobody) as conversation:
        await conversation.send({"type": "round", "text": "Go."})
        await conversation.process.send(line)
        conversation.answer = Looper()
        failed = await conversation.until("failed")
        with pytest.raises(EOFError):
            await conversation.until()
    assert failed["code"] == "protocol"
    assert conversation.ended is not None
    assert conversation.ended.code == 1


async def test_a_kill_ends_all_of_it_at_once(one_host: AgentHost) -> None:
    async with one_host.conversation(Endless()) as conversation:
        await conversation.send({"type": "round", "text": "Go."})
        await conversation.until("step")
        await conversation.process.kill()
        ended = await conversation.process.wait()
    assert ended.cause == "killed"


async def test_its_time_is_limited_while_nobody_answers(one_host: AgentHost) -> None:
    one_host.limits = Limits(wall=3.0, cpu=60.0)
    tar = packed(one_host.workspace, one_host.private)
    header = json.dumps(one_host.header(len(tar))).encode() + b"\n"
    async with one_host.started(header + tar, nobody) as conversation:
        with pytest.raises(EOFError):
            await conversation.until()
    assert conversation.ended is not None
    assert conversation.ended.cause == "wall"
