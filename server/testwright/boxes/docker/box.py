"""The box of a Docker engine.

Nothing of the host is mounted: what the program needs is in the image, or comes by its standard input. It can write to
its scratch alone, which is in memory. The container is removed at the end of each start.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from pathlib import Path
from typing import ClassVar

from testwright.boxes.background import in_background
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.container import Container, remove
from testwright.boxes.docker.engine import look_at_engine
from testwright.boxes.docker.faults import LOCAL_MODE
from testwright.boxes.docker.labels import this_owner
from testwright.boxes.docker.options import SCRATCH, create_arguments, environment_lines
from testwright.boxes.docker.reaping import reap_containers
from testwright.boxes.environment import box_environment
from testwright.boxes.limits import SupervisedProcess, whole
from testwright.boxes.memory_files import memory_file
from testwright.boxes.protocol import MIB, BoxProcess, Command, Limits, Probe, World
from testwright.boxes.reaping import MARKER, Registry
from testwright.errors import BoxFailure, DockerUnavailable, TestwrightError

_UNDO_SECONDS = 1.8  # that a start which is cancelled takes at most
_REMOVE_SECONDS = 20.0
_CPUS = 2.0
_PROBE_LIMITS = Limits(wall=30.0, memory=256 * MIB, file=16 * MIB)

# What a container must be, asked of a shell's own words; the same as of bubblewrap, and that it is not root.
_PROBE_SCRIPT = r"""
while read -r line; do case $line in CapEff:*|NoNewPrivs:*) echo $line;; esac; done </proc/self/status
while read -r name rest; do case $name in *:) echo net $name;; esac; done </proc/net/dev
(: >/probe) 2>/dev/null && echo image is writable
(: >"$TMPDIR/probe") 2>/dev/null && echo scratch is writable
[ -S /var/run/docker.sock ] && echo engine can be reached
while read -r name real rest; do case $name in Uid:) [ "$real" = 0 ] && echo root;; esac; done </proc/self/status
echo ran
"""
_PROBE_ANSWER = {"CapEff: 0000000000000000", "NoNewPrivs: 1", "net lo:", "scratch is writable", "ran"}

_living: set[str] = set()  # names of this process's containers


class DockerBox:
    """Box by a container of its own for each start."""

    name: ClassVar[str] = "docker"

    def __init__(self, client: DockerClient, image: str, registry: Registry | None = None) -> None:
        """Make a box; nothing is started yet.

        Args:
            client: Speaks to the engine.
            image: What containers are made of; it is never fetched.
            registry: Where starts are noted, so that what a crash leaves can be found; None is the user's own.
        """
        self.client = client
        self.image = image
        self.registry = registry or Registry.default()
        self._probe: Probe | None = None
        self._cpus = _CPUS

    async def probe(self) -> Probe:
        """Look at the engine, remove what a crash has left, and try a start."""
        if self._probe is None:
            try:
                self._probe = await self._try()
            except TestwrightError as error:
                self._probe = Probe(usable=False, detail=error.message, next_step=error.next_step)
        return self._probe

    def seen(self, world: World, path: Path) -> Path:
        """A path of the workspace is seen below the scratch, where the program unpacks it."""
        for root in (world.workspace, world.snapshot):
            if path.is_relative_to(root):
                return Path(SCRATCH, "workspace") / path.relative_to(root)
        return path

    async def start(self, world: World, command: Command) -> BoxProcess:
        """Start a program.

        Raises:
            DockerUnavailable: The engine or the image cannot be had.
            BoxFailure: It could not be started.
        """
        probe = await self.probe()
        if not probe.usable:
            raise DockerUnavailable(probe.detail, next_step=probe.next_step)
        return await self._start(world, command)

    async def _start(self, world: World, command: Command) -> SupervisedProcess:
        if command.cwd is not None:
            raise BoxFailure(
                f"A container cannot start in {command.cwd}: nothing of the workspace is in it yet.",
                next_step="Start in the scratch, and unpack the workspace there.",
            )
        name = f"testwright-{secrets.token_hex(12)}"
        environment = box_environment(world, command, scratch=Path(SCRATCH))
        owner = this_owner(name, command.limits.wall)
        variables = memory_file(environment_lines(environment))
        arguments = create_arguments(
            command, owner=owner, image=self.image, cpus=self._cpus, environment_file=f"/proc/self/fd/{variables}"
        )
        making = asyncio.get_running_loop().create_task(
            self.client.run(*arguments, doing="make a container", pass_fds=(variables,))
        )
        making.add_done_callback(lambda _: os.close(variables))
        _living.add(name)
        try:
            await asyncio.shield(making)
            return await whole(self._attach(name, command))
        except BaseException:
            # In the time of a kill, whatever the engine does; what it is still making then is removed when it is made.
            await asyncio.wait({in_background(self._undo(name, making))}, timeout=_UNDO_SECONDS)
            raise

    async def _attach(self, name: str, command: Command) -> SupervisedProcess:
        wall_start = asyncio.get_running_loop().time()
        marker = secrets.token_hex(16)
        process = await self.client.spawn("start", "--attach", "--interactive", name, environment={MARKER: marker})
        try:
            note = self.registry.note(pid=process.pid, marker=marker, container=name)
        except BoxFailure:
            process.kill()
            raise

        def close() -> None:
            self.registry.forget(note)
            _living.discard(name)

        container = Container(self.client, name, process, close)
        return SupervisedProcess(process, container, command=command, wall_start=wall_start)

    async def _undo(self, name: str, making: asyncio.Task[str]) -> None:
        """Remove what a start that failed may have left; what is not there yet cannot be removed."""
        try:
            with contextlib.suppress(TestwrightError):
                await making
            with contextlib.suppress(TestwrightError):  # what an engine that is gone has left, the next start reaps
                await remove(self.client, name, seconds=_REMOVE_SECONDS)
        finally:
            _living.discard(name)

    async def _try(self) -> Probe:
        engine = await look_at_engine(self.client)
        if engine.refusal is not None:
            return engine.refusal
        self._cpus = min(_CPUS, engine.cpus)
        await reap_containers(self.client, living=frozenset(_living))
        await self.client.run("image", "inspect", "--format", "{{.Id}}", self.image, doing="find the image")
        command = Command(("/bin/sh", "-c", _PROBE_SCRIPT), limits=_PROBE_LIMITS)
        nothing = Path("/nonexistent")
        async with await self._start(World(nothing, nothing, ()), command) as process:
            answer = {line.decode(errors="replace") async for line in process.lines()}
            ended = await process.wait()
        if answer == _PROBE_ANSWER and ended.code == 0:
            return Probe(usable=True, detail=f"{engine.words} works.")
        said = ended.stderr.strip() or f"a trial start answered {sorted(answer)}"
        return Probe(
            usable=False,
            detail=f"{engine.words} does not close its box here: {said}.",
            next_step=f"Look at docker info, or {LOCAL_MODE}.",
        )
