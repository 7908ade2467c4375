"""The image that ours are built on: found or fetched, and asked what is in it, in a container that is closed."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass

from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.container import remove
from testwright.boxes.docker.labels import this_owner
from testwright.errors import DockerFailure, DockerUnavailable, SetupFailure, TestwrightError
from testwright.provisioning.dependencies.values import Platform
from testwright.provisioning.images.names import ImagePython
from testwright.provisioning.images.progress import TellImage, told
from testwright.provisioning.pythons import WANTED

DEFAULT_BASE = "python:3.12-slim-bookworm"
"""Python's own image, of the default registry; another is named with --base or in the setting ``agent-image-base``."""

PULL_SECONDS = 1800.0
_LOOK_SECONDS = 60.0
_TOOLS = ("git", "tmux", "ps")

# Asked of a shell's own words and of the Pythons themselves, without their packages.
_QUESTION = r"""
echo "machine $(uname -m)"
echo "libc $(getconf GNU_LIBC_VERSION 2>/dev/null)"
for tool in git tmux ps apt-get; do command -v $tool >/dev/null 2>&1 && echo "tool $tool"; done
for name in python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 python3; do
    command -v $name >/dev/null 2>&1 && $name -I -S -c '
import sys
try:
    import venv
except ImportError:
    sys.exit()
if sys.implementation.name == "cpython" and sys.version_info[3] == "final":
    print("python", "%d.%d.%d" % sys.version_info[:3], sys.executable)' 2>/dev/null
done
echo end
"""
_REGISTRY_STEP = (
    "Check the name and the network, name an image that is on this engine or in a registry of yours "
    "(registry/name:tag) with --base, or bring one here with docker load or docker import."
)


@dataclass(frozen=True, slots=True)
class BaseImage:
    """An image to build on.

    Attributes:
        name: As the user says it.
        identifier: Of its content.
        machine: ``x86_64`` or ``aarch64``.
        glibc: Version of its C library, as in ``(2, 36)``.
        pythons: That environments can be made of, the oldest first.
        missing: Programs that the agent works with and that are not there.
        has_apt: Whether they can be installed from Debian's packages.
    """

    name: str
    identifier: str
    machine: str
    glibc: tuple[int, int]
    pythons: tuple[ImagePython, ...]
    missing: tuple[str, ...]
    has_apt: bool

    def platform(self, python: str) -> Platform:
        """What packages are chosen for, with one of the Pythons."""
        return Platform(python, self.machine)

    def agent_python(self) -> ImagePython:
        """The Python that the agent runs on.

        Raises:
            SetupFailure: There is none that it can.
        """
        for minor in WANTED:
            for python in self.pythons:
                if python.minor == minor:
                    return python
        there = ", ".join(python.version for python in self.pythons) or "none at all"
        raise SetupFailure(
            f"The agent needs Python 3.12 or 3.13, and the image {self.name} has {there}.",
            next_step=f"Name another image with --base, such as {DEFAULT_BASE}.",
        )


async def find_base(client: DockerClient, name: str, tell: TellImage) -> BaseImage:
    """Find an image, fetch it when it is not there, and look into it.

    Args:
        client: Speaks to the engine.
        name: As ``docker pull`` takes it.
        tell: Is told how far it is.

    Raises:
        DockerUnavailable: Docker cannot be used, or the image can be had nowhere.
        DockerFailure: The container in which it is looked at could not be made.
        SetupFailure: It is no image that the agent can run in.
    """
    if not name or name.startswith("-") or name.strip() != name:
        raise SetupFailure(f"{name!r} is no name of an image.", next_step=_REGISTRY_STEP)
    identifier = await image_identifier(client, name)
    if identifier is None:
        await _pull(client, name, tell)
        identifier = await image_identifier(client, name)
    if identifier is None:
        raise DockerUnavailable(f"The image {name} was fetched and is not there.", next_step=_REGISTRY_STEP)
    return read_answer(name, identifier, await _ask(client, name, tell))


async def image_identifier(client: DockerClient, name: str) -> str | None:
    """The identifier of an image's content; None when the engine has no such image.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: It refuses.
    """
    try:
        told = await client.run("image", "inspect", "--format", "{{.Id}}", name, doing="look for the image")
    except DockerUnavailable as error:
        if error.message.startswith("The image is not there"):
            return None
        raise
    return told.strip()


def read_answer(name: str, identifier: str, lines: list[str]) -> BaseImage:
    """What an image has told of itself.

    Raises:
        SetupFailure: It is no image that the agent can run in.
    """
    words = [line.split() for line in lines]
    values = {word[0]: word[1:] for word in words if word}
    if values.get("end") is None:
        raise _unfit(name, "it has no shell, or not the usual programs")
    libc = values.get("libc", [])
    if len(libc) != 2 or libc[0] != "glibc":
        raise _unfit(name, "it has another C library than glibc, for which there are not all of the agent's packages")
    machine = {"x86_64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}.get(" ".join(values.get("machine", [])))
    if machine is None:
        raise _unfit(name, f"it is for {' '.join(values.get('machine', [])) or 'an unknown machine'}")
    tools = {word[1] for word in words if word[:1] == ["tool"] and len(word) == 2}
    pythons: dict[str, ImagePython] = {}
    for word in words:
        if word[:1] == ["python"] and len(word) == 3 and "=" not in word[2]:
            pythons.setdefault(word[1].rpartition(".")[0], ImagePython(word[1], word[2]))
    major, _, minor = libc[1].partition(".")
    return BaseImage(
        name=name,
        identifier=identifier,
        machine=machine,
        glibc=(int(major), int(minor)) if major.isdigit() and minor.isdigit() else (2, 17),
        pythons=tuple(sorted(pythons.values(), key=lambda python: [int(part) for part in python.version.split(".")])),
        missing=tuple(tool for tool in _TOOLS if tool not in tools),
        has_apt="apt-get" in tools,
    )


async def _pull(client: DockerClient, name: str, tell: TellImage) -> None:
    try:
        async for line in client.stream("pull", name, seconds=PULL_SECONDS, doing=f"fetch the image {name}"):
            tell(told("pulling", line))
    except (DockerUnavailable, DockerFailure) as error:
        if "disk of the Docker engine is full" in error.message or "Docker engine does not answer" in error.message:
            if await _answers(client):
                raise _not_fetched(name, error) from error
            raise
        raise _not_fetched(name, error) from error


async def _answers(client: DockerClient) -> bool:
    """Whether the engine is there: then what did not answer was the registry."""
    try:
        await client.run("version", "--format", "{{.Server.Version}}", doing="tell its version")
    except TestwrightError:
        return False
    return True


def _not_fetched(name: str, error: TestwrightError) -> DockerUnavailable:
    why = error.message.partition(": ")[2] or error.message
    return DockerUnavailable(
        f"The image to build on, {name}, is not on this engine and could not be fetched: {why}",
        next_step=_REGISTRY_STEP,
    )


async def _ask(client: DockerClient, name: str, tell: TellImage) -> list[str]:
    tell(told("looking"))
    container = f"testwright-{secrets.token_hex(12)}"
    owner = this_owner(container, _LOOK_SECONDS)
    labels = [word for label, value in owner.labels().items() for word in ("--label", f"{label}={value}")]
    try:
        answer = await client.run(
            *("run", "--name", container, *labels, "--pull", "never", "--network", "none", "--read-only"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "64000:64000"),
            *("--pids-limit", "64", "--memory", "512m", "--log-driver", "none", "--no-healthcheck"),
            *("--entrypoint", "/bin/sh", name, "-c", _QUESTION),
            seconds=_LOOK_SECONDS,
            doing=f"look into the image {name}",
        )
    except DockerFailure as error:
        if "/bin/sh" in error.message:
            raise _unfit(name, "it has no shell") from error
        raise
    finally:
        with suppress(TestwrightError):  # what an engine that is gone has left, the next start reaps
            await asyncio.shield(remove(client, container, seconds=20.0))
    return answer.splitlines()


def _unfit(name: str, why: str) -> SetupFailure:
    return SetupFailure(
        f"The image {name} cannot be built on: {why}.",
        next_step=f"Name one of Debian or Ubuntu that has Python 3.12 or 3.13 with --base, such as {DEFAULT_BASE}.",
    )
