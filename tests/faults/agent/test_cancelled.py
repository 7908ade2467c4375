"""A cancel in the middle of an agent's work: its box is gone at once, whatever goes on in it, and what was proven is saved."""

from __future__ import annotations

import ast
import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from agent_site import TEST_PATH, WAIT, Site, all_gone, descendants, left
from fake_agent import alive
from scripted_agent import Body, Moves, ScriptedAgent, reply_of, run
from scripted_provider import Hang, Reply, ScriptedProvider
from virtual_clock import VirtualClock

from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.reaping import find_containers
from testwright.errors import TestwrightError
from testwright.service.interrupted import interrupted_runs

MODEL = "scripted-coder"
COMMANDS, SILENCE = "while its commands run", "while its model is silent"
CASES = [
    pytest.param("bubblewrap", "newest", COMMANDS, marks=pytest.mark.agent),
    pytest.param("bubblewrap", "pinned", SILENCE, marks=pytest.mark.agent),
    pytest.param("docker", "pinned", COMMANDS, marks=[pytest.mark.agent, pytest.mark.docker]),
]


@dataclass
class Stubborn(ScriptedAgent):
    """Starts what no signal ends but the last: one that has left its session, one that computes, one for each core more."""

    token: str = ""

    def move(self, _: Body, /) -> Moves:
        """The same for ever."""
        deaf = "trap '' TERM INT HUP QUIT PIPE"
        return run(
            f'({deaf}; setsid sh -c "{deaf}; sleep {self.token}" &) ; ({deaf}; while :; do :; done) & '
            f"{deaf}; while :; do sleep {self.token}; done",
            timeout=600,
        )


def hangs(_: object) -> list[Hang]:
    """A model that never answers."""
    return [Hang()]


async def cancelled(site: Site, moment: asyncio.Event, **options: Any) -> float:
    """Cancel a run at a moment; seconds that it took to end."""
    running = asyncio.create_task(site.run("auto", **options))
    waiting = asyncio.create_task(moment.wait())
    await asyncio.wait({running, waiting}, timeout=WAIT, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    assert moment.is_set(), site.events[-5:]
    began = time.monotonic()
    running.cancel()
    async with asyncio.timeout(WAIT):
        with pytest.raises(asyncio.CancelledError):
            await running
    return time.monotonic() - began


@pytest.mark.parametrize(("box", "sdk", "what"), CASES)
async def test_a_cancel_ends_all_of_it_and_keeps_what_was_proven(  # noqa: PLR0917 - fixtures and parameters
    sites: dict[str, Site],
    set_up: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
    box: str,
    sdk: str,
    what: str,
) -> None:
    client = None
    if box == "bubblewrap":
        set_up(sdk)
    else:
        try:
            client = DockerClient.find()
            assert (await find_containers(client, living=frozenset())).left == ()
        except TestwrightError as error:
            pytest.skip(f"no Docker engine: {error}")
    site, token = sites["auto"], f"98765{secrets.randbelow(10**9):09}"
    before, running = site.digests(), descendants()
    is_silent = what == SILENCE
    reply: Reply = hangs if is_silent else reply_of(Stubborn(TEST_PATH, token=token))
    async with ScriptedProvider(VirtualClock()) as server:
        monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", server.base_url)
        server.always(MODEL, reply)
        moment = site.when("scripted-coder" if is_silent else "step 1: running")
        seconds = await cancelled(site, moment, agent_box=box, agent_sdk=sdk)
    record_property("seconds to end", round(seconds, 2))
    print(f"cancelled in {box} {what}: ended after {seconds:.2f} s")  # noqa: T201 - a measure, shown with -s
    assert alive(token) == []
    await all_gone(running)
    assert left() == []
    if client is not None:
        found = await find_containers(client, living=frozenset())
        assert found.left == ()
    assert site.digests() == before
    (listed,) = interrupted_runs()
    assert (listed.phase, listed.path) == ("agent", site.workspace / "door.py")
    assert listed.proposal is not None
    names = [node.name for node in ast.parse(listed.proposal.read_text("utf-8")).body if hasattr(node, "name")]
    assert len(names) == listed.tests > 0
    assert any(str(listed.proposal) in event.message for event in site.events if event.kind == "note")
