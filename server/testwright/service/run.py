"""The way of one run: read, prepare, measure, propose, judge, select, compose, verify, write.

Data flow one way, through frozen values; ``Account`` only gathers what the report will say, so that a run that fails in
the middle can tell how far it came.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from testwright.engines.embedded import EmbeddedEngine, Proposal
from testwright.errors import NothingProven, TestwrightError, WriteConflict
from testwright.housekeeping import state_dir
from testwright.judge.baseline import Baseline, measure_baseline
from testwright.judge.importing import IMPORT_SECONDS, check_import
from testwright.judge.minimise import Selection, minimise
from testwright.judge.mutation import kill_matrix
from testwright.judge.placing import placed
from testwright.judge.stability import judge_candidates
from testwright.judge.verify import Verification, verify_file
from testwright.model import CoverageFigures, CoverageSets, RunEvent, RunReport, Verdict
from testwright.service.account import Account
from testwright.service.job import GenerateRequest, Job, read_job
from testwright.service.workshop import Workshop, open_workshop
from testwright.writing.compose import ComposedFile, UnusableTests, compose_test_file
from testwright.writing.place import save_proposal, unified_diff, write_test_file
from testwright.writing.render import render_candidates

# Shares of the budget that a phase may take at most. The search ends by itself on a plateau, as a rule long before.
IMPORT_SHARE = 0.35
BASELINE_SHARE = 0.25
EXPLORE_SHARE = 0.4
JUDGE_SHARE = 0.35
MUTATION_SHARE = 0.2
VERIFY_SHARE = 0.2
"""What is kept for the last phase: three fresh runs of pytest beside a collection of the suite."""
VERIFY_SECONDS = 4.0
"""What the last phase has even when the budget is used up, since without it all would be lost."""

MAX_COMPOSITIONS = 4
"""How often the file is composed, at most: again without the tests that failed in it."""

REASONS_TOLD = 3
"""Reasons for discarding that an error's sentence names, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known before anything is proposed.

    Attributes:
        goals: All lines and branches of the file; executed are those that the import alone runs.
        baseline: What the existing tests do.
        settled: What needs no further test: run by the import or an existing test, or outside the symbol that
            is asked for.
    """

    goals: CoverageSets
    baseline: Baseline
    settled: CoverageSets


class Run:
    """One run. ``execute`` is called once.

    Args:
        request: What a client asks for.
        on_event: Called with each event.
    """

    def __init__(self, request: GenerateRequest, on_event: Callable[[RunEvent], None]) -> None:
        self._request = request
        self._account = Account(request, on_event)

    def failed(self, error: TestwrightError) -> RunReport:
        """The report of this run when it ended in an error."""
        return self._account.fail(error)

    async def execute(self) -> RunReport:
        """Do it.

        Raises:
            TestwrightError: It failed; ``failed`` makes the report.
            asyncio.CancelledError: It was cancelled; nothing was written.
        """
        account = self._account
        with account.step("analyse", "reading the project"):
            job = await asyncio.to_thread(read_job, self._request)
            account.take_job(job)
        async with AsyncExitStack() as stack:
            with account.step("prepare", "making a box ready"):
                workshop = await stack.enter_async_context(open_workshop(job))
            account.box = workshop.session.box.name
            account.note(*workshop.notes)
            return await self._work(job, workshop)

    async def _work(self, job: Job, workshop: Workshop) -> RunReport:
        measured = await self._measure(job, workshop)
        proposal = await self._propose(job, workshop, measured)
        verdicts, kills = await self._judge(job, workshop, measured, proposal)
        selection, composed, verification = await self._select(job, workshop, measured, verdicts, kills)
        self._account.take_kept(selection, composed, measured.settled)
        self._account.note(*_untested(selection))
        if composed is None or verification is None:
            return self._nothing_to_add(job, measured, selection)
        return await self._write(job, measured, composed, verification)

    async def _measure(self, job: Job, workshop: Workshop) -> Measured:
        account, session, target = self._account, workshop.session, job.target
        with account.step("baseline", f"importing {target.module}"):
            seconds = min(IMPORT_SECONDS, account.watch.share(IMPORT_SHARE))
            imported = await check_import(session, target, seconds=seconds)
            account.python_version = imported.python
            if imported.overlay_used:
                account.note(f"The project has no {' and no '.join(imported.overlay_used)}; Testwright's own was used.")
            account.progress("running the existing tests")
            baseline = await measure_baseline(
                session,
                job.project,
                target,
                imported.coverage,
                deadline=time.monotonic() + account.watch.share(BASELINE_SHARE),
                own_tests=job.place.path if job.place.exists else None,
            )
            account.note(*baseline.notes)
        if baseline.coverage is not None:
            account.before = CoverageFigures.of(_asked(job, baseline.coverage))
        return Measured(imported.coverage, baseline, _settled(job, imported.coverage, baseline.covered))

    async def _propose(self, job: Job, workshop: Workshop, measured: Measured) -> Proposal:
        account = self._account
        with account.step("explore", "searching for tests"):
            proposal = await EmbeddedEngine().propose(
                workshop.session,
                job.target,
                measured.settled,
                seed=job.settings.seed,
                deadline_seconds=account.watch.share(EXPLORE_SHARE),
                on_progress=lambda cases, lines, branches: account.progress(
                    f"{cases} cases, {lines} lines and {branches} branches reached",
                    cases=cases,
                    lines=lines,
                    branches=branches,
                ),
            )
        account.stopped_by = proposal.stopped_by
        account.note(*proposal.notes)
        return proposal

    async def _judge(
        self, job: Job, workshop: Workshop, measured: Measured, proposal: Proposal
    ) -> tuple[tuple[Verdict, ...], Mapping[str, frozenset[str]]]:
        account, session, folder = self._account, workshop.session, job.place.path.parent
        if not proposal.candidates:
            return (), {}
        file = render_candidates(proposal.candidates, job.project.style)
        with account.step("judge", f"judging {len(proposal.candidates)} candidates"):
            judgement = await judge_candidates(
                session,
                job.target,
                folder,
                proposal.candidates,
                file,
                measured.goals,
                seed=job.settings.seed,
                deadline=time.monotonic() + self._share(JUDGE_SHARE),
                relaxation=measured.baseline.relaxation,
                on_progress=lambda done, all_: account.progress(f"{done} of {all_} candidates judged", done=done),
            )
            account.note(*judgement.notes)
            passed = [verdict for verdict in judgement.verdicts if verdict.outcome == "passed"]
            account.progress(f"{len(passed)} candidates are stable, running mutants", stable=len(passed))
            matrix = await kill_matrix(
                session,
                job.target,
                folder,
                file,
                judgement.verdicts,
                seed=job.settings.seed,
                deadline=time.monotonic() + self._share(MUTATION_SHARE),
                import_lines=measured.goals.executed,
                relaxation=judgement.relaxation,
                on_progress=lambda done, all_: account.progress(f"{done} of {all_} mutants", done=done),
            )
            account.note(matrix.note)
            if judgement.out_of_time or matrix.stopped_by == "wall":
                account.stopped_by = "wall"
        return judgement.verdicts, matrix.kills

    def _share(self, part: float) -> float:
        """Seconds for a phase that must leave room for the last one."""
        watch = self._account.watch
        return max(1.0, min(watch.share(part), watch.remaining - watch.share(VERIFY_SHARE)))

    async def _select(
        self,
        job: Job,
        workshop: Workshop,
        measured: Measured,
        verdicts: tuple[Verdict, ...],
        kills: Mapping[str, frozenset[str]],
    ) -> tuple[Selection, ComposedFile | None, Verification | None]:
        """Select, compose and verify, again without what failed, until the file stands as it is."""
        account = self._account
        for _ in range(MAX_COMPOSITIONS):
            selection = minimise(verdicts, measured.settled, job.callables, kills=kills)
            account.take_discarded(selection)
            if not selection.kept:
                return selection, None, None
            with account.step("verify", "running the finished file"):
                try:
                    composed = await self._compose(job, selection)
                except UnusableTests as unusable:
                    failed = unusable.candidates
                else:
                    if not composed.suite.tests:
                        return selection, None, None
                    verification = await self._verify(job, workshop, measured, composed)
                    account.note(*verification.notes)
                    failed = _failed_candidates(verification, composed)
                    if not failed:
                        _check_suite(job, verification)
                        return selection, composed, verification
            verdicts = tuple(
                replace(verdict, outcome="unstable", reason=failed[verdict.candidate.id])
                if verdict.candidate.id in failed
                else verdict
                for verdict in verdicts
            )
        raise NothingProven(
            f"After {MAX_COMPOSITIONS} attempts there are still tests that fail in the finished file: "
            f"{next(iter(failed.values()))}.",
            next_step="Run again with another --seed; if it stays, report the module.",
        )

    async def _compose(self, job: Job, selection: Selection) -> ComposedFile:
        return await asyncio.to_thread(
            compose_test_file,
            [verdict.candidate for verdict in selection.kept],
            job.target,
            job.project.style,
            job.place.original,
            python_version=self._account.python_version,
        )

    async def _verify(self, job: Job, workshop: Workshop, measured: Measured, composed: ComposedFile) -> Verification:
        world, path = workshop.session.world, job.place.path
        deadline = time.monotonic() + max(self._account.watch.remaining, VERIFY_SECONDS)
        with placed(world, path.parent, path.name, composed.data):
            return await verify_file(
                workshop.session,
                job.target,
                path,
                measured.goals,
                deadline=deadline,
                known_errors=[name for name, _ in measured.baseline.collect_errors],
                relaxation=measured.baseline.relaxation,
            )

    def _nothing_to_add(self, job: Job, measured: Measured, selection: Selection) -> RunReport:
        """No test is worth adding: fine when there are tests already, else an error with its reason."""
        account, before = self._account, measured.baseline.coverage
        tested = before is not None and bool(_asked(job, before).executed)
        if not tested:
            raise NothingProven(
                f"No test for {job.target.symbol or job.target.module} could be proven: {_reasons(selection)}.",
                next_step="Look at the discarded candidates with --json, or give it more time with --budget.",
            )
        account.after = account.before
        return account.finish("nothing-to-add", test_file=str(job.place.path) if job.place.exists else None)

    async def _write(
        self, job: Job, measured: Measured, composed: ComposedFile, verification: Verification
    ) -> RunReport:
        account, before = self._account, measured.baseline.coverage
        reached = verification.coverage or CoverageSets()
        account.after = CoverageFigures.of(_asked(job, reached.union(before) if before is not None else reached))
        if job.settings.dry_run:
            account.diff = unified_diff(job.place, composed.data, job.target.workspace)
            return account.finish("dry-run", test_file=str(job.place.path))
        with account.step("write", f"writing {job.place.path.name}"):
            try:
                # Not in a thread: a cancel in the middle of a write would leave the caller not knowing.
                write_test_file(job.place, composed.data, job.target.workspace)
            except WriteConflict as conflict:
                saved = save_proposal(composed.data, job.place, state_dir())
                raise WriteConflict(
                    conflict.message, next_step=f"What would have been written is saved in {saved}."
                ) from conflict
        return account.finish("written", test_file=str(job.place.path))


def _asked(job: Job, sets: CoverageSets) -> CoverageSets:
    """Only what lies in the target's lines."""
    if job.target.symbol is None:
        return sets
    return sets.within(job.target.first_line, job.target.last_line)


def _settled(job: Job, imported: CoverageSets, covered: CoverageSets) -> CoverageSets:
    done = imported.union(covered)
    inside = _asked(job, done)
    return replace(
        done,
        executed=done.executed | (done.statements - inside.statements),
        executed_branches=done.executed_branches | (done.branches - inside.branches),
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


def _untested(selection: Selection) -> Sequence[str]:
    if not selection.untested:
        return ()
    return (f"No test could be proven for {', '.join(selection.untested)}.",)


def _reasons(selection: Selection) -> str:
    counted = Counter(verdict.reason for verdict in selection.dropped)
    if not counted:
        return "the search found no call that ends with a result or an exception raised on purpose"
    told = [f"{reason} ({times} times)" for reason, times in counted.most_common(REASONS_TOLD)]
    return "; ".join(told)
