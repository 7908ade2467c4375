"""One build of an image: whole and tried under its name, or not there at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from testwright.boxes.docker.client import DockerClient
from testwright.errors import TestwrightError
from testwright.provisioning.images.names import BUILD, MAKING, Contents
from testwright.provisioning.images.progress import ImageStep, TellImage, told

BUILD_SECONDS = 3600.0
_TIDY_TIMES = 5
_TIDY_PAUSE = 0.4  # seconds in which an engine notices that nobody waits for a build any more


@dataclass(frozen=True, slots=True)
class Build:
    """What is to be built.

    Attributes:
        contents: Name and labels.
        base: The image to build on.
        archive: Dockerfile and files, in a tar file.
        network: Of the build; None for the engine's usual one.
        arguments: Of the Dockerfile; everybody can read them.
        labels: Beside those of the contents.
        step: What it is called when its lines are told.
    """

    contents: Contents
    base: str
    archive: Path
    network: str | None = "none"
    arguments: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    step: ImageStep = "building"


async def build(
    client: DockerClient, wanted: Build, tell: TellImage, trial: Callable[[str], Awaitable[None]] | None = None
) -> str:
    """Build an image, try it, and give it its name. Failed or cancelled, nothing of it is left.

    Args:
        client: Speaks to the engine.
        wanted: What to build.
        tell: Is told each line of the build.
        trial: Tries the image of the name that it gets, and raises when it is not good.

    Returns:
        The image's name.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: The build fails.
        TestwrightError: What the trial raises.
    """
    name = wanted.contents.name
    making = f"{name}{MAKING}"
    token = wanted.contents.token
    labels = {**wanted.contents.labels(), **wanted.labels}
    network = () if wanted.network is None else ("--network", wanted.network)
    arguments = {"BASE": wanted.base, **wanted.arguments}
    options = [
        *("build", "--force-rm", *network, "--tag", making),
        *(word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")),
        *(word for key, value in labels.items() for word in ("--label", f"{key}={value}")),
    ]
    try:
        with wanted.archive.open("rb") as source:
            lines = client.stream(*options, "-", source=source, seconds=BUILD_SECONDS, doing=f"build the image {name}")
            async for line in lines:
                tell(told(wanted.step, line))
        if trial is not None:
            await trial(making)
        await client.run("image", "tag", making, name, doing="name the image")
    except BaseException:
        await asyncio.shield(_tidy(client, making, token))
        raise
    with suppress(TestwrightError):  # one name too many does no harm, and the next build takes it away
        await client.run("image", "rm", making, doing="take away a name of the image")
    return name


async def usable_network(client: DockerClient) -> str | None:
    """A network that reaches the outside: the engine's usual one (None), else the host's own where it has none.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: It refuses.
    """
    names = (await client.run("network", "ls", "--format", "{{.Name}}", doing="list networks")).split()
    return None if {"bridge", "podman", "nat"} & set(names) else "host"


async def _tidy(client: DockerClient, making: str, token: str) -> None:
    """Take away the image and the steps of its build; the engine may still be busy with one."""
    with suppress(TestwrightError):
        await client.run("image", "rm", "--force", making, doing="remove the image")
    for _ in range(_TIDY_TIMES):
        await asyncio.sleep(_TIDY_PAUSE)
        with suppress(TestwrightError):
            await client.run(
                *("image", "prune", "--force", "--filter", f"label={BUILD}={token}"),
                doing="remove what a build has left",
            )
