"""Boxes are noted on the disk while they live, so that the next start can find and remove what a crash has left."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from testwright.boxes.launcher import processes
from testwright.errors import BoxFailure

MARKER = "TESTWRIGHT_BOX"
"""Variable in the environment of boxes that have no namespace to end with them; its value names the start."""

_PREFIX = "testwright-"


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was removed: how many process trees and which folders; and which containers a crash may have left."""

    trees: int
    folders: tuple[Path, ...]
    containers: tuple[str, ...] = ()


class Registry:
    """A folder with one small file for each living box or private folder of this user."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it is made when something is noted."""
        self.folder = folder

    @classmethod
    def default(cls) -> Registry:
        """The user's own, in the state folder (``TESTWRIGHT_STATE_DIR`` names another)."""
        state = os.environ.get("TESTWRIGHT_STATE_DIR")
        return cls((Path(state) if state else platformdirs.user_state_path("testwright")) / "boxes")

    def note(
        self, *, pid: int | None = None, marker: str = "", folders: tuple[Path, ...] = (), container: str = ""
    ) -> Path:
        """Note a box or private folders that belong to this process.

        Args:
            pid: A process whose tree is to be killed should we be gone.
            marker: Value of ``MARKER`` in the environment of its processes, when the tree may have scattered.
            folders: Folders to delete; each must be named ``testwright-...``.
            container: Name of a container that belongs to it.

        Returns:
            The note, for ``forget``.

        Raises:
            BoxFailure: The folder cannot be written.
        """
        content = {
            "boot": _boot(),
            "host": os.getpid(),
            "host_start": processes.start_time(os.getpid()),
            "pid": pid,
            "start": None if pid is None else processes.start_time(pid),
            "marker": marker,
            "folders": [str(folder) for folder in folders],
            "container": container,
        }
        path = self.folder / f"{os.getpid()}-{secrets.token_hex(8)}.json"
        partial = path.with_suffix(".partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial.write_text(json.dumps(content), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise BoxFailure(
                f"The box cannot be noted in {self.folder}: {error.strerror or error}.",
                next_step="Name a folder that can be written in TESTWRIGHT_STATE_DIR.",
            ) from error
        return path

    @staticmethod
    def forget(note: Path) -> None:
        """Take a note away, its box being gone."""
        note.unlink(missing_ok=True)

    @contextlib.contextmanager
    def private_folder(self, parent: Path, purpose: str) -> Iterator[Path]:
        """A fresh folder that is deleted at the end, or by the next start after a crash.

        For root's boxes, which run under a foreign user, it can be passed through but not listed; its name cannot be
        guessed. Otherwise it is ours alone.

        Args:
            parent: Where to make it.
            purpose: A word for its name: ``testwright-<purpose>-...``.
        """
        path = parent / f"{_PREFIX}{purpose}-{secrets.token_hex(16)}"
        note = self.note(folders=(path,))
        try:
            path.mkdir(mode=0o700)
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)  # whatever the umask
            yield path
        finally:
            delete_tree(path)
            self.forget(note)

    def reap(self) -> Reaped:
        """Kill and delete what processes of ours that are gone have left. Living ones keep theirs.

        Containers are only named: their engine removes them (``boxes.docker.reaping``).
        """
        trees = 0
        folders: list[Path] = []
        containers: list[str] = []
        for path in sorted(self.folder.glob("*.json")):
            note = _read(path)
            if note is None:
                path.unlink(missing_ok=True)  # cut off in the middle of a write: it notes nothing
                continue
            if note.held:
                continue
            if note.same_boot:
                trees += _kill_left(note.pid, note.start, note.marker)
            for folder in note.folders:
                if folder.name.startswith(_PREFIX) and folder.is_dir() and not folder.is_symlink():
                    delete_tree(folder)
                    folders.append(folder)
            if note.container:
                containers.append(note.container)
            path.unlink(missing_ok=True)
        return Reaped(trees, tuple(folders), tuple(containers))

    def noted_folders(self) -> tuple[frozenset[Path], frozenset[Path]]:
        """Private folders that living processes hold, and those that processes that are gone have left."""
        notes = [note for path in self.folder.glob("*.json") if (note := _read(path)) is not None]
        held, left = (
            frozenset(folder for note in notes if note.held is wanted for folder in note.folders)
            for wanted in (True, False)
        )
        return held, left


@dataclass(frozen=True, slots=True)
class _Note:
    """A note as it was read: who noted what, and whether that process lives."""

    folders: tuple[Path, ...]
    pid: int | None
    start: int | None
    marker: str
    container: str
    same_boot: bool
    held: bool


def _read(path: Path) -> _Note | None:
    """A note, None where the file is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
        host, host_start = int(content["host"]), content["host_start"]
        same_boot = content["boot"] == _boot()
        return _Note(
            folders=tuple(Path(folder) for folder in content["folders"]),
            pid=content["pid"],
            start=content["start"],
            marker=str(content["marker"]),
            container=str(content.get("container", "")),
            same_boot=same_boot,
            held=same_boot and host_start is not None and processes.start_time(host) == host_start,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def reap_orphans(registry: Registry | None = None) -> Reaped:
    """Remove what a crash left: processes, scratch folders, snapshots. Cheap when there is nothing."""
    return (registry or Registry.default()).reap()


def delete_tree(path: Path) -> None:
    """Delete a folder that boxed code may have written, its odd permissions included. Links are not followed."""
    shutil.rmtree(path, ignore_errors=True)
    if not path.exists():
        return
    path.chmod(0o700)
    for folder, names, _files in os.walk(path):  # does not enter links
        for name in names:
            below = Path(folder, name)
            if not below.is_symlink():
                with contextlib.suppress(OSError):
                    below.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


def marked(marker: str) -> list[int]:
    """Processes that carry a start's marker in their environment."""
    wanted = f"{MARKER}={marker}".encode()
    found = []
    for pid in processes.all_processes():
        with contextlib.suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def _kill_left(pid: int | None, start: int | None, marker: str) -> int:
    victims = []
    if pid is not None and start is not None and processes.start_time(pid) == start:
        victims = [pid, *processes.descendants(pid)]
    if marker:
        victims += marked(marker)
    for victim in victims:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(victim, signal.SIGKILL)
    return 1 if victims else 0


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
