"""Reports and findings as a person at a terminal wants to see them: rich renderables.

Text of the user (paths, names, messages) is never taken for markup.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from testwright.cli.output import note_view
from testwright.doctor.findings import Finding
from testwright.model import CoverageFigures, RunReport
from testwright.rendering import (
    branch_words,
    discarded_by_reason,
    kept_by_callable,
    kept_by_engine,
    line_ranges,
    origin_words,
    use_words,
)

MAX_REASONS = 5
"""Reasons for discarding that are shown one by one; the JSON has all."""

_HEADLINES = {
    "written": ("written", "bold green"),
    "nothing-to-add": ("nothing to add", "bold green"),
    "dry-run": ("dry run, nothing written", "bold yellow"),
    "failed": ("failed", "bold red"),
    "cancelled": ("cancelled", "bold red"),
}


_STATES = {"ok": ("ok", "green"), "note": ("note", "yellow"), "missing": ("missing", "bold red")}


def report_view(report: RunReport) -> RenderableType:
    """The whole account of one run."""
    parts: list[RenderableType] = [_headline(report)]
    if report.kept:
        parts.append(Padding(_kept(report), (1, 0, 0, 2)))
    parts.append(Padding(_facts(report), (1, 0, 0, 2)))
    parts.extend(Padding(note_view(note), (0, 0, 0, 2)) for note in report.notes)
    if step := next_step(report):
        parts.append(Padding(Text.assemble(("next  ", "bold"), step), (1, 0, 0, 2)))
    return Group(*parts)


def next_step(report: RunReport) -> str:
    """What to do when the threshold was not reached, empty when it was."""
    if not report.success or report.threshold_reached:
        return ""
    if report.stopped_by == "wall":
        return "The search ran out of time before it ran out of ideas: give it more with --budget."
    if report.coverage_after is not None and report.coverage_after.missing_lines:
        return (
            f"Write a test by hand for one of the missing lines of {shown(report.path)}, and run again: "
            "what your tests do is a start for further ones."
        )
    return f"Lower --coverage-threshold from {report.threshold:g}, or add tests by hand for what is missing."


def shown(path: str) -> str:
    """A path as short as it can be named from here."""
    try:
        relative = os.path.relpath(path)
    except ValueError:
        return path
    return path if relative.startswith(os.pardir) else relative


def _headline(report: RunReport) -> Text:
    words, style = _HEADLINES[report.status]
    name = shown(report.test_file) if report.test_file else report.module or shown(report.path)
    text = Text.assemble((name, "bold"), "  ", (words, style))
    if report.kept:
        subject = f"{report.module}.{report.symbol}" if report.symbol else report.module
        count = len({test.name for test in report.kept})
        text.append(f": {count} {'test' if count == 1 else 'tests'} for {subject}")
    return text


def _kept(report: RunReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    table.add_column("Tested")
    table.add_column("Tests", justify="right")
    table.add_column("First of them", overflow="ellipsis", no_wrap=True, style="dim")
    for target, names in kept_by_callable(report):
        table.add_row(Text(target or "the module"), str(len(names)), Text(names[0]))
    return table


def _facts(report: RunReport) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    if report.coverage_after is not None:
        for label, part in (("Lines", "line_percent"), ("Branches", "branch_percent"), ("Coverage", "percent")):
            table.add_row(label, _change(report, part))
        lines, arcs = report.coverage_after.missing_lines, report.coverage_after.missing_branches
        if lines:
            table.add_row("Missing lines", line_ranges(lines))
        if words := branch_words(arcs, lines):
            table.add_row("Missing branches", words)
    engines = kept_by_engine(report)
    if "openhands" in engines:  # without an agent there is nobody else
        table.add_row("Tests", origin_words(engines))
    if report.discarded:
        table.add_row("Discarded", _discarded(report))
    if report.models:
        table.add_row("Models", Text("\n".join(use_words(use) for use in report.models)))
    if report.seconds:
        phases = ", ".join(f"{phase} {spent:.1f}" for phase, spent in report.seconds.items())
        total = sum(report.seconds.values())
        table.add_row("Seconds", f"{total:.1f} ({phases})")
    if report.box:
        python = f"Python {report.python_version}" if report.python_version else "Python"
        table.add_row("Ran in", Text(f"{report.box}, {python} ({shown(report.interpreter)}), seed {report.seed}"))
    return table


def _change(report: RunReport, part: str) -> Text:
    after: float = getattr(report.coverage_after, part)
    text = Text(f"{_percent(report.coverage_before, part)} -> {after:5.1f} %")
    if part == "percent":
        reached = report.threshold_reached
        text.append(f"   threshold {report.threshold:g} % ")
        text.append("reached" if reached else "not reached", style="green" if reached else "red")
    return text


def _percent(figures: CoverageFigures | None, part: str) -> str:
    return "unknown" if figures is None else f"{getattr(figures, part):5.1f} %"


def _discarded(report: RunReport) -> Text:
    reasons = discarded_by_reason(report.discarded)
    lines = [f"{len(report.discarded)} candidates"]
    lines.extend(f"{count:4} {reason}" for reason, count in reasons[:MAX_REASONS])
    rest = sum(count for _, count in reasons[MAX_REASONS:])
    if rest:
        lines.append(f"{rest:4} for other reasons (--json has them all)")
    return Text("\n".join(lines))


def diff_view(diff: str) -> Text:
    """A unified diff with its colours; as plain text it is byte for byte the diff."""
    text = Text()
    for line in diff.splitlines(keepends=True):
        text.append(line, style={"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""))
    return text


def findings_view(findings: Sequence[Finding]) -> Table:
    """What ``testwright doctor`` found."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        words, style = _STATES[finding.state]
        detail = Text(finding.detail)
        if finding.next_step:
            detail.append(f"\n{finding.next_step}", style="yellow")
        table.add_row(Text(words, style=style), finding.name, detail)
    return table


def size_words(size: int) -> str:
    """Bytes as people say them.

    >>> size_words(1536)
    '1.5 KiB'
    """
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def relative_to_home(path: Path) -> str:
    """A path with the home folder written as ``~``."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)
