"""Judges the system calls that a filter passes on: signals, and changes of permissions and times.

The kernel stops the calling thread meanwhile. What is judged by numbers alone is then let through; what is judged by a
path is done here, on the file that was looked at, because the caller could change the path after the judgement.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Callable

from . import processes

_RECEIVE = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV
_SEND = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND
_STILL_VALID = 0x40082102  # SECCOMP_IOCTL_NOTIF_ID_VALID
_CONTINUE = 1
_NOTICE = struct.Struct("=QIIiIQ6Q")  # id, pid, flags; number, architecture, instruction; six arguments
_ANSWER = struct.Struct("=QqiI")  # id, value, error, flags

_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
_UTIME_NOW = (1 << 30) - 1
_UTIME_OMIT = (1 << 30) - 2
_LONGEST_PATH = 4096


class Refused(Exception):
    """The call fails with this error number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Guard:
    """Answers the calls of one box."""

    def __init__(self, listener: int, numbers: dict[str, int | None], scratch: str) -> None:
        """Take over a listener.

        Args:
            listener: Descriptor from the filter.
            numbers: System calls that are judged, by name.
            scratch: Resolved path of the only folder in which permissions and times may be changed.
        """
        self._listener = listener
        self._scratch = scratch
        judges: dict[str, Callable[[int, tuple[int, ...]], bool]] = {
            "kill": self._kill,
            "tkill": self._signal_to,
            "tgkill": self._signal_to,
            "rt_sigqueueinfo": self._signal_to,
            "rt_tgsigqueueinfo": self._signal_to,
            "chmod": self._chmod,
            "fchmod": self._fchmod,
            "fchmodat": self._fchmodat,
            "utimensat": self._utimensat,
        }
        self._judges = {number: judges[name] for name, number in numbers.items() if number is not None}

    def answer(self) -> None:
        """Take one call and answer it."""
        buffer = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, buffer)
        except OSError:  # the caller was killed before we came to it
            return
        call, pid, _, number, _, _, *arguments = _NOTICE.unpack(buffer)
        error, flags = errno.EPERM, 0
        judge = self._judges.get(number)
        if judge is not None:
            try:
                flags = _CONTINUE if judge(pid, tuple(arguments)) else 0
                error = 0
            except Refused as refused:
                error = refused.number
            except OSError as failure:
                error = failure.errno or errno.EPERM
        with contextlib.suppress(OSError):  # the caller was killed meanwhile
            fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(call, 0, -error, flags))

    # Signals: only to what descends from us, which is all that the box has started. True lets the call go on.

    def _kill(self, _pid: int, arguments: tuple[int, ...]) -> bool:
        target = _signed(arguments[0])
        if target > 0:
            return self._signal_to(_pid, arguments)
        if target == -1:
            raise Refused(errno.EPERM)
        group = processes.group(_pid) if target == 0 else -target
        own = set(processes.descendants(os.getpid()))
        if not all(member in own for member in processes.members(group)):
            raise Refused(errno.EPERM)
        return True

    def _signal_to(self, _pid: int, arguments: tuple[int, ...]) -> bool:
        target = _signed(arguments[0])
        leader = processes.leader(target)  # a thread may be named too
        if leader is None:
            raise Refused(errno.ESRCH)
        if leader not in processes.descendants(os.getpid()):
            raise Refused(errno.EPERM)
        return True

    # Permissions and times: done here. False says that the answer is there.

    def _chmod(self, pid: int, arguments: tuple[int, ...]) -> bool:
        return self._change_mode(pid, _AT_FDCWD, arguments[0], arguments[1])

    def _fchmodat(self, pid: int, arguments: tuple[int, ...]) -> bool:
        return self._change_mode(pid, _signed(arguments[0]), arguments[1], arguments[2])

    def _fchmod(self, pid: int, arguments: tuple[int, ...]) -> bool:
        return self._change_mode(pid, _signed(arguments[0]), None, arguments[1])

    def _change_mode(self, pid: int, folder: int, path: int | None, mode: int) -> bool:
        descriptor = self._open(pid, folder, path, follow=True)
        try:
            os.chmod(f"/proc/self/fd/{descriptor}", mode & 0o777)  # noqa: PTH101 - the file that was judged; no set-user-ID
        finally:
            os.close(descriptor)
        return False

    def _utimensat(self, pid: int, arguments: tuple[int, ...]) -> bool:
        path = arguments[1] or None
        follow = not arguments[3] & _AT_SYMLINK_NOFOLLOW
        descriptor = self._open(pid, _signed(arguments[0]), path, follow=follow)
        try:
            status = os.fstat(descriptor)
            times = (
                _read_memory(pid, arguments[2], 32)
                if arguments[2]
                else struct.pack("=4q", 0, _UTIME_NOW, 0, _UTIME_NOW)
            )
            seconds_a, nano_a, seconds_m, nano_m = struct.unpack("=4q", times)
            accessed = _nanoseconds(seconds_a, nano_a, status.st_atime_ns)
            modified = _nanoseconds(seconds_m, nano_m, status.st_mtime_ns)
            if _is_link(status):
                return False  # the time of a link itself: nobody looks at it
            os.utime(f"/proc/self/fd/{descriptor}", ns=(accessed, modified))
        finally:
            os.close(descriptor)
        return False

    def _open(self, pid: int, folder: int, path: int | None, *, follow: bool) -> int:
        """Open what a call names, in the scratch or not at all."""
        base = f"/proc/{pid}/cwd" if folder == _AT_FDCWD else f"/proc/{pid}/fd/{folder}"
        name = base if path is None else os.path.join(base, os.fsdecode(_read_path(pid, path)))  # noqa: PTH118
        descriptor = os.open(name, os.O_PATH | os.O_CLOEXEC | (0 if follow or path is None else os.O_NOFOLLOW))
        place = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - a Path is no help for it
        if place != self._scratch and not place.startswith(self._scratch + "/"):
            os.close(descriptor)
            raise Refused(errno.EPERM)
        return descriptor


def _signed(argument: int) -> int:
    return ctypes.c_int(argument & 0xFFFFFFFF).value


def _is_link(status: os.stat_result) -> bool:
    return status.st_mode & 0o170000 == 0o120000


def _nanoseconds(seconds: int, nano: int, before: int) -> int:
    if nano == _UTIME_OMIT:
        return before
    if nano == _UTIME_NOW:
        import time  # noqa: PLC0415 - rare, and the start must be quick

        return time.time_ns()
    return seconds * 1_000_000_000 + nano


def _read_memory(pid: int, address: int, size: int) -> bytes:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        memory.seek(address)
        return memory.read(size)


def _read_path(pid: int, address: int) -> bytes:
    """A path from the caller's memory; read page by page, since what follows it may not be readable."""
    data = b""
    while b"\0" not in data:
        at = address + len(data)
        data += _read_memory(pid, at, 4096 - at % 4096)
        if len(data) > _LONGEST_PATH + 4096:
            raise Refused(errno.ENAMETOOLONG)
    return data.partition(b"\0")[0]
