"""The ledger under processes that are real: they ask at once, and some are killed in the middle."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from testwright.store.ledger import Full, Ledger, Reservation

NOON = 1_800_014_400.0

ACCOUNTS = 90
"""Below the number of accounts that are kept; each is a race for its last request."""

HAMMER = """
import os, sys
from pathlib import Path
from testwright.store.ledger import Ledger, Reservation

folder, minute, day, accounts, calls = Path(sys.argv[1]), *(int(word) for word in sys.argv[2:])
with Ledger.open(folder) as ledger:
    os.write(1, b"ready\\n")
    sys.stdin.readline()
    for account in range(accounts):
        for call in range(calls):
            outcome = ledger.reserve(
                str(account), per_minute=minute or None, per_day=day or None, now=lambda: 1_800_014_400.0
            )
            if isinstance(outcome, Reservation):
                os.write(1, f"{account} {outcome.id}\\n".encode())
                if call == 1:  # of those, the second is never sent
                    ledger.release(outcome)
                    os.write(1, f"{account} -{outcome.id}\\n".encode())
    assert ledger.notes == ()
"""


def start(folder: Path, minute: int, day: int, *, accounts: int, calls: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HAMMER, *map(str, (folder, minute, day, accounts, calls))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def go(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Let them begin in the same moment."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def granted(output: str, account: int) -> tuple[set[str], set[str]]:
    """Ids that were granted of an account, and those that were given back."""
    ids = [words[1] for words in map(str.split, output.splitlines()) if words[0] == str(account)]
    given = {name for name in ids if name[0] != "-"}
    back = {name[1:] for name in ids if name[0] == "-"}
    assert len(given) + len(back) == len(ids), "the same twice"
    assert back <= given
    return given, back


@pytest.mark.parametrize(("minute", "day", "limit"), [(0, 4, 4), (4, 0, 4), (3, 4, 3)])
def test_processes_are_granted_what_there_is_and_no_more(folder: Path, minute: int, day: int, limit: int) -> None:
    processes = [start(folder, minute, day, accounts=ACCOUNTS, calls=4) for _ in range(3)]
    go(processes)
    ended = [process.communicate(timeout=120) for process in processes]
    assert [error for _, error in ended] == [""] * 3
    together = "".join(output for output, _ in ended)
    with Ledger.open(folder) as ledger:
        for account in range(ACCOUNTS):
            given, back = granted(together, account)
            assert len(given - back) == limit, account
            assert ledger.usage(str(account), NOON).day == limit


def test_a_process_that_is_killed_loses_no_request_and_takes_no_more_than_one(folder: Path) -> None:
    """Whatever it was doing: what it was granted counts, and perhaps the one that it was about to be told of."""
    moments = random.Random(5)
    known, killed = 0, 0
    with Ledger.open(folder) as ledger:
        for _ in range(8):
            process = start(folder, 0, 0, accounts=1, calls=100_000)
            assert process.stdout is not None
            go([process])
            lines = [process.stdout.readline() for _ in range(moments.randrange(1, 40))]
            process.kill()
            output, _ = process.communicate(timeout=60)
            given, back = granted("".join(lines) + output, 0)
            known += len(given) - len(back)
            killed += process.returncode == -9
            assert known <= ledger.usage("0", NOON).day + 1, "one may have been given back without a word"
            assert ledger.usage("0", NOON).day <= known + 1
            known = ledger.usage("0", NOON).day
        assert killed == 8
        assert ledger.notes == ()


STEPS = """
import os, sys
from pathlib import Path
from testwright.store import database
from testwright.store.ledger import Ledger, Reservation

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
NOON = 1_800_014_400.0
connect = database._connect

def killed_after(steps):
    def connected(file, form):
        connection = connect(file, form)
        left = [steps]
        def step():
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
        connection.set_progress_handler(step, 1)
        return connection
    return connected

def attempt(steps):
    child = os.fork()
    if child == 0:
        database._connect = killed_after(steps)
        ledger = Ledger.open(folder)
        outcome = ledger.reserve("a", per_minute=None, per_day=limit, now=lambda: NOON)
        os._exit(0 if isinstance(outcome, Reservation) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

codes, used = [], []
for steps in range(0, 100_000, int(sys.argv[3])):
    code = attempt(steps)
    with Ledger.open(folder) as ledger:
        used.append(ledger.usage("a", NOON).day)
        assert ledger.notes == (), ledger.notes
    codes.append(code)
    if code == 0:
        break
print(codes, used, sep="\\n")
"""


def test_a_kill_at_every_step_of_a_grant_leaves_it_counted_or_not_granted(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STEPS, str(folder), "50", "7"], check=True, capture_output=True, text=True, timeout=120
    )
    codes, used = (eval(line) for line in done.stdout.splitlines())  # noqa: S307 - lists of numbers, of our own program
    assert len(codes) > 20, "steps that were tried"
    assert set(codes[:-1]) == {9}
    assert codes[-1] == 0
    assert used[-1] - used[-2] == 1, "a grant that was told counts"
    assert all(after - before in (0, 1) for before, after in zip([0, *used], used, strict=False))


@pytest.mark.parametrize("limit", [1, 25])
def test_threads_of_two_ledgers_are_granted_what_there_is(folder: Path, limit: int) -> None:
    outcomes: list[Reservation | Full] = []
    with Ledger.open(folder) as one, Ledger.open(folder) as other:

        def work(ledger: Ledger) -> None:
            for _ in range(10):
                outcomes.append(ledger.reserve("a", per_minute=limit, per_day=limit, now=lambda: NOON))  # noqa: PERF401 - others look on

        threads = [threading.Thread(target=work, args=(ledger,)) for ledger in (one, other) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(outcomes) == 80
    ids = [outcome.id for outcome in outcomes if isinstance(outcome, Reservation)]
    assert len(ids) == len(set(ids)) == limit
