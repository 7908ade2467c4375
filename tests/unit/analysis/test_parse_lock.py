"""Two threads that parse at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

RACE = """
import ast, gc, sys, threading
{first}
began, ended, failed = threading.Event(), threading.Event(), []


class Finalized:
    def __del__(self):  # run by the collector while the syntax tree is made
        began.set()
        ended.wait(1)


def parse_meanwhile():
    began.wait(30)
    ast.parse("x = 1")
    ended.set()


def parse():
    gc.collect()
    gc.disable()
    one = Finalized()
    one.itself = one
    del one
    gc.enable()
    try:
        ast.parse("x = [" + "1, " * 5000 + "]")
    except SystemError as error:
        failed.append(error)


other = threading.Thread(target=parse_meanwhile)
other.start()
(lambda: (lambda: parse())())()  # deeper than the other
other.join()
assert began.is_set()
sys.exit(3 if failed else 0)
"""
LOCKED = "from testwright.analysis.parse_lock import parse_one_at_a_time\nparse_one_at_a_time()"


def race(first: str) -> int:
    return subprocess.run([sys.executable, "-c", RACE.format(first=first)], check=False).returncode


def test_threads_do_not_break_each_others_trees() -> None:
    assert race(LOCKED) == 0


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from CPython 3.12 on they do not")
def test_without_the_lock_they_would() -> None:
    assert race("") == 3


def test_a_second_time_changes_nothing() -> None:
    twice = f"{LOCKED}\nonce = ast.parse\nparse_one_at_a_time()\nassert ast.parse is once"
    assert race(twice) == 0
