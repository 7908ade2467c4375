"""An agent's box where there is an engine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from testwright.boxes.agent_box import AgentHosts, AgentImage, LocalAgent, choose_agent_box
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.reaping import Registry
from testwright.errors import DockerUnavailable

from .conftest import BASE


def hosts(client: DockerClient, tmp_path: Path, image: str | None) -> AgentHosts:
    local = LocalAgent(Path(sys.executable), (Path(sys.prefix),))
    built = None if image is None else AgentImage(image, "/usr/bin/python3")
    return AgentHosts(built, local, tmp_path, {**os.environ, **client.environment}, Registry(tmp_path / "state"))


@pytest.mark.parametrize("name", ["auto", "docker"])
async def test_docker_is_taken_first(client: DockerClient, tmp_path: Path, name: str) -> None:
    chosen = await choose_agent_box(name, hosts(client, tmp_path, BASE))  # type: ignore[arg-type]
    assert (chosen.box.name, chosen.image, chosen.python) == ("docker", BASE, "/usr/bin/python3")
    assert (chosen.read_only, chosen.notes) == ((), ())


@pytest.mark.parametrize(("image", "words"), [(None, "has not been built"), ("testwright-agent:gone", "is not there")])
async def test_without_the_image_it_says_how_to_build_it(
    client: DockerClient, tmp_path: Path, image: str | None, words: str
) -> None:
    with pytest.raises(DockerUnavailable, match=f"{words}.*testwright setup docker"):
        await choose_agent_box("docker", hosts(client, tmp_path, image))
