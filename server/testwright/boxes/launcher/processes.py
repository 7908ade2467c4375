"""What /proc says of process trees: who descends from whom, how much memory they hold, when they began."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable
from pathlib import Path

_PAGE = mmap.PAGESIZE
_HAS_CHILDREN_FILE = Path(f"/proc/self/task/{os.getpid()}/children").exists()  # needs CONFIG_PROC_CHILDREN


def _read(path: str) -> str:
    """Content of a file in /proc, empty when the process has gone or may not be looked at."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - called often; a Path costs more
            return file.read()
    except OSError:
        return ""


def _numbers(folder: str) -> list[int]:
    """Entries of a folder in /proc that are numbers: processes or threads."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - called often; a Path for each entry costs more
    except OSError:
        return []
    return [int(name) for name in names if name.isdigit()]


def all_processes() -> list[int]:
    """Every process of this host (as far as our own process namespace goes)."""
    return _numbers("/proc")


def _stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on (the command's name before it may hold anything)."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def start_time(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; with the pid it names a process for good. None: it has gone."""
    fields = _stat_fields(pid)
    return int(fields[19]) if len(fields) > 19 else None


def descendants(root: int) -> list[int]:
    """All processes that descend from ``root``, itself excluded, zombies included; empty when it has gone."""
    if _HAS_CHILDREN_FILE:
        found: list[int] = []
        todo = [root]
        while todo:
            pid = todo.pop()
            for thread in _numbers(f"/proc/{pid}/task"):
                children = [int(child) for child in _read(f"/proc/{pid}/task/{thread}/children").split()]
                found += children
                todo += children
        return found
    return _descendants_by_scan(root)


def _descendants_by_scan(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid in all_processes():
        fields = _stat_fields(pid)
        if len(fields) > 1:
            children.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    todo = [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def threads_of(pids: Iterable[int]) -> int:
    """Number of threads of these processes, which is what a limit on processes counts."""
    total = 0
    for pid in pids:
        fields = _stat_fields(pid)
        if len(fields) > 17 and fields[0] not in "ZX":
            total += int(fields[17])
    return total


def resident_memory(pids: Iterable[int]) -> int:
    """Bytes in memory, added up: pages that processes share are counted for each."""
    total = 0
    for pid in pids:
        fields = _read(f"/proc/{pid}/statm").split()
        if len(fields) > 1:
            total += int(fields[1]) * _PAGE
    return total


def proportional_memory(pids: Iterable[int]) -> int:
    """Bytes in memory, a shared page divided among those that share it: the truth for a tree of forks, but dear.

    Where the kernel does not let us look, what a process does not share with files is counted.
    """
    total = 0
    for pid in pids:
        rollup = _read(f"/proc/{pid}/smaps_rollup")
        for line in rollup.splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
                break
        else:
            fields = _read(f"/proc/{pid}/statm").split()
            if len(fields) > 2:
                total += (int(fields[1]) - int(fields[2])) * _PAGE
    return total


def tasks_of_user(uid: int) -> int:
    """Threads that a user runs on this host now, which RLIMIT_NPROC counts where there is no user namespace."""
    return threads_of(pid for pid in all_processes() if owner(pid) == uid)


def owner(pid: int) -> int | None:
    """User number that a process runs under; None: it has gone."""
    try:
        return os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116 - called for every process of the host
    except OSError:
        return None


def group(pid: int) -> int:
    """Process group of a process; -1: it has gone."""
    fields = _stat_fields(pid)
    return int(fields[2]) if len(fields) > 2 else -1


def members(group_number: int) -> list[int]:
    """Processes of a group."""
    return [pid for pid in all_processes() if group(pid) == group_number]


def leader(thread: int) -> int | None:
    """The process that a thread belongs to (a process is its own first thread); None: there is no such thread."""
    for line in _read(f"/proc/{thread}/status").splitlines():
        if line.startswith("Tgid:"):
            return int(line.split()[1])
    return None
