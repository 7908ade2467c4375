"""An agent that takes all that its box has: memory, or room on the disk. It ends itself or its box, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from agent_site import TEST_PATH, Site, SmallAgents, all_gone, descendants, kept_what_was_proven, left, wrote_nothing
from scripted_agent import Body, Moves, ScriptedAgent, finish, reply_of, run
from scripted_provider import ScriptedProvider
from virtual_clock import VirtualClock

from testwright.boxes.protocol import MIB

from .test_misbehaving import MODEL, with_containers

FILLS_MEMORY = (
    'python -c "import mmap; m = mmap.mmap(-1, 3 << 30); [m.__setitem__(at, 1) for at in range(0, 3 << 30, 4096)]"'
)
FILLS_DISK = "for n in 1 2 3 4 5 6 7 8; do head -c 64000000 /dev/zero >full$n; done; sleep 2; echo 'I go on'"


@dataclass
class Greedy(ScriptedAgent):
    """Runs some commands."""

    commands: Sequence[str] = ()

    def move(self, _: Body, /) -> Moves:
        """The next one."""
        return run(self.commands[self.turn - 1], timeout=60) if self.turn <= len(self.commands) else finish()


AGENT, IN_DOCKER = [pytest.mark.agent], [pytest.mark.agent, pytest.mark.docker]
# Who fills the memory ends the whole box in bubblewrap; else the kernel ends one process, or refuses to write.
CASES = [
    pytest.param("auto", "bubblewrap", FILLS_MEMORY, "needed more memory than its box may have", marks=AGENT),
    pytest.param("openhands", "bubblewrap", FILLS_DISK, "", marks=AGENT),
    pytest.param("openhands", "docker", FILLS_MEMORY, "", marks=IN_DOCKER),
    pytest.param("auto", "docker", FILLS_DISK, "", marks=IN_DOCKER),
]


@pytest.mark.parametrize(
    ("engine", "box", "command", "ends"), CASES, ids=["memory", "disk", "memory in Docker", "disk in Docker"]
)
async def test_an_agent_that_takes_all_there_is(  # noqa: PLR0917 - fixtures and parameters
    sites: dict[str, Site],
    set_up: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    box: str,
    command: str,
    ends: str,
) -> None:
    if box == "bubblewrap":
        set_up("newest")
    assert await with_containers(box) == ()
    site, agent = sites[engine], Greedy(TEST_PATH, commands=["echo begin", command, "echo end"])
    before, running = site.digests(), descendants()
    async with ScriptedProvider(VirtualClock()) as server:
        monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", server.base_url)
        server.always(MODEL, reply_of(agent))
        report = await site.run(
            engine, SmallAgents(memory=900 * MIB, file=256 * MIB), agent_box=box, agent_sdk="newest", max_iterations=1
        )
    went_on = any("echo end" in event.message for event in site.events)
    assert went_on is not bool(ends), (report.error, report.notes)
    words = (ends,) if ends else ("did not write tests/test_door.py",)
    if engine == "auto":
        kept_what_was_proven(site, before, report, *words)
    elif ends:
        wrote_nothing(site, before, report, "agent", *words, "--engine embedded")
    else:
        wrote_nothing(site, before, report, "nothing-proven", "the agent wrote no test")
    await all_gone(running)
    assert left() == []
    assert await with_containers(box) == ()
