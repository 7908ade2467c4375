"""The labels by which a container of ours is known, and whether its owner still lives."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

from testwright.boxes.launcher import processes

RUN, PID, HOST, BOOT, UNTIL = (f"testwright.{name}" for name in ("run", "pid", "host", "boot", "until"))
NAMES = (RUN, PID, HOST, BOOT, UNTIL)

_LATEST = 3600.0  # seconds after its limit at which a container is surely left over, whatever clocks differ


@dataclass(frozen=True, slots=True)
class Owner:
    """Who started a container.

    Attributes:
        run: The container's own name.
        process: Number and start time of the process, ``123:456``.
        host: Digest that names machine and process namespace: an engine may serve several.
        boot: The machine's boot.
        until: When its limit of time is over, in seconds since 1970 UTC.
    """

    run: str
    process: str
    host: str
    boot: str
    until: float

    def labels(self) -> dict[str, str]:
        """As labels of a container."""
        values = (self.run, self.process, self.host, self.boot, f"{self.until:.0f}")
        return dict(zip(NAMES, values, strict=True))

    @classmethod
    def of(cls, values: list[str]) -> Owner | None:
        """From the labels' values, in the order of ``NAMES``; None when they are not ours."""
        try:
            run, process, host, boot, until = values
            return cls(run, process, host, boot, float(until))
        except ValueError:
            return None

    def is_gone(self, now: float | None = None) -> bool:
        """Whether nobody can want its container any more.

        Of a process on another machine, or in another namespace, nothing is known: only its limit of time tells.
        """
        if (time.time() if now is None else now) > self.until + _LATEST:
            return True
        if self.host != host_name():
            return False
        pid, _, start = self.process.partition(":")
        return self.boot != boot() or not pid.isdigit() or str(processes.start_time(int(pid))) != start


def this_owner(run: str, wall: float) -> Owner:
    """This process, for a container that may run for ``wall`` seconds from now."""
    pid = os.getpid()
    return Owner(run, f"{pid}:{processes.start_time(pid)}", host_name(), boot(), time.time() + wall)


def host_name() -> str:
    """Digest of what names this machine and its process namespace; stays the same over boots on a real machine."""
    parts = [_text("/etc/machine-id"), platform.node()]
    try:
        parts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115 - a link that leads nowhere
    except OSError:
        parts.append("")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def boot() -> str:
    """The machine's boot, empty where nobody knows."""
    return _text("/proc/sys/kernel/random/boot_id")


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""
