"""From verdicts to one file: the smallest set is chosen, composed and run as a whole, until it stands as it is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from testwright.errors import NothingProven
from testwright.judge.minimise import Selection, minimise
from testwright.judge.placing import placed
from testwright.judge.verify import Verification, verify_file
from testwright.model import DiscardedTest, Verdict
from testwright.service.account import Account
from testwright.service.job import Job
from testwright.service.measuring import Measured
from testwright.service.proving import Proven
from testwright.service.workshop import Workshop
from testwright.settings import EngineName
from testwright.writing.compose import ComposedFile, UnusableTests, compose_test_file

VERIFY_SECONDS = 4.0
"""What the last phase has even when the budget is used up, since without it all would be lost."""

MAX_COMPOSITIONS = 4
"""How often the file is composed, at most: again without the tests that failed in it."""

REASONS_TOLD = 3
"""Reasons for discarding that an error's sentence names, the most frequent first."""

_NO_CALL = "the search found no call that ends with a result or an exception raised on purpose"
_NOTHING: dict[EngineName, str] = {"auto": _NO_CALL, "embedded": _NO_CALL, "openhands": "the agent wrote no test"}

Keep = Callable[[ComposedFile], Awaitable[None]]
"""Keeps a file that is not proven as a whole yet, for a run that is cut off."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What has become of the verdicts.

    Attributes:
        selection: Which tests are kept, and why the others are not.
        file: What is to be written, and what was seen of it; None when there is no test that is worth adding.
    """

    selection: Selection
    file: tuple[ComposedFile, Verification] | None


async def compose(job: Job, selection: Selection, python_version: str) -> ComposedFile:
    """The test file with what is kept.

    Raises:
        UnusableTests: Some of it is no Python of that version.
        TargetError: The existing file cannot be decoded or has a syntax error.
        WriteFailure: ruff is missing or failed, or the existing file cannot take the tests.
    """
    return await asyncio.to_thread(
        compose_test_file,
        [verdict.candidate for verdict in selection.kept],
        job.target,
        job.project.style,
        job.place.original,
        python_version=python_version,
    )


async def draft(job: Job, measured: Measured, proven: Proven, python_version: str) -> ComposedFile | None:
    """The file as it would be now, not yet run as a whole; None when there is no test for it.

    Raises:
        TargetError: The existing file cannot be decoded or has a syntax error.
        WriteFailure: ruff is missing or failed, or the existing file cannot take the tests.
    """
    verdicts = proven.verdicts
    for _ in range(MAX_COMPOSITIONS):
        selection = await _selected(job, measured, verdicts, proven)
        if not selection.kept:
            return None
        try:
            composed = await compose(job, selection, python_version)
        except UnusableTests as unusable:
            verdicts = _without(verdicts, unusable.candidates)
        else:
            return composed if composed.suite.tests else None
    return None


async def finish(  # noqa: PLR0913, PLR0917 - what a run knows, each once
    account: Account, job: Job, workshop: Workshop, measured: Measured, proven: Proven, keep: Keep
) -> Finished:
    """Select, compose and verify, again without what failed, until the file stands as it is.

    Raises:
        NothingProven: It never did, or it breaks what was there.
        TargetError: The existing file cannot be decoded or has a syntax error.
        WriteFailure: ruff is missing or failed, or the existing file cannot take the tests.
        BoxUnavailable: There is no box.
    """
    verdicts = proven.verdicts
    for _ in range(MAX_COMPOSITIONS):
        selection = await _selected(job, measured, verdicts, proven)
        account.take_discarded(selection)
        if not selection.kept:
            return Finished(selection, None)
        with account.step("verify", "writing the tests as a file"):
            try:
                composed = await compose(job, selection, account.python_version)
            except UnusableTests as unusable:
                failed = unusable.candidates
            else:
                if not composed.suite.tests:
                    return Finished(selection, None)
                await keep(composed)
                account.progress("running the finished file", kept=len(composed.suite.tests))
                verification = await _verify(account, job, workshop, measured, composed.data)
                account.note(*verification.notes)
                failed = _failed_candidates(verification, composed)
                if not failed:
                    _check_suite(job, verification)
                    return Finished(selection, (composed, verification))
        verdicts = _without(verdicts, failed)
    raise NothingProven(
        f"After {MAX_COMPOSITIONS} attempts there are still tests that fail in the finished file: "
        f"{next(iter(failed.values()))}.",
        next_step="Run again with another --seed; if it stays, report the module.",
    )


def untested(selection: Selection) -> Sequence[str]:
    """A sentence on public callables that have no test, if there are any."""
    if not selection.untested:
        return ()
    return (f"No test could be proven for {', '.join(selection.untested)}.",)


def reasons(selection: Selection, refused: Sequence[DiscardedTest], engine: EngineName) -> str:
    """Why nothing is kept, as a part of a sentence.

    Args:
        selection: What became of the verdicts.
        refused: What was not judged.
        engine: Who was to propose tests.
    """
    counted = Counter([verdict.reason for verdict in selection.dropped] + [one.reason for one in refused])
    if not counted:
        return _NOTHING[engine]
    told = [f"{reason} ({times} times)" for reason, times in counted.most_common(REASONS_TOLD)]
    return "; ".join(told)


async def _selected(job: Job, measured: Measured, verdicts: Sequence[Verdict], proven: Proven) -> Selection:
    return await asyncio.to_thread(minimise, verdicts, measured.settled, job.callables, kills=proven.kills)


async def broken_tests(
    account: Account, job: Job, workshop: Workshop, measured: Measured, finished: Finished
) -> tuple[str, ...]:
    """Tests that were there before and fail only beside those that were added, as by state that these leave behind.

    Raises:
        BoxUnavailable: There is no box.
    """
    if finished.file is None or job.place.original is None:
        return ()
    composed, verification = finished.file
    failed = [node for node in verification.failures if not composed.suite.candidates_of(node)]
    if not failed:
        return ()
    with account.step("verify", "running the tests that were there without the new ones"):
        before = await _verify(account, job, workshop, measured, job.place.original)
    return tuple(node for node in failed if node in before.passed)


async def _verify(account: Account, job: Job, workshop: Workshop, measured: Measured, data: bytes) -> Verification:
    world, path = workshop.session.world, job.place.path
    deadline = time.monotonic() + max(account.watch.remaining, VERIFY_SECONDS)
    with placed(world, path.parent, path.name, data):
        return await verify_file(
            workshop.session,
            job.target,
            path,
            measured.goals,
            deadline=deadline,
            known_errors=[name for name, _ in measured.baseline.collect_errors],
            relaxation=measured.baseline.relaxation,
        )


def _without(verdicts: Sequence[Verdict], failed: Mapping[str, str]) -> tuple[Verdict, ...]:
    return tuple(
        replace(verdict, outcome="unstable", reason=failed[verdict.candidate.id])
        if verdict.candidate.id in failed
        else verdict
        for verdict in verdicts
    )


def _failed_candidates(verification: Verification, composed: ComposedFile) -> dict[str, str]:
    """Candidates behind the tests that failed; failures of tests that were there before are not ours."""
    failed: dict[str, str] = {}
    for node, reason in verification.failures.items():
        for candidate in composed.suite.candidates_of(node):
            failed.setdefault(candidate, f"in the finished file {reason}")
    return failed


def _check_suite(job: Job, verification: Verification) -> None:
    if verification.broken:
        name, reason = next(iter(verification.broken.items()))
        raise NothingProven(
            f"With {job.place.path.name} in its place, {name} could no longer be collected: {reason}.",
            next_step="Name another test file with --output.",
        )
    if not verification.passed or verification.coverage is None:
        raise NothingProven(
            f"{job.place.path.name} was not run to its end within the time, so it is not proven and not written.",
            next_step="Give it more time with --budget.",
        )
