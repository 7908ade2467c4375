"""Kernel calls that the standard library does not offer: prctl, capabilities, Landlock, seccomp."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterable

_LIBC = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2

_LAST_CAPABILITY = 63  # the kernel refuses those it does not know

# The same number on every architecture, as all system calls since Linux 5.0.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1

_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_NEW_LISTENER = 8


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    _checked(_LIBC.prctl(option, *padded))


def _syscall(number: int, *arguments: object) -> int:
    return _checked(_LIBC.syscall(ctypes.c_long(number), *arguments))


def die_with_parent(signal_number: int) -> None:
    """Have a signal sent to this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Make set-user-ID programs powerless from here on."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def become(user: int, *, kept: Iterable[int]) -> None:
    """Give up root for a user and group number, with no other group.

    Args:
        user: The number.
        kept: Capabilities to take along, past the start of the program too. All others are gone for good.
    """
    capabilities = list(kept)
    for capability in sorted(set(range(_LAST_CAPABILITY + 1)) - set(capabilities)):
        with contextlib.suppress(OSError):  # EINVAL: unknown to this kernel
            _prctl(_PR_CAPBSET_DROP, capability)
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    mask = sum(1 << capability for capability in capabilities)
    header = _CapabilityHeader(0x20080522, 0)  # the third version: two words of 32 bits
    words = (_CapabilityData * 2)(
        _CapabilityData(mask & 0xFFFFFFFF, mask & 0xFFFFFFFF, mask & 0xFFFFFFFF),
        _CapabilityData(mask >> 32, mask >> 32, mask >> 32),
    )
    _checked(_LIBC.capset(ctypes.byref(header), ctypes.byref(words)))
    for capability in capabilities:
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def landlock_version() -> int:
    """Version of the kernel's Landlock; 0 when there is none."""
    try:
        return _syscall(
            _LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_LANDLOCK_CREATE_RULESET_VERSION)
        )
    except OSError:
        return 0


class Landlock:
    """A set of rules under construction."""

    def __init__(self, files: int, network: int, scopes: int) -> None:
        """Name what is forbidden unless a rule allows it, as the kernel's bit masks."""
        attributes = _RulesetAttributes(files, network, scopes)
        # An older kernel refuses a longer structure unless the rest is zero, which the caller sees to.
        self._ruleset = _syscall(
            _LANDLOCK_CREATE_RULESET,
            ctypes.byref(attributes),
            ctypes.c_size_t(ctypes.sizeof(attributes)),
            ctypes.c_uint32(0),
        )

    def allow(self, path: str, access: int) -> None:
        """Allow access to a file, or to a folder and all below it."""
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _PathBeneath(access, parent)
            _syscall(
                _LANDLOCK_ADD_RULE,
                ctypes.c_int(self._ruleset),
                ctypes.c_int(_LANDLOCK_RULE_PATH_BENEATH),
                ctypes.byref(rule),
                ctypes.c_uint32(0),
            )
        finally:
            os.close(parent)

    def enforce(self) -> None:
        """Lay the rules on this process and all that it starts, for good."""
        _syscall(_LANDLOCK_RESTRICT_SELF, ctypes.c_int(self._ruleset), ctypes.c_uint32(0))
        os.close(self._ruleset)


def filter_system_calls(program: bytes, *, listen: bool) -> int | None:
    """Lay a seccomp filter on this process and all that it starts, for good.

    Args:
        program: The filter's instructions.
        listen: Have calls that the filter wants judged sent to a descriptor.

    Returns:
        That descriptor.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    description = _FilterProgram(len(program) // 8, ctypes.addressof(buffer))
    result = _syscall(
        _SECCOMP[os.uname().machine],
        ctypes.c_uint(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_uint(_SECCOMP_FILTER_FLAG_NEW_LISTENER if listen else 0),
        ctypes.byref(description),
    )
    return result if listen else None
