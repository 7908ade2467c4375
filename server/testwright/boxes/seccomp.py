"""Filters of system calls, assembled here for the two architectures that Testwright runs on.

A filter refuses by name; what it does not name is allowed. The numbers are those of the kernel's headers.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# Number on x86_64 and on aarch64; None where the architecture lacks the call.
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chmod": (90, None),
    "chown": (92, None),
    "chroot": (161, 51),
    "clone": (56, 220),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "file_setattr": (469, 469),
    "finit_module": (313, 273),
    "fremovexattr": (199, 16),
    "fsconfig": (431, 431),
    "fsetxattr": (190, 7),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "futimesat": (261, None),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "ioprio_set": (251, 30),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "kill": (62, 129),
    "lchown": (94, None),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "migrate_pages": (256, 238),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "msgctl": (71, 187),
    "msgget": (68, 186),
    "msgrcv": (70, 188),
    "msgsnd": (69, 189),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "prlimit64": (302, 261),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "removexattr": (197, 14),
    "removexattrat": (466, 466),
    "request_key": (249, 218),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "semctl": (66, 191),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "setns": (308, 268),
    "setpriority": (141, 140),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "tgkill": (234, 131),
    "tkill": (200, 130),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
}
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*

_CLONE_NEW = 0x7E020000  # CLONE_NEW* flags that clone takes: mount, cgroup, uts, ipc, user, pid, network
_AF_UNIX = 1
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: type into the terminal that we were started from
_FILE_FLAGS = (0x40086602, 0x401C5820)  # FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _REFUSE, _ASK, _ALLOW = 0x80000000, 0x00050000, 0x7FC00000, 0x7FFF0000
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_ARGUMENTS = 0, 4, 16
_X32 = 0x40000000  # second set of numbers on x86_64, which would pass by the first


@dataclass(frozen=True, slots=True)
class When:
    """A condition on one argument, of which the lower 32 bits are looked at.

    Attributes:
        argument: Its place, from 0.
        test: ``is``, ``is-not`` a value, or ``has`` one of its bits.
        value: The value.
    """

    argument: int
    test: Literal["is", "is-not", "has"]
    value: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to one system call.

    Attributes:
        call: Its name.
        error: What it fails with; None has it judged by the listener.
        when: Only then; None is always.
    """

    call: str
    error: int | None = errno.EPERM
    when: When | None = None


def kernel_surface() -> list[Rule]:
    """What no program under test needs and every escape from a box begins with."""
    refused = (
        *("add_key", "keyctl", "request_key"),  # keys of the session that we were started from
        *("bpf", "perf_event_open", "userfaultfd", "kcmp", "pidfd_getfd", "open_by_handle_at", "fanotify_init"),
        *("mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
        *("pivot_root", "chroot", "setns", "unshare", "init_module", "finit_module", "delete_module", "kexec_load"),
        *("kexec_file_load", "reboot", "swapon", "swapoff", "acct", "quotactl", "syslog"),
    )
    absent = ("io_uring_setup", "io_uring_enter", "io_uring_register", "clone3")  # programs know to do without
    return [
        *(Rule(call) for call in refused),
        *(Rule(call, errno.ENOSYS) for call in absent),
        Rule("clone", when=When(0, "has", _CLONE_NEW)),
        *(Rule("ioctl", when=When(1, "is", code)) for code in _TERMINAL_INPUT),
    ]


def no_network() -> list[Rule]:
    """No sockets, but pairs of local ones, which event loops and pipes between processes are made of."""
    return [Rule("socket", errno.EACCES), Rule("socketpair", errno.EACCES, When(0, "is-not", _AF_UNIX))]


def no_neighbours() -> list[Rule]:
    """Nothing that reaches other processes of the same user, where no namespace hides them."""
    shared = ("shmget", "shmat", "shmctl", "semget", "semop", "semctl", "semtimedop", "msgget", "msgsnd", "msgrcv")
    reaching = ("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease")
    itself = ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr")
    return [
        *(Rule(call) for call in (*shared, "msgctl", "mq_open", "mq_unlink", *reaching, "migrate_pages", "move_pages")),
        *(Rule(call, when=When(0, "is-not", 0)) for call in itself),
        *(Rule(call, when=When(1, "is-not", 0)) for call in ("setpriority", "ioprio_set")),
    ]


def judged_metadata() -> list[Rule]:
    """Changes of permissions and times, which Landlock does not see: judged one by one, or refused."""
    owners = ("chown", "fchown", "lchown", "fchownat")
    attributes = (
        *("setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr"),
        *("removexattrat", "file_setattr"),
    )
    return [
        *(Rule(call, error=None) for call in ("chmod", "fchmod", "fchmodat", "utimensat")),
        Rule("fchmodat2", errno.ENOSYS),
        *(Rule(call) for call in ("utime", "utimes", "futimesat", *owners)),
        *(Rule(call, errno.ENOTSUP) for call in attributes),
        *(Rule("ioctl", when=When(1, "is", code)) for code in _FILE_FLAGS),
    ]


def judged_signals() -> list[Rule]:
    """Signals, for kernels whose Landlock does not hold them in."""
    judged = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
    return [*(Rule(call, error=None) for call in judged), Rule("pidfd_send_signal", errno.ENOSYS)]


def number_of(call: str, machine: str = "") -> int | None:
    """Number of a system call on this machine (or another), None when it has none."""
    return _NUMBERS[call][_ARCHITECTURES[machine or platform.machine()][0]]


def supported(machine: str = "") -> bool:
    """Whether filters can be made for this machine."""
    return (machine or platform.machine()) in _ARCHITECTURES


def assemble(rules: Iterable[Rule], machine: str = "") -> bytes:
    """Make the filter.

    Args:
        rules: Rules; several for one call are all tried.
        machine: As ``uname -m``; empty is this one.
    """
    machine = machine or platform.machine()
    _, architecture = _ARCHITECTURES[machine]
    code = [
        _instruction(_LOAD, _OFFSET_ARCHITECTURE),
        _instruction(_JUMP_EQUAL, architecture, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _OFFSET_NUMBER),
    ]
    if machine == "x86_64":
        code += [_instruction(_JUMP_ABOVE, _X32, 0, 1), _instruction(_RETURN, _REFUSE | errno.ENOSYS)]
    for rule in rules:
        number = number_of(rule.call, machine)
        if number is None:
            continue
        result = _instruction(_RETURN, _ASK if rule.error is None else _REFUSE | rule.error)
        if rule.when is None:
            code += [_instruction(_JUMP_EQUAL, number, 0, 1), result]
            continue
        argument = _OFFSET_ARGUMENTS + 8 * rule.when.argument  # both architectures are little-endian
        hit = (1, 0) if rule.when.test == "is-not" else (0, 1)
        test = _JUMP_SET if rule.when.test == "has" else _JUMP_EQUAL
        code += [
            _instruction(_JUMP_EQUAL, number, 0, 4),
            _instruction(_LOAD, argument),
            _instruction(test, rule.when.value, *hit),
            result,
            _instruction(_LOAD, _OFFSET_NUMBER),
        ]
    code.append(_instruction(_RETURN, _ALLOW))
    return b"".join(code)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
