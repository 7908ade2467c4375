"""The report of a judgement of existing tests as JSON for machines, and its exit code.

Nothing here prints. ``JudgeReportJson`` is the one description of the JSON; ``docs/judge-report.schema.json`` is made
from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from testwright.model import FindingKind, JudgeReport, JudgeStatus, MutationFigures, TestOutcome
from testwright.rendering import CoverageJson, ErrorJson, coverage_to_json, exit_code_of


class JudgedTestJson(TypedDict):
    """An existing test as pytest names it within its file, and what became of it.

    ``reason`` says why it is not passed; it is empty for one that is.
    """

    name: str
    outcome: TestOutcome
    reason: str


class FindingJson(TypedDict):
    """A test that cannot find what it seems to look for: 1-based line in the test file, and why."""

    test: str
    line: int
    kind: FindingKind
    message: str


class SurvivorJson(TypedDict):
    """A mutant that no test notices: 1-based line in the module, what holds it, and what is replaced by what."""

    id: str
    line: int
    function: str
    operator: str
    change: str


class MutantsJson(TypedDict):
    """What became of the module's mutants: ``total`` is the sum of the others.

    ``uncovered`` ones are in lines that no test runs. Nothing can be said of ``undecided`` ones. There was no time for
    ``not_run`` ones. ``score`` is the percentage of killed ones among killed, uncovered and survivors, null when there
    is none of these.
    """

    total: int
    killed: int
    uncovered: int
    undecided: int
    not_run: int
    score: float | None
    survivors: list[SurvivorJson]


class JudgeReportJson(TypedDict):
    """The account of one judgement, as ``testwright judge --json`` prints it.

    ``sound`` says whether some test passed and none failed, was flaky or could not be judged; ``complete`` whether all
    tests and mutants were judged. ``coverage`` is that of the module by the test file alone.
    """

    status: JudgeStatus
    sound: bool
    complete: bool
    module: str
    path: str
    symbol: str | None
    test_file: str | None
    tests: list[JudgedTestJson]
    findings: list[FindingJson]
    coverage: CoverageJson | None
    mutants: MutantsJson | None
    seconds: dict[str, float]
    box: str
    interpreter: str
    python_version: str
    seed: int
    notes: list[str]
    error: ErrorJson | None


def judge_report_to_json(report: JudgeReport) -> JudgeReportJson:
    """The report as plain values."""
    return {
        "status": report.status,
        "sound": report.sound,
        "complete": report.complete,
        "module": report.module,
        "path": report.path,
        "symbol": report.symbol,
        "test_file": report.test_file,
        "tests": [{"name": test.name, "outcome": test.outcome, "reason": test.reason} for test in report.tests],
        "findings": [
            {"test": finding.test, "line": finding.line, "kind": finding.kind, "message": finding.message}
            for finding in report.findings
        ],
        "coverage": coverage_to_json(report.coverage),
        "mutants": _mutants(report.mutants),
        "seconds": {phase: round(seconds, 3) for phase, seconds in report.seconds.items()},
        "box": report.box,
        "interpreter": report.interpreter,
        "python_version": report.python_version,
        "seed": report.seed,
        "notes": list(report.notes),
        "error": None if report.error is None else {"slug": report.error_slug or "error", "message": report.error},
    }


def _mutants(figures: MutationFigures | None) -> MutantsJson | None:
    if figures is None:
        return None
    return {
        "total": figures.total,
        "killed": figures.killed,
        "uncovered": figures.uncovered,
        "undecided": figures.undecided,
        "not_run": figures.left,
        "score": figures.score,
        "survivors": [
            {
                "id": mutant.id,
                "line": mutant.line,
                "function": mutant.qualname,
                "operator": mutant.operator,
                "change": mutant.description,
            }
            for mutant in figures.survivors
        ],
    }


def unfinished_judge_report(
    status: Literal["cancelled", "failed"], named: str, *, slug: str, message: str, notes: Sequence[str] = ()
) -> JudgeReport:
    """The report of a judgement that ended without one: cancelled, or by an error of our own.

    Args:
        status: How it ended.
        named: The module as the user named it.
        slug: Stable name of the error.
        message: A sentence for the user.
        notes: Sentences that it has told on the way.
    """
    return JudgeReport(
        status=status,
        module="",
        path=named,
        symbol=None,
        test_file=None,
        tests=(),
        findings=(),
        coverage=None,
        mutants=None,
        complete=False,
        seconds={},
        box="",
        interpreter="",
        python_version="",
        seed=0,
        error=message,
        error_slug=slug,
        notes=tuple(notes),
    )


def judge_exit_code(report: JudgeReport) -> int:
    """Exit code of the command line.

    0 when each test is sound (it passes, or skips itself), 1 when one fails, is flaky or could not be judged, 2 for a
    request that is wrong, 3 when nothing could be judged, 130 when it was cancelled.
    """
    if report.status == "cancelled":
        return 130
    if report.status == "judged":
        return 0 if report.sound else 1
    return exit_code_of(report.error_slug)


def outcome_words(report: JudgeReport) -> str:
    """How the tests ended, in words: ``12 passed, 1 flaky, 1 not judged``."""
    counted = Counter(test.outcome for test in report.tests)
    order: tuple[TestOutcome, ...] = ("passed", "failed", "flaky", "not-judged", "skipped")
    words = [f"{counted[outcome]} {outcome.replace('-', ' ')}" for outcome in order if counted[outcome]]
    return ", ".join(words) or "no tests"
