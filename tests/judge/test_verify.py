"""The finished file by plain pytest, beside the project's suite."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from testwright.judge.verify import Verification, verify_file

GOOD = """\
import pytest

from signs import sign


@pytest.mark.parametrize(("number", "expected"), [(-2, -1), (0, 0)])
def test_sign(number, expected):
    assert sign(number) == expected
"""


async def verify(trial: Any, text: str, *, seconds: float = 60.0, known: tuple[str, ...] = ()) -> Verification:
    trial.write({"tests/test_signs.py": text})
    goals = await trial.goals()
    return await verify_file(
        trial.session(),
        trial.target(),
        trial.workspace / "tests" / "test_signs.py",
        goals,
        deadline=time.monotonic() + seconds,
        known_errors=known,
    )


async def test_a_good_file_is_clean_and_measured(trial: Any) -> None:
    found = await verify(trial, GOOD)
    assert found.passed == ("tests/test_signs.py::test_sign[-2--1]", "tests/test_signs.py::test_sign[0-0]")
    assert found.clean
    assert (found.failures, found.broken, found.notes) == ({}, {}, ())
    assert found.coverage is not None
    assert found.coverage.missing_lines == (5,)
    assert found.coverage.missing_branches == ((4, 5),)


async def test_failures_are_told_by_node_id(trial: Any) -> None:
    found = await verify(trial, GOOD + "\n\ndef test_wrong():\n    assert sign(3) == 4\n")
    assert list(found.failures) == ["tests/test_signs.py::test_wrong"]
    assert found.failures["tests/test_signs.py::test_wrong"] == "it failed: assert 1 == 4 + where 1 = sign(3)"
    assert len(found.passed) == 2
    assert not found.clean


async def test_tests_that_lean_on_each_other_are_found(trial: Any) -> None:
    leaning = "SEEN = []\n\n\ndef test_first():\n    SEEN.append(1)\n\n\ndef test_second():\n    assert SEEN == [1]\n"
    found = await verify(trial, leaning)
    assert found.passed == ("tests/test_signs.py::test_first",)
    assert "in another order, it failed" in found.failures["tests/test_signs.py::test_second"]


async def test_an_end_in_the_middle_is_no_pass_for_the_rest(trial: Any) -> None:
    text = "import os\n\n\ndef test_a():\n    assert True\n\n\ndef test_b():\n    os._exit(0)\n"
    found = await verify(trial, text)
    assert found.passed == ()
    assert "ended its process with exit code 0" in found.failures["tests/test_signs.py::test_a"]
    assert found.coverage is None


async def test_a_suite_that_no_longer_collects_is_told(trial: Any) -> None:
    trial.write({"tests/unit/test_signs.py": GOOD})  # the same base name without packages: pytest refuses one of them
    found = await verify(trial, GOOD)
    assert len(found.broken) == 1
    assert "import file mismatch" in next(iter(found.broken.values()))
    assert not found.clean


async def test_errors_that_were_there_before_do_not_count(trial: Any) -> None:
    trial.write({"tests/test_broken.py": "import no_such_package\n"})
    found = await verify(trial, GOOD, known=("tests/test_broken.py",))
    assert found.clean
    assert list((await verify(trial, GOOD)).broken) == ["tests/test_broken.py"]


async def test_a_file_that_pytest_does_not_see_under_the_project_settings(trial: Any) -> None:
    trial.write(
        {"pytest.ini": "[pytest]\npython_functions = check_*\n", "tests/test_a.py": "def check_a():\n    pass\n"}
    )
    found = await verify(trial, GOOD)
    assert not found.clean
    assert "pytest finds no test in test_signs.py" in found.notes[0]


async def test_every_supported_python(trial: Any, other_python: Path) -> None:
    found = await verify(trial, GOOD)
    assert found.clean, (other_python, found)
    assert found.coverage is not None
    assert found.coverage.missing_lines == (5,)
