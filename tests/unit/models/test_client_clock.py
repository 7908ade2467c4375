"""The clock that the tests of the models stand on, and the limit of time that goes by it."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_clock import START, VirtualClock

from testwright.models.clock import SystemClock
from testwright.models.watch import Watch


@given(waits=st.lists(st.integers(0, 1_000_000), max_size=20))
def test_sleepers_wake_in_order_at_their_time(waits: list[int]) -> None:
    async def run() -> list[tuple[float, int]]:
        clock = VirtualClock()
        woken: list[tuple[float, int]] = []

        async def sleep(number: int, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append((clock.monotonic() - 1000.0, number))

        await asyncio.gather(*(sleep(number, seconds) for number, seconds in enumerate(waits)))
        return woken

    woken = asyncio.run(run())
    expected = sorted((seconds, number) for number, seconds in enumerate(waits))
    assert [number for _, number in woken] == [number for _, number in expected]
    assert [when for when, _ in woken] == [seconds for seconds, _ in expected]


async def test_no_time_passes_while_a_thread_works(clock: VirtualClock) -> None:
    go_on = threading.Event()
    seen: list[float] = []

    def work() -> None:
        go_on.wait()
        seen.append(clock.monotonic())

    clock.attach()
    thread = asyncio.create_task(asyncio.to_thread(work))
    sleeper = asyncio.create_task(clock.sleep(100))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not sleeper.done()
    go_on.set()
    await thread
    await sleeper
    assert seen == [1000.0]
    assert clock.monotonic() == 1100.0


async def test_no_time_passes_while_bytes_are_under_way(clock: VirtualClock) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as echoing:
        sleeper = asyncio.create_task(clock.sleep(1))
        reader, writer = await asyncio.open_connection(*echoing.sockets[0].getsockname())
        for _ in range(300):
            writer.write(b"x")
            await reader.readexactly(1)
            assert clock.monotonic() == 1000.0
        await sleeper
        writer.close()
        await writer.wait_closed()
    assert clock.monotonic() == 1001.0


async def test_a_sleep_that_is_cancelled_moves_nothing(clock: VirtualClock) -> None:
    sleeper = asyncio.create_task(clock.sleep(100))
    await asyncio.sleep(0)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    await clock.sleep(1)
    assert clock.monotonic() == 1001.0


async def test_both_times_move_together_and_the_wall_clock_alone_when_it_is_set(clock: VirtualClock) -> None:
    assert clock.time() == START
    await clock.sleep(5)
    clock.advance(5)
    assert (clock.monotonic(), clock.time()) == (1010.0, START + 10)
    clock.set_wall(START - 3600)
    await clock.sleep(5)
    assert (clock.monotonic(), clock.time()) == (1015.0, START - 3600 + 5)


# -- limits of time -------------------------------------------------------------------------------------------------


async def test_what_takes_too_long_is_ended(clock: VirtualClock) -> None:
    with pytest.raises(TimeoutError):
        async with Watch(clock, 30):
            await clock.sleep(31)
    assert clock.monotonic() == 1030.0
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0, "who caught it is not cancelled"


@pytest.mark.parametrize("allowed", [[5.0, 5.0, 5.0], [20.0, 5.0], [5.0, 20.0]])
@pytest.mark.parametrize("late", [False, True])
async def test_the_limit_moves_with_what_is_allowed(clock: VirtualClock, allowed: list[float], *, late: bool) -> None:
    async def work() -> None:
        async with Watch(clock, 1000) as watch:
            for seconds in allowed:
                watch.allow(seconds)
                assert not watch.is_at_end
                await clock.sleep(seconds - 1)
            await clock.sleep(2 if late else 0.5)

    if not late:
        await work()
        return
    with pytest.raises(TimeoutError):
        await work()
    assert clock.monotonic() - 1000.0 == sum(allowed) - len(allowed) + 1


async def test_the_limit_can_be_drawn_in_while_it_runs(clock: VirtualClock) -> None:
    async def work() -> None:
        async with Watch(clock, 1000) as watch:
            watch.allow(100)
            await clock.sleep(1)
            watch.allow(5)
            await clock.sleep(50)

    with pytest.raises(TimeoutError):
        await work()
    assert clock.monotonic() == 1006.0


async def test_nothing_moves_the_end_of_all(clock: VirtualClock) -> None:
    at_end: list[bool] = []

    async def work() -> None:
        async with Watch(clock, 30) as watch:
            while True:
                watch.allow(10)
                at_end.append(watch.is_at_end)
                await clock.sleep(8)

    with pytest.raises(TimeoutError):
        await work()
    assert clock.monotonic() == 1030.0
    assert at_end == [False, False, False, True]


async def test_a_cancellation_from_elsewhere_stays_one(clock: VirtualClock) -> None:
    async def wait() -> None:
        async with Watch(clock, 30):
            await clock.sleep(100)

    task = asyncio.create_task(wait())
    await clock.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_inside_stays_what_it_is(clock: VirtualClock) -> None:
    with pytest.raises(LookupError):
        async with Watch(clock, 30):
            raise LookupError
    await clock.sleep(100)  # and the timer is gone


@pytest.mark.parametrize(("outer", "inner", "ended"), [(30, 10, "inner"), (10, 30, "outer")])
async def test_the_shorter_of_two_limits_ends_what_is_inside_it(
    clock: VirtualClock, outer: float, inner: float, ended: str
) -> None:
    found: list[str] = []

    async def work() -> None:
        async with Watch(clock, inner):
            await clock.sleep(100)

    try:
        async with Watch(clock, outer):
            try:
                await work()
            except TimeoutError:
                found.append("inner")
            await clock.sleep(10)
    except TimeoutError:
        found.append("outer")
    assert found == [ended]


async def test_it_goes_by_the_clock_of_the_machine_as_well() -> None:
    async def work() -> None:
        async with Watch(SystemClock(), 0.01) as watch:
            watch.allow(0.001)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()
