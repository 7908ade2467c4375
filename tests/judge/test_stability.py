"""Candidates in three processes: what is kept out, and what evidence the rest gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from testwright.errors import BoxFailure, ImportFailure
from testwright.judge.stability import CONDITIONS, Conditions

CONFTEST = """\
import pytest


@pytest.fixture(autouse=True)
def always(monkeypatch):
    monkeypatch.setenv("FROM_CONFTEST", "yes")


@pytest.fixture
def project_fixture():
    return 3
"""


async def test_what_depends_on_hash_seed_date_or_zone_is_unstable_and_told_why(trial: Any) -> None:
    tests = {
        "steady": "assert sign(5) == 1",
        # Compared with what the first process sees: hash seed 0, UTC, today.
        "by_hash": "import os\nassert hash('signs') % 2 ** 32 == " + str(await _in_first_process(trial)),
        "by_date": "import time\nassert abs(time.time() - __import__('os').stat(tmp_path).st_mtime) < 3600",
        "by_zone": "import time\nassert time.localtime(0).tm_hour == 0",
    }
    judgement = await trial.judge(tests)
    verdicts = {verdict.candidate.id: verdict for verdict in judgement.verdicts}
    assert verdicts["steady"].outcome == "passed"
    assert {name: verdicts[name].outcome for name in tests if name != "steady"} == dict.fromkeys(
        ("by_hash", "by_date", "by_zone"), "unstable"
    )
    assert "but with hash seed 1 it failed" in verdicts["by_hash"].reason
    assert "but with a clock 400 days ahead it failed" in verdicts["by_date"].reason
    assert "but with time zone UTC+05:45 it failed" in verdicts["by_zone"].reason
    assert judgement.notes == ()


async def _in_first_process(trial: Any) -> int:
    """What the hash of a text is with the first process's seed, read from the reason of a failure."""
    verdict = (await trial.verdicts({"asks": "raise ValueError(f'<{hash(\"signs\") % 2 ** 32}>')"}))["asks"]
    return int(verdict.reason.partition("<")[2].partition(">")[0])


async def test_what_depends_on_order_through_a_file_is_unstable(trial: Any) -> None:
    # A place that is shared by all candidates of one box: the only way in which one can reach another.
    first = "import pathlib\nplace = pathlib.Path('/tmp/shared-by-order')\nplace.write_text('x')\nassert sign(1) == 1"
    second = "import pathlib\nassert pathlib.Path('/tmp/shared-by-order').exists()"
    verdicts = await trial.verdicts({"first": first, "second": second})
    assert verdicts["first"].outcome == "passed"
    assert verdicts["second"].outcome == "unstable"


async def test_evidence_is_what_the_test_itself_runs(trial: Any) -> None:
    trial.write(
        {
            "tests/conftest.py": "import pytest\nfrom signs import sign\n\n\n@pytest.fixture(autouse=True)\n"
            "def always():\n    sign(-1)\n"
        }
    )
    verdicts = await trial.verdicts({"positive": "assert sign(2) == 1", "zero": "assert sign(0) == 0"})
    assert verdicts["positive"].evidence.runs == len(CONDITIONS)
    assert verdicts["positive"].evidence.lines == {2, 4, 5}
    assert verdicts["positive"].evidence.branches == {(2, 4), (4, 5)}
    assert verdicts["zero"].evidence.lines == {2, 4, 6}
    assert verdicts["zero"].evidence.branches == {(2, 4), (4, 6)}


async def test_fixtures_markers_and_filters_of_the_project_apply(trial: Any) -> None:
    trial.write(
        {
            "pytest.ini": "[pytest]\nfilterwarnings = error\naddopts = -x --strict-markers -k nothing_of_ours\n",
            "tests/conftest.py": CONFTEST,
        }
    )
    verdicts = await trial.verdicts(
        {
            "autouse": "import os\nassert os.environ['FROM_CONFTEST'] == 'yes'",
            "fixture": "assert sign(project_fixture) == 1",
            "warning": "import warnings\nwarnings.warn('old')\nassert sign(1) == 1",
            "scratch": "assert list(tmp_path.iterdir()) == []",
        }
    )
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {
        "autouse": "passed",
        "fixture": "passed",
        "warning": "failed",
        "scratch": "passed",
    }


async def test_an_import_that_fails_costs_only_who_uses_it(trial: Any) -> None:
    verdicts = await trial.verdicts(
        {"good": "assert sign(1) == 1", "bad": "assert gone(1) == 1", "absent": "assert nowhere.f() == 1"},
        imports="from signs import sign\nfrom signs import gone\nimport nowhere",
    )
    assert verdicts["good"].outcome == "passed"
    assert verdicts["bad"].outcome == verdicts["absent"].outcome == "error"
    assert "cannot import name 'gone'" in verdicts["bad"].reason
    assert "No module named 'nowhere'" in verdicts["absent"].reason


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({"pytest.ini": "[pytest]\naddopts = --no-such-option\n"}, "addopts"),
        ({"conftest.py": "import no_such_module\n"}, "conftest.py"),
        ({"pytest.ini": "[pytest]\nrequired_plugins = pytest-that-is-not-there\n"}, "conftest.py"),
    ],
)
async def test_settings_that_pytest_refuses_are_left_out_with_a_note(
    trial: Any, files: dict[str, str], note: str
) -> None:
    trial.write(files)
    judgement = await trial.judge({"good": "assert sign(1) == 1", "bad": "assert sign(1) == 2"})
    assert [verdict.outcome for verdict in judgement.verdicts] == ["passed", "failed"]
    assert len(judgement.notes) == 1
    assert note in judgement.notes[0]


async def test_the_candidates_file_leaves_nothing_behind(trial: Any) -> None:
    session = trial.session()
    trial.session = lambda: session
    before = sorted(session.world.snapshot.rglob("*"))
    await trial.verdicts({"good": "assert sign(1) == 1"})
    assert sorted(session.world.snapshot.rglob("*")) == before


async def test_without_time_nothing_passes(trial: Any) -> None:
    verdicts = await trial.verdicts({"good": "assert sign(1) == 1"}, seconds=0.0)
    assert verdicts["good"].outcome == "error"
    assert verdicts["good"].reason == "there was no time left to prove it"


async def test_what_is_refused_or_asserts_nothing_does_not_pass_whatever_its_run_would_say(trial: Any) -> None:
    passing = "assert sign(1) == 1"
    judgement = await trial.judge(
        dict.fromkeys(("good", "hostile", "weak"), passing),
        read={
            "hostile": {"arrange": ("import os", "os._exit(0)")},
            "weak": {"asserts": ("result is not None",)},
        },
    )
    verdicts = {verdict.candidate.id: verdict for verdict in judgement.verdicts}
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == {
        "good": "passed",
        "hostile": "refused",
        "weak": "refused",
    }
    assert verdicts["hostile"].reason == "it uses _exit, which could stop or fake its own run"
    assert verdicts["weak"].reason == "it asserts nothing about what the code does"


async def test_a_judgement_says_whether_it_ran_out_of_time(trial: Any) -> None:
    tests = {"good": "assert sign(1) == 1", "bad": "assert sign(1) == 2"}
    assert not (await trial.judge(tests)).out_of_time
    assert (await trial.judge(tests, seconds=0.0)).out_of_time


async def test_a_slow_candidate_does_not_take_the_time_of_all(trial: Any) -> None:
    tests = {"slow": "import time\ntime.sleep(60)", "good": "assert sign(1) == 1"}
    verdicts = await trial.verdicts(tests, test_seconds=1.0)
    assert verdicts["slow"].outcome == "timeout"
    assert verdicts["slow"].reason == "did not end within 1 seconds"
    assert verdicts["good"].outcome == "passed"


async def test_memory_without_end_costs_one_candidate(trial: Any) -> None:
    tests = {"hungry": "data = []\nwhile True:\n    data.append(bytearray(1 << 26))", "good": "assert sign(1) == 1"}
    verdicts = await trial.verdicts(tests, test_seconds=20.0)
    assert verdicts["hungry"].outcome in ("crashed", "failed", "error")
    assert verdicts["good"].outcome == "passed"


async def test_a_file_that_would_run_at_collection_is_not_collected(trial: Any) -> None:
    with pytest.raises(BoxFailure, match="line 2 of the candidates' file would run"):
        await trial.judge({"good": "assert sign(1) == 1"}, imports="from signs import sign\nprint(sign(1))")


async def test_a_conftest_that_puts_another_module_in_place_is_found_out(trial: Any) -> None:
    trial.write(
        {
            "other/signs.py": "def sign(number):\n    return 1\n",
            "tests/conftest.py": "import pathlib\nimport sys\n\n"
            "sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'other'))\n",
        }
    )
    with pytest.raises(ImportFailure, match=r"leads to .*other/signs\.py"):
        await trial.judge({"good": "assert sign(1) == 1"})


async def test_every_supported_python(trial: Any, other_python: Path) -> None:
    judgement = await trial.judge(
        {
            "good": "assert sign(-2) == -1",
            "bad": "assert sign(-2) == 1",
            "exits": "import os\nos._exit(0)",
            "by_date": "import datetime, os\n"
            "assert abs(datetime.datetime.now().timestamp() - os.stat(tmp_path).st_mtime) < 3600",
        }
    )
    assert [verdict.outcome for verdict in judgement.verdicts] == ["passed", "failed", "crashed", "unstable"]
    evidence = judgement.verdicts[0].evidence
    assert (evidence.lines, evidence.branches) == ({2, 3}, {(2, 3)})
    assert judgement.notes == (), other_python


def test_orders_hold_within_blocks_and_depend_on_the_seed() -> None:
    names = [f"n{index}" for index in range(100)]
    shuffled = Conditions(order="shuffled")
    assert Conditions().arrange(names, 0) == names
    assert Conditions(order="reversed").arrange(names, 0)[:40] == names[:40][::-1]
    assert shuffled.arrange(names, 1) == shuffled.arrange(names, 1) != shuffled.arrange(names, 2)
    assert sorted(shuffled.arrange(names, 1)[:40]) == sorted(names[:40])
