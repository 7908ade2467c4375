"""The end of an agent: whatever is waited for then, its box is gone."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_agent import TASK, FakeAgents, alive

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.reaping import Registry
from testwright.engines.openhands import session as session_module
from testwright.engines.openhands.link import Link
from testwright.engines.openhands.values import AgentLimits
from testwright.errors import BoxFailure

WORD = "agent-that-does-not-end"
LIVES_ON = f"""
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)  # {WORD}"])
ready()
time.sleep(300)
"""


@pytest.fixture
async def agents(tmp_path: Path) -> FakeAgents:
    probe = await BubblewrapBox(Registry(tmp_path / "state")).probe()
    if not probe.usable:
        pytest.skip(f"{probe.detail} {probe.next_step}")
    return FakeAgents(tmp_path)


async def test_cancelled_while_it_is_waited_for_to_end_by_itself(
    agents: FakeAgents, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = asyncio.Event()
    end = Link.end

    async def watched(self: Link) -> None:
        ending.set()
        await end(self)
        await asyncio.Event().wait()

    monkeypatch.setattr(Link, "end", watched)

    async def work() -> None:
        async with agents.make(LIVES_ON) as session:
            await session.begin(TASK)
            await agents.until_ready()

    working = asyncio.create_task(work())
    await asyncio.wait_for(ending.wait(), 60)
    assert alive(WORD)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert alive(WORD) == []


async def test_one_that_still_starts_is_not_asked_to_end(agents: FakeAgents, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def end(_: Link) -> None:
        asked.append("end")

    monkeypatch.setattr(Link, "end", end)
    async with agents.make("time.sleep(300)") as session:
        await session.begin(TASK)
        async with asyncio.timeout(60):
            while session._link is None:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
    assert asked == []
    async with agents.make("ready(); time.sleep(300)") as session:
        await session.begin(TASK)
        await agents.until_ready()
        await asyncio.sleep(0)
    assert asked == ["end"]


async def test_freight_that_cannot_be_read_ends_the_start_at_once(
    agents: FakeAgents, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Link, "_hand_over", unreadable)
    async with agents.make("time.sleep(300)") as session:
        await session.begin(TASK)
        assert session._starting is not None
        over, _ = await asyncio.wait({session._starting}, timeout=60)  # of the 180 seconds that a start may take
        assert over
        with pytest.raises(BoxFailure, match=r"could not be made ready: Input/output error\."):
            await session._starting


async def test_a_disk_that_takes_no_folder_is_told(agents: FakeAgents, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(session_module, "scratch_parent", full)
    async with agents.make("ready()") as session:
        await session.begin(TASK)
        assert session._starting is not None
        with pytest.raises(BoxFailure, match="No space left on device"):
            await session._starting


CIRCLES = """
ready(); hear()
for number in range(1, 7):
    step(number, output="no", is_error=True, exit_code=1)
while ask(number) or (told := hear())["type"] != "refusal":
    number += 1
nothing(); end("refused")
hear(); ask(number + 1); told = hear()
file(told["type"]); end()
hear()
"""
USED_UP = """
ready(); hear()
for number in range(1, 5):
    ask(number); told = hear()
nothing(); end("refused")
hear(); ask(number + 1); told = hear()
file(told["type"]); end("refused")
hear()
"""


@pytest.mark.parametrize(
    ("program", "first", "second"),
    [(CIRCLES, "stuck", ("answer", "finished")), (USED_UP, "refused", ("refusal", "refused"))],
    ids=["of one round", "of all rounds"],
)
async def test_what_a_round_was_stopped_for_holds_for_the_next_where_it_should(
    agents: FakeAgents, program: str, first: str, second: tuple[str, str]
) -> None:
    async with agents.make(program) as session:
        await session.begin(replace(TASK, limits=AgentLimits(requests=3 if first == "refused" else 50)))
        one = await session.round("Write tests.", deadline=time.monotonic() + 60)
        two = await session.round("Go on.", deadline=time.monotonic() + 60)
    assert one.status == first
    assert (two.file, two.status) == second
