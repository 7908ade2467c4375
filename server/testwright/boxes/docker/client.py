"""The docker program, run: every call has a limit of time and of output, and each failure a sentence.

Which engine is spoken to is the program's own affair: ``DOCKER_HOST``, contexts, a rootless engine, Podman's socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO, Self

from testwright.boxes.docker.faults import fault_of, not_answering
from testwright.boxes.docker.program import client_environment, docker_program
from testwright.errors import DockerFailure

_SECONDS = 30.0  # an engine on a busy machine takes a second; one that hangs is not waited for
_MOST = 8 * 1024 * 1024
_TAIL = 64 * 1024
_CHUNK = 64 * 1024


class DockerClient:
    """Runs the docker program."""

    def __init__(self, program: Path, environ: Mapping[str, str]) -> None:
        """Use a program; what of the environment it gets, ``client_environment`` says."""
        self.program = program
        self.environment = client_environment(program, environ)

    @classmethod
    def find(cls, workspace: Path | None = None, environ: Mapping[str, str] | None = None) -> Self:
        """Find the program, outside the workspace.

        Raises:
            DockerUnavailable: There is none.
        """
        variables = os.environ if environ is None else environ
        return cls(docker_program(workspace, variables), variables)

    async def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        seconds: float = _SECONDS,
        doing: str = "",
        pass_fds: tuple[int, ...] = (),
    ) -> str:
        """Run a command to its end; when cancelled, its process is killed.

        Args:
            arguments: After the word docker.
            stdin: All of the standard input.
            seconds: Limit of time.
            doing: What it is for, for the message of a failure; by default the command's first words.
            pass_fds: Descriptors that it inherits.

        Returns:
            The standard output, decoded.

        Raises:
            DockerUnavailable: Docker cannot be used, or does not answer.
            DockerFailure: It refuses, or writes more than 8 MiB.
        """
        process = await self.spawn(*arguments, pass_fds=pass_fds)
        try:
            async with asyncio.timeout(seconds):
                _, stdout, stderr = await asyncio.gather(
                    _feed(process, stdin), _take(process.stdout, _MOST), _take_tail(process.stderr)
                )
                code = await process.wait()
        except TimeoutError as error:
            raise not_answering(seconds) from error
        finally:
            await _end(process)
        if code != 0:
            raise fault_of(stderr, doing=doing or f"do {' '.join(arguments[:2])}")
        return stdout

    async def stream(
        self, *arguments: str, source: IO[bytes] | None = None, seconds: float, doing: str = ""
    ) -> AsyncIterator[str]:
        """Run a command and yield its lines, of both outputs, as they come; closing the iterator kills its process.

        Args:
            arguments: After the word docker.
            source: File that is its standard input, an archive for instance; None for an empty one.
            seconds: Limit of time for all of it.
            doing: What it is for, for the message of a failure.

        Raises:
            DockerUnavailable: Docker cannot be used, or is not done in its time.
            DockerFailure: It fails; the message holds its last words.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        process = await self.spawn(*arguments, source=source, merged=True)
        if process.stdin is not None:
            process.stdin.close()
        tail: list[str] = []
        try:
            # No timeout around a yield: it would strike whoever is given the line.
            async for line in _lines(process.stdout, deadline):
                tail = [*tail[-19:], line]
                yield line
            async with asyncio.timeout_at(deadline):
                code = await process.wait()
        except TimeoutError as error:
            raise not_answering(seconds) from error
        finally:
            await _end(process)
        if code != 0:
            raise fault_of("\n".join(tail), doing=doing or f"do {' '.join(arguments[:2])}")

    async def spawn(
        self,
        *arguments: str,
        source: IO[bytes] | None = None,
        merged: bool = False,
        pass_fds: tuple[int, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> asyncio.subprocess.Process:
        """Start the program, all its streams being pipes; ending it is the caller's.

        Args:
            arguments: After the word docker.
            source: File that is its standard input, in place of a pipe.
            merged: Both outputs in one.
            pass_fds: Descriptors that it inherits.
            environment: Variables on top of its own.

        Raises:
            DockerFailure: The program itself cannot be started.
        """
        try:
            return await asyncio.create_subprocess_exec(
                *(str(self.program), *arguments),
                stdin=source or asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT if merged else asyncio.subprocess.PIPE,
                env={**self.environment, **(environment or {})},
                cwd="/",
                pass_fds=pass_fds,
                start_new_session=True,  # Ctrl-C is for us, and we end it
            )
        except OSError as error:
            raise DockerFailure(
                f"{self.program} could not be started: {error.strerror or error}.",
                next_step="Check that docker version works in a terminal.",
            ) from error


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
        process.stdin.close()


async def _take(stream: asyncio.StreamReader | None, most: int) -> str:
    data = bytearray()
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        data += chunk
        if len(data) > most:
            raise DockerFailure(f"Docker wrote more than {most // 1024 // 1024} MiB.", next_step="Look at docker ps.")
    return data.decode(errors="replace")


async def _take_tail(stream: asyncio.StreamReader | None) -> str:
    data = bytearray()
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        data += chunk
        del data[:-_TAIL]
    return data.decode(errors="replace")


async def _lines(stream: asyncio.StreamReader | None, deadline: float) -> AsyncIterator[str]:
    """Lines as they come; a carriage return ends one too (progress bars), and one without end is cut."""
    rest = bytearray()
    while stream is not None:
        async with asyncio.timeout_at(deadline):
            chunk = await stream.read(_CHUNK)
        if not chunk:
            break
        rest += chunk.replace(b"\r", b"\n")
        *complete, rest = rest.split(b"\n")
        if len(rest) > _TAIL:
            complete.append(rest)
            rest = bytearray()
        for line in complete:
            if text := line.decode(errors="replace").rstrip():
                yield text
    if text := rest.decode(errors="replace").rstrip():
        yield text


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it if it is still there, and wait for it; its pipes are closed."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(TimeoutError, RuntimeError):  # RuntimeError: a reader that broke off is not yet gone
        async with asyncio.timeout(1.0):
            await asyncio.gather(_take_tail(process.stdout), _take_tail(process.stderr))
            await process.wait()
