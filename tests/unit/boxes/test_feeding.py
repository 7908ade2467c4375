"""The input of a program that lives on: whoever writes to it is not held up by it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from testwright.boxes.feeding import Input
from testwright.boxes.protocol import MIB, Command
from testwright.errors import BoxFailure


async def test_a_sender_is_told_though_somebody_still_holds_the_pipe() -> None:
    sleep = "import time; time.sleep(60)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", sleep, stdin=asyncio.subprocess.PIPE)
    try:
        given = Input(process.stdin, Command(("program",), interactive=True))
        await given.feed()
        sending = asyncio.create_task(given.send(b"x" * MIB))
        waiting = asyncio.create_task(given.send(b"y"))
        await asyncio.sleep(0.1)
        assert not sending.done()
        given.abandon()
        for task in (sending, waiting):
            with pytest.raises(BoxFailure, match="has ended"):
                await asyncio.wait_for(task, 5)
        given.abandon()  # once more does no harm
        await given.close()
    finally:
        process.kill()
        await process.wait()
