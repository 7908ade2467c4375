"""Walk a workspace's Python files, without following links and without the folders that are not the project's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

MAX_FILES = 20_000
"""Python files looked at in one walk; CPython's own repository has some 2,500."""

SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "dist-packages", "build", "dist", "venv"})
"""Folders that hold installed or generated code. Hidden folders and any with a ``pyvenv.cfg`` are skipped as well.

``build`` and ``dist`` are skipped at the workspace's root alone: a package may have a module of that name.
"""

_ROOT_ONLY = frozenset({"build", "dist"})


def python_files(root: Path, below: Path | None = None) -> Iterator[Path]:
    """Regular ``*.py`` files of a workspace, shallow ones first, sorted; at most ``MAX_FILES``.

    Folders and files that are links, that are hidden, or that cannot be read are passed over.

    Args:
        root: Its root.
        below: The folder in it that is walked; the root when None.
    """
    waiting = [root if below is None else below]
    found = 0
    while waiting:
        following: list[Path] = []
        for folder in waiting:
            for entry in _entries(folder):
                if entry.is_dir(follow_symlinks=False):
                    if not _is_skipped(entry, at_root=folder == root):
                        following.append(Path(entry.path))
                elif entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)
                    found += 1
                    if found >= MAX_FILES:
                        return
        waiting = following


def passed_over(root: Path, path: Path) -> str | None:
    """The folder because of which a walk does not come to a path; None when it does.

    Args:
        root: Root of the workspace.
        path: A folder or file in it.

    Returns:
        Its path below the root.
    """
    folder = root
    for part in path.relative_to(root).parts[: None if path.is_dir() else -1]:
        entry, at_root = folder / part, folder == root
        if entry.is_symlink() or _is_named_to_skip(part, at_root=at_root) or os.path.lexists(entry / "pyvenv.cfg"):
            return entry.relative_to(root).as_posix()
        folder = entry
    return None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:  # no permission, or it went away meanwhile
        return []


def _is_skipped(entry: os.DirEntry[str], *, at_root: bool) -> bool:
    if _is_named_to_skip(entry.name, at_root=at_root):
        return True
    return os.path.lexists(os.path.join(entry.path, "pyvenv.cfg"))  # noqa: PTH118 - called for each folder


def _is_named_to_skip(name: str, *, at_root: bool) -> bool:
    return name.startswith(".") or (name in SKIPPED_FOLDERS and (at_root or name not in _ROOT_ONLY))
