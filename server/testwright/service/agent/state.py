"""Whether the agent is set up on this machine, for whoever wants to offer it. Nothing is made or fetched for that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testwright.boxes.docker.client import DockerClient
from testwright.errors import TestwrightError
from testwright.provisioning.agent_environment import find, setup_is_running
from testwright.provisioning.images.agent_images import find_image
from testwright.provisioning.images.names import MadeImage
from testwright.settings import Settings

DOCKER_SECONDS = 3.0
"""How long a Docker engine may take to tell its images; one that hangs counts as having none."""


@dataclass(frozen=True, slots=True)
class AgentState:
    """How the agent is set up.

    Attributes:
        state: ``setting-up`` when it is missing and being set up just now, by this process or another.
        sdk: Version of its SDK; None when it is missing.
        python: Version of its Python, or of the project's that its image has; None when it is missing.
        size: Bytes on the disk of its own environment; 0 without one.
        image: Its image in Docker; None without one.
        words: The same as a sentence.
    """

    state: Literal["set-up", "missing", "setting-up"]
    sdk: str | None
    python: str | None
    size: int
    image: str | None
    words: str


async def agent_state(settings: Settings, workspace: Path, environ: Mapping[str, str]) -> AgentState:
    """Look for the agent's own environment, and for its image where its box may be Docker.

    Args:
        settings: Name its SDK, its box and the image that its own is built on.
        workspace: No program in it is started.
        environ: Variables to look at.

    Raises:
        SettingsError: ``TESTWRIGHT_CACHE_DIR`` names a folder that cannot be ours.
        WriteFailure: The cache folder cannot be made.
        SetupFailure: A lock file of ours is damaged.
    """
    in_docker = settings.agent_box == "docker"  # where its own environment is of no use
    local = None if in_docker else await asyncio.to_thread(find, settings.agent_sdk, environ=environ)
    image = await _image(settings, workspace, environ)
    name = None if image is None else image.name
    if local is not None:
        words = f"The agent is set up: OpenHands SDK {local.sdk} on Python {local.python_version}"
        words += f", and in Docker as {name}." if name is not None else "."
        return AgentState("set-up", local.sdk, local.python_version, local.size, name, words)
    if image is not None:
        made = image.contents
        words = f"The agent is set up in Docker alone, as {name}: OpenHands SDK {made.sdk}."
        return AgentState("set-up", made.sdk, made.python_version, 0, name, words)
    if in_docker:
        return AgentState(
            "missing", None, None, 0, None, "The agent has no image in Docker: `testwright setup docker`."
        )
    if await asyncio.to_thread(setup_is_running, environ):
        return AgentState("setting-up", None, None, 0, None, "The agent is being set up just now.")
    return AgentState("missing", None, None, 0, None, "The agent is not set up on this machine.")


async def _image(settings: Settings, workspace: Path, environ: Mapping[str, str]) -> MadeImage | None:
    """The agent's image; None where Docker is not its box, cannot be used, or does not answer in time."""
    if settings.agent_box not in ("auto", "docker"):
        return None
    try:
        client = DockerClient.find(workspace, environ)
        async with asyncio.timeout(DOCKER_SECONDS):
            return (await find_image(client, root=None, base=settings.agent_image_base, sdk=settings.agent_sdk))[0]
    except (TestwrightError, TimeoutError):
        return None
