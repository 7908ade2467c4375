"""The filters are checked by running them on a small machine of our own, for both architectures."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from testwright.boxes import seccomp
from testwright.boxes.seccomp import Rule, When, assemble, kernel_surface, no_neighbours, no_network, number_of

ALLOW, ASK, KILL = "allow", "ask", "kill"
X86, ARM = 0xC000003E, 0xC00000B7
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def run(program: bytes, number: int, *arguments: int, architecture: int = X86) -> str | int:
    """What the kernel would do with a call, by its classic machine for filters."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x20:
            accumulator = int(struct.unpack_from("=I", data, value)[0])
        elif operation == 0x06:
            action: dict[int, str | int] = {0x7FFF0000: ALLOW, 0x7FC00000: ASK, 0x80000000: KILL}
            return action.get(value, int(value) & 0xFFFF)
        else:
            hit = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            at += if_true if hit else if_false


@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", X86), ("aarch64", ARM)])
def test_every_rule_refuses_its_call_and_no_other(machine: str, architecture: int) -> None:
    rules = [*kernel_surface(), *no_network(), *no_neighbours()]
    program = assemble(rules, machine)
    plain = {number_of(rule.call, machine): rule.error for rule in rules if rule.when is None}
    conditional = {number_of(rule.call, machine) for rule in rules if rule.when is not None}
    for number in range(600):
        if number not in conditional:
            assert run(program, number, architecture=architecture) == plain.get(number, ALLOW)


def test_conditions_on_arguments() -> None:
    program = assemble(
        [Rule("clone", 1, When(0, "has", 0x10)), Rule("ioctl", 2, When(1, "is", 7)),
         Rule("kill", 3, When(0, "is-not", 0)), Rule("ioctl", 4, When(1, "is", 8)), Rule("chmod", None)],
        "x86_64",
    )  # fmt: skip
    clone, ioctl, kill, chmod = (number_of(name, "x86_64") or 0 for name in ("clone", "ioctl", "kill", "chmod"))
    assert [run(program, clone, flags) for flags in (0x11, 0x01, 0x1F0)] == [1, ALLOW, 1]
    assert [run(program, ioctl, 0, code) for code in (7, 8, 9)] == [2, 4, ALLOW]
    assert [run(program, kill, pid) for pid in (0, 5)] == [ALLOW, 3]
    assert run(program, chmod) == ASK


def test_the_upper_half_of_an_argument_hides_nothing() -> None:
    program = assemble([Rule("ioctl", 2, When(1, "is", 7))], "x86_64")
    assert run(program, number_of("ioctl", "x86_64") or 0, 0, 7 | 1 << 40) == 2


def test_other_sets_of_numbers_do_not_pass() -> None:
    program = assemble(kernel_surface(), "x86_64")
    assert run(program, 0, architecture=0x40000003) == KILL  # 32-bit programs
    assert run(program, 0x40000000 | 101) == errno.ENOSYS  # x32


def test_sockets_are_refused_but_pairs_of_local_ones() -> None:
    program = assemble(no_network(), "x86_64")
    socket, pair = (number_of(name, "x86_64") or 0 for name in ("socket", "socketpair"))
    assert [run(program, socket, family) for family in (1, 2, 10, 16, 40)] == [errno.EACCES] * 5
    assert [run(program, pair, family) for family in (1, 2)] == [ALLOW, errno.EACCES]


@pytest.mark.parametrize("machine", HEADERS)
def test_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    header = HEADERS[machine]
    if not header.is_file():
        pytest.skip(f"{header} is not installed")
    pattern = re.compile(r"#define (?:__NR_|__NR3264_)(\w+)\s+(\d+)")
    known = {name: int(number) for name, number in pattern.findall(header.read_text("utf-8"))}
    compared = 0
    for call in seccomp._NUMBERS:
        number = number_of(call, machine)
        if call in known or (number is not None and number < 440):
            assert number == known.get(call), call
            compared += 1
    assert compared > 70
