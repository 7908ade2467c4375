"""Which box an agent gets: Docker first, the second with a word about it, and never none by itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from testwright.boxes.agent_box import AgentHosts, AgentImage, LocalAgent, choose_agent_box
from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.reaping import Registry
from testwright.errors import BoxUnavailable, DockerUnavailable, UsageError

IMAGE = AgentImage("testwright-agent:of-no-build", "/opt/agent/bin/python")
LOCAL = LocalAgent(Path(sys.executable), (Path(sys.prefix),))


def hosts(tmp_path: Path, image: AgentImage | None = IMAGE, local: LocalAgent | None = LOCAL) -> AgentHosts:
    """With an engine that does not run, whether or not there is a docker program."""
    environ = {"HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    return AgentHosts(image, local, tmp_path, environ, Registry(tmp_path / "state"))


@pytest.fixture
async def bubblewrap(tmp_path: Path) -> None:
    probe = await BubblewrapBox(Registry(tmp_path / "state")).probe()
    if not probe.usable:
        pytest.skip(f"{probe.detail} {probe.next_step}")


@pytest.mark.usefixtures("bubblewrap")
async def test_without_docker_the_second_box_is_taken_and_told(tmp_path: Path) -> None:
    chosen = await choose_agent_box("auto", hosts(tmp_path))
    assert (chosen.box.name, chosen.python, chosen.read_only) == ("bubblewrap", sys.executable, (Path(sys.prefix),))
    (note,) = chosen.notes
    assert note.startswith("The agent runs in local mode, in bubblewrap, since Docker cannot be used: ")
    assert "Docker engine does not answer" in note or "Docker is not installed" in note


@pytest.mark.usefixtures("bubblewrap")
async def test_by_its_name_it_is_taken_without_a_word(tmp_path: Path) -> None:
    chosen = await choose_agent_box("bubblewrap", hosts(tmp_path, image=None))
    assert (chosen.box.name, chosen.notes, chosen.image) == ("bubblewrap", (), None)


async def test_docker_by_name_is_never_something_else(tmp_path: Path) -> None:
    with pytest.raises(DockerUnavailable, match="--agent-box bubblewrap"):
        await choose_agent_box("docker", hosts(tmp_path))


async def test_nothing_at_all_tells_of_each_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BoxUnavailable, match=r"has no box here\. Docker: .*Local mode: .*not set up") as raised:
        await choose_agent_box("auto", hosts(tmp_path, local=None))
    assert "testwright setup openhands" in raised.value.next_step


async def test_none_is_taken_by_name_alone(tmp_path: Path) -> None:
    chosen = await choose_agent_box("none", hosts(tmp_path))
    assert (chosen.box.name, chosen.python) == ("none", sys.executable)
    with pytest.raises(BoxUnavailable, match="not set up"):
        await choose_agent_box("none", hosts(tmp_path, local=None))


async def test_a_box_that_an_agent_cannot_have(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no box named landlock for an agent"):
        await choose_agent_box("landlock", hosts(tmp_path))  # type: ignore[arg-type]
