"""What every box is: the only door through which code of a user, an agent or a test is started."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Protocol, Self

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one start. Sizes in bytes, times in seconds.

    Attributes:
        wall: From start to kill.
        cpu: CPU time of any one process.
        memory: Of the whole tree, and of any one process.
        processes: Processes and threads alive at once.
        output: Bytes on standard output and on standard error, each.
        file: Size of any one file, and of the scratch.
    """

    wall: float = 60.0
    cpu: float = 120.0
    memory: int = 2048 * MIB
    processes: int = 128
    output: int = 64 * MIB
    file: int = 256 * MIB


@dataclass(frozen=True, slots=True)
class World:
    """What a box may see of the host; the same for every start of one run.

    Attributes:
        workspace: Where the user's workspace is. Its content in the box is ``snapshot``.
        snapshot: A private, filtered copy of the workspace (see ``boxes.snapshot``), which the box sees read-only.
        read_only: Further folders or files to read, at the same path inside: the interpreter's roots and our own
            library folder. Never ``/``, never the home folder itself.
        environment: Allow-listed variables that are passed on by the user's word (``pass-env``).
    """

    workspace: Path
    snapshot: Path
    read_only: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """One program to start in a box.

    Attributes:
        argv: Program and arguments; paths as the box sees them (``Box.seen``).
        stdin: All of its standard input; the beginning of it when it is interactive.
        interactive: Its standard input stays open after ``stdin``, for ``BoxProcess.send``.
        environment: Variables on top of the box's own (HOME, PATH, TMPDIR, LANG, ...).
        cwd: Folder in the workspace to start in (absolute, as the *user* names it); None is the scratch.
        limits: Limits of this start.
    """

    argv: tuple[str, ...]
    stdin: bytes = b""
    interactive: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    limits: Limits = field(default_factory=Limits)


ExitCause = Literal["exited", "signalled", "wall", "memory", "output", "killed"]


@dataclass(frozen=True, slots=True)
class BoxExit:
    """How a start ended.

    Attributes:
        cause: ``exited`` by itself; ``signalled`` (crash, CPU limit); a limit of ours; ``killed`` by the caller.
        code: Exit code, or minus the signal's number.
        stderr: The last 64 KiB of standard error, decoded.
    """

    cause: ExitCause
    code: int
    stderr: str


class BoxProcess(Protocol):
    """A started program. Leaving the ``async with`` kills its whole tree."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    def lines(self) -> AsyncIterator[bytes]:
        """Standard output, a line at a time, without the newline; ends when the program does or is killed."""
        ...

    async def send(self, data: bytes) -> None:
        """Write to the standard input of an interactive start, after ``Command.stdin`` and what was sent before.

        Returns when the program has taken most of it, so that a program that does not read holds its sender up and
        not the memory. What was handed over is written whole even when the caller is cancelled meanwhile.

        Raises:
            BoxFailure: The program has ended or is being killed, or its input is closed.
        """
        ...

    async def close_input(self) -> None:
        """End the standard input; what was sent still arrives. Does nothing when it has ended already."""
        ...

    async def wait(self) -> BoxExit:
        """Wait for the end (draining what is left of the output)."""
        ...

    async def kill(self) -> None:
        """Kill the whole tree; returns when nothing of it is alive (within a second)."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a box can be had here.

    Attributes:
        usable: True when a trial start did what a box must do.
        detail: What was found, or why not; a sentence.
        next_step: What the user can do, empty when usable.
    """

    usable: bool
    detail: str
    next_step: str = ""


class Box(Protocol):
    """A way to run a program without network, with private scratch, limits and an allow-listed environment."""

    name: ClassVar[str]

    async def probe(self) -> Probe:
        """Try a start; cached for the life of the object."""
        ...

    def seen(self, world: World, path: Path) -> Path:
        """Where a host path (in the workspace, the snapshot or ``read_only``) is seen inside."""
        ...

    async def start(self, world: World, command: Command) -> BoxProcess:
        """Start a program.

        Raises:
            BoxUnavailable: The box cannot be had.
            BoxFailure: It could not be started.
        """
        ...
