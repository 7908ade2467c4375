"""What an agent's box gets of the run: a tar of the filtered workspace, our programs, and pytest to lend.

Nothing is mounted for it, so that it works the same in every box and nothing of the user's can be written.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event
from typing import IO

from testwright.boxes.session import is_placed
from testwright.errors import BoxFailure

MAX_BYTES = 1024 * 1024 * 1024
"""The program in the box takes no more (``inside.agent.bootstrap``)."""


@dataclass(frozen=True, slots=True)
class Freight:
    """Folders that go into the box.

    Attributes:
        snapshot: The filtered copy of the workspace.
        library: Folder that holds ``testwright_inside``.
        overlay: Folder with pytest and coverage, for a project without; None when its image has them.
        leave_out: Whether a path of the snapshot stays out, relative and with slashes; a folder with all below it.
    """

    snapshot: Path
    library: Path
    overlay: Path | None = None
    leave_out: Callable[[PurePosixPath, bool], bool] = lambda _path, _is_folder: False


def packed(freight: Freight, test_path: str, stop: Event | None = None) -> IO[bytes]:
    """Pack it into a file that has no name and goes with its handle, rewound.

    Args:
        freight: What to pack.
        test_path: The agreed file; its folder is made, since the agent's editor makes none.
        stop: Once it is set, nothing more is packed: nobody wants it any more.

    Raises:
        BoxFailure: It cannot be read, is too large, or there is no room for it.
    """
    try:
        file = tempfile.TemporaryFile(prefix="testwright-")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise _unpacked(error) from error
    try:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            packer = _Packer(archive, freight, stop or Event())
            packer.add("workspace", freight.snapshot)
            packer.make_folders(PurePosixPath(test_path).parent)
            packer.add("library", freight.library)
            if freight.overlay is not None:
                packer.add("overlay", freight.overlay)
        _check_size(file.tell())
        file.seek(0)
    except OSError as error:
        file.close()
        raise _unpacked(error) from error
    except BaseException:
        file.close()
        raise
    return file


def _unpacked(error: OSError) -> BoxFailure:
    return BoxFailure(
        f"The workspace could not be packed for the agent's box: {error.strerror or error}.",
        next_step="Free some space in the temporary folder, or name another one in TMPDIR.",
    )


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise BoxFailure(
            f"The workspace is too large for an agent's box ({size} bytes).",
            next_step="Take --engine embedded, or open the folder of one package as the workspace.",
        )


class _Packer:
    def __init__(self, archive: tarfile.TarFile, freight: Freight, stop: Event) -> None:
        self._archive = archive
        self._freight = freight
        self._stop = stop

    def add(self, top: str, folder: Path) -> None:
        """Pack a folder under a name at the top."""
        self._folder(top)
        self._content(top, folder, PurePosixPath())

    def make_folders(self, folder: PurePosixPath) -> None:
        """Make a folder of the workspace and those above it, where they are not there."""
        for path in (*reversed(folder.parents), folder):
            if path.parts and not os.path.lexists(self._freight.snapshot / path):
                self._folder(f"workspace/{path}")

    def _content(self, top: str, folder: Path, relative: PurePosixPath) -> None:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except FileNotFoundError:
            if relative.parts:
                return  # a folder that was there for a file of the judge
            raise
        for entry in entries:
            if self._stop.is_set():
                raise BoxFailure("The workspace was not packed, since nobody wants it any more.")
            path = relative / entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if top == "workspace" and (is_placed(entry.name) or self._freight.leave_out(path, is_folder)):
                continue
            name = f"{top}/{path}"
            if entry.is_symlink():
                self._link(name, path, Path(entry.path))
            elif is_folder:
                self._folder(name)
                self._content(top, Path(entry.path), path)
            elif entry.is_file(follow_symlinks=False):
                self._file(name, Path(entry.path))

    def _folder(self, name: str) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        self._archive.addfile(info)

    def _link(self, name: str, path: PurePosixPath, place: Path) -> None:
        goal = os.readlink(place)  # noqa: PTH115 - its text, not a path that was made of it
        if goal.startswith("/") or os.path.normpath(path.parent / goal).startswith(".."):
            return  # it leads nowhere in the box
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, goal
        self._archive.addfile(info)

    def _file(self, name: str, place: Path) -> None:
        with place.open("rb") as source:
            found = os.fstat(source.fileno())
            info = tarfile.TarInfo(name)
            info.size = found.st_size
            info.mode = 0o755 if found.st_mode & 0o100 else 0o644
            info.mtime = int(found.st_mtime)
            self._archive.addfile(info, source)
