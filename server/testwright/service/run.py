"""The way of one run: read, prepare, measure, propose, judge, select, compose, verify, write.

Data flow one way, through frozen values; ``Account`` only gathers what the report will say, so that a run that fails in
the middle can tell how far it came.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from testwright.engines.protocol import Engine, Proposal
from testwright.errors import NothingProven, TestwrightError, WriteConflict
from testwright.housekeeping import state_dir
from testwright.judge.minimise import Selection, minimise
from testwright.judge.mutation import kill_matrix
from testwright.judge.placing import placed
from testwright.judge.stability import judge_candidates
from testwright.judge.verify import Verification, verify_file
from testwright.model import CoverageFigures, CoverageSets, RunEvent, RunReport, Verdict
from testwright.service.account import Account
from testwright.service.asking import RunModels
from testwright.service.delivery import Deliver
from testwright.service.job import GenerateRequest, Job, read_job
from testwright.service.measuring import Measured, measure_module
from testwright.service.result import Delivered, ModuleCoverage, RunResult
from testwright.service.workshop import Workshop, open_workshop
from testwright.writing.compose import ComposedFile, UnusableTests, compose_test_file
from testwright.writing.place import save_proposal, unified_diff
from testwright.writing.render import render_candidates

# Shares of the budget that a phase may take at most. The search ends by itself on a plateau, as a rule long before.
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


class Run:
    """One run. ``execute`` is called once.

    Args:
        request: What a client asks for.
        on_event: Called with each event.
        deliver: Takes the finished file to its place.
        engine: Proposes candidates.
        environ: Variables that settings and keys are read from.
    """

    def __init__(
        self,
        request: GenerateRequest,
        on_event: Callable[[RunEvent], None],
        deliver: Deliver,
        *,
        engine: Engine,
        environ: Mapping[str, str],
    ) -> None:
        self._request = request
        self._engine = engine
        self._environ = environ
        self._account = Account(request, on_event)
        self._deliver = deliver
        self._tests: bytes | None = None

    def failed(self, error: TestwrightError) -> RunResult:
        """The result of this run when it ended in an error."""
        return self._result(self._account.fail(error))

    async def execute(self) -> RunResult:
        """Do it.

        Raises:
            TestwrightError: It failed; ``failed`` makes the result.
            asyncio.CancelledError: It was cancelled; nothing was written, unless by a ``deliver`` that was cut off.
        """
        account = self._account
        with account.step("analyse", "reading the project"):
            job = await asyncio.to_thread(read_job, self._request, self._environ)
            account.take_subject(job.subject)
        self._tests = job.place.original
        async with account.workshop(open_workshop(job.subject)) as workshop:
            return await self._work(job, workshop)

    async def _work(self, job: Job, workshop: Workshop) -> RunResult:
        own_tests = job.place.path if job.place.exists else None
        measured = await measure_module(self._account, job.subject, workshop, own_tests, share=BASELINE_SHARE)
        proposal = await self._propose(job, workshop, measured)
        verdicts, kills = await self._judge(job, workshop, measured, proposal)
        selection, composed, verification = await self._select(job, workshop, measured, verdicts, kills)
        tests = composed.suite.tests if composed is not None else ()
        lines = await asyncio.to_thread(composed.lines) if composed is not None else {}
        self._account.take_kept(selection, tests, lines, measured.settled, kills)
        self._account.note(*_untested(selection))
        if composed is None or verification is None:
            return self._nothing_to_add(job, measured, selection)
        return await self._write(job, measured, composed, verification)

    async def _propose(self, job: Job, workshop: Workshop, measured: Measured) -> Proposal:
        account = self._account
        asked = job.subject.asked(measured.settled)

        def searched(cases: int, lines: int, branches: int) -> None:
            if lines or branches:
                account.covered = _percent_with(asked, lines + branches)
            words = f"{cases} cases, {lines} lines and {branches} branches reached"
            account.progress(words, cases=cases, lines=lines, branches=branches)

        with account.step("explore", "searching for tests"):
            async with RunModels(account, job, self._request, self._engine.need, self._environ) as models:
                proposal = await self._engine.propose(
                    workshop.session,
                    job.target,
                    measured.settled,
                    seed=job.settings.seed,
                    deadline_seconds=account.watch.share(EXPLORE_SHARE),
                    ask=models.ask,
                    on_progress=searched,
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
        file = await asyncio.to_thread(render_candidates, proposal.candidates, job.project.style)
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
                on_progress=lambda done, all_, stable: account.progress(
                    f"{done} of {all_} candidates judged", **_numbers("candidates", done, all_, stable)
                ),
            )
            account.note(*judgement.notes)
            passed = [verdict for verdict in judgement.verdicts if verdict.outcome == "passed"]
            known = _reached(measured.settled, passed) if passed else measured.baseline.covered
            account.covered = job.subject.asked(known).percent
            account.progress(f"{len(passed)} candidates are stable, running mutants", kept=len(passed))

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
                on_progress=lambda done, all_: account.progress(
                    f"{done} of {all_} mutants", **_numbers("mutants", done, all_, len(passed))
                ),
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
            selection = await asyncio.to_thread(minimise, verdicts, measured.settled, job.callables, kills=kills)
            account.take_discarded(selection)
            if not selection.kept:
                return selection, None, None
            with account.step("verify", "writing the tests as a file"):
                try:
                    composed = await self._compose(job, selection)
                except UnusableTests as unusable:
                    failed = unusable.candidates
                else:
                    if not composed.suite.tests:
                        return selection, None, None
                    account.progress("running the finished file", kept=len(composed.suite.tests))
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

    def _nothing_to_add(self, job: Job, measured: Measured, selection: Selection) -> RunResult:
        """No test is worth adding: fine when there are tests already, else an error with its reason."""
        account, before = self._account, measured.baseline.coverage
        tested = before is not None and bool(job.subject.asked(before).executed)
        if not tested:
            raise NothingProven(
                f"No test for {job.target.symbol or job.target.module} could be proven: {_reasons(selection)}.",
                next_step="Look at the discarded candidates with --json, or give it more time with --budget.",
            )
        account.after = account.before
        report = account.finish("nothing-to-add", test_file=str(job.place.path) if job.place.exists else None)
        return self._result(report)

    async def _write(
        self, job: Job, measured: Measured, composed: ComposedFile, verification: Verification
    ) -> RunResult:
        account, baseline = self._account, measured.baseline
        place, data, workspace = job.place, composed.data, job.target.workspace
        reached = verification.coverage or CoverageSets()
        covered = reached.union(baseline.coverage) if baseline.coverage is not None else reached
        account.after = CoverageFigures.of(job.subject.asked(covered))
        account.covered = account.after.percent
        if job.settings.dry_run:
            account.diff = unified_diff(place, data, workspace)
            return self._result(account.finish("dry-run", test_file=str(place.path)))
        with account.step("write", f"writing {place.path.name}"):
            try:
                await self._deliver(place, data, workspace)
            except WriteConflict as conflict:
                saved = save_proposal(data, place, state_dir())
                raise WriteConflict(
                    conflict.message, next_step=f"What would have been written is saved in {saved}."
                ) from conflict
        added = sum(1 for node in verification.passed if composed.suite.candidates_of(node))
        account.coverage = ModuleCoverage(
            job.target.path, job.target.source, covered, baseline.tests + added, baseline.failed
        )
        names = tuple(test.name for test in composed.suite.tests)
        delivered = Delivered(place, data, workspace, names, composed.suite.imports)
        return self._result(account.finish("written", test_file=str(place.path)), delivered)

    def _result(self, report: RunReport, delivered: Delivered | None = None) -> RunResult:
        return RunResult(report, self._account.coverage, delivered, self._tests)


def _numbers(step: str, done: int, all_: int, kept: int) -> dict[str, float | str]:
    return {"step": step, "done": done, "all": all_, "kept": kept}


def _percent_with(sets: CoverageSets, reached: int) -> float:
    """Percent of lines and branches when so many of the missing ones are reached, which a box has counted."""
    missing = len(sets.missing_lines) + len(sets.missing_branches)
    whole = len(sets.statements) + len(sets.branches)
    return round(100.0 * (whole - max(0, missing - reached)) / whole, 2) if whole else 100.0


def _reached(covered: CoverageSets, passed: Sequence[Verdict]) -> CoverageSets:
    """What is covered when these candidates are added."""
    evidence = [verdict.evidence for verdict in passed if verdict.evidence is not None]
    return replace(
        covered,
        executed=covered.executed.union(*(one.lines for one in evidence)),
        executed_branches=covered.executed_branches.union(*(one.branches for one in evidence)),
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
