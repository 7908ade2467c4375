"""A start whose standard input stays open: what is sent arrives in order, and nothing that a program does holds us up."""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib

import pytest

from testwright.boxes.protocol import MIB, BoxProcess, Command, Limits
from testwright.errors import BoxFailure

from .conftest import Rig, alive, until

ECHO = """
import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line.upper())
    sys.stdout.buffer.flush()
print("end")
"""
COUNT = "import sys, zlib; data = sys.stdin.buffer.read(); print(len(data), zlib.crc32(data))"
NEVER_READS = "import sys, time; print('up', flush=True); time.sleep(60)"


async def start(rig: Rig, program: str, *arguments: str, stdin: bytes = b"", wall: float = 60.0) -> BoxProcess:
    return await rig.box.start(
        rig.world, rig.command(program, *arguments, stdin=stdin, interactive=True, limits=Limits(wall=wall))
    )


async def test_question_and_answer_while_it_runs(rig: Rig) -> None:
    async with await start(rig, ECHO, stdin=b"first\n") as process:
        lines = process.lines()
        assert await anext(lines) == b"FIRST"
        for number in range(3):
            await process.send(b"line %d\n" % number)
            assert await anext(lines) == b"LINE %d" % number
        await process.close_input()
        assert [line async for line in lines] == [b"end"]
        ended = await process.wait()
    assert (ended.cause, ended.code) == ("exited", 0)


async def test_all_arrives_whole_in_the_order_in_which_it_was_sent(rig: Rig) -> None:
    parts = [bytes([number]) * MIB for number in range(9)]
    async with await start(rig, COUNT, stdin=parts[0]) as process:
        await asyncio.gather(*(process.send(part) for part in parts[1:]))
        await process.close_input()
        lines = [line async for line in process.lines()]
    data = b"".join(parts)
    assert lines == [f"{len(data)} {zlib.crc32(data)}".encode()]


async def test_a_closed_input_arrives_whole_though_nobody_waited(rig: Rig) -> None:
    async with await start(rig, COUNT) as process:
        sending = asyncio.create_task(process.send(b"x" * (4 * MIB)))
        await asyncio.sleep(0)
        await process.close_input()
        lines = [line async for line in process.lines()]
        await sending
    assert lines == [f"{4 * MIB} {zlib.crc32(b'x' * (4 * MIB))}".encode()]


async def test_a_program_that_does_not_read_holds_its_sender_up(rig: Rig) -> None:
    async with await start(rig, NEVER_READS) as process:
        assert await anext(process.lines()) == b"up"
        sent: list[int] = []

        async def send_much() -> None:
            for number in range(64):
                await process.send(b"x" * MIB)
                sent.append(number)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send_much(), 1)
    assert len(sent) < 8


@pytest.mark.parametrize("end", ["kill", "wall"])
async def test_a_sender_in_the_middle_of_a_write_is_told_of_the_end(rig: Rig, token: str, end: str) -> None:
    async with await start(rig, NEVER_READS, token, wall=60.0 if end == "kill" else 1.5) as process:
        assert await anext(process.lines()) == b"up"
        sending = asyncio.create_task(process.send(b"x" * (16 * MIB)))
        await asyncio.sleep(0.1)
        assert not sending.done()
        started = time.monotonic()
        if end == "kill":
            await process.kill()
            assert time.monotonic() - started < 2
        with pytest.raises(BoxFailure, match="has ended"):
            await asyncio.wait_for(sending, 5)
        ended = await process.wait()
    assert ended.cause == {"kill": "killed"}.get(end, end)
    assert alive(token) == []


async def test_a_program_that_ends_early_is_told_to_its_sender(rig: Rig) -> None:
    async with await start(rig, "import sys; print(sys.stdin.readline().strip())", stdin=b"one\n") as process:
        with contextlib.suppress(BoxFailure):
            for _ in range(16):
                await process.send(b"x" * MIB)
        assert [line async for line in process.lines()] == [b"one"]
        ended = await process.wait()
        with pytest.raises(BoxFailure, match="has ended"):
            await process.send(b"more\n")
        await process.close_input()  # does nothing
    assert (ended.cause, ended.code) == ("exited", 0)


async def test_nothing_is_sent_after_the_input_was_closed(rig: Rig) -> None:
    async with await start(rig, COUNT) as process:
        await process.send(b"one")
        await process.close_input()
        with pytest.raises(BoxFailure, match="takes no more input"):
            await process.send(b"two")
        assert [line async for line in process.lines()] == [f"3 {zlib.crc32(b'one')}".encode()]


async def test_nothing_is_sent_to_a_start_that_is_not_interactive(rig: Rig) -> None:
    async with await rig.box.start(rig.world, rig.command(COUNT, stdin=b"all")) as process:
        with pytest.raises(BoxFailure, match="takes no more input"):
            await process.send(b"more")
        assert [line async for line in process.lines()] == [f"3 {zlib.crc32(b'all')}".encode()]


async def test_a_cancelled_sender_leaves_no_half_line(rig: Rig) -> None:
    program = """
import sys, time
print("up", flush=True)
time.sleep(1)
print([len(line) for line in sys.stdin.buffer])
"""
    async with await start(rig, program) as process:
        lines = process.lines()
        await anext(lines)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.send(b"x" * (2 * MIB) + b"\n"), 0.1)
        await process.send(b"next\n")
        await process.close_input()
        assert [line async for line in lines] == [f"[{2 * MIB + 1}, 5]".encode()]


async def test_output_is_capped_while_input_is_open(rig: Rig) -> None:
    command = Command(
        (rig.python, "-c", "import sys\nwhile True: sys.stdout.write('x' * 65535 + '\\n')"),
        interactive=True,
        limits=Limits(output=2 * MIB),
    )
    async with await rig.box.start(rig.world, command) as process:
        taken = sum([len(line) async for line in process.lines()])
        ended = await process.wait()
        with pytest.raises(BoxFailure, match="has ended"):
            await process.send(b"x")
    assert ended.cause == "output"
    assert taken <= 2 * MIB


async def test_a_program_that_outlives_its_input_is_killed_at_the_end_of_the_block(rig: Rig, token: str) -> None:
    started = time.monotonic()
    async with await start(rig, NEVER_READS, token) as process:
        await until(lambda: bool(alive(token)))
        await process.close_input()
    assert time.monotonic() - started < 10
    assert alive(token) == []
