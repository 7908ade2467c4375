"""Under which user number a boxed program runs, and what the kernel counts against that number."""

from __future__ import annotations

import os
import platform
import re
import secrets
from pathlib import Path

from testwright.boxes.launcher import processes

# systemd's list of user numbers (its document UIDS-GIDS) has 1879048192..2147483647 as unused by anybody.
_FREE_FIRST = 1_900_000_000
_FREE_LAST = 1_999_999_999
# Highest user number of a host that maps few numbers into its container is taken from what it maps; below this
# there are real users.
_REAL_USERS_END = 60_000


def is_root() -> bool:
    """Whether we run as root, so that privileges must be given up inside."""
    return os.geteuid() == 0


def box_user() -> int:
    """User and group number for one start: our own, or as root one that nothing else on the host has.

    A number of its own makes the kernel count the processes of this start alone, and lets it touch nothing that anyone
    owns.
    """
    if not is_root():
        return os.getuid()
    first, last = _free_numbers()
    return first + secrets.randbelow(last - first + 1)


def _free_numbers() -> tuple[int, int]:
    try:
        rows = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text("ascii").splitlines()]
    except (OSError, ValueError):
        rows = []
    ends = [inside + length for inside, _, length in rows]
    if not ends or max(ends) > _FREE_LAST:
        return _FREE_FIRST, _FREE_LAST
    end = max(ends) - 2  # the last of a 16-bit map is "nobody"
    return max(_REAL_USERS_END if end > _REAL_USERS_END else 1, end - 5_000), end


def processes_counted(*, own_namespace: bool) -> int:
    """What the kernel already counts against the box's user when it starts; RLIMIT_NPROC must be above that.

    As root each start has a user number of its own. In a user namespace the kernel counts anew, from version 5.14 on.

    Args:
        own_namespace: The start gets a user namespace.
    """
    if is_root() or (own_namespace and kernel_version() >= (5, 14)):
        return 0
    return processes.tasks_of_user(os.getuid())


def kernel_version() -> tuple[int, int]:
    """Version of the running kernel; (0, 0) when it is not to be read."""
    match = re.match(r"(\d+)\.(\d+)", platform.release())
    return (int(match[1]), int(match[2])) if match else (0, 0)
