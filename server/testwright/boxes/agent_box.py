"""Which box the agent runs in, and where its interpreter is in there.

Docker first, then bubblewrap, which is a full box too; that it is the second is told. What gives no protection is taken
by its name alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.docker.box import DockerBox
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.engine import look_at_engine
from testwright.boxes.plain import PlainBox
from testwright.boxes.protocol import Box
from testwright.boxes.reaping import Registry
from testwright.errors import BoxUnavailable, DockerUnavailable, UsageError

AgentBoxName = Literal["auto", "docker", "bubblewrap", "none"]


@dataclass(frozen=True, slots=True)
class AgentImage:
    """An image that holds the agent.

    Attributes:
        name: With its tag.
        python: The interpreter that has the SDK, in the image.
    """

    name: str
    python: str


@dataclass(frozen=True, slots=True)
class LocalAgent:
    """An environment of this machine that holds the agent.

    Attributes:
        python: The interpreter that has the SDK.
        roots: What a box must show for it.
    """

    python: Path
    roots: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class AgentBox:
    """A box, tried out, with an agent's interpreter in it.

    Attributes:
        box: The box.
        python: The interpreter that has the SDK, as the box sees it.
        read_only: What the box must see of the host for it; nothing where an image has it.
        image: The image, where there is one.
        notes: Sentences for the user about the choice.
    """

    box: Box
    python: str
    read_only: tuple[Path, ...]
    image: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentHosts:
    """What there is to choose from.

    Attributes:
        image: None when none was built.
        local: None when no environment was set up.
        workspace: The docker program is never taken from it.
        environ: Variables by which the docker program finds its engine; the process's own when None.
        registry: Where starts are noted; None is the user's own.
    """

    image: AgentImage | None
    local: LocalAgent | None
    workspace: Path | None = None
    environ: Mapping[str, str] | None = None
    registry: Registry | None = None


async def choose_agent_box(name: AgentBoxName, hosts: AgentHosts) -> AgentBox:
    """The box for an agent, tried out.

    Args:
        name: ``auto`` takes Docker, else bubblewrap with a note that says why; never ``none``.
        hosts: What there is to choose from.

    Raises:
        UsageError: There is no such box for an agent.
        BoxUnavailable: With the reason and the next step of each that was tried.
    """
    if name == "auto":
        return await _first(hosts)
    if name == "docker":
        return await _in_docker(hosts)
    if name == "bubblewrap":
        return await _in_bubblewrap(hosts)
    if name == "none":
        return AgentBox(PlainBox(hosts.registry), *_local(hosts.local))
    raise UsageError(
        f"There is no box named {name} for an agent.", next_step="Take one of auto, docker, bubblewrap, none."
    )


async def _first(hosts: AgentHosts) -> AgentBox:
    try:
        return await _in_docker(hosts)
    except BoxUnavailable as error:
        docker = error
    try:
        chosen = await _in_bubblewrap(hosts)
    except BoxUnavailable as error:
        raise BoxUnavailable(
            f"The agent has no box here. Docker: {docker.message} Local mode: {error.message}",
            next_step=" ".join(dict.fromkeys((docker.next_step, error.next_step))).strip(),
        ) from error
    note = f"The agent runs in local mode, in bubblewrap, since Docker cannot be used: {docker.message}"
    return AgentBox(chosen.box, chosen.python, chosen.read_only, notes=(note,))


async def _in_docker(hosts: AgentHosts) -> AgentBox:
    client = DockerClient.find(hosts.workspace, hosts.environ)
    if hosts.image is None:
        engine = await look_at_engine(
            client
        )  # one that does not answer shows no image, and that is not what is missing
        if engine.refusal is not None:
            raise DockerUnavailable(engine.refusal.detail, next_step=engine.refusal.next_step)
        raise DockerUnavailable(
            "The agent's image has not been built.",
            next_step="Build it with testwright setup docker.",
        )
    box = DockerBox(client, hosts.image.name, hosts.registry)
    probe = await box.probe()
    if not probe.usable:
        raise DockerUnavailable(probe.detail, next_step=probe.next_step)
    return AgentBox(box, hosts.image.python, (), image=hosts.image.name)


async def _in_bubblewrap(hosts: AgentHosts) -> AgentBox:
    python, roots = _local(hosts.local)
    box = BubblewrapBox(hosts.registry)
    probe = await box.probe()
    if not probe.usable:
        raise BoxUnavailable(probe.detail, next_step=probe.next_step)
    return AgentBox(box, python, roots)


def _local(local: LocalAgent | None) -> tuple[str, tuple[Path, ...]]:
    if local is None:
        raise BoxUnavailable(
            "The agent's environment is not set up.", next_step="Make it with testwright setup openhands."
        )
    return str(local.python), local.roots
