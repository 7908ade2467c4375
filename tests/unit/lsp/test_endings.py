"""The one sentence that a user gets at the end of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from testwright.errors import ImportFailure
from testwright.lsp.work.endings import ending_of_generate, ending_of_judge, ending_of_measure
from testwright.lsp.work.runs import Work
from testwright.model import (
    CoverageFigures,
    CoverageSets,
    JudgedTest,
    JudgeReport,
    KeptTest,
    MutantSummary,
    MutationFigures,
    RunReport,
    TestFinding,
)
from testwright.service.result import MeasureResult, ModuleCoverage, RunResult

ROOT = Path("/w")
PATH = ROOT / "pricing.py"
WORK = Work("generate", PATH, PATH, None, None, ROOT)


def figures(percent: float) -> CoverageFigures:
    return CoverageFigures(percent, percent, percent, (), ())


def report(**changes: Any) -> RunReport:
    values: dict[str, Any] = {
        "status": "written",
        "module": "pricing",
        "path": str(PATH),
        "symbol": None,
        "test_file": "/w/tests/test_pricing.py",
        "threshold": 70.0,
        "threshold_reached": True,
        "coverage_before": figures(62.3),
        "coverage_after": figures(97.6),
        "kept": tuple(KeptTest(f"test_{number}", "f", "embedded:search", (), ()) for number in range(18)),
        "discarded": (),
        "seconds": {},
        "box": "bubblewrap",
        "interpreter": "python",
        "python_version": "3.12",
        "seed": 0,
        "stopped_by": None,
        "diff": "",
        "error": None,
        "error_slug": None,
    }
    return RunReport(**{**values, **changes})


ONE = (KeptTest("test_0", "f", "embedded:search", (), ()),)


@pytest.mark.parametrize(
    ("changes", "sentence", "severity", "summary"),
    [
        (
            {},
            "18 tests for pricing are in tests/test_pricing.py: 62 → 97 % covered.",
            "info",
            "18 tests added, 97 % covered",
        ),
        (
            {"kept": ONE, "coverage_before": None},
            "1 test for pricing is in tests/test_pricing.py: 97 % covered.",
            "info",
            "1 test added, 97 % covered",
        ),
        (
            {"test_file": "/elsewhere/test_pricing.py", "coverage_after": None},
            "18 tests for pricing are in /elsewhere/test_pricing.py.",
            "info",
            "18 tests added, 62 % covered",
        ),
        (
            {"threshold_reached": False, "coverage_after": figures(64.9)},
            "18 tests for pricing are in tests/test_pricing.py: 62 → 64 % covered. That is below the threshold of 70 %.",
            "warning",
            "18 tests added, 64 % covered",
        ),
        (
            {"status": "nothing-to-add", "kept": (), "coverage_after": figures(100.0)},
            "No test was added for pricing: none that could be proven adds to those that it has (100 % covered).",
            "info",
            "nothing to add, 100 % covered",
        ),
    ],
)
def test_of_a_run_that_did_its_job(changes: dict[str, Any], sentence: str, severity: str, summary: str) -> None:
    ending = ending_of_generate(WORK, RunResult(report(**changes), None, None))

    assert ending.message == sentence
    assert ending.severity == severity
    assert ending.summary == summary
    assert ending.status == changes.get("status", "written")
    assert ending.test_file == Path(changes.get("test_file", "/w/tests/test_pricing.py"))
    assert ending.report is not None
    assert ending.report["status"] == ending.status


def test_of_a_run_that_failed() -> None:
    told = report(status="failed", test_file=None, kept=(), error="No box. Install one.", error_slug="box-unavailable")
    ending = ending_of_generate(WORK, RunResult(told, None, None))

    assert (ending.status, ending.severity, ending.message) == ("failed", "error", "No box. Install one.")
    assert ending.test_file is None


def measured(**changes: Any) -> MeasureResult:
    sets = CoverageSets(frozenset(range(1, 9)), frozenset(range(1, 6)))
    values: dict[str, Any] = {
        "coverage": ModuleCoverage(PATH, "", sets, 12, 0),
        "error": None,
        "notes": (),
        "seconds": 1.0,
        "module": "pricing",
        "test_file": ROOT / "test_pricing.py",
    }
    return MeasureResult(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "status", "severity", "sentence"),
    [
        ({}, "measured", "info", "pricing is 62 % covered by 12 tests."),
        (
            {"coverage": ModuleCoverage(PATH, "", CoverageSets(), 1, 1)},
            "measured",
            "info",
            "pricing is 100 % covered by 1 test, of which 1 failed.",
        ),
        (
            {"coverage": ModuleCoverage(PATH, "", None, 0, 0), "notes": ("The tests took too long.",)},
            "measured",
            "warning",
            "What the tests of pricing cover is not known. The tests took too long.",
        ),
        (
            {"coverage": None, "error": ImportFailure("It does not import.", next_step="Mend it.")},
            "failed",
            "error",
            "It does not import. Mend it.",
        ),
    ],
)
def test_of_a_measurement(changes: dict[str, Any], status: str, severity: str, sentence: str) -> None:
    ending = ending_of_measure(WORK, measured(**changes))

    assert (ending.status, ending.severity, ending.message) == (status, severity, sentence)


SURVIVOR = MutantSummary("1", 3, "f", "AOR", "+ by -")


def judged(**changes: Any) -> JudgeReport:
    values: dict[str, Any] = {
        "status": "judged",
        "module": "pricing",
        "path": str(PATH),
        "symbol": None,
        "test_file": "/w/tests/test_pricing.py",
        "tests": tuple(JudgedTest(f"test_{number}", "passed") for number in range(12)),
        "findings": (),
        "coverage": figures(90.0),
        "mutants": MutationFigures(total=5, killed=3, uncovered=0, undecided=1, survivors=(SURVIVOR,)),
        "complete": True,
        "seconds": {},
        "box": "bubblewrap",
        "interpreter": "python",
        "python_version": "3.12",
        "seed": 0,
        "error": None,
        "error_slug": None,
    }
    return JudgeReport(**{**values, **changes})


MIXED = (
    *(JudgedTest(f"test_{number}", "passed") for number in range(11)),
    JudgedTest("test_11", "flaky", "it depends on the order"),
)


@pytest.mark.parametrize(
    ("changes", "severity", "sentence"),
    [
        ({}, "info", "12 tests of pricing: 12 sound; 75 % of 4 mutants noticed."),
        ({"tests": MIXED}, "warning", "12 tests of pricing: 11 sound, 1 flaky; 75 % of 4 mutants noticed."),
        (
            {"tests": MIXED[-2:], "mutants": None, "complete": False},
            "warning",
            "2 tests of pricing: 1 sound, 1 flaky. There was no time for all of it.",
        ),
        (
            {"findings": (TestFinding("test_1", 4, "no-assertion", "It asserts nothing."),)},
            "info",
            "12 tests of pricing: 12 sound; 75 % of 4 mutants noticed; 1 finding.",
        ),
        ({"tests": (), "mutants": None}, "warning", "0 tests of pricing: none could be judged."),
        ({"status": "failed", "error": "There are no tests."}, "error", "There are no tests."),
    ],
)
def test_of_a_judgement(changes: dict[str, Any], severity: str, sentence: str) -> None:
    ending = ending_of_judge(WORK, judged(**changes))

    assert (ending.severity, ending.message) == (severity, sentence)
    assert ending.status == ("failed" if "error" in changes else "judged")
    assert ending.report is not None
    assert ending.test_file == ROOT / "tests" / "test_pricing.py"
