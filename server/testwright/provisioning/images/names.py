"""Images of ours: their names, the labels that say what is in them, and how they are found and removed again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from testwright.boxes.agent_box import AgentImage
from testwright.boxes.docker.client import DockerClient
from testwright.errors import DockerFailure
from testwright.provisioning.dependencies.values import Platform

ImageKind = Literal["tools", "agent", "project"]

AGENT_PREFIX = "/opt/testwright/agent"
"""Where the agent's environment is in an image; its interpreter is ``bin/python`` in there."""
PROJECT_PREFIX = "/opt/testwright/project"

FORMAT = "1"
"""Changes whenever images are made in another way, so that older ones are made again."""

KIND, BUILD = "testwright.image", "testwright.build"
_CONTENTS = "testwright.contents"
_DIGEST_LENGTH = 16
_KINDS: dict[str, ImageKind] = {"tools": "tools", "agent": "agent", "project": "project"}


@dataclass(frozen=True, slots=True)
class ImagePython:
    """A Python of an image.

    Attributes:
        version: As in ``3.12.1``.
        path: Of its interpreter.
    """

    version: str
    path: str

    @property
    def minor(self) -> str:
        """``3.12`` of ``3.12.1``."""
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an image of ours; kept as its labels.

    Attributes:
        kind: What it is for.
        base: Name of the image that the user has named to build on.
        under: What it was made of: the base's identifier, or the name of the agent's image.
        machine: ``x86_64`` or ``aarch64``.
        pythons: Those of the base.
        sdk: Version of ``openhands-sdk``; empty in an image of tools.
        lock: Digest of the lock that the agent was made of; likewise.
        agent_python: The agent's interpreter; likewise.
        python: The interpreter for the project: its own in a project's image, a plain one in the agent's.
        python_version: Its version.
        dependencies: Digest of what is installed for the project; empty but in a project's image.
        source: The files that said what to install; likewise.
    """

    kind: ImageKind
    base: str
    under: str
    machine: str
    pythons: tuple[ImagePython, ...]
    sdk: str = ""
    lock: str = ""
    agent_python: str = ""
    python: str = ""
    python_version: str = ""
    dependencies: str = ""
    source: str = ""

    @property
    def name(self) -> str:
        """Name and tag: what is made of the same has the same."""
        digest = hashlib.sha256(f"{FORMAT}\0{self._text()}".encode()).hexdigest()
        return f"testwright-{self.kind}:{digest[:_DIGEST_LENGTH]}"

    @property
    def token(self) -> str:
        """The tag, by which the steps of its build are labelled."""
        return self.name.rpartition(":")[2]

    def labels(self) -> dict[str, str]:
        """As labels: few, since each may be a step of the build."""
        return {KIND: self.kind, _CONTENTS: self._text()}

    def _text(self) -> str:
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    def platform(self, version: str) -> Platform:
        """What packages are chosen for, with one of the Pythons."""
        return Platform(version, self.machine)

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Contents | None:
        """From labels; None when they are not ours, or of another version of Testwright."""
        try:
            values = json.loads(labels[_CONTENTS])
            pythons = tuple(ImagePython(**python) for python in values.pop("pythons"))
            contents = cls(**values, pythons=pythons)
        except (KeyError, ValueError, TypeError, AttributeError):
            return None
        return contents if contents.kind == labels.get(KIND) and contents.kind in _KINDS else None


@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image of ours that is on the engine.

    Attributes:
        name: With its tag.
        contents: What is in it.
        size: In bytes, the base included.
        labels: All that it has.
    """

    name: str
    contents: Contents
    size: int
    labels: Mapping[str, str]

    @property
    def agent(self) -> AgentImage:
        """For the choice of the agent's box."""
        return AgentImage(self.name, self.contents.agent_python)


async def list_images(client: DockerClient) -> tuple[MadeImage, ...]:
    """The images of ours on an engine, the newest first; those that are being made are not among them.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: It refuses, or answers what cannot be read.
    """
    names = [name for name in await _tagged(client) if not name.endswith(MAKING)]
    if not names:
        return ()
    told = await client.run("image", "inspect", *names, doing="look at its images")
    try:
        found = [(image["RepoTags"], image["Config"]["Labels"], int(image["Size"])) for image in json.loads(told)]
    except (ValueError, KeyError, TypeError) as error:
        raise DockerFailure(
            "What the Docker engine tells of its images cannot be read.", next_step="Look at docker image inspect."
        ) from error
    made: list[MadeImage] = []
    for (tags, labels, size), name in zip(found, names, strict=True):
        contents = Contents.of(labels or {})
        if contents is not None and name in (tags or ()):
            made.append(MadeImage(name, contents, size, labels))
    return tuple(made)


MAKING = "-making"
"""Ending of the tag of an image that was not tried yet."""


async def remove_images(client: DockerClient, wanted: Collection[str] | None = None) -> tuple[str, ...]:
    """Remove images of ours, those that were left in the middle included; their names.

    Args:
        client: Speaks to the engine.
        wanted: Names of those to remove; None for all.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: One is in use by a container.
    """
    names = [name for name in await _tagged(client) if wanted is None or name in wanted]
    # A project's image stands on the agent's, and that one on the tools'.
    order = ("project", "agent", "tools")
    for name in sorted(names, key=lambda name: order.index(_kind(name))):
        try:
            await client.run("image", "rm", name, seconds=120, doing=f"remove the image {name}")
        except DockerFailure as error:
            if "conflict" not in error.message:
                raise
            raise DockerFailure(
                f"The image {name} is in use by a container, so it was not removed.",
                next_step="Wait until the run has ended, or cancel it; docker ps --all shows whose container it is.",
            ) from error
    return tuple(names)


async def _tagged(client: DockerClient) -> list[str]:
    told = await client.run(
        *("image", "ls", "--filter", f"label={KIND}", "--format", "{{.Repository}}:{{.Tag}}"), doing="list images"
    )
    # Podman puts localhost/ before a name that has no registry.
    names = [line.strip().removeprefix("localhost/") for line in told.splitlines()]
    return [name for name in names if name.startswith(tuple(f"testwright-{kind}:" for kind in _KINDS))]


def _kind(name: str) -> ImageKind:
    return _KINDS[name.removeprefix("testwright-").partition(":")[0]]
