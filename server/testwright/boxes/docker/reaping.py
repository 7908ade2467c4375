"""Containers that a crash has left are found by their labels and removed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.container import remove
from testwright.boxes.docker.labels import NAMES, PID, RUN, Owner, this_owner
from testwright.boxes.reaping import Reaped, Registry, reap_orphans
from testwright.errors import TestwrightError

_START_SECONDS = 10.0  # that a start may take over what a crash has left in an engine

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


async def reap_all(
    registry: Registry | None = None, *, workspace: Path | None = None, environ: Mapping[str, str] | None = None
) -> Reaped:
    """Remove what a crash has left, containers included. Docker is asked only when there is a note of one.

    An engine that does not answer is not waited for: its containers are removed when a box of it is next probed.

    Args:
        registry: Where starts are noted; None is the user's own.
        workspace: No program in it is started.
        environ: Variables by which the docker program finds its engine; the process's own when None.
    """
    reaped = await asyncio.to_thread(reap_orphans, registry)
    if reaped.containers:
        with contextlib.suppress(TestwrightError, TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                await reap_containers(DockerClient.find(workspace, environ))
    return reaped
