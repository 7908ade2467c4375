"""A run's account as Markdown, from its JSON, which is all that is left of it after a restart (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.lsp.reports.markdown import block, code, table, words
from testwright.lsp.reports.sections import arcs, circumstances, coverage_table, joined, missing, section, shown_link
from testwright.lsp.wire.wording import in_editor_words
from testwright.lsp.work.endings import counted
from testwright.rendering import branch_words, cost_words, line_ranges, origin_words

if TYPE_CHECKING:
    from testwright.rendering import DiscardedJson, KeptJson, ModelUseJson, ReportJson

MAX_SOURCES = 10
"""Discarded candidates that are shown with their source for each reason; the JSON has all."""
MAX_SOURCE_LINES = 40

_STOPPED_BY = {
    "exhausted": "nothing was left to try",
    "plateau": "more cases added nothing",
    "cases": "all cases were used",
    "wall": "the time was used up",
    "covered": "everything was covered",
}


def report_markdown(report: ReportJson, root: Path) -> str:
    """The account of a run that wrote tests, or found none to write.

    Args:
        report: As ``rendering.report_to_json`` makes it.
        root: Root of the project; paths are told from there.
    """
    subject = f"{code(report['symbol'])} of {code(report['module'])}" if report["symbol"] else code(report["module"])
    parts = [
        f"# Tests for {subject}",
        _headline(report, root),
        coverage_table({"before": report["coverage"]["before"], "after": report["coverage"]["after"]}),
        *_kept(report["tests"]["kept"], report["test_file"]),
        *missing(report["coverage"]["after"] or report["coverage"]["before"], report["path"]),
        *_discarded(report["tests"]["discarded"]),
        *section("Notes", [f"- {words(in_editor_words(note))}" for note in report["notes"]]),
        *_models(report.get("models", [])),
        *section("How it ran", _circumstances(report)),
    ]
    return joined(parts)


def _headline(report: ReportJson, root: Path) -> str:
    kept, file = report["tests"]["kept"], report["test_file"]
    where = shown_link(file, root) if file is not None else "the test file"
    match report["status"]:
        case "written":
            verb = "was" if len(kept) == 1 else "were"
            sentence = f"{counted(len(kept), 'test')} {verb} added to {where}{_proposed(report)}."
        case "dry-run":
            count = counted(len(kept), "test")
            sentence = f"A dry run: {count} would be added to {where}{_proposed(report)}; nothing was written."
        case "nothing-to-add":
            sentence = "No test was added: none that could be proven adds to those that it has."
        case "cancelled":
            sentence = "The run was cancelled; nothing was written."
        case _:
            sentence = "The run failed."
    if report["error"] is not None:
        sentence += f" {words(in_editor_words(report['error']['message']))}"
    if report["success"] and not report["threshold_reached"]:
        sentence += f" The coverage is below the threshold of {report['threshold']:g} %."
    return sentence


def _proposed(report: ReportJson) -> str:
    """Who has proposed the tests, where an agent worked; reports that were kept by an earlier version do not say it."""
    by_engine = report["tests"].get("by_engine", {})
    return f": {origin_words(by_engine)}" if "openhands" in by_engine else ""


def _kept(kept: Sequence[KeptJson], test_file: str | None) -> list[str]:
    """Each test, with what it is about and what it has added, by what it is about."""
    by_target: dict[str, list[str]] = {}
    for test in kept:
        by_target.setdefault(test["target"], []).append(
            f"- {code(test['name'])} {_additions(test)} (proposed by {words(test['origin'])})"
        )
    entries = [f"### {code(target)}\n\n" + "\n".join(tests) for target, tests in by_target.items()]
    title = "Tests" if test_file is None else f"Tests in {words(Path(test_file).name)}"
    return section(title, ["\n\n".join(entries)] if entries else [])


def _additions(test: KeptJson) -> str:
    parts = []
    lines = test["lines_added"]
    if lines:
        parts.append(f"{'line' if len(lines) == 1 else 'lines'} {line_ranges(lines)}")
    if branches := branch_words(arcs(test["branches_added"]), lines):
        one = branches.count("->") == 1
        parts.append(f"{'branch' if one else 'branches'} {branches.replace('->', '→')}")
    killed = test.get("mutants_killed", 0)  # which reports that were kept by an earlier version do not have
    noticed = f"notices {counted(killed, 'mutant')}" if killed else "notices mutants that others do not"
    if not parts:
        return noticed
    return f"covers {' and '.join(parts)}" + (f", and {noticed}" if killed else "")


def _discarded(discarded: Sequence[DiscardedJson]) -> list[str]:
    """Candidates that are not in the file, by reason, the most frequent first."""
    by_reason: dict[str, list[DiscardedJson]] = {}
    for test in discarded:
        by_reason.setdefault(test["reason"].partition(": ")[0].rstrip("."), []).append(test)
    groups = sorted(by_reason.items(), key=lambda group: -len(group[1]))
    sections = [_group(reason, tests) for reason, tests in groups]
    return section("Discarded candidates", ["\n\n".join(sections)] if sections else [])


def _group(reason: str, tests: Sequence[DiscardedJson]) -> str:
    parts = [f"### {words(reason)} ({len(tests)})"]
    for test in tests[:MAX_SOURCES]:
        details = test["reason"].partition(": ")[2]
        about = f"For {code(test['target'])}" + (f": {words(details)}" if details else "")
        parts += [about, block(_shortened(test["source"]))]
    if len(tests) > MAX_SOURCES:
        parts.append(f"And {len(tests) - MAX_SOURCES} more.")
    return "\n\n".join(parts)


def _models(uses: Sequence[ModelUseJson]) -> list[str]:
    """What was asked of each model; reports that were kept by an earlier version do not say it."""
    rows = [
        [
            words(f"{use['model']} ({use['provider']})"),
            f"{use['requests']:,}",
            f"{use['answers']:,}",
            f"{use['prompt_tokens'] + use['completion_tokens']:,}",
            words(cost_words(use["cost"])),
            words(", ".join(f"{times:,} {kind}" for kind, times in use["faults"].items()) or "none"),
        ]
        for use in uses
    ]
    head = ["Model", "Requests", "Answers", "Tokens", "Cost", "Faults"]
    return section("Models that were asked", [table(head, rows)] if rows else [])


def _shortened(source: str) -> str:
    lines = source.split("\n")
    return source if len(lines) <= MAX_SOURCE_LINES else "\n".join([*lines[:MAX_SOURCE_LINES], "# ..."])


def _circumstances(report: ReportJson) -> list[str]:
    told = circumstances(report)
    if report["stopped_by"]:
        told.append(f"- The search ended: {_STOPPED_BY[report['stopped_by']]}")
    return told
