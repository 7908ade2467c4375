"""Containers that a crash has left are found by their labels and removed."""

from __future__ import annotations

from dataclasses import dataclass

from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.container import remove
from testwright.boxes.docker.labels import NAMES, PID, RUN, Owner, this_owner

_FORMAT = "\t".join(f'{{{{.Label "{name}"}}}}' for name in NAMES)


@dataclass(frozen=True, slots=True)
class Containers:
    """Names of the containers of ours on an engine: those somebody may want, and those left by a crash."""

    held: tuple[str, ...]
    left: tuple[str, ...]


async def find_containers(client: DockerClient, *, living: frozenset[str] | None = None) -> Containers:
    """The containers of ours on this engine.

    Args:
        client: Speaks to the engine.
        living: Those that this process holds, so that what it has lost track of counts as left; None when it is not
            known.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: It refuses.
    """
    told = await client.run(
        *("ps", "--all", "--no-trunc", "--filter", f"label={RUN}", "--filter", f"label={PID}", "--format", _FORMAT),
        doing="list containers",
    )
    mine = this_owner("", 0.0)
    held: list[str] = []
    left: list[str] = []
    for line in told.splitlines():
        owner = Owner.of(line.split("\t"))
        if owner is None or not owner.run:
            continue
        ours = (owner.host, owner.process, owner.boot) == (mine.host, mine.process, mine.boot)
        lost = ours and living is not None and owner.run not in living
        (left if lost or owner.is_gone() else held).append(owner.run)
    return Containers(tuple(held), tuple(left))


async def reap_containers(client: DockerClient, *, living: frozenset[str] | None = None) -> tuple[str, ...]:
    """Remove the containers that a crash has left; their names.

    Raises:
        DockerUnavailable: Docker cannot be used.
        DockerFailure: It refuses.
    """
    left = (await find_containers(client, living=living)).left
    for name in left:
        await remove(client, name, seconds=20.0)
    return left
