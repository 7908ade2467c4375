"""Processes of a test: those that descend from one, and those that speak of a folder."""

from __future__ import annotations

import os
from pathlib import Path


def children(parent: int) -> set[int]:
    """Processes that one has started and that are alive."""
    return {pid for pid, other, _ in _all() if other == parent}


def descendants(root: int) -> set[int]:
    """Processes that descend from one, itself excepted."""
    of: dict[int, set[int]] = {}
    for pid, parent, _ in _all():
        of.setdefault(parent, set()).add(pid)
    found: set[int] = set()
    waiting = [root]
    while waiting:
        for pid in of.get(waiting.pop(), set()) - found:
            found.add(pid)
            waiting.append(pid)
    return found


def speaking_of(folder: Path) -> dict[int, str]:
    """Processes, this one excepted, whose command line names a folder: number → command line."""
    return {pid: command for pid, _, command in _all() if str(folder) in command and pid != os.getpid()}


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    return any(pid == other for other, _, _ in _all())


def commands_of(pids: set[int]) -> dict[int, str]:
    """Command lines of those that are alive."""
    return {pid: command for pid, _, command in _all() if pid in pids}


def _all() -> list[tuple[int, int, str]]:
    """Number, parent and command line of every process that is no zombie."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name in parentheses may hold anything, so what follows the last one is read.
            state, parent = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except (OSError, ValueError):  # it has ended meanwhile
            continue
        if state not in ("Z", "X"):
            found.append((int(folder.name), int(parent), command))
    return found
