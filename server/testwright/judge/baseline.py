"""What the project's own tests cover of the target, before any test is added."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testwright.boxes.protocol import Limits
from testwright.boxes.session import Session
from testwright.judge.boxed import LIMITS, seconds_left
from testwright.judge.plain import PlainOutcome, PlainRun, problems, run_plain
from testwright.judge.relaxation import RELAXATIONS
from testwright.model import CoverageSets, Project, Target

_NETWORK = re.compile(
    r"gaierror|ConnectionRefused|ConnectionError|NameResolution|Network is unreachable|Name or service not known"
    r"|Temporary failure in name resolution|ConnectError|URLError|Could not resolve host|Max retries exceeded",
)
"""What failures for want of a network say."""

_TEST_NAME = re.compile(r"test_.*\.py|.*_test\.py|tests?\.py")

_MAX_ENTRIES = 20_000
"""Entries of the workspace that are looked at to see whether there are tests."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the existing tests do.

    Attributes:
        coverage: Their coverage of the target, import included; None when it is unknown.
        covered: What they are known to cover, at least; for selecting tests. Equal to ``coverage`` when that is
            known, else what was seen until the run was given up.
        tests: Tests that ran.
        failed: Those that failed in the box.
        collect_errors: Node id to why it could not be collected; these errors were there before.
        relaxation: Index in ``judge.relaxation.RELAXATIONS`` at which pytest started.
        notes: Sentences for the user: why it is unknown, tests that failed, settings that were left out.
    """

    coverage: CoverageSets | None
    covered: CoverageSets
    tests: int = 0
    failed: int = 0
    collect_errors: tuple[tuple[str, str], ...] = ()
    relaxation: int = 0
    notes: tuple[str, ...] = ()


async def measure_baseline(  # noqa: PLR0913 - what a run knows, each once
    session: Session,
    project: Project,
    target: Target,
    import_coverage: CoverageSets,
    *,
    deadline: float,
    own_tests: Path | None = None,
    limits: Limits = LIMITS,
) -> Baseline:
    """Run the existing tests with coverage of the target.

    The module's own test file runs first, and coverage is told while the run goes on: when the suite as a whole comes
    to no end in time, the coverage is *unknown*, and what was covered until then is still of use in selecting tests.

    Args:
        session: The run's box.
        project: Where its tests are.
        target: The module under test.
        import_coverage: From ``importing.check_import``.
        deadline: When to give up, as ``time.monotonic()``.
        own_tests: The module's existing test file, if any.
        limits: Limits of the start; the wall time comes from ``deadline``.

    Raises:
        BoxUnavailable: There is no box.
    """
    nothing = CoverageSets(statements=import_coverage.statements, branches=import_coverage.branches)
    if not await asyncio.to_thread(has_tests, project, session.world.snapshot):
        return Baseline(nothing, nothing)
    run = PlainRun("baseline", measure=True, first=session.seen(own_tests) if own_tests else None)
    seconds = seconds_left(deadline)
    outcome = await run_plain(session, target, import_coverage, run, seconds=seconds, limits=limits)
    failed = problems(list(outcome.tests.values()))
    notes = [note for note in (RELAXATIONS[outcome.relaxation].note,) if note]
    reason = _unknown(outcome, seconds)
    if reason is None and not outcome.tests:
        measured: CoverageSets | None = nothing  # files, but no test in them: nothing is covered by tests
    elif reason is None and outcome.coverage is not None:
        measured = nothing.union(outcome.coverage)
        if failed:
            notes.append(
                f"{len(failed)} of {len(outcome.tests)} existing tests failed in the box; what they ran counts."
            )
    else:
        measured = None
        notes.append(f"Coverage by the existing tests is unknown: {reason or 'it was not told'}.")
    covered = measured or nothing.union(outcome.coverage or outcome.so_far)
    return Baseline(
        measured,
        covered,
        len(outcome.tests),
        len(failed),
        tuple(outcome.collect_errors.items()),
        outcome.relaxation,
        tuple(notes),
    )


def _unknown(outcome: PlainOutcome, seconds: float) -> str | None:  # noqa: PLR0911 - one return per reason
    """Why a run says nothing of what the tests cover, None when it does."""
    tests = list(outcome.tests.values())
    failed = problems(tests)
    if not outcome.finished:
        if outcome.ended is not None and outcome.ended.cause == "wall":
            return f"they did not end within {seconds:.0f} seconds ({len(tests)} did)"
        return f"the run {outcome.ending} after {len(tests)} tests"
    if outcome.refused:
        said = next(iter(outcome.collect_errors.values()), "") or outcome.last_words
        return f"pytest does not start in this project: {' '.join(said.split())[:200]}"
    if outcome.collect_errors:
        name, said = next(iter(outcome.collect_errors.items()))
        return (
            f"{len(outcome.collect_errors)} files could not be collected, first {name}: {' '.join(said.split())[:200]}"
        )
    if any(_NETWORK.search(test.message) for test in failed):
        return "they need the network, which a box does not have"
    if tests and len(failed) == len(tests):
        return f"all {len(tests)} failed in the box, first with: {' '.join(failed[0].message.split())[:200]}"
    return None


def has_tests(project: Project, snapshot: Path) -> bool:
    """Whether there is any file in the snapshot that may hold tests."""
    if any(_holds_python(snapshot / path.relative_to(project.workspace)) for path in project.test_paths):
        return True
    return any(_TEST_NAME.fullmatch(name) for name in _files(snapshot))


def _holds_python(folder: Path) -> bool:
    return any(name.endswith(".py") and name not in ("__init__.py", "conftest.py") for name in _files(folder))


def _files(folder: Path) -> Iterator[str]:
    seen = 0
    for _, folders, names in os.walk(folder):
        folders.sort()
        seen += len(names) + 1
        if seen > _MAX_ENTRIES:
            return
        yield from names
