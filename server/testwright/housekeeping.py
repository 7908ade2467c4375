"""What Testwright keeps outside the workspace: the one list of these places, and how they are removed.

Three places, no more:

``cache``
    Things that can be made again. ``TESTWRIGHT_CACHE_DIR``, else the platform's cache folder.
``state``
    Things that outlive a run. ``TESTWRIGHT_STATE_DIR``, else the platform's state folder.
``scratch``
    Folders of a run in the system's temporary folder, named ``testwright-…``. A run removes its own; what a crash
    leaves is found by its name, its owner and our marker.

Each folder carries a marker file, and nothing is removed that does not: a folder that a user names by mistake stays
as it is. A scratch folder is in use while the process that made it holds a lock on the marker.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path, user_state_path

from testwright.errors import SettingsError, WriteFailure

APPLICATION = "testwright"
SCRATCH_PREFIX = "testwright-"
MARKER = ".testwright-keeps-this"
_MARKER_TEXT = "This folder belongs to Testwright; `testwright clean` removes it.\n"

Kind = Literal["cache", "state", "scratch"]


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of ours that exists.

    Attributes:
        kind: What it is for.
        path: Where it is.
        size: Bytes of all regular files below.
        in_use: A run that is going on holds it.
    """

    kind: Kind
    path: Path
    size: int
    in_use: bool = False


def cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Folder for things that can be made again; made and marked when it is not there.

    Raises:
        SettingsError: ``TESTWRIGHT_CACHE_DIR`` names a folder that cannot be ours.
        WriteFailure: It cannot be made.
    """
    return _claim(_location("cache", environ), "TESTWRIGHT_CACHE_DIR", environ)


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Folder for things that outlive a run; made and marked when it is not there.

    Raises:
        SettingsError: ``TESTWRIGHT_STATE_DIR`` names a folder that cannot be ours.
        WriteFailure: It cannot be made.
    """
    return _claim(_location("state", environ), "TESTWRIGHT_STATE_DIR", environ)


def scratch_parent() -> Path:
    """Folder in which scratch folders are made: the system's temporary folder (``TMPDIR``), resolved."""
    return Path(tempfile.gettempdir()).resolve()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of one run, removed at the end, and by ``testwright clean`` when a crash left it.

    Others may pass through it but not list it (0711), since a box that root starts runs as another user.

    Raises:
        WriteFailure: It cannot be made.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=scratch_parent()))
        folder.chmod(0o711)
        descriptor = _lock_marker(folder)
    except OSError as error:
        raise _cannot_make(scratch_parent(), error, "Set TMPDIR to a folder with space.") from error
    try:
        yield folder
    finally:
        remove_tree(folder)
        os.close(descriptor)


def places(environ: Mapping[str, str] | None = None) -> list[Place]:
    """All folders of ours that exist: cache, state, then scratch folders by name."""
    found: list[Place] = []
    for kind in ("cache", "state"):
        path = _location(kind, environ)
        if _is_ours(path):
            found.append(Place(kind, path, tree_size(path)))
    parent = scratch_parent()
    with suppress(OSError):
        found.extend(
            Place("scratch", path, tree_size(path), in_use=_in_use(path / MARKER))
            for path in sorted(parent.glob(f"{SCRATCH_PREFIX}*"))
            if _is_ours(path)
        )
    return found


def remove_tree(path: Path) -> None:
    """Remove a folder whole, without following links, folders without write permission included.

    Raises:
        OSError: Something of it could not be removed.
    """
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except PermissionError:
        for _, names, _, descriptor in os.fwalk(path, follow_symlinks=False):
            os.fchmod(descriptor, 0o700)
            for name in names:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    os.chmod(name, 0o700, dir_fd=descriptor)
        shutil.rmtree(path)


def tree_size(path: Path) -> int:
    """Bytes of all regular files below a folder; what cannot be read counts as nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                status = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - thousands of files
                if stat.S_ISREG(status.st_mode):
                    total += status.st_size
    return total


def _location(kind: Literal["cache", "state"], environ: Mapping[str, str] | None) -> Path:
    variables = os.environ if environ is None else environ
    name = f"TESTWRIGHT_{kind.upper()}_DIR"
    if named := variables.get(name):
        path = Path(named)
        if not path.is_absolute():
            raise SettingsError(
                f"{name} is {named!r}, which is not an absolute path.",
                next_step=f"Set {name} to an absolute path, or unset it.",
            )
        return path
    return user_cache_path(APPLICATION) if kind == "cache" else user_state_path(APPLICATION)


def _claim(path: Path, variable: str, environ: Mapping[str, str] | None) -> Path:
    """Make the folder ours, unless it holds somebody else's files."""
    variables = os.environ if environ is None else environ
    marker = path / MARKER
    if marker.is_file() and not path.is_symlink():
        return path
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if variables.get(variable) and any(path.iterdir()):
            raise SettingsError(
                f"{variable} names {path}, which holds files that are not Testwright's.",
                next_step=f"Set {variable} to a new or an empty folder.",
            )
        marker.write_text(_MARKER_TEXT, encoding="utf-8")
    except OSError as error:
        raise _cannot_make(path, error, f"Set {variable} to a folder that can be written.") from error
    return path


def _lock_marker(folder: Path) -> int:
    """Mark a scratch folder; the marker is locked before it has its name, so that it is never seen unlocked."""
    unnamed = folder / (MARKER + ".new")
    descriptor = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    os.write(descriptor, _MARKER_TEXT.encode())
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    unnamed.rename(folder / MARKER)
    return descriptor


def _cannot_make(path: Path, error: OSError, next_step: str) -> WriteFailure:
    return WriteFailure(
        f"Testwright's own folder {path} cannot be made: {error.strerror or error}.", next_step=next_step
    )


def _is_ours(path: Path) -> bool:
    """Whether it is a real folder of this user that carries the marker."""
    try:
        status = path.lstat()
        marker = (path / MARKER).lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and stat.S_ISREG(marker.st_mode) and marker.st_uid == os.geteuid()


def _in_use(marker: Path) -> bool:
    try:
        descriptor = os.open(marker, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(descriptor)
    return False
