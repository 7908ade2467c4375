"""What can be seen in the boxes of a run while it goes on: processes, variables, files, and what Docker tells."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

LABEL = "testwright.pid"
SHOW = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; tar -c -C / tmp run dev/shm etc 2>/dev/null"
"""Run in a container: what it tells holds neither the command line of who asks nor what is looked for."""


def containers(owner: int) -> list[str]:
    """Containers that a process has started, whether they run or not; none where there is no engine."""
    if "DOCKER_HOST" not in os.environ:
        return []
    told = _docker("ps", "--all", "--no-trunc", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}').decode()
    return [line.split()[0] for line in told.splitlines() if line.partition(" ")[2].startswith(f"{owner}:")]


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that know a test's own folder."""
    return [
        _read(entry, "cmdline").replace(b"\0", b" ").decode(errors="replace")
        for entry in _processes()
        if str(folder).encode() in _read(entry, "cmdline") + _read(entry, "environ")
    ]


@dataclass(slots=True)
class Inspector:
    """Looks for a secret in all that a run has started.

    Attributes:
        secret: What must not be there.
        owner: The process of the command line, which has it in its variables.
        looks: How often it has looked.
        boxes: In how many of these it has seen the inside of a box with the agent's workspace.
        found: Where the secret was.
    """

    secret: bytes
    owner: int = 0
    looks: int = 0
    boxes: int = 0
    found: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Look now."""
        self.looks += 1
        inside = 0
        for container in containers(self.owner):
            self._check(f"inspect {container}", _docker("inspect", container))
            shown = _docker("exec", container, "/bin/sh", "-c", SHOW)
            self._check(f"inside {container}", shown)
            inside += b"workspace/pyproject.toml" in shown
        started = self._started()
        for entry in _processes():
            self._check(f"command line of {entry.name}", _read(entry, "cmdline"))
            if int(entry.name) in started:
                self._check(f"variables of {_read(entry, 'cmdline')[:80]!r}", _read(entry, "environ"))
                inside += self._look_into(entry)
        self.boxes += inside > 0

    def _look_into(self, process: Path) -> bool:
        """Read the files of a box of bubblewrap, where a process in it sees them."""
        seen = False
        with suppress(OSError):
            if (process / "root" / "tmp").samefile("/tmp"):  # it is in no box
                return False
            for folder, _, names in os.walk(process / "root" / "tmp"):
                for name in names:
                    path = Path(folder, name)
                    if path.is_file() and not path.is_symlink():
                        seen = seen or path.as_posix().endswith("workspace/pyproject.toml")
                        self._check(str(path), path.read_bytes())
        return seen

    def _check(self, what: str, content: bytes) -> None:
        if self.secret in content:
            self.found.append(what)

    def _started(self) -> set[int]:
        """Living processes that the command line has started, however far down."""
        parents = {}
        for entry in _processes():
            with suppress(ValueError, IndexError):
                parents[int(entry.name)] = int(_read(entry, "stat").rpartition(b")")[2].split()[1])
        found = {self.owner}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found - {self.owner}


def _processes() -> list[Path]:
    return [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid()]


def _read(process: Path, name: str) -> bytes:
    with suppress(OSError):
        return (process / name).read_bytes()
    return b""


def _docker(*arguments: str) -> bytes:
    program = shutil.which("docker")
    assert program is not None
    return subprocess.run([program, *arguments], capture_output=True, check=False, timeout=60).stdout
