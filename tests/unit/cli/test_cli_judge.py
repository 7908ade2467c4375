from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from testwright.judge_rendering import unfinished_judge_report
from testwright.model import (
    CoverageFigures,
    JudgedTest,
    JudgeReport,
    MutantSummary,
    MutationFigures,
    RunEvent,
    TestFinding,
)

SURVIVOR = MutantSummary("a1", 5, "Cart.add", "CRP", "1 → 2")
REPORT = JudgeReport(
    status="judged",
    module="shop.cart",
    path="/work/shop/src/shop/cart.py",
    symbol=None,
    test_file="/work/shop/tests/test_cart.py",
    tests=(JudgedTest("test_total[1]", "passed"), JudgedTest("test_total[2]", "passed")),
    findings=(),
    coverage=CoverageFigures(90.0, 75.0, 85.0, (9,), ((9, 12), (14, -1))),
    mutants=MutationFigures(total=40, killed=30, uncovered=2, undecided=0, survivors=(SURVIVOR,)),
    complete=False,
    seconds={"analyse": 0.1, "verify": 3.4},
    box="bubblewrap",
    interpreter="/work/shop/.venv/bin/python",
    python_version="3.12.1",
    seed=0,
    error=None,
    error_slug=None,
    notes=("There was time for 33 of 40 mutants [x].",),
)
UNSOUND = replace(
    REPORT,
    tests=(
        *REPORT.tests,
        JudgedTest("TestCart::test_[red]", "flaky", "with another hash seed it fails: assert [1] == [2]"),
        JudgedTest("test_gone", "not-judged", "there was no time left for it"),
        JudgedTest("test_other", "skipped", "not here"),
    ),
    findings=(TestFinding("test_total", 7, "no-assertion", "It asserts nothing: only an exception makes it fail."),),
)


def failed(slug: str, message: str = "It failed. Do this.") -> JudgeReport:
    return unfinished_judge_report("failed", "a.py", slug=slug, message=message)


@dataclass
class FakeService:
    """Stands for the service: keeps the requests, answers with the next of ``answers``."""

    answers: list[JudgeReport | Exception] = field(default_factory=lambda: [REPORT])
    requests: list[Any] = field(default_factory=list)

    def __call__(self, *_: object) -> FakeService:
        return self

    async def judge(self, request: Any, on_event: Callable[[RunEvent], None]) -> JudgeReport:
        self.requests.append(request)
        on_event(RunEvent("progress", "judge", "3 of 40 mutants", 0.25, {"done": 3, "all": 40}))
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def judge_service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    fake = FakeService()
    monkeypatch.setattr("testwright.cli.judging.UnitTestGenerationService", fake)
    return fake


@pytest.mark.parametrize(
    ("reports", "code"),
    [
        ([REPORT], 0),
        ([UNSOUND], 1),
        ([failed("usage")], 2),
        ([failed("nothing-to-judge")], 3),
        ([REPORT, UNSOUND, REPORT], 1),
        ([failed("usage"), failed("target"), REPORT], 3),
    ],
)
def test_exit_code(testwright: Any, judge_service: FakeService, reports: list[JudgeReport], code: int) -> None:
    judge_service.answers = [*reports]
    assert testwright("judge", *(f"{number}.py" for number in range(len(reports)))).code == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["judge"], "Give at least one PATH"),
        (["judge", "a.py", "--dry-run"], "No such option"),
        (["judge", "a.py", "--box", "vault"], "'vault' is not one of"),
        (["judge", "a.py", "--budget", "x"], "'x' is not a valid float"),
    ],
)
def test_wrong_usage_is_told_and_exits_with_2(
    testwright: Any, judge_service: FakeService, arguments: list[str], words: str
) -> None:
    outcome = testwright(*arguments)
    assert outcome.code == 2
    assert words in outcome.stderr
    assert judge_service.requests == []


def test_what_was_said_arrives_and_nothing_else(testwright: Any, judge_service: FakeService) -> None:
    testwright(
        *("judge", "a.py::Cart.total", "--workspace", "w", "--budget", "12.5", "--box", "none", "--seed", "0"),
        *("--python", "python3.12", "--pass-env", "A", "--pass-env", "B"),
    )
    testwright("judge", "--module", "shop.cart")
    request, other = judge_service.requests
    assert (request.path, request.symbol, request.workspace) == (Path("a.py"), "Cart.total", Path("w"))
    options = request.settings
    assert (options.budget, options.box, options.python) == (12.5, "none", Path("python3.12"))
    assert (options.seed, options.pass_env) == (0, ("A", "B"))
    assert options.seed is not None
    assert (other.path, other.module) == (None, "shop.cart")
    assert {getattr(other.settings, name) for name in other.settings.__slots__} == {None}


def test_the_json_of_one_module_is_its_object(testwright: Any, judge_service: FakeService) -> None:
    judge_service.answers = [UNSOUND]
    outcome = testwright("judge", "a.py", "--json")
    report = json.loads(outcome.stdout)
    assert outcome.stderr == ""
    assert (report["status"], report["sound"], report["module"]) == ("judged", False, "shop.cart")
    assert [test["outcome"] for test in report["tests"]] == ["passed", "passed", "flaky", "not-judged", "skipped"]
    assert report["mutants"]["not_run"] == 7


def test_the_json_of_several_modules_holds_all_runs(testwright: Any, judge_service: FakeService) -> None:
    judge_service.answers = [REPORT, KeyError("lost"), REPORT]
    outcome = testwright("judge", "a.py", "b.py", "c.py", "--json")
    runs = json.loads(outcome.stdout)["runs"]
    assert [run["status"] for run in runs] == ["judged", "failed", "judged"]
    assert runs[1]["error"]["slug"] == "internal"
    assert outcome.code == 3
    assert "Traceback" not in outcome.stderr


def test_events_are_json_lines_on_standard_error(testwright: Any, judge_service: FakeService) -> None:
    judge_service.answers = [failed("target", "No.")]
    outcome = testwright("judge", "a.py", "--events")
    events = [json.loads(line) for line in outcome.stderr.splitlines()]
    assert events == [
        {
            "kind": "progress",
            "target": "a.py",
            "phase": "judge",
            "message": "3 of 40 mutants",
            "elapsed": 0.25,
            "data": {"done": 3, "all": 40},
        },
        {"kind": "error", "target": "a.py", "slug": "target", "message": "No."},
    ]
    assert outcome.stdout == ""


def test_what_a_person_sees(testwright: Any, judge_service: FakeService) -> None:
    judge_service.answers = [UNSOUND]
    outcome = testwright("judge", "a.py")
    text = outcome.stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == (
        "/work/shop/tests/test_cart.py not sound: 2 passed, 1 flaky, 1 not judged, 1 skipped, for shop.cart"
    )
    assert "flaky TestCart::test_[red] with another hash seed it fails: assert [1] == [2]" in lines
    assert "not judged test_gone there was no time left for it" in lines
    assert not any("test_other" in line or "test_total[1]" in line for line in lines)
    assert "line 7 test_total It asserts nothing: only an exception makes it fail." in lines
    assert "No test notices these changes of /work/shop/src/shop/cart.py:" in lines
    assert "line 5 Cart.add 1 → 2" in lines
    assert "Lines 90.0 %" in lines
    assert "Missing lines 9" in lines
    assert "Missing branches 14->exit" in lines
    assert "Mutation score 90.9 % 40 mutants: 30 killed, 1 survived, 2 not covered, 7 not run" in lines
    assert "note There was time for 33 of 40 mutants [x]." in lines
    assert "Ran in bubblewrap, Python 3.12.1 (/work/shop/.venv/bin/python), seed 0" in lines
    assert "\x1b" not in text
    assert outcome.stderr == ""


def test_a_sound_suite_is_said_to_be_sound(testwright: Any, judge_service: FakeService) -> None:
    judge_service.answers = [replace(REPORT, mutants=None, coverage=None)]
    text = testwright("judge", "a.py").stdout
    assert "/work/shop/tests/test_cart.py  sound: 2 passed, for shop.cart" in text
    assert "Mutation score" not in text
    assert "Lines" not in text


def test_of_many_survivors_the_first_are_shown(testwright: Any, judge_service: FakeService) -> None:
    survivors = tuple(replace(SURVIVOR, line=number) for number in range(1, 31))
    judge_service.answers = [replace(REPORT, mutants=MutationFigures(40, 5, 0, 5, survivors))]
    text = testwright("judge", "a.py").stdout
    assert "line 20" in text
    assert "line 21" not in text
    assert "and 10 more (--json has them all)" in text
    assert "5 undecided" in text


# Started as a program of its own, with a service that never ends.
DRIVER = """
import asyncio, sys
import testwright.cli
import testwright.cli.judging as judging

class Endless:
    def __init__(self, *_): pass
    async def judge(self, request, on_event):
        print("started", file=sys.stderr, flush=True)
        try:
            await asyncio.sleep(60)
        finally:
            print("cleaned up", file=sys.stderr, flush=True)

judging.UnitTestGenerationService = Endless
sys.exit(testwright.cli.run(sys.argv[1:]))
"""


def test_a_signal_cancels() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, "judge", "a.py", "b.py", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "started\n"
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert time.monotonic() - begun < 3
    assert stderr == "cleaned up\ntestwright: Cancelled: nothing was judged for a.py.\n"
    assert [run["status"] for run in json.loads(stdout)["runs"]] == ["cancelled"]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, testwright.cli\n"
        "code = testwright.cli.run(['judge', '--help'])\n"
        "print([name for name in ('rich', 'pydantic', 'asyncio', 'testwright.service') if name in sys.modules])\n"
        "sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
    assert "--budget" in ended.stdout
