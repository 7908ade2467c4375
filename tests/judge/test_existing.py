"""The tests that a module has, in real boxes: each outcome, its reason, and that one test costs no other."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import time
from typing import Any

import pytest

from testwright.errors import NothingToJudge
from testwright.judge.existing import ExistingTests, judge_existing

THIS_YEAR = f"datetime.date.today() < datetime.date({dt.datetime.now(dt.UTC).year + 1}, 1, 2)"
IMPORT = "from signs import sign\n\n\n"


async def judge(trial: Any, text: str, *, seconds: float = 120.0, test_seconds: float = 20.0) -> ExistingTests:
    trial.write({"tests/test_signs.py": text})
    return await judge_existing(
        trial.session(),
        trial.target(),
        trial.workspace / "tests" / "test_signs.py",
        await trial.goals(),
        deadline=time.monotonic() + seconds,
        test_seconds=test_seconds,
    )


def hash_without_seed(trial: Any) -> int:
    """What the first process has as the hash of a text."""
    program = [trial.python, "-c", "print(hash('signs'))"]
    seeded = subprocess.run(program, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, check=True)
    return int(seeded.stdout)


def outcomes(found: ExistingTests) -> dict[str, str]:
    return {test.name: test.outcome for test in found.tests}


def reasons(found: ExistingTests) -> dict[str, str]:
    return {test.name: test.reason for test in found.tests}


OUTCOMES = """\
import unittest

import pytest

from signs import sign


@pytest.mark.parametrize("number", [-2, 0])
def test_small(number):
    assert sign(number) < 1


def test_wrong():
    assert sign(3) == 4


@pytest.mark.skip(reason="not here")
def test_skipped():
    assert sign(1) == 1


@pytest.mark.xfail(reason="known")
def test_known():
    assert sign(1) == 2


@pytest.mark.xfail
def test_surprise():
    assert sign(1) == 1


def test_no_fixture(nothing_of_that_name):
    pass


class TestSign:
    def test_zero(self):
        assert sign(0) == 0


class SignCase(unittest.TestCase):
    def test_minus(self):
        self.assertEqual(sign(-2), 1)

    def test_plus(self):
        self.assertEqual(sign(2), 1)
"""


async def test_each_outcome_is_told_by_name(trial: Any) -> None:
    found = await judge(trial, OUTCOMES)
    assert outcomes(found) == {
        "test_small[-2]": "passed",
        "test_small[0]": "passed",
        "test_wrong": "failed",
        "test_skipped": "skipped",
        "test_known": "skipped",
        "test_surprise": "passed",
        "test_no_fixture": "failed",
        "TestSign::test_zero": "passed",
        "SignCase::test_minus": "failed",
        "SignCase::test_plus": "passed",
    }
    why = reasons(found)
    assert why["test_wrong"] == "assert 1 == 4 + where 1 = sign(3)"
    assert why["test_skipped"] == "not here"
    assert why["test_known"] == "is expected to fail: known"
    assert why["test_surprise"] == "is expected to fail, and passed"
    assert why["test_no_fixture"].startswith("it could not run: ")
    assert why["test_small[0]"] == ""
    assert found.sound == ("test_small", "TestSign::test_zero", "SignCase::test_plus")
    assert {name.partition("::")[2] for name in found.unsound} == {
        "test_wrong",
        "test_skipped",
        "test_known",
        "test_surprise",
        "test_no_fixture",
        "SignCase::test_minus",
    }
    assert found.coverage is not None
    assert found.coverage.missing_lines == ()
    assert found.notes == ()


async def test_what_a_test_depends_on_is_named(trial: Any) -> None:
    known = hash_without_seed(trial)
    found = await judge(
        trial,
        "import datetime\nimport time\n\nSEEN = []\n\n\n"
        f"def test_hash():\n    assert hash('signs') == {known}\n\n\n"
        f"def test_other_hash():\n    assert hash('signs') != {known}\n\n\n"
        f"def test_date():\n    assert {THIS_YEAR}\n\n\n"
        "def test_zone():\n    assert time.localtime(0).tm_hour == 0\n\n\n"
        "def test_first():\n    SEEN.append(1)\n\n\n"
        "def test_second():\n    assert SEEN == [1]\n\n\n"
        "def test_stable():\n    assert SEEN is not None\n",
    )
    why = reasons(found)
    assert why["test_hash"].startswith("with another hash seed it fails: ")
    assert why["test_other_hash"].startswith("it fails as the file stands (AssertionError: assert ")
    assert why["test_other_hash"].endswith("), and not with another hash seed")
    assert why["test_date"].startswith("with the clock 400 days ahead it fails: ")
    assert why["test_zone"].startswith("in the time zone UTC+05:45 it fails: ")
    assert why["test_second"].startswith("in another order it fails: ")
    assert [name for name, outcome in outcomes(found).items() if outcome == "passed"] == ["test_first", "test_stable"]
    assert found.sound == ("test_first", "test_stable")


async def test_chance_is_told_from_the_conditions(trial: Any) -> None:
    # Each is flaky with a probability of 3/4, and half of these change by themselves when run again.
    tosses = [f"def test_{number}():\n    assert os.urandom(1)[0] < 128\n" for number in range(60)]
    found = await judge(trial, "\n\n".join(["import os", *tosses]))
    said = [reason for reason in reasons(found).values() if "when it is run again without any change" in reason]
    assert len(said) > 5
    assert not any(" or " in reason for reason in said)
    assert list(outcomes(found).values()).count("flaky") > 20


async def test_a_test_that_ends_the_process_costs_no_other(trial: Any) -> None:
    found = await judge(
        trial,
        "import os\n\nimport pytest\n\n"
        + IMPORT
        + "def test_before():\n    assert sign(1) == 1\n\n\n"
        + "def test_exit():\n    os._exit(3)\n\n\n"
        + "def test_exit_later():\n    assert sign(-1) == -1\n\n\n"
        + "def test_stop():\n    pytest.exit('enough')\n\n\n"
        + "def test_crash():\n    os.kill(os.getpid(), 11)\n\n\n"
        + "def test_after():\n    assert sign(0) == 0\n",
    )
    assert outcomes(found) == {
        "test_before": "passed",
        "test_exit": "failed",
        "test_exit_later": "passed",
        "test_stop": "failed",
        "test_crash": "failed",
        "test_after": "passed",
    }
    why = reasons(found)
    assert why["test_exit"] == "it ended its process with exit code 3"
    assert why["test_stop"] == "it ended the test run"
    assert why["test_crash"] == "it was ended by signal 11"
    assert found.coverage is not None
    assert found.coverage.missing_lines == ()
    assert found.notes == ("What is covered was measured without the tests that ended the process.",)


async def test_a_test_without_an_end_costs_no_other(trial: Any) -> None:
    found = await judge(
        trial,
        "import time\nimport unittest\n\nimport pytest\n\n"
        + IMPORT
        + "@pytest.fixture\ndef slow():\n    time.sleep(600)\n\n\n"
        + "def test_endless():\n    while True:\n        sign(1)\n\n\n"
        + "def test_waiting(slow):\n    assert sign(1) == 1\n\n\n"
        + "class Case(unittest.TestCase):\n    def test_asleep(self):\n        time.sleep(600)\n\n\n"
        + "def test_quick():\n    assert sign(-1) == -1\n",
        test_seconds=1.0,
    )
    assert outcomes(found) == {
        "test_endless": "not-judged",
        "test_waiting": "not-judged",
        "Case::test_asleep": "not-judged",
        "test_quick": "passed",
    }
    assert set(reasons(found).values()) == {"it did not end within 1 seconds", ""}
    assert found.coverage is not None
    assert found.coverage.missing_lines == (6,)


async def test_what_time_allows_is_judged_and_the_rest_told(trial: Any) -> None:
    # Held in compiled code or by a bare except: only the end of the whole run ends it.
    stubborn = (
        "import time\n\n" + IMPORT + "def test_quick():\n    assert sign(1) == 1\n\n\n"
        "def test_wrong():\n    assert sign(1) == 2\n\n\n"
        "def test_stubborn():\n"
        "    while True:\n        try:\n            time.sleep(1)\n        except BaseException:\n            pass\n\n\n"
        "def test_last():\n    assert sign(1) == 1\n"
    )
    began = time.monotonic()
    found = await judge(trial, stubborn, seconds=9.0, test_seconds=1.0)
    assert time.monotonic() - began < 20.0
    assert outcomes(found)["test_stubborn"] == "not-judged"
    assert outcomes(found)["test_wrong"] == "failed"
    assert reasons(found)["test_stubborn"] == "it was running when the time was over"
    assert found.coverage is None
    assert "test_stubborn" not in found.sound
    assert any("did not come to an end" in note and "at least" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module\n\n\ndef test_a():\n    pass\n", "could not be collected: .*no_such_module"),
        ("def helper():\n    pass\n", "pytest finds no test in test_signs.py"),
        ("import os\n\nos._exit(3)\n\n\ndef test_a():\n    pass\n", "the run ended its process with exit code 3"),
        ("import time\n\ntime.sleep(600)\n\n\ndef test_a():\n    pass\n", "the run did not end in time"),
    ],
    ids=["not collected", "no test", "ends at collection", "no end at collection"],
)
async def test_a_file_without_any_result_is_an_error(trial: Any, text: str, said: str) -> None:
    with pytest.raises(NothingToJudge, match=said):
        await judge(trial, text, seconds=8.0)


async def test_without_time_nothing_is_started(trial: Any) -> None:
    with pytest.raises(NothingToJudge, match="there was no time left"):
        await judge(trial, IMPORT + "def test_a():\n    assert sign(1) == 1\n", seconds=0.1)


async def test_a_file_that_is_not_collected_under_other_conditions_is_flaky(trial: Any) -> None:
    found = await judge(
        trial,
        f"import datetime\n\nassert {THIS_YEAR}\n" + IMPORT + "def test_a():\n    assert sign(1) == 1\n",
    )
    assert outcomes(found) == {"test_a": "flaky"}
    assert reasons(found)["test_a"].startswith(
        "with the clock 400 days ahead it fails: the file could not be collected"
    )


async def test_a_name_that_begins_like_another_is_told_from_it(trial: Any) -> None:
    found = await judge(
        trial,
        "import os\n\n\ndef test_a():\n    os._exit(1)\n\n\ndef test_a_b():\n    assert True\n",
    )
    assert outcomes(found) == {"test_a": "failed", "test_a_b": "passed"}


async def test_progress_counts_what_the_slowest_process_has_run(trial: Any) -> None:
    trial.write({"tests/test_signs.py": OUTCOMES})
    seen: list[tuple[int, int]] = []
    await judge_existing(
        trial.session(),
        trial.target(),
        trial.workspace / "tests" / "test_signs.py",
        await trial.goals(),
        deadline=time.monotonic() + 120,
        test_seconds=20.0,
        on_progress=lambda done, all_: seen.append((done, all_)),
    )
    assert seen[-1] == (10, 10)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
