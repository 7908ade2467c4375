"""Waiting for what cannot be taken back, when the one who waits is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from testwright.lsp.testfile.editing import to_its_end


async def test_what_ends_in_time_was_cancelled_too_late() -> None:
    ended = asyncio.Event()

    async def work() -> str:
        await ended.wait()
        return "written"

    async def waits() -> tuple[str, int]:
        result = await to_its_end(work())
        await asyncio.sleep(0)  # whoever goes on is not cancelled any more
        task = asyncio.current_task()
        return result, task.cancelling() if task is not None else -1

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    ended.set()
    assert await task == ("written", 0)


async def test_what_does_not_end_in_time_is_cancelled() -> None:
    was_cancelled = False

    async def work() -> None:
        nonlocal was_cancelled
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            was_cancelled = True
            raise

    task = asyncio.create_task(to_its_end(work(), seconds=0.05))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert was_cancelled


async def test_a_second_cancel_is_obeyed() -> None:
    inner = asyncio.create_task(asyncio.sleep(60))
    task = asyncio.create_task(to_its_end(inner))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)
    await asyncio.sleep(0)
    assert inner.cancelled()


async def test_what_goes_wrong_is_raised_when_it_was_cancelled_too_late() -> None:
    async def work() -> None:
        await asyncio.sleep(0.02)
        raise ValueError("the disk")

    task = asyncio.create_task(to_its_end(work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(ValueError, match="the disk"):
        await task
