"""A Docker engine of this machine, an image with Python, and a box over both."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker_engine import OwnEngine, engine_programs, engine_with

from testwright.boxes.docker.box import DockerBox
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.reaping import find_containers
from testwright.boxes.protocol import World
from testwright.boxes.reaping import Registry

from ..conftest import Contract, Rig  # noqa: TID252 - one suite with the folder above

BASE = os.environ.get("TESTWRIGHT_DOCKER_BASE", "testwright-base:bookworm")
"""An image with a shell and ``python3``, made by .ci/install-docker."""

CONTRACT = Contract(files=True, network=True, loopback=True, semaphores=True, hides_processes=True, signals=True)
NOTHING = Path("/nonexistent")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("docker")


@pytest.fixture(scope="session")
def client() -> DockerClient:
    """The engine that DOCKER_HOST or a context names."""
    return engine_with(BASE)


@pytest.fixture
async def box(client: DockerClient, tmp_path: Path) -> AsyncIterator[DockerBox]:
    """A box that leaves no container."""
    yield DockerBox(client, BASE, Registry(tmp_path / "state"))
    deadline = time.monotonic() + 20
    # A kill is over in time whatever the engine does; on a busy machine the removal may end after it.
    while left := (await find_containers(client, living=frozenset())).left:
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.1)


@pytest.fixture
def world() -> World:
    """Nothing: a container sees nothing of the host."""
    return World(NOTHING, NOTHING, ())


@pytest.fixture
async def rig(box: DockerBox, world: World) -> Rig:
    """For the contract suite of the other boxes."""
    probe = await box.probe()
    assert probe.usable, probe
    return Rig(box, CONTRACT, world, "python3", Registry(box.registry.folder))


async def inspected(client: DockerClient, name: str) -> dict[str, Any]:
    """What the engine says of a container."""
    (answer,) = json.loads(await client.run("container", "inspect", name))
    assert isinstance(answer, dict)
    return answer


@pytest.fixture
def own_engine() -> Iterator[OwnEngine]:
    """An engine of the test's own, which it may stop and break; with a small image that has a shell."""
    reason = engine_programs()
    if reason:
        pytest.skip(reason)
    with OwnEngine.running() as engine:
        yield engine
