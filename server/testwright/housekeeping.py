"""What Testwright keeps outside the workspace: the one list of these places, and how they are removed.

Three kinds, no more:

``cache``
    Things that can be made again. ``TESTWRIGHT_CACHE_DIR``, else the platform's cache folder.
``state``
    Things that outlive a run. ``TESTWRIGHT_STATE_DIR``, else the platform's state folder.
``scratch``
    Private folders of a run in the system's temporary folder, named ``testwright-<purpose>-<32 hex digits>``. A run
    removes its own, and the next run what a crash has left.

A cache or state folder is ours when it carries our marker file, or holds nothing but what we put there; no other is
written to or removed, so a folder that was named by mistake stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path, user_state_path

from testwright.errors import SettingsError, WriteFailure

APPLICATION = "testwright"
MARKER = ".testwright-keeps-this"
SCRATCH_NAME = re.compile(r"testwright-[a-z]+-[0-9a-f]{32}")
STALE_SECONDS = 2 * 3600
"""A scratch folder that nobody notes may be of a run with another state folder; a run takes an hour at most."""
STORE = "store.sqlite3"
"""What outlives a run, in the state folder."""
LEDGER = "models.sqlite3"
"""Requests to models, what was learnt of them, and consent, in the state folder."""
RUNS = "runs.sqlite3"
"""Runs while they go on, in the state folder."""
ASIDE = ".old"
"""Ending of the name of a database that could not be used."""
DATABASE_PARTS = ("", "-wal", "-shm", "-journal")
"""Endings of the files that SQLite makes of one name."""

_MARKER_TEXT = "This folder belongs to Testwright; `testwright clean` removes it.\n"
_DATABASES = frozenset(
    name + age + part for name in (STORE, LEDGER, RUNS) for age in ("", ASIDE) for part in DATABASE_PARTS
)
_ENTRIES = _DATABASES | {"agents", "boxes", "crashes", "overlay", "proposals", "refreshed_models.json", "reports"}

Kind = Literal["cache", "state", "scratch"]


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of ours that exists.

    Attributes:
        kind: What it is for.
        path: Where it is.
        size: Bytes of all regular files below.
        in_use: A run that is going on holds it, or may hold it.
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
    return _claim("cache", environ)


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Folder for things that outlive a run; made and marked when it is not there.

    Raises:
        SettingsError: ``TESTWRIGHT_STATE_DIR`` names a folder that cannot be ours.
        WriteFailure: It cannot be made.
    """
    return _claim("state", environ)


def scratch_parent() -> Path:
    """Folder in which scratch folders are made: the system's temporary folder (``TMPDIR``), resolved."""
    return Path(tempfile.gettempdir()).resolve()


def places(
    held: Collection[Path] = (), left: Collection[Path] = (), environ: Mapping[str, str] | None = None
) -> list[Place]:
    """All folders of ours that exist: cache, state, then scratch folders by name.

    Args:
        held: Scratch folders of runs that are going on; while there is one, cache and state are in use too.
        left: Scratch folders that are known to be left by a crash.
        environ: Variables to look at; the process's own when None.

    Raises:
        SettingsError: ``TESTWRIGHT_CACHE_DIR`` or ``TESTWRIGHT_STATE_DIR`` is no absolute path.
    """
    found: list[Place] = []
    for kind in ("cache", "state"):
        path = _location(kind, environ)
        if _is_ours(path):
            found.append(Place(kind, path, tree_size(path), in_use=bool(held)))
    for path in sorted(scratch_parent().glob(f"{APPLICATION}-*")):
        if SCRATCH_NAME.fullmatch(path.name) and (status := _own_folder(path)):
            unknown = path not in left and time.time() - status.st_mtime < STALE_SECONDS
            found.append(Place("scratch", path, tree_size(path), in_use=path in held or unknown))
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
        for folder, names, _ in os.walk(path):
            for name in (".", *names):
                inner = Path(folder, name)
                if not inner.is_symlink():
                    inner.chmod(0o700)
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


def _variable(kind: Literal["cache", "state"]) -> str:
    return f"TESTWRIGHT_{kind.upper()}_DIR"


def _location(kind: Literal["cache", "state"], environ: Mapping[str, str] | None) -> Path:
    variables = os.environ if environ is None else environ
    name = _variable(kind)
    if named := variables.get(name):
        path = Path(named)
        if not path.is_absolute():
            raise SettingsError(
                f"{name} is {named!r}, which is not an absolute path.",
                next_step=f"Set {name} to an absolute path, or unset it.",
            )
        return path
    return user_cache_path(APPLICATION) if kind == "cache" else user_state_path(APPLICATION)


def _claim(kind: Literal["cache", "state"], environ: Mapping[str, str] | None) -> Path:
    """Make the folder ours, unless it holds somebody else's files."""
    path = _location(kind, environ)
    name = _variable(kind)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(path.iterdir()) and not _is_ours(path):
            raise SettingsError(
                f"The {kind} folder {path} holds files that are not Testwright's.",
                next_step=f"Set {name} to a new or an empty folder.",
            )
        marker = path / MARKER
        if not marker.exists():
            marker.write_text(_MARKER_TEXT, encoding="utf-8")
    except OSError as error:
        raise WriteFailure(
            f"Testwright's {kind} folder {path} cannot be made: {error.strerror or error}.",
            next_step=f"Set {name} to a folder that can be written.",
        ) from error
    return path


def _is_ours(path: Path) -> bool:
    if _own_folder(path) is None:
        return False
    try:
        names = {entry.name for entry in path.iterdir()}
    except OSError:
        return False
    return MARKER in names or (bool(names) and names <= _ENTRIES)


def _own_folder(path: Path) -> os.stat_result | None:
    """Its status when it is a real folder of this user, and no link to one."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() else None
