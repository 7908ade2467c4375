"""Starts a plain pytest run in the box and gathers what it tells; the baseline and the verification are such runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from testwright.boxes.protocol import BoxExit, Limits
from testwright.boxes.session import ExitCell, Session
from testwright.errors import BoxFailure
from testwright.judge.boxed import LIMITS, TIME_ZONES, ending_words, last_words, limits_for
from testwright.judge.relaxation import RELAXATIONS
from testwright.judge.stability import Conditions
from testwright.judge.wire import Collected, CollectError, Finished, SoFar, TestEnded, TestStarted, plain_message
from testwright.model import CoverageSets, Target

USAGE_ERROR = 4
INTERNAL_ERROR = 3
"""Exit codes of pytest."""

_MAX_TESTS = 100_000
"""Tests of one run that are kept in memory."""

SuiteTask = Literal["baseline", "verify"]


@dataclass(frozen=True, slots=True)
class PlainRun:
    """What to run.

    Attributes:
        task: Of ``testwright.inside``.
        paths: Arguments as the box sees them; none means what the project's settings say.
        measure: Whether coverage of the target is measured.
        first: Test file to run before the others, as the box sees it.
        ignore: Files to leave out, as the box sees them.
        collect_only: Whether nothing is run.
        leave_out: Node ids of tests that do not run.
        test_seconds: Wall time of one phase of a test; None for no limit but that of the whole run.
        conditions: Hash seed, time zone, clock and order.
    """

    task: SuiteTask
    paths: tuple[str, ...] = ()
    measure: bool = False
    first: str | None = None
    ignore: tuple[str, ...] = ()
    collect_only: bool = False
    leave_out: tuple[str, ...] = ()
    test_seconds: float | None = None
    conditions: Conditions = field(default_factory=Conditions)


@dataclass(slots=True)
class PlainOutcome:
    """What it told.

    Attributes:
        finished: Whether pytest came to its end.
        exit_code: pytest's own, when it did.
        collected: Tests that were found.
        coverage: Coverage of the target, when it was measured and pytest came to its end.
        so_far: The last that was told before the end: executed lines and branches.
        tests: Node id to how it ended.
        running: Node id of the test that had begun and not ended when the run did, None when there was none.
        collect_errors: Node id to why it could not be collected.
        ended: How the box ended.
        problem: Why it is not believed, empty when it is.
        relaxation: Index in ``RELAXATIONS`` at which pytest started.
    """

    finished: bool = False
    exit_code: int = -1
    collected: int = 0
    coverage: CoverageSets | None = None
    so_far: CoverageSets = field(default_factory=CoverageSets)
    tests: dict[str, TestEnded] = field(default_factory=dict)
    running: str | None = None
    collect_errors: dict[str, str] = field(default_factory=dict)
    ended: BoxExit | None = None
    problem: str = ""
    relaxation: int = 0

    @property
    def refused(self) -> bool:
        """Whether pytest refused to start with these settings."""
        return self.finished and self.exit_code in (USAGE_ERROR, INTERNAL_ERROR) and not self.tests

    @property
    def ending(self) -> str:
        """How it ended, as the rest of a sentence that begins with "it"."""
        return self.problem or ending_words(self.ended)

    @property
    def last_words(self) -> str:
        """Last line of its standard error."""
        return last_words(self.ended)


async def run_plain(  # noqa: PLR0913 - what a run knows, each once
    session: Session,
    target: Target,
    goals: CoverageSets,
    run: PlainRun,
    *,
    seconds: float,
    relaxation: int = 0,
    limits: Limits = LIMITS,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> PlainOutcome:
    """Run pytest, with less of the project's settings each time that it refuses them.

    Args:
        session: The run's box.
        target: Whose coverage is measured.
        goals: Its lines and branches, from ``importing.check_import``.
        run: What to run.
        seconds: Wall time of each start.
        relaxation: Where in ``RELAXATIONS`` to begin.
        limits: Limits of the start; the wall time is taken from ``seconds``.
        on_progress: Called with tests that have ended, and all.

    Raises:
        BoxUnavailable: There is no box.
    """
    while True:
        outcome = await _start(session, target, goals, run, seconds, relaxation, limits, on_progress)
        if not outcome.refused or relaxation + 1 >= len(RELAXATIONS):
            return outcome
        relaxation += 1


async def _start(  # noqa: C901, PLR0913, PLR0917 - as run_plain has them; one case per message
    session: Session,
    target: Target,
    goals: CoverageSets,
    run: PlainRun,
    seconds: float,
    relaxation: int,
    limits: Limits,
    on_progress: Callable[[int, int], None],
) -> PlainOutcome:
    outcome = PlainOutcome(relaxation=relaxation)
    cell = ExitCell()
    messages = session.run(
        run.task,
        {
            "module": target.module,
            "file": session.seen(target.path),
            "paths": list(run.paths),
            "measure": run.measure,
            "statements": sorted(goals.statements),
            "branches": sorted(goals.branches),
            "first": run.first,
            "order": run.conditions.order,
            "collect_only": run.collect_only,
            "clock_shift": run.conditions.shift,
            "test_seconds": run.test_seconds,
            "leave_out": list(run.leave_out),
            "pytest_arguments": [
                *RELAXATIONS[relaxation].arguments,
                *(f"--ignore={path}" for path in run.ignore),
            ],
        },
        limits=limits_for(seconds, limits),
        environment=_environment(run.conditions, relaxation),
        on_exit=cell,
    )
    try:
        async with contextlib.aclosing(messages) as stream:
            async for raw in stream:
                if outcome.finished:
                    break  # what comes after the last word is no word of ours
                match plain_message(raw):
                    case CollectError(nodeid=nodeid, message=message):
                        outcome.collect_errors[nodeid] = message
                    case Collected(tests=tests):
                        outcome.collected = tests
                    case TestStarted(nodeid=nodeid):
                        outcome.running = nodeid
                    case TestEnded() as test:
                        outcome.running = None
                        if len(outcome.tests) < _MAX_TESTS:
                            outcome.tests[test.nodeid] = test
                        on_progress(len(outcome.tests), outcome.collected)
                    case SoFar(lines=lines, branches=branches):
                        outcome.so_far = CoverageSets(
                            goals.statements, frozenset(lines), goals.branches, frozenset(branches)
                        )
                    case Finished(exit_code=code, collected=collected, coverage=coverage):
                        outcome.finished = True
                        outcome.exit_code, outcome.collected = code, collected
                        outcome.coverage = coverage.to_model() if coverage is not None else None
    except BoxFailure as failure:
        outcome.finished = False
        outcome.problem = failure.message
    outcome.ended = cell.value
    return outcome


def _environment(conditions: Conditions, relaxation: int) -> Mapping[str, str]:
    return {
        **dict(RELAXATIONS[relaxation].environment),
        "PYTHONHASHSEED": str(conditions.hash_seed),
        "TZ": TIME_ZONES[conditions.zone],
    }


def problems(tests: Sequence[TestEnded]) -> list[TestEnded]:
    """Those that failed or could not run."""
    return [test for test in tests if test.outcome in ("failed", "error")]


def in_file(nodeid: str, path: Path, root: Path) -> bool:
    """Whether a node id belongs to a file of the workspace."""
    return nodeid.split("::", 1)[0] == path.relative_to(root).as_posix()
