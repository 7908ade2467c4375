"""Starts by way of the launcher: for boxes that have no namespace.

The launcher (see its package) is the parent of the program and of all that the program leaves behind. It runs in our
own interpreter and ends with us. The scratch is a folder of its own that is deleted afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import stat
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from testwright.boxes.environment import box_environment
from testwright.boxes.launcher import processes
from testwright.boxes.limits import SupervisedProcess, kernel_limits
from testwright.boxes.memory_files import memory_file
from testwright.boxes.paths import existing_roots
from testwright.boxes.protocol import Command, World
from testwright.boxes.reaping import MARKER, Registry, delete_tree, marked
from testwright.boxes.trees import GRACE, Outcome
from testwright.boxes.users import box_user, is_root, processes_counted
from testwright.errors import BoxFailure

_FORCE_AFTER = 0.5  # seconds that the launcher has to end all by itself
_MOST_FILES = 20_000  # files in a scratch; also bounds the time it takes to measure it
_CAP_DAC_READ_SEARCH = 2
_LAUNCH = "import sys; sys.path.append({folder!r}); from launcher.__main__ import main; main()"


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is laid on the program besides limits, as the launcher takes it.

    Attributes:
        landlock: Rules, or None.
        filter: Instructions of a seccomp filter, or None.
        judged: System calls that the launcher judges, name to number.
    """

    landlock: Mapping[str, Any] | None = None
    filter: bytes | None = None
    judged: Mapping[str, int] | None = None


def seen_in_snapshot(world: World, path: Path) -> Path:
    """Where there are no mounts, a path of the workspace is seen in its snapshot, except what that does not hold."""
    if path.is_relative_to(world.workspace) and not any(
        path.is_relative_to(root) for root in existing_roots(world) if root.is_relative_to(world.workspace)
    ):
        return world.snapshot / path.relative_to(world.workspace)
    return path


@dataclass(frozen=True, slots=True)
class Scratch:
    """A private folder of one start, resolved; the user number that owns it, and its note in the registry."""

    folder: Path
    user: int
    note: Path


def make_scratch(registry: Registry) -> Scratch:
    """A private folder for one start, with a home in it, that belongs to a user number for that start.

    Raises:
        BoxFailure: The disk refuses it.
    """
    user = box_user()
    scratch = Path(os.path.realpath(tempfile.gettempdir())) / f"testwright-scratch-{secrets.token_hex(16)}"
    note = registry.note(folders=(scratch,))
    try:
        for folder in (scratch, scratch / "home"):
            folder.mkdir(mode=0o700)
            if is_root():
                os.chown(folder, user, user)
    except OSError as error:
        registry.forget(note)
        raise BoxFailure(
            f"The box's scratch {scratch} cannot be made: {error.strerror or error}.",
            next_step="Check the free space of the temporary folder, or name another in TMPDIR.",
        ) from error
    return Scratch(scratch, user, note)


async def start_confined(
    world: World,
    command: Command,
    *,
    registry: Registry,
    scratch: Scratch,
    confinement: Confinement,
) -> SupervisedProcess:
    """Start a program below the launcher.

    Raises:
        BoxFailure: The launcher could not be started.
    """
    wall_start = asyncio.get_running_loop().time()
    folder = scratch.folder
    marker = secrets.token_hex(16)
    status_read, status_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    limits = kernel_limits(command.limits, processes_now=processes_counted(own_namespace=False))
    request = {
        "host": os.getpid(),
        "argv": command.argv,
        "environment": {**box_environment(world, command, scratch=folder), MARKER: marker},
        "cwd": str(seen_in_snapshot(world, command.cwd) if command.cwd else folder),
        "limits": limits,
        "user": scratch.user if is_root() else None,
        "capabilities": _capabilities(world) if is_root() else (),
        "landlock": confinement.landlock,
        "filter": None if confinement.filter is None else confinement.filter.hex(),
        "judged": dict(confinement.judged or {}),
        "scratch": str(folder),
        "status": status_write,
    }
    descriptor = memory_file(json.dumps(request).encode())
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", _LAUNCH.format(folder=str(Path(__file__).parent))),
            str(descriptor),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(descriptor, status_write),
            env={},
            cwd="/",
            start_new_session=True,
        )
    except BaseException as error:
        os.close(status_read)
        delete_tree(folder)
        registry.forget(scratch.note)
        if isinstance(error, OSError):
            raise BoxFailure(
                f"The box could not be started: {error.strerror or error}.", next_step="See testwright doctor."
            ) from error
        raise
    finally:
        os.close(descriptor)
        os.close(status_write)
    tree = _LauncherTree(process, status_read, registry, marker, scratch)
    return SupervisedProcess(process, tree, command=command, wall_start=wall_start)


class _LauncherTree:
    """The launcher and all below it."""

    forks_are_limited: ClassVar[bool] = False

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        status: int,
        registry: Registry,
        marker: str,
        scratch: Scratch,
    ) -> None:
        self._process = process
        self._status = status
        self._registry = registry
        self._marker = marker
        self._scratch = scratch
        self._note = registry.note(pid=process.pid, marker=marker)
        self._forcing: asyncio.TimerHandle | None = None

    def pids(self) -> list[int]:
        """All below the launcher."""
        return processes.descendants(self._process.pid)

    def scratch_size(self) -> int:
        """Bytes on the disk, as far as a short walk goes; more files than that count as too much."""
        total = 0
        entries = 0
        todo = [str(self._scratch.folder)]
        while todo:
            with contextlib.suppress(OSError), os.scandir(todo.pop()) as scan:
                for entry in scan:
                    entries += 1
                    if entries > _MOST_FILES:
                        return sys.maxsize
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        return total

    def kill(self) -> None:
        """Have the launcher kill all; should it not manage, do it from here."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
        if self._forcing is None:
            self._forcing = asyncio.get_running_loop().call_later(_FORCE_AFTER, self._force)

    def _force(self) -> None:
        below = self.pids()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        for pid in (*below, *marked(self._marker)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    @staticmethod
    def grace() -> float:
        """The kernel kills at once."""
        return GRACE

    async def gone(self) -> None:
        """The launcher ends after all below it; if it was killed itself, what it left is found by its marker."""
        if self._process.returncode is not None and self._process.returncode < 0:
            while marked(self._marker):
                self._force()
                await asyncio.sleep(0.01)

    def outcome(self, status: int, stderr: str) -> Outcome:  # noqa: ARG002 - the launcher tells it otherwise
        """The program's exit code or minus its signal, as the launcher tells it.

        Raises:
            BoxFailure: The program did not start.
        """
        told = b""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._status, 4096):
                told += data
        answer = json.loads(told) if told else {}
        if "code" in answer:
            return Outcome(int(answer["code"]))
        if status < 0:
            return Outcome(status)
        raise BoxFailure(
            f"The program could not be started in the box: {answer.get('failed', 'the launcher failed')}.",
            next_step="See testwright doctor.",
        )

    def close(self) -> None:
        """Give back what the start took and delete its scratch."""
        if self._forcing is not None:
            self._forcing.cancel()
        os.close(self._status)
        delete_tree(self._scratch.folder)
        self._registry.forget(self._scratch.note)
        self._registry.forget(self._note)


def _capabilities(world: World) -> tuple[int, ...]:
    """What a foreign user must keep to read a world that lies in private folders: the search of folders.

    Raises:
        BoxFailure: It would need that, and we do not have it to give.
    """
    closed = _closed((world.snapshot, *existing_roots(world)))
    if closed is None:
        return ()
    if _permitted() >> _CAP_DAC_READ_SEARCH & 1:
        return (_CAP_DAC_READ_SEARCH,)
    raise BoxFailure(
        f"{closed} is readable for root alone, and a box never runs as root.",
        next_step=f"Run Testwright as a plain user, or allow others to pass: chmod o+rx {closed}",
    )


def _closed(paths: Iterable[Path]) -> Path | None:
    """The first folder on the way to these paths that others may not pass."""
    for path in paths:
        for folder in (*reversed(path.parents), path):
            mode = os.stat(folder).st_mode  # noqa: PTH116 - follows links, as the program would
            wanted = stat.S_IXOTH if folder != path else stat.S_IROTH
            if not mode & wanted:
                return folder
    return None


def _permitted() -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0
