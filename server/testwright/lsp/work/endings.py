"""How a run ended, as one sentence for the user: ``18 tests for pricing are in tests/test_pricing.py``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.lsp.work.runs import Ending, Severity, Work

if TYPE_CHECKING:
    from testwright.model import JudgeReport, RunReport, TestOutcome
    from testwright.service.result import MeasureResult, RunResult


def ending_of_generate(work: Work, result: RunResult) -> Ending:
    """The ending of a run that wrote tests, or found none to write."""
    from testwright.rendering import report_to_json  # noqa: PLC0415 - loaded with the service

    report = result.report
    file = Path(report.test_file) if report.test_file is not None else None
    values = dict(report_to_json(report))
    if report.error is not None:
        return Ending("failed", report.error, "error", file, values)
    sentence = _added(work, report, file) if report.status == "written" else _nothing_added(work, report)
    if report.threshold_reached:
        return Ending(report.status, sentence, "info", file, values, _summary(report))
    sentence += f" That is below the threshold of {report.threshold:g} %."
    return Ending(report.status, sentence, "warning", file, values, _summary(report))


def _summary(report: RunReport) -> str:
    added = f"{counted(len(report.kept), 'test')} added" if report.kept else "nothing to add"
    covered = report.coverage_after or report.coverage_before
    return added if covered is None else f"{added}, {percent(covered.percent)} % covered"


def _added(work: Work, report: RunReport, file: Path | None) -> str:
    count = len(report.kept)
    where = _shown(file, work.root) if file is not None else "place"
    tests = f"{counted(count, 'test')} for {work.subject} {'is' if count == 1 else 'are'} in {where}"
    after = report.coverage_after
    if after is None:
        return f"{tests}."
    before = report.coverage_before
    change = f"{percent(before.percent)} → " if before is not None else ""
    return f"{tests}: {change}{percent(after.percent)} % covered."


def _nothing_added(work: Work, report: RunReport) -> str:
    covered = report.coverage_after or report.coverage_before
    known = f" ({percent(covered.percent)} % covered)" if covered is not None else ""
    return f"No test was added for {work.subject}: none that could be proven adds to those that it has{known}."


def ending_of_measure(work: Work, result: MeasureResult) -> Ending:
    """The ending of a run that measured what the existing tests cover."""
    if result.error is not None:
        return Ending("failed", str(result.error), "error", result.test_file)
    coverage = result.coverage
    if coverage is None or coverage.sets is None:
        why = " ".join(result.notes) or "The tests could not be measured."
        return Ending(
            "measured", f"What the tests of {work.subject} cover is not known. {why}", "warning", summary="not known"
        )
    tests = counted(coverage.tests, "test")
    failed = f", of which {coverage.failed} failed" if coverage.failed else ""
    covered = f"{percent(coverage.sets.percent)} % covered"
    sentence = f"{work.subject} is {covered} by {tests}{failed}."
    return Ending("measured", sentence, "info", result.test_file, summary=covered)


def ending_of_judge(work: Work, report: JudgeReport) -> Ending:
    """The ending of a run that judged the tests that a module has."""
    from testwright.judge_rendering import judge_report_to_json  # noqa: PLC0415 - loaded with the service

    file = Path(report.test_file) if report.test_file is not None else None
    values = dict(judge_report_to_json(report))
    if report.error is not None:
        return Ending("failed", report.error, "error", file, values)
    outcomes = _outcomes(report)
    parts = [outcomes]
    if (noticed := _noticed(report)) is not None:
        parts.append(noticed)
    if report.findings:
        parts.append(counted(len(report.findings), "finding"))
    sentence = f"{counted(len(report.tests), 'test')} of {work.subject}: {'; '.join(parts)}."
    if not report.complete:
        sentence += " There was no time for all of it."
    severity: Severity = "info" if report.sound and report.complete else "warning"
    return Ending("judged", sentence, severity, file, values, outcomes)


def _outcomes(report: JudgeReport) -> str:
    """``11 sound, 1 flaky``."""
    words: dict[TestOutcome, str] = {
        "passed": "sound",
        "failed": "failed",
        "flaky": "flaky",
        "not-judged": "not judged",
        "skipped": "skipped",
    }
    found = Counter(test.outcome for test in report.tests)
    return ", ".join(f"{found[name]} {word}" for name, word in words.items() if found[name]) or "none could be judged"


def _noticed(report: JudgeReport) -> str | None:
    """``74 % of 53 mutants noticed``; None when that is not known."""
    figures = report.mutants
    if figures is None or figures.score is None:
        return None
    decided = figures.killed + figures.uncovered + len(figures.survivors)
    return f"{percent(figures.score)} % of {counted(decided, 'mutant')} noticed"


def percent(value: float) -> int:
    """A percentage as a whole number; rounded down, since 99.6 % is not all."""
    return int(value)


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 test``, ``2 tests``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
