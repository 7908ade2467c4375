"""A judgement of existing tests as a person at a terminal wants to see it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from testwright.cli.output import note_view
from testwright.cli.views import shown
from testwright.judge_rendering import outcome_words
from testwright.model import JudgeReport, MutationFigures
from testwright.rendering import branch_words, line_ranges

MAX_SURVIVORS = 20
"""Mutants that are shown one by one; the JSON has all."""


def judge_view(report: JudgeReport) -> RenderableType:
    """The whole account of one judgement."""
    words, style = ("sound", "bold green") if report.sound else ("not sound", "bold red")
    name = shown(report.test_file) if report.test_file else report.module
    parts: list[RenderableType] = [
        Text.assemble((name, "bold"), "  ", (words, style), f": {outcome_words(report)}, for {report.module}")
    ]
    odd = [test for test in report.tests if test.outcome not in ("passed", "skipped")]
    if odd:
        parts.append(
            Padding(_table([(test.outcome.replace("-", " "), test.name, test.reason) for test in odd]), (1, 0, 0, 2))
        )
    if report.findings:
        rows = [(f"line {item.line}", item.test, item.message) for item in report.findings]
        parts.append(Padding(_table(rows), (1, 0, 0, 2)))
    if report.mutants is not None and report.mutants.survivors:
        parts.append(Padding(_survivors(report, report.mutants), (1, 0, 0, 2)))
    parts.append(Padding(_facts(report), (1, 0, 0, 2)))
    parts.extend(Padding(note_view(note), (0, 0, 0, 2)) for note in report.notes)
    return Group(*parts)


def _table(rows: Sequence[tuple[str, str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="yellow", no_wrap=True)
    table.add_column(style="bold", overflow="fold")
    table.add_column(overflow="fold")
    for first, second, third in rows:
        table.add_row(Text(first), Text(second), Text(third))
    return table


def _survivors(report: JudgeReport, figures: MutationFigures) -> Group:
    survivors = figures.survivors
    rows = [(f"line {item.line}", item.qualname, item.description) for item in survivors[:MAX_SURVIVORS]]
    parts: list[RenderableType] = [
        Text(f"No test notices these changes of {shown(report.path)}:"),
        Padding(_table(rows), (0, 0, 0, 2)),
    ]
    if len(survivors) > MAX_SURVIVORS:
        parts.append(Text(f"  and {len(survivors) - MAX_SURVIVORS} more (--json has them all)"))
    return Group(*parts)


def _facts(report: JudgeReport) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    if (covered := report.coverage) is not None:
        for label, value in (
            ("Lines", covered.line_percent),
            ("Branches", covered.branch_percent),
            ("Coverage", covered.percent),
        ):
            table.add_row(label, f"{value:5.1f} %")
        if covered.missing_lines:
            table.add_row("Missing lines", line_ranges(covered.missing_lines))
        if words := branch_words(covered.missing_branches, covered.missing_lines):
            table.add_row("Missing branches", words)
    if report.mutants is not None:
        table.add_row("Mutation score", _score(report.mutants))
    phases = ", ".join(f"{phase} {spent:.1f}" for phase, spent in report.seconds.items())
    table.add_row("Seconds", f"{sum(report.seconds.values()):.1f} ({phases})")
    python = f"Python {report.python_version}" if report.python_version else "Python"
    table.add_row("Ran in", Text(f"{report.box}, {python} ({shown(report.interpreter)}), seed {report.seed}"))
    return table


def _score(figures: MutationFigures) -> str:
    score = "unknown" if figures.score is None else f"{figures.score:5.1f} %"
    parts = [
        f"{figures.killed} killed",
        f"{len(figures.survivors)} survived",
        f"{figures.uncovered} not covered",
        *([f"{figures.undecided} undecided"] if figures.undecided else []),
        *([f"{figures.left} not run"] if figures.left else []),
    ]
    return f"{score}   {figures.total} mutants: {', '.join(parts)}"
