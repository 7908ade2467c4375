"""What the supervisor needs of the processes of one start, whichever box has started them."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import ClassVar, Protocol

from testwright.boxes.protocol import ExitCause

GRACE = 1.0
"""Seconds in which what was killed on this machine has to be gone."""

_SIGNAL_BASE = 128


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a start ended, as its box knows.

    Attributes:
        code: The program's exit code or minus its signal.
        cause: A limit that the box itself keeps, when that ended it.
        reason: What to add for a reader of its standard error.
    """

    code: int
    cause: ExitCause | None = None
    reason: str = ""


class ProcessTree(Protocol):
    """The processes of one start, as the box that started them can reach them."""

    forks_are_limited: ClassVar[bool]
    """Whether the kernel counts this tree's processes by themselves; else the supervisor does."""

    def pids(self) -> list[int]:
        """All of the tree, in the host's numbers."""
        ...

    def scratch_size(self) -> int:
        """Bytes that the scratch takes on the host's disk; 0 where the kernel limits it."""
        ...

    def kill(self) -> None:
        """Send the kill to all of it; returns at once, may be repeated."""
        ...

    def grace(self) -> float:
        """Seconds in which a tree that was killed, or whose program has ended, has to be gone."""
        ...

    async def gone(self) -> None:
        """Return when nothing of it is alive."""
        ...

    def outcome(self, status: int, stderr: str) -> Outcome:
        """How the program ended.

        Args:
            status: Of the process that was started.
            stderr: The end of what it wrote; its reason, when the program did not start.

        Raises:
            BoxFailure: The program did not even start, or the box has broken down around it.
        """
        ...

    def close(self) -> None:
        """Give back descriptors, and delete what the start left on the disk."""
        ...


def code_or_signal(code: int) -> int:
    """An exit code, or minus the signal when it tells of one as a shell does: by 128 and more."""
    return _SIGNAL_BASE - code if _SIGNAL_BASE < code < _SIGNAL_BASE + signal.NSIG else code
