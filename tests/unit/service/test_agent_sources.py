"""Where an agent comes from, when the Docker engine does not say."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from testwright.boxes.docker.client import DockerClient
from testwright.errors import AgentMissing, DockerUnavailable
from testwright.service.agent import sources as agents
from testwright.service.agent.sources import BoxedAgents
from testwright.settings import Settings


async def never(*_: Any, **__: Any) -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("agent_box", "error", "told"),
    [
        ("docker", DockerUnavailable, "The Docker engine has not answered for 0.01 seconds."),
        ("auto", AgentMissing, "The agent is not set up on this machine."),
    ],
)
async def test_an_engine_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent_box: Any, error: type[Exception], told: str
) -> None:
    monkeypatch.setattr(agents, "DOCKER_SECONDS", 0.01)
    monkeypatch.setattr(agents, "find_image", never)
    monkeypatch.setattr(DockerClient, "find", lambda *_: None)
    job = SimpleNamespace(
        settings=Settings(agent_box=agent_box),
        target=SimpleNamespace(workspace=tmp_path),
        subject=SimpleNamespace(interpreter=SimpleNamespace(version="3.12.1")),
    )
    request = SimpleNamespace(replay=tmp_path / "record")  # so no model is looked for
    environ = {"TESTWRIGHT_CACHE_DIR": str(tmp_path / "cache")}
    async with asyncio.timeout(60):
        look = await BoxedAgents().look(cast("Any", job), cast("Any", request), environ)
    (obstacle,) = look.obstacles
    assert isinstance(obstacle.error, error)
    assert told in str(obstacle.error)
    assert look.agent is None
