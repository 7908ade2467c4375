"""The way of one run: read, prepare, measure, search, judge, let an agent take on what is left, finish, write.

Data flow one way, through frozen values; ``Account`` only gathers what the report will say, so that a run that fails in
the middle can tell how far it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from testwright.engines.openhands.engine import OpenHandsEngine
from testwright.engines.openhands.values import AgentProgress
from testwright.engines.protocol import Engine
from testwright.errors import NothingProven, TestwrightError, WriteConflict
from testwright.housekeeping import state_dir
from testwright.judge.minimise import Selection
from testwright.judge.verify import Verification
from testwright.model import CoverageFigures, CoverageSets, RunEvent, RunReport
from testwright.service.account import Account
from testwright.service.agent.plan import Obstacle, not_gained, refusal
from testwright.service.agent.rounds import AgentRounds
from testwright.service.agent.sources import Agents
from testwright.service.agent.standby import Standby
from testwright.service.asking import RunModels
from testwright.service.delivery import Deliver
from testwright.service.finishing import Finished, broken_tests, draft, finish, reasons, untested
from testwright.service.interrupted import RunRecord
from testwright.service.job import GenerateRequest, Job, read_job
from testwright.service.measuring import Measured, measure_module
from testwright.service.proving import Proven, prove
from testwright.service.result import Delivered, ModuleCoverage, RunResult
from testwright.service.searching import search
from testwright.service.threads import to_its_end
from testwright.service.workshop import Workshop, open_workshop
from testwright.writing.compose import ComposedFile
from testwright.writing.encoding import SourceFile
from testwright.writing.place import save_proposal, unified_diff

# Shares of the budget that a phase may take at most (``proving.py`` and ``searching.py`` have theirs).
BASELINE_SHARE = 0.25
VERIFY_SHARE = 0.2
"""What is kept for the last phase: three fresh runs of pytest beside a collection of the suite."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What all parts of a run have in common once it has a box."""

    job: Job
    workshop: Workshop
    record: RunRecord


@dataclass(frozen=True, slots=True)
class _Found:
    """What was measured, and proven.

    Attributes:
        measured: What the tests that were there cover.
        embedded: What is proven of the embedded engine's tests.
        proven: What is proven of all.
    """

    measured: Measured
    embedded: Proven
    proven: Proven


class Run:
    """One run. ``execute`` is called once.

    Args:
        request: What a client asks for.
        on_event: Called with each event.
        deliver: Takes the finished file to its place.
        engine: Proposes candidates before an agent does.
        agents: Where an agent comes from.
        environ: Variables that settings and keys are read from.
    """

    def __init__(  # noqa: PLR0913 - what a run is made of, each once
        self,
        request: GenerateRequest,
        on_event: Callable[[RunEvent], None],
        deliver: Deliver,
        *,
        engine: Engine,
        agents: Agents,
        environ: Mapping[str, str],
    ) -> None:
        self._request = request
        self._engine = engine
        self._agents = agents
        self._environ = environ
        self._account = Account(request, on_event)
        self._deliver = deliver
        self._tests: bytes | None = None
        self._obstacles: tuple[Obstacle, ...] = ()
        self._not_gained = ""

    def failed(self, error: TestwrightError) -> RunResult:
        """The result of this run when it ended in an error."""
        return self._result(self._account.fail(error))

    async def execute(self) -> RunResult:
        """Do it.

        Raises:
            TestwrightError: It failed; ``failed`` makes the result.
            asyncio.CancelledError: It was cancelled; nothing was written, unless by a ``deliver`` that was cut off. A
                note tells where that is saved which was proven.
        """
        account = self._account
        with account.step("analyse", "reading the project"):
            job = await asyncio.to_thread(read_job, self._request, self._environ)
            account.take_subject(job.subject)
        self._tests = job.place.original
        async with RunRecord(job, self._environ, account.note) as record:
            try:
                async with account.workshop(open_workshop(job.subject)) as workshop:
                    return await self._work(_Work(job, workshop, record))
            except BaseException as error:
                if not isinstance(error, NothingProven | WriteConflict) and (saved := record.keep_proposal()):
                    told = {"proposal": str(saved)}
                    if isinstance(error, asyncio.CancelledError):
                        told["interrupted"] = record.id
                    account.note(f"What was proven until then is saved in {saved}.", **told)
                raise

    async def _work(self, work: _Work) -> RunResult:
        found = await self._find(work)
        finished = await self._finish(work, found)
        composed = finished.file[0] if finished.file is not None else None
        tests = composed.suite.tests if composed is not None else ()
        lines = await asyncio.to_thread(composed.lines) if composed is not None else {}
        account, selection = self._account, finished.selection
        account.take_kept(selection, tests, lines, found.measured.settled, found.proven.kills)
        account.note(*untested(selection))
        if finished.file is None:
            return self._nothing_to_add(work.job, found, selection)
        return await self._write(work, found.measured, *finished.file)

    async def _find(self, work: _Work) -> _Found:
        """Measure, let the engines propose, and judge what they do."""
        account, job, workshop = self._account, work.job, work.workshop
        engine = job.settings.engine
        need = OpenHandsEngine.need if engine == "openhands" else self._engine.need
        async with (
            RunModels(account, job, self._request, need, self._environ) as models,
            Standby(self._agents, job, self._request, workshop, self._environ, models.ask, self._tell_agent) as standby,
        ):
            if engine == "openhands":
                standby.begin()
                look, _ = await standby.ready()
                self._obstacles = look.obstacles
                if look.obstacles:
                    raise refusal(look.obstacles)
            await work.record.at("baseline")
            own_tests = job.place.path if job.place.exists else None
            measured = await measure_module(account, job.subject, workshop, own_tests, share=BASELINE_SHARE)
            embedded = Proven()
            if engine != "openhands":
                if engine == "auto":
                    standby.begin()
                await work.record.at("explore")
                proposal = await search(account, job, workshop, measured, self._engine, models.ask)
                await work.record.at("judge")
                embedded = await prove(account, job, workshop, measured, proposal.candidates, Proven(), self._share)
            if engine == "embedded":
                return _Found(measured, embedded, embedded)
            return _Found(measured, embedded, await self._let_agent(work, measured, embedded, standby))

    async def _let_agent(self, work: _Work, measured: Measured, embedded: Proven, standby: Standby) -> Proven:
        """Let an agent take on what is left, if there is one; what was proven before is kept, whatever it does."""
        account, job = self._account, work.job
        engine = job.settings.engine
        gaps = embedded.gaps(job, measured)
        if not gaps:
            return embedded
        look, session = await standby.ready()
        self._obstacles, self._not_gained = look.obstacles, not_gained(engine, gaps, look.obstacles)
        account.note(self._not_gained)
        if look.agent is None or session is None:
            return embedded
        account.note(*look.agent.notes)
        await work.record.at("agent")

        async def keep(proven: Proven) -> str:
            composed = await draft(job, measured, proven, account.python_version)
            if composed is None:
                return ""
            await self._keep(work, composed)
            return SourceFile.of(composed.data, default_newline=job.project.style.newline).text

        rounds = AgentRounds(account, job, work.workshop, measured, embedded, keep)
        error: TestwrightError | None
        try:
            error = await rounds.work(session, look.agent)
        except TestwrightError as failure:  # of the judge, by what the agent wrote
            error = failure
        if error is not None:
            if engine == "openhands" and not rounds.proven.passed:
                raise error
            account.note(f"The agent did not come to its end: {error} What was proven before that is kept.")
        return rounds.proven

    async def _finish(self, work: _Work, found: _Found) -> Finished:
        """Make one file of what is proven; without the agent's tests when it does not stand with them."""
        account, job, workshop, measured = self._account, work.job, work.workshop, found.measured
        await work.record.at("verify")

        async def keep(composed: ComposedFile) -> None:
            await self._keep(work, composed)

        if found.proven is found.embedded:
            return await finish(account, job, workshop, measured, found.embedded, keep)
        try:
            finished = await finish(account, job, workshop, measured, found.proven, keep)
        except TestwrightError as error:
            if not found.embedded.passed:
                raise
            why = f"with them the file does not stand: {error.message}"
        else:
            broken = await broken_tests(account, job, workshop, measured, finished)
            if not broken:
                return finished
            why = f"beside them {broken[0].rpartition('::')[2]}, which was there before, fails."
        account.note(f"The agent's tests are left out, since {why}")
        return await finish(account, job, workshop, measured, found.embedded, keep)

    async def _keep(self, work: _Work, composed: ComposedFile) -> None:
        await work.record.keep(composed.data, len(composed.suite.tests), self._account.covered)

    def _tell_agent(self, progress: AgentProgress) -> None:
        account = self._account
        account.agent = {
            "steps": progress.step,
            "requests": progress.requests,
            "tokens": progress.tokens,
            "cost": progress.cost,
        }
        if account.phase == "agent":  # else it gets ready while other work is told of
            account.progress(progress.words)

    def _share(self, part: float) -> float:
        """Seconds for a phase that must leave room for the last one."""
        watch = self._account.watch
        return max(1.0, min(watch.share(part), watch.remaining - watch.share(VERIFY_SHARE)))

    def _nothing_to_add(self, job: Job, found: _Found, selection: Selection) -> RunResult:
        """No test is worth adding: fine when there are tests already, else an error with its reason."""
        account, before = self._account, found.measured.baseline.coverage
        tested = before is not None and bool(job.subject.asked(before).executed)
        if not tested:
            raise NothingProven(
                f"No test for {job.target.symbol or job.target.module} could be proven: "
                f"{reasons(selection, account.refused, job.settings.engine)}.",
                next_step="Look at the discarded candidates with --json, or give it more time with --budget.",
            )
        account.after = account.before
        report = account.finish("nothing-to-add", test_file=str(job.place.path) if job.place.exists else None)
        return self._result(report)

    async def _write(
        self, work: _Work, measured: Measured, composed: ComposedFile, verification: Verification
    ) -> RunResult:
        account, baseline, job = self._account, measured.baseline, work.job
        place, data, workspace = job.place, composed.data, job.target.workspace
        reached = verification.coverage or CoverageSets()
        covered = reached.union(baseline.coverage) if baseline.coverage is not None else reached
        account.after = CoverageFigures.of(job.subject.asked(covered))
        account.covered = account.after.percent
        if job.settings.dry_run:
            account.diff = unified_diff(place, data, workspace)
            return self._result(account.finish("dry-run", test_file=str(place.path)))
        await work.record.at("write")
        with account.step("write", f"writing {place.path.name}"):
            try:
                await self._deliver(place, data, workspace)
            except WriteConflict as conflict:
                saved = await to_its_end(partial(save_proposal, data, place, state_dir(self._environ)))
                work.record.keep_proposal()
                raise WriteConflict(
                    conflict.message, next_step=f"What would have been written is saved in {saved}."
                ) from conflict
        added = sum(1 for node in verification.passed if composed.suite.candidates_of(node))
        account.coverage = ModuleCoverage(
            job.target.path, job.target.source, covered, baseline.tests + added, baseline.failed
        )
        names = tuple(test.name for test in composed.suite.tests)
        support = tuple(composed.suite.support)
        delivered = Delivered(place, data, workspace, names, composed.suite.imports, support)
        return self._result(account.finish("written", test_file=str(place.path)), delivered)

    def _result(self, report: RunReport, delivered: Delivered | None = None) -> RunResult:
        return RunResult(report, self._account.coverage, delivered, self._tests, self._obstacles, self._not_gained)
