"""Packages of which there are only source distributions: built in a container, by the user's consent alone.

A build runs the code of a package. The container has a network, since a build fetches what it builds with, and nothing
else: no file of the user's, no password, no privilege. What leaves it is a folder of files that nobody runs here.
"""

from __future__ import annotations

import asyncio
import platform
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.container import container_state, remove
from testwright.boxes.docker.labels import this_owner
from testwright.boxes.docker.options import USER
from testwright.errors import SetupFailure, TestwrightError
from testwright.provisioning.images.packages import Packages
from testwright.provisioning.images.progress import TellImage, told
from testwright.provisioning.installer import Installer
from testwright.provisioning.setup_words import setup_failure

BUILD_SECONDS = 3600.0
_COPY_SECONDS = 600.0
_INSIDE = "/tmp/testwright"  # noqa: S108 - the container's own
_SITE = "/tmp/site"  # noqa: S108 - likewise
_ENVIRONMENT = {
    "HOME": "/tmp/home",  # noqa: S108 - likewise
    "UV_CACHE_DIR": "/tmp/cache",  # noqa: S108 - likewise
    "UV_NO_CONFIG": "1",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "NO_COLOR": "1",
}
_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_SAFE = ("UV_INDEX_STRATEGY", "UV_HTTP_TIMEOUT")
_LAST_LINES = 60


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where packages are built.

    Attributes:
        client: Speaks to the engine.
        image: What the container is made of.
        python: The interpreter that they are built for, in the image.
        network: Of the container; None for the engine's usual one.
    """

    client: DockerClient
    image: str
    python: str
    network: str | None


async def build_packages(
    workshop: Workshop, installer: Installer, packages: Packages, folder: Path, tell: TellImage
) -> tuple[Path, tuple[str, ...]]:
    """Fetch packages, and build those that have no wheel.

    Args:
        workshop: Where.
        installer: Its uv is copied into the container.
        packages: Which.
        folder: An empty one of ours.
        tell: Is told each line of uv's.

    Returns:
        A folder with the packages, and sentences for the user.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: The container could not be made, or went away.
        SetupFailure: A build fails.
    """
    if platform.machine().replace("arm64", "aarch64") != packages.platform.machine:
        raise SetupFailure(
            f"Source distributions cannot be built: the Docker engine's machine is {packages.platform.machine}, and "
            f"this one is {platform.machine()}.",
            next_step="Use an engine of this machine, or lock versions that have wheels.",
        )
    environment, notes = _environment(installer.settings.environment)
    given = folder / "given"
    given.mkdir()
    await asyncio.to_thread(_fill, given, installer.program, packages)
    name = f"testwright-{secrets.token_hex(12)}"
    try:
        await workshop.client.run(*_create(workshop, packages, name, environment), doing="make a container")
        await workshop.client.run(
            "cp", f"{given}/.", f"{name}:{_INSIDE}", seconds=_COPY_SECONDS, doing="copy into the container"
        )
        await _run(workshop.client, name, tell)
        site = folder / "site"
        await workshop.client.run("cp", f"{name}:{_SITE}", str(site), seconds=_COPY_SECONDS, doing="copy packages")
    finally:
        with suppress(TestwrightError):  # what an engine that is gone has left, the next start reaps
            await asyncio.shield(remove(workshop.client, name, seconds=20.0))
    return site, notes


def _fill(given: Path, uv: Path, packages: Packages) -> None:
    shutil.copyfile(uv, given / "uv")
    (given / "uv").chmod(0o755)
    requirements = given / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in packages.lines), encoding="utf-8")
    requirements.chmod(0o644)
    given.chmod(0o755)


def _create(workshop: Workshop, packages: Packages, name: str, environment: Mapping[str, str]) -> list[str]:
    owner = this_owner(name, BUILD_SECONDS)
    network = () if workshop.network is None else ("--network", workshop.network)
    locked = ("--no-deps", "--require-hashes") if packages.is_locked else ()
    return [
        *("create", "--name", name, "--init", "--pull", "never", *network),
        *(word for label, value in owner.labels().items() for word in ("--label", f"{label}={value}")),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{USER}:{USER}"),
        *("--memory", "4g", "--memory-swap", "4g", "--pids-limit", "512", "--log-driver", "none", "--no-healthcheck"),
        *("--restart", "no", "--workdir", "/tmp"),  # noqa: S108 - the container's own
        *(word for key, value in environment.items() for word in ("--env", f"{key}={value}")),
        *("--entrypoint", f"{_INSIDE}/uv", workshop.image, "pip", "install", "--python", workshop.python),
        *("--target", _SITE, *locked, "-r", f"{_INSIDE}/requirements.txt"),
    ]


async def _run(client: DockerClient, name: str, tell: TellImage) -> None:
    last: list[str] = []
    try:
        async for line in client.stream("start", "--attach", name, seconds=BUILD_SECONDS, doing="build packages"):
            last = [*last[1 - _LAST_LINES :], line]
            tell(told("building-packages", line))
    except TestwrightError:
        # The program's own failure and the engine's look the same from outside.
        state = await container_state(client, name, seconds=20.0)
        code = state.get("ExitCode")
        if state.get("Status") != "exited" or state.get("Error") or not isinstance(code, int) or code == 0:
            raise
        raise setup_failure(
            "uv",
            code,
            "\n".join(last),
            undone="The image was not built",
            again="Look at what the build of the package needs, or lock a version that has a wheel.",
        ) from None


def _environment(settings: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Variables for uv in the container: without what only this machine has, and without any password."""
    environment = dict(_ENVIRONMENT)
    has_left_out = False
    for name in (*_INDEXES, *_SAFE):
        words = settings.get(name, "").replace(",", " ").split()
        if name in _INDEXES:
            kept = [word for word in words if word.startswith(("https://", "http://")) and "@" not in word]
            has_left_out |= kept != words
            words = kept
        if words:
            environment[name] = ("," if name == "UV_FIND_LINKS" else " ").join(words)
    note = "For the build of source distributions, indexes that are of this machine or have a password were not used."
    return environment, (note,) if has_left_out else ()
