"""The process tree of a container: the docker program that is attached to it, and what the engine says of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, ClassVar

from testwright.boxes.background import in_background
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.faults import (
    fault_of,
    gone_in_the_middle,
    paused_from_outside,
    removed_from_outside,
)
from testwright.boxes.protocol import ExitCause
from testwright.boxes.trees import Outcome, code_or_signal
from testwright.errors import BoxFailure, TestwrightError

_KILL_SECONDS = 1.8  # in which a kill has to be over, whatever the engine does
_TELL_SECONDS = 20.0  # the engine's time to tell how a program ended, on a busy machine
_REMOVE_SECONDS = 20.0
_LOOK_EVERY = 3.0  # seconds between looks whether somebody has paused the container
_KILLED = 137
_BEING_REMOVED = ("removing", "dead")  # the engine says so before it kills for that, and until nothing is left


class Container:
    """One container, from its start on."""

    forks_are_limited: ClassVar[bool] = True

    def __init__(
        self, client: DockerClient, name: str, process: asyncio.subprocess.Process, close: Callable[[], None]
    ) -> None:
        """Take over a container that is being started.

        Args:
            client: Speaks to its engine.
            name: Of the container.
            process: The docker program that is attached to it.
            close: Called when all is over.
        """
        self._client = client
        self._name = name
        self._process = process
        self._close = close
        self._state: dict[str, Any] = {}
        self._fault: BoxFailure | None = None
        self._forced = False
        self._finishing: asyncio.Task[None] | None = None
        self._looking = in_background(self._look())

    @staticmethod
    def pids() -> list[int]:
        """None of this machine's: memory and processes are limited by the engine."""
        return []

    @staticmethod
    def scratch_size() -> int:
        """The scratch is in memory, and the kernel limits it."""
        return 0

    def kill(self) -> None:
        """Kill and remove it, or when it has ended by itself, ask how and remove it.

        Said a second time, the question is dropped.
        """
        self._looking.cancel()
        attached = self._process.returncode is None
        if self._finishing is None:
            self._finish(forced=attached)
        elif not self._finishing.done() and not self._forced:
            self._finish(forced=True)
        if attached:
            # At once: it may hang, and it is of no more use.
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def grace(self) -> float:
        """A kill is over soon, or the next start finishes it; to tell how a program ended takes as long as it takes."""
        return _KILL_SECONDS if self._forced else _TELL_SECONDS + _REMOVE_SECONDS

    async def gone(self) -> None:
        """Wait for the removal."""
        while self._finishing is not None:
            finishing = self._finishing
            await asyncio.wait({finishing}, timeout=self.grace())
            if finishing is self._finishing:
                return

    def outcome(self, status: int, stderr: str) -> Outcome:
        """How the program ended, as the engine tells it.

        Raises:
            BoxFailure: It was not even started, was paused or removed by somebody else, or the engine went away.
        """
        if self._fault is not None:
            raise self._fault
        if self._forced or not self._state:
            return Outcome(status)
        if str(self._state.get("StartedAt", "")).startswith("0001-"):
            raise fault_of(str(self._state.get("Error") or stderr), doing="start the container")
        if self._state.get("Running") or self._state.get("Paused"):
            raise gone_in_the_middle(stderr)
        code = int(self._state.get("ExitCode", status))
        cause: ExitCause | None = None
        reason = ""
        if code == _KILLED:
            if self._state.get("OOMKilled"):
                cause, reason = "memory", "\nThe container was ended: its processes used more memory than it may.\n"
            else:
                reason = "\nThe container was killed, by itself or from outside.\n"
        return Outcome(code_or_signal(code), cause, reason)

    def close(self) -> None:
        """Tell that all is over."""
        self._looking.cancel()
        self._close()

    def _finish(self, *, forced: bool) -> None:
        self._forced = forced
        if self._finishing is not None:
            self._finishing.cancel()
        self._finishing = in_background(self._remove() if forced else self._tell_and_remove())

    async def _tell_and_remove(self) -> None:
        try:
            self._state = await container_state(self._client, self._name, seconds=_TELL_SECONDS)
        except TestwrightError as error:
            self._fault = self._fault or (
                removed_from_outside() if is_missing(error) else gone_in_the_middle(error.message)
            )
        else:
            if self._state.get("Status") in _BEING_REMOVED:
                self._fault = self._fault or removed_from_outside()
        await self._remove()

    async def _remove(self) -> None:
        with contextlib.suppress(TestwrightError):  # what an engine that is gone has left, the next start reaps
            await remove(self._client, self._name, seconds=_REMOVE_SECONDS)

    async def _look(self) -> None:
        """End a container that somebody has paused, or whose engine has stopped to answer: it would never end."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            try:
                state = await container_state(self._client, self._name, seconds=_TELL_SECONDS)
            except TestwrightError as error:
                if self._process.returncode is not None or is_missing(error):
                    return  # the attached program ends by itself then
                self._fault = gone_in_the_middle(error.message)
            else:
                if not state.get("Paused"):
                    continue
                self._fault = paused_from_outside()
            self.kill()
            return


async def container_state(client: DockerClient, name: str, *, seconds: float) -> dict[str, Any]:
    """What the engine says of a container's state.

    Raises:
        DockerUnavailable: The engine does not answer.
        DockerFailure: There is no such container.
    """
    told = await client.run(
        *("container", "inspect", "--format", "{{json .State}}", name), seconds=seconds, doing="look at the container"
    )
    state = json.loads(told)
    return state if isinstance(state, dict) else {}


async def remove(client: DockerClient, name: str, *, seconds: float) -> None:
    """Kill a container and remove it with its volumes; one that is not there is no failure.

    Raises:
        DockerUnavailable: The engine does not answer.
        DockerFailure: It refuses.
    """
    try:
        await client.run("rm", "--force", "--volumes", name, seconds=seconds, doing="remove the container")
    except TestwrightError as error:
        if not is_missing(error):
            raise


def is_missing(error: TestwrightError) -> bool:
    """Whether an error says that there is no such container, or that it is being removed."""
    return "No such container" in error.message or "is already in progress" in error.message
