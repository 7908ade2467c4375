"""What existing tests cover: known, or unknown with the reason, and never 0 for want of knowing."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from testwright.judge.baseline import Baseline, measure_baseline

POSITIVE = "from signs import sign\n\n\ndef test_positive():\n    assert sign(3) == 1\n"


async def measure(trial: Any, *, seconds: float = 60.0, own: str | None = None) -> Baseline:
    goals = await trial.goals()
    return await measure_baseline(
        trial.session(),
        trial.project(),
        trial.target(),
        goals,
        deadline=time.monotonic() + seconds,
        own_tests=trial.workspace / own if own else None,
    )


async def test_no_tests_cover_nothing_and_that_is_known(trial: Any) -> None:
    found = await measure(trial)
    assert found.coverage is not None
    assert found.coverage.executed == frozenset()
    assert found.coverage.statements == {1, 2, 3, 4, 5, 6}
    assert found.coverage.percent == 0.0
    assert found.notes == ()


async def test_passing_tests_are_measured_with_the_import(trial: Any) -> None:
    trial.write({"tests/test_signs.py": POSITIVE})
    found = await measure(trial)
    assert found.coverage is not None
    assert found.coverage.executed == {1, 2, 4, 5}
    assert found.coverage.executed_branches == {(2, 4), (4, 5)}
    assert found.covered == found.coverage
    assert (found.tests, found.failed, found.notes) == (1, 0, ())


async def test_tests_of_other_modules_cover_nothing_of_it(trial: Any) -> None:
    trial.write({"tests/test_other.py": "def test_sum():\n    assert sum([1, 2]) == 3\n"})
    found = await measure(trial)
    assert found.coverage is not None
    assert found.coverage.executed == frozenset()
    assert found.coverage.branches == {(2, 3), (2, 4), (4, 5), (4, 6)}


async def test_a_failing_test_counts_and_is_told(trial: Any) -> None:
    trial.write({"tests/test_signs.py": POSITIVE + "\n\ndef test_wrong():\n    assert sign(0) == 7\n"})
    found = await measure(trial)
    assert found.coverage is not None
    assert 6 in found.coverage.executed
    assert found.notes == ("1 of 2 existing tests failed in the box; what they ran counts.",)


NETWORK = (
    "import socket\nfrom signs import sign\n\n\ndef test_network():\n    sign(0)\n"
    "    socket.create_connection(('example.com', 80), timeout=2)\n"
)

UNKNOWN = {
    "needs the network": ({"tests/test_net.py": NETWORK, "tests/test_signs.py": POSITIVE}, "they need the network"),
    "all fail": (
        {"tests/test_signs.py": "def test_x():\n    raise OSError('no display')\n"},
        "all 1 failed .* no display",
    ),
    "not collected": (
        {"tests/test_signs.py": POSITIVE, "tests/test_broken.py": "import no_such_package\n"},
        "1 files could not be collected, first tests/test_broken.py: .*no_such_package",
    ),
    "ends the process": (
        {"tests/test_signs.py": POSITIVE, "tests/test_z.py": "import os\n\n\ndef test_exit():\n    os._exit(0)\n"},
        "the run ended its process with exit code 0 after 1 tests",
    ),
}


@pytest.mark.parametrize("what", UNKNOWN)
async def test_what_cannot_be_known_is_unknown_with_the_reason(trial: Any, what: str) -> None:
    files, reason = UNKNOWN[what]
    trial.write(files)
    found = await measure(trial)
    assert found.coverage is None
    assert len(found.notes) == 1
    assert re.match(f"Coverage by the existing tests is unknown: {reason}", found.notes[0]), found.notes


async def test_a_slow_suite_is_unknown_but_what_was_seen_helps(trial: Any) -> None:
    slow = "import time\n\n\ndef test_first():\n    time.sleep(2.5)\n\n\ndef test_slow():\n    time.sleep(600)\n"
    trial.write({"tests/test_a_slow.py": slow, "tests/test_signs.py": POSITIVE})
    found = await measure(trial, seconds=12.0, own="tests/test_signs.py")
    assert found.coverage is None
    assert "did not end within" in found.notes[0]
    assert found.covered.executed == {1, 2, 4, 5}


async def test_addopts_that_stop_early_or_measure_do_not_apply(trial: Any) -> None:
    trial.write(
        {
            "pytest.ini": "[pytest]\naddopts = -x --lf\n",
            "tests/test_a.py": "def test_fails():\n    assert False\n",
            "tests/test_signs.py": POSITIVE,
        }
    )
    found = await measure(trial)
    assert found.coverage is not None
    assert found.tests == 2
    assert found.coverage.executed == {1, 2, 4, 5}


async def test_nothing_of_the_project_is_written(trial: Any) -> None:
    trial.write({"tests/test_signs.py": POSITIVE, ".coverage": "not a data file"})
    session = trial.session()
    trial.session = lambda: session
    before = {path: path.stat().st_mtime_ns for path in session.world.snapshot.rglob("*")}
    await measure(trial)
    assert {path: path.stat().st_mtime_ns for path in session.world.snapshot.rglob("*")} == before


async def test_every_supported_python(trial: Any, other_python: Path) -> None:
    trial.write({"tests/test_signs.py": POSITIVE})
    found = await measure(trial)
    assert found.coverage is not None, other_python
    assert found.coverage.executed == {1, 2, 4, 5}
