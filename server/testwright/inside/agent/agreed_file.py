"""Read the one file that leaves the box, whatever the agent has made of its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a named pipe must not hold us up


def read_agreed(workspace: Path, relative: str, limit: int) -> tuple[bytes | None, str | None]:
    """Its bytes, or None and what is wrong with it. No link is followed, in its parents either.

    Args:
        workspace: The agent's workspace.
        relative: Place of the file in it, with ``/``.
        limit: Bytes that are taken at most.

    Returns:
        The content, and None; or None, and one of ``missing``, ``link``, ``not-a-file``, ``too-large``, ``unreadable``.
    """
    *parents, name = relative.split("/")
    try:
        folder = os.open(workspace, _FOLDER)
    except OSError:
        return None, "missing"
    try:
        for parent in parents:
            problem = _problem(folder, parent, stat.S_ISDIR)
            if problem is not None:
                return None, problem
            below = os.open(parent, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        problem = _problem(folder, name, stat.S_ISREG)
        if problem is not None:
            return None, problem
        return _read(folder, name, limit)
    except OSError:
        return None, "unreadable"
    finally:
        os.close(folder)


def _problem(folder: int, name: str, wanted: Callable[[int], bool]) -> str | None:
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return "missing"
    if stat.S_ISLNK(mode):
        return "link"
    return None if wanted(mode) else "not-a-file"


def _read(folder: int, name: str, limit: int) -> tuple[bytes | None, str | None]:
    with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None, "not-a-file"
        data = file.read(limit + 1)
    return (None, "too-large") if len(data) > limit else (data, None)
