"""The account of a judgement of existing tests as Markdown, from its JSON (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.lsp.reports.markdown import bar, code, words
from testwright.lsp.reports.sections import (
    circumstances,
    coverage_table,
    joined,
    line_link,
    missing,
    section,
    shown_link,
)
from testwright.lsp.wire.wording import in_editor_words
from testwright.lsp.work.endings import counted

if TYPE_CHECKING:
    from testwright.judge_rendering import FindingJson, JudgedTestJson, JudgeReportJson, MutantsJson

MAX_SURVIVORS = 100
MAX_PASSED = 200

_OUTCOMES = {
    "failed": "Failed",
    "flaky": "Flaky",
    "not-judged": "Not judged",
    "skipped": "Skipped",
    "passed": "Sound",
}
"""What became of a test, what asks for attention first."""


def judge_markdown(report: JudgeReportJson, root: Path) -> str:
    """The account of a judgement.

    Args:
        report: As ``judge_rendering.judge_report_to_json`` makes it.
        root: Root of the project; paths are told from there.
    """
    subject = f"{code(report['symbol'])} of {code(report['module'])}" if report["symbol"] else code(report["module"])
    test_file = report["test_file"]
    parts = [
        f"# The tests of {subject}",
        _headline(report, root),
        coverage_table({"by these tests": report["coverage"]}) if report["status"] == "judged" else "",
        *_findings(report["findings"], test_file),
        *_outcomes(report["tests"]),
        *_mutants(report["mutants"], report["path"]),
        *missing(report["coverage"], report["path"]),
        *section("Notes", [f"- {words(in_editor_words(note))}" for note in report["notes"]]),
        *section("How it ran", circumstances(report)),
    ]
    return joined(parts)


def _headline(report: JudgeReportJson, root: Path) -> str:
    if report["status"] == "cancelled":
        return "The judgement was cancelled."
    if report["error"] is not None:
        return f"The tests could not be judged. {words(in_editor_words(report['error']['message']))}"
    where = f" in {shown_link(report['test_file'], root)}" if report["test_file"] is not None else ""
    sentence = f"{counted(len(report['tests']), 'test')}{where}: {'all' if report['sound'] else 'not all'} are sound."
    return sentence if report["complete"] else f"{sentence} There was no time to judge all."


def _outcomes(tests: Sequence[JudgedTestJson]) -> list[str]:
    """The tests by what became of them."""
    groups = []
    for outcome, title in _OUTCOMES.items():
        found = [test for test in tests if test["outcome"] == outcome]
        entries = [
            f"- {code(test['name'])}" + (f": {words(test['reason'])}" if test["reason"] else "")
            for test in found[:MAX_PASSED]
        ]
        if len(found) > MAX_PASSED:
            entries.append(f"- and {len(found) - MAX_PASSED} more")
        if found:
            groups.append(f"### {title} ({len(found)})\n\n" + "\n".join(entries))
    return section("Tests", ["\n\n".join(groups)] if groups else [])


def _findings(findings: Sequence[FindingJson], test_file: str | None) -> list[str]:
    """Tests that cannot find what they seem to look for."""
    if test_file is None:
        return []
    return section(
        "Findings",
        [
            f"- {line_link(test_file, finding['line'])} {code(finding['test'])}: {words(finding['message'])}"
            for finding in findings
        ],
    )


def _mutants(figures: MutantsJson | None, path: str) -> list[str]:
    """Changes to the module that the tests would notice, and those that they would not."""
    if figures is None:
        return []
    counts = {
        "noticed": figures["killed"],
        "not noticed": len(figures["survivors"]),
        "in lines that no test runs": figures["uncovered"],
        "undecided": figures["undecided"],
        "not run for want of time": figures["not_run"],
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    score = figures["score"]
    lines = [f"{bar(score)} {score:g} % noticed: {told}." if score is not None else f"{told or 'None'}."]
    if figures["survivors"]:
        lines += ["", "No test notices these changes:", ""]
    lines += [
        f"- {line_link(path, mutant['line'])} in {code(mutant['function'])}: {words(mutant['change'])}"
        for mutant in figures["survivors"][:MAX_SURVIVORS]
    ]
    if len(figures["survivors"]) > MAX_SURVIVORS:
        lines.append(f"- and {len(figures['survivors']) - MAX_SURVIVORS} more")
    return section(f"Mutants ({figures['total']})", lines)
