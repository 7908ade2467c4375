"""What `testwright doctor` and `testwright clean` tell of the agent's images, on a real engine."""

from __future__ import annotations

import asyncio
import os

import pytest
from image_yard import Yard

from testwright.cli import run
from testwright.doctor.examining import examine
from testwright.doctor.findings import Finding
from testwright.provisioning.images.agent_images import make_agent_image


async def examined(yard: Yard, **variables: str) -> dict[str, Finding]:
    """What the doctor finds with the yard's engine and base, by name; the last of each."""
    engine = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    environ = {**yard.environ, **engine, "TESTWRIGHT_AGENT_IMAGE_BASE": yard.base, **variables}
    return {finding.name: finding for finding in await examine(yard.workspace, environ=environ)}


async def test_the_doctor_tells_which_image_the_agent_has_and_tries_it_out(yard: Yard) -> None:
    before = await yard.containers()
    found = await examined(yard)
    assert found["docker"].state == "ok"
    assert found["agent"].state == "note"
    assert "testwright setup docker" in found["agent"].next_step
    assert "agent box" not in found

    made = await make_agent_image(yard.client, yard.request())
    found = await examined(yard)
    assert (found["agent"].state, made.name in found["agent"].detail) == ("ok", True)
    assert found["agent"].detail.startswith("SDK 1.0 on Python 3.12")
    assert found["agent box"].state == "note"
    assert found["agent box"].detail.startswith("docker. The agent has nothing of what the project depends on")

    found = await examined(yard, TESTWRIGHT_AGENT_BOX="bubblewrap")
    assert found["agent"].detail == "OpenHands is not set up", "an image is of no use there"
    assert await yard.containers() == before


async def test_clean_names_the_images_and_leaves_them(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    made = await make_agent_image(yard.client, yard.request())
    for name in ("TESTWRIGHT_CACHE_DIR", "TESTWRIGHT_STATE_DIR"):
        monkeypatch.setenv(name, yard.environ[name])
    assert await asyncio.to_thread(run, ["clean"]) == 0
    told = capfd.readouterr().out
    assert f"Left image {made.name} (" in told
    assert "testwright setup docker --remove" in told
    assert made.name in await yard.made()
