"""A run's report as others want to see it: JSON for machines, and words and figures for a person.

Nothing here prints. ``ReportJson`` is the one description of the JSON; ``docs/report.schema.json`` is made from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from testwright.errors import TestwrightError
from testwright.model import (
    Arc,
    CoverageFigures,
    DiscardedTest,
    ModelUse,
    RunEvent,
    RunReport,
    Status,
    StoppedBy,
)

INTERNAL_SLUG = "internal"
"""Names an error of Testwright's own in the JSON."""

_ENGINES = {"embedded": "the embedded engine", "openhands": "the agent"}
_WORKS_IN = {"embedded": "explore", "openhands": "agent"}


class CoverageJson(TypedDict):
    """Coverage of the target: percent from 0 to 100, 1-based line numbers, branches as ``[from, to]``.

    A negative end of a branch is the exit of the code object that begins in that line, as in coverage.py.
    """

    line: float
    branch: float
    percent: float
    missing_lines: list[int]
    missing_branches: list[list[int]]


class CoveragePairJson(TypedDict):
    """``before`` is null when the project's own tests could not be measured; ``after`` when nothing was."""

    before: CoverageJson | None
    after: CoverageJson | None


class KeptJson(TypedDict):
    """A test in the file: its name there, what it is about, who proposed it, what it added, and what it notices.

    ``line`` is that of its ``def`` in the file as it was written, or would be in a dry run, from 1; null when that is
    not known. ``mutants_killed`` is how many of the mutants that were run it notices.
    """

    name: str
    target: str
    origin: str
    lines_added: list[int]
    branches_added: list[list[int]]
    line: int | None
    mutants_killed: int


class DiscardedJson(TypedDict):
    """A candidate that is not in the file, and why."""

    target: str
    reason: str
    source: str


class CandidatesJson(TypedDict):
    """What became of the candidates.

    ``by_engine`` is how many tests of the file each engine has proposed, ``embedded`` and ``openhands``, whose tests
    are those of the agent; one that did not work is not in it.
    """

    by_engine: dict[str, int]
    kept: list[KeptJson]
    discarded: list[DiscardedJson]


class ErrorJson(TypedDict):
    """Why the run did not do its job; the slug is stable."""

    slug: str
    message: str


class ModelUseJson(TypedDict):
    """What the run has asked of one model: tokens as the provider counts them, ``cost`` in US dollars.

    ``requests`` are all that were sent, failed ones included; ``answers`` those of them that were worth something;
    ``faults`` how often each kind of fault happened; ``breaker`` the changes of the model's breaker in order.
    """

    model: str
    provider: str
    requests: int
    answers: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    seconds: float
    retries: int
    faults: dict[str, int]
    breaker: list[str]


class ReportJson(TypedDict):
    """The account of one run, as ``testwright generate --json`` prints it."""

    status: Status
    success: bool
    threshold: float
    threshold_reached: bool
    test_file: str | None
    module: str
    path: str
    symbol: str | None
    coverage: CoveragePairJson
    tests: CandidatesJson
    seconds: dict[str, float]
    box: str
    interpreter: str
    python_version: str
    seed: int
    stopped_by: StoppedBy | None
    diff: str
    notes: list[str]
    error: ErrorJson | None
    models: list[ModelUseJson]


def report_to_json(report: RunReport) -> ReportJson:
    """The report as plain values."""
    return {
        "status": report.status,
        "success": report.success,
        "threshold": report.threshold,
        "threshold_reached": report.threshold_reached,
        "test_file": report.test_file,
        "module": report.module,
        "path": report.path,
        "symbol": report.symbol,
        "coverage": {
            "before": coverage_to_json(report.coverage_before),
            "after": coverage_to_json(report.coverage_after),
        },
        "tests": {
            "by_engine": kept_by_engine(report),
            "kept": [
                {
                    "name": test.name,
                    "target": test.target,
                    "origin": test.origin,
                    "lines_added": list(test.lines_added),
                    "branches_added": [list(arc) for arc in test.branches_added],
                    "line": test.line,
                    "mutants_killed": test.mutants_killed,
                }
                for test in report.kept
            ],
            "discarded": [
                {"target": test.target, "reason": test.reason, "source": test.source} for test in report.discarded
            ],
        },
        "seconds": {phase: round(seconds, 3) for phase, seconds in report.seconds.items()},
        "box": report.box,
        "interpreter": report.interpreter,
        "python_version": report.python_version,
        "seed": report.seed,
        "stopped_by": report.stopped_by,
        "diff": report.diff,
        "notes": list(report.notes),
        "error": None if report.error is None else {"slug": report.error_slug or "error", "message": report.error},
        "models": [use_to_json(use) for use in report.models],
    }


def use_to_json(use: ModelUse) -> ModelUseJson:
    """What was asked of one model as plain values."""
    return {
        "model": use.model,
        "provider": use.provider,
        "requests": use.requests,
        "answers": use.answers,
        "prompt_tokens": use.prompt_tokens,
        "completion_tokens": use.completion_tokens,
        "cost": use.cost,
        "seconds": round(use.seconds, 3),
        "retries": use.retries,
        "faults": dict(use.faults),
        "breaker": list(use.breaker),
    }


def use_from_json(values: ModelUseJson) -> ModelUse:
    """The same back, from a report that was kept."""
    return ModelUse(
        model=values["model"],
        provider=values["provider"],
        requests=values["requests"],
        answers=values["answers"],
        prompt_tokens=values["prompt_tokens"],
        completion_tokens=values["completion_tokens"],
        cost=values["cost"],
        seconds=values["seconds"],
        retries=values["retries"],
        faults=dict(values["faults"]),
        breaker=tuple(values["breaker"]),
    )


def event_to_json(event: RunEvent, target: str) -> dict[str, Any]:
    """One event as plain values; ``target`` is the target as the user named it."""
    return {
        "kind": event.kind,
        "target": target,
        "phase": event.phase,
        "message": event.message,
        "elapsed": round(event.elapsed, 3),
        "data": event.data,
    }


def unfinished_report(  # noqa: PLR0913 - what is known of such a run, each by name
    status: Literal["cancelled", "failed"],
    named: str,
    *,
    threshold: float,
    slug: str,
    message: str,
    notes: Sequence[str] = (),
) -> RunReport:
    """The report of a run that ended without one: cancelled, or by an error of our own.

    Args:
        status: How it ended.
        named: The target as the user named it.
        threshold: Coverage threshold in percent.
        slug: Stable name of the error.
        message: A sentence for the user.
        notes: Sentences that it has told on the way.
    """
    return RunReport(
        status=status,
        module="",
        path=named,
        symbol=None,
        test_file=None,
        threshold=threshold,
        threshold_reached=False,
        coverage_before=None,
        coverage_after=None,
        kept=(),
        discarded=(),
        seconds={},
        box="",
        interpreter="",
        python_version="",
        seed=0,
        stopped_by=None,
        diff="",
        error=message,
        error_slug=slug,
        notes=tuple(notes),
    )


def exit_code(report: RunReport) -> int:
    """Exit code of the command line.

    0 when the threshold is reached, 1 when it is not and the job was done all the same, 2 for a request that is
    wrong, 3 when nothing could be proven, 130 when it was cancelled.
    """
    if report.status == "cancelled":
        return 130
    if report.success:
        return 0 if report.threshold_reached else 1
    return exit_code_of(report.error_slug)


def exit_code_of(slug: str | None) -> int:
    """Exit code for an error, by its slug; 3 for one that is not known."""
    codes: dict[str, int] = {}
    classes: list[type[TestwrightError]] = [TestwrightError]
    while classes:
        error = classes.pop()
        codes[error.slug] = error.exit_code
        classes.extend(error.__subclasses__())
    return codes.get(slug or "", TestwrightError.exit_code)


def line_ranges(lines: Iterable[int], limit: int = 12) -> str:
    """Lines as people write them: ``12, 20-24``; at most ``limit`` parts, the rest as a number.

    >>> line_ranges([12, 20, 21, 22])
    '12, 20-22'
    """
    parts: list[tuple[int, int]] = []
    for line in sorted(set(lines)):
        if parts and parts[-1][1] == line - 1:
            parts[-1] = (parts[-1][0], line)
        else:
            parts.append((line, line))
    words = [str(first) if first == last else f"{first}-{last}" for first, last in parts]
    return _limited(words, limit)


def branch_words(branches: Iterable[Arc], missing_lines: Iterable[int], limit: int = 8) -> str:
    """Branches as ``12->15``, or ``12->exit``; those that a missing line already speaks of are left out."""
    missing = set(missing_lines)
    words = [
        f"{start}->{end if end > 0 else 'exit'}"
        for start, end in sorted(branches)
        if start not in missing and end not in missing
    ]
    return _limited(words, limit)


def kept_by_callable(report: RunReport) -> list[tuple[str, list[str]]]:
    """Names of the kept tests by what they are about, in the order of the file."""
    groups: dict[str, list[str]] = {}
    for test in report.kept:
        names = groups.setdefault(test.target, [])
        if test.name not in names:
            names.append(test.name)
    return list(groups.items())


def kept_by_engine(report: RunReport) -> dict[str, int]:
    """How many of the kept tests each engine has proposed; 0 for one that worked in vain."""
    counted = {engine: 0 for engine, phase in _WORKS_IN.items() if phase in report.seconds}
    for origin in {test.name: test.origin for test in report.kept}.values():
        engine = origin.partition(":")[0]
        counted[engine] = counted.get(engine, 0) + 1
    return counted


def origin_words(counted: Mapping[str, int]) -> str:
    """Who proposed the tests, in words: ``14 of the embedded engine, 5 of the agent``; empty for none.

    Args:
        counted: Tests by engine, as ``kept_by_engine`` counts them.

    >>> origin_words({"embedded": 14, "openhands": 0})
    '14 of the embedded engine, none of the agent'
    """
    return ", ".join(f"{number or 'none'} of {_ENGINES.get(engine, engine)}" for engine, number in counted.items())


def discarded_by_reason(discarded: Sequence[DiscardedTest]) -> list[tuple[str, int]]:
    """How many candidates went for each reason, details after a colon left out, most frequent first."""
    return Counter(test.reason.partition(": ")[0].rstrip(".") for test in discarded).most_common()


def use_words(use: ModelUse) -> str:
    """What was asked of one model, in words.

    >>> use_words(ModelUse("qwen3-coder:free", "openrouter", requests=12, answers=11, prompt_tokens=45000, retries=1))
    'asked qwen3-coder:free 12 times, 11 answers, 45,000 tokens, free, 0 s, 1 retry'
    """
    parts = [f"asked {use.model} {'once' if use.requests == 1 else f'{use.requests:,} times'}"]
    if use.answers != use.requests:
        parts.append(_counted(use.answers, "answer"))
    parts.append(_counted(use.prompt_tokens + use.completion_tokens, "token"))
    parts.append(cost_words(use.cost))
    parts.append(f"{use.seconds:,.0f} s")
    if use.retries:
        parts.append("1 retry" if use.retries == 1 else f"{use.retries:,} retries")
    if use.faults:
        parts.append("faults: " + ", ".join(f"{count} {kind}" for kind, count in sorted(use.faults.items())))
    if use.breaker:
        parts.append("breaker: " + " → ".join(use.breaker))
    return ", ".join(parts)


def cost_words(cost: float) -> str:
    """US dollars as people say them.

    >>> [cost_words(cost) for cost in (0, 0.00001, 0.00123, 1.5)]
    ['free', 'under $0.0001', '$0.0012', '$1.50']
    """
    if cost == 0:
        return "free"
    if cost < 0.0001:
        return "under $0.0001"
    return f"${cost:,.2f}" if cost >= 0.01 else f"${cost:.4f}"


def coverage_to_json(figures: CoverageFigures | None) -> CoverageJson | None:
    """Coverage as plain values; None when it is unknown."""
    if figures is None:
        return None
    return {
        "line": figures.line_percent,
        "branch": figures.branch_percent,
        "percent": figures.percent,
        "missing_lines": list(figures.missing_lines),
        "missing_branches": [list(arc) for arc in figures.missing_branches],
    }


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _limited(words: list[str], limit: int) -> str:
    if len(words) > limit:
        return ", ".join(words[:limit]) + f" and {len(words) - limit} more"
    return ", ".join(words)
