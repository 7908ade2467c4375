"""What is made of an engine's words about a container that has ended."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.container import Container
from testwright.errors import DockerFailure


class Answering(DockerClient):
    """An engine that gives one answer to all."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    async def run(self, *_arguments: str, **_options: Any) -> str:
        return json.dumps(self.state)


async def ended(state: dict[str, Any]) -> Container:
    """A container whose program has ended, with what the engine says of it then."""
    process = await asyncio.create_subprocess_exec("/bin/true")
    await process.wait()
    container = Container(Answering({"StartedAt": "2026-01-01", **state}), "one", process, lambda: None)
    container.kill()
    await container.gone()
    container.close()
    return container


@pytest.mark.parametrize("status", ["removing", "dead"])
async def test_a_container_that_is_still_being_removed_was_removed_and_not_killed(status: str) -> None:
    """The engine kills it for that, so its state has a signal as well; it is asked at any moment between the two."""
    container = await ended({"Status": status, "ExitCode": 137, "Dead": True})
    with pytest.raises(DockerFailure, match="removed from outside"):
        container.outcome(137, "")


async def test_one_that_was_killed_is_there_until_we_remove_it() -> None:
    container = await ended({"Status": "exited", "ExitCode": 137, "Dead": False})
    assert container.outcome(137, "").code == -9
