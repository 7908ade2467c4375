"""Sections that the accounts of all kinds of runs have, as Markdown (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.lsp.reports.markdown import bar, link, table, words
from testwright.lsp.texts.uris import uri_of

if TYPE_CHECKING:
    from testwright.judge_rendering import JudgeReportJson
    from testwright.rendering import CoverageJson, ReportJson

MAX_MISSING = 60
"""Parts of the module that are listed one by one as not covered."""


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A heading with lines below it; nothing when there are none."""
    return [f"## {title}", "\n".join(lines)] if lines else []


def joined(parts: Iterable[str]) -> str:
    """A document of its parts."""
    return "\n\n".join(part for part in parts if part) + "\n"


def coverage_table(figures: Mapping[str, CoverageJson | None]) -> str:
    """Coverage by what it was measured with, as a table; a sentence when nothing is known."""
    rows = [
        [name, bar(one["percent"]), *(f"{one[kind]:g} %" for kind in ("percent", "line", "branch"))]
        for name, one in figures.items()
        if one is not None
    ]
    return table(["Coverage", "", "Total", "Lines", "Branches"], rows) if rows else "The coverage is not known."


def missing(figures: CoverageJson | None, path: str) -> list[str]:
    """What no test covers, each with a link to its line."""
    if figures is None:
        return []
    lines = [f"- {line_link(path, first, last)}" for first, last in _runs(figures["missing_lines"])]
    told = set(figures["missing_lines"])
    branches = [
        f"- {line_link(path, start)}, {_branch(end)}"
        for start, end in arcs(figures["missing_branches"])
        if start not in told and end not in told
    ]
    found = [*lines, *branches]
    if len(found) > MAX_MISSING:
        found = [*found[:MAX_MISSING], f"- and {len(found) - MAX_MISSING} more"]
    return section("Not covered", found)


def _branch(end: int) -> str:
    return f"the branch to line {end}" if end > 0 else "the branch that leaves it"


def shown_link(file: str, root: Path) -> str:
    """A link to a file, told from the root of its project."""
    path = Path(file)
    return link(path.relative_to(root).as_posix() if path.is_relative_to(root) else file, uri_of(path))


def line_link(path: str, first: int, last: int | None = None) -> str:
    """A link to a line of a file, named as ``pricing.py:12``, or to several."""
    name = Path(path).name
    return link(f"{name}:{first}" if last in (None, first) else f"{name}:{first}-{last}", uri_of(Path(path)), first)


def circumstances(report: ReportJson | JudgeReportJson) -> list[str]:
    """On what a run ran, and how long."""
    seconds, interpreter = report["seconds"], report["interpreter"]
    phases = ", ".join(f"{words(phase)} {spent:.1f}" for phase, spent in seconds.items())
    told = {
        "Module": words(report["path"]),
        "Box": words(report["box"]),
        "Interpreter": words(f"{interpreter} ({report['python_version']})" if interpreter else ""),
        "Seed": str(report["seed"]),
        "Seconds": f"{sum(seconds.values()):.1f} ({phases})" if seconds else "",
    }
    return [f"- {name}: {value}" for name, value in told.items() if value]


def arcs(branches: Iterable[Sequence[int]]) -> list[tuple[int, int]]:
    """Branches of the JSON, as pairs."""
    return [(start, end) for start, end in branches]


def _runs(lines: Iterable[int]) -> list[tuple[int, int]]:
    """Lines as runs of neighbours: first and last of each."""
    runs: list[tuple[int, int]] = []
    for line in sorted(set(lines)):
        if runs and runs[-1][1] == line - 1:
            runs[-1] = (runs[-1][0], line)
        else:
            runs.append((line, line))
    return runs
