"""The rounds of an agent: what is left goes to it, its file is read and judged, and the verdicts go back to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from testwright.engines.openhands.engine import OpenHandsEngine, Worked
from testwright.engines.openhands.feedback import RejectedTest, RoundAccount, feedback
from testwright.engines.openhands.prompt import Briefing, opening, prompt_size
from testwright.engines.openhands.reading import Reading, read_tests
from testwright.engines.openhands.surroundings import gather
from testwright.engines.openhands.values import AgentLimits, AgentRound, AgentSession, AgentTask
from testwright.errors import TestwrightError
from testwright.judge.minimise import minimise
from testwright.judge.stability import NOT_JUDGED
from testwright.model import Candidate, Verdict
from testwright.service.account import Account
from testwright.service.agent.plan import Gaps
from testwright.service.agent.sources import ReadyAgent
from testwright.service.job import Job
from testwright.service.measuring import Measured
from testwright.service.proving import Proven, prove
from testwright.service.workshop import Workshop
from testwright.writing.encoding import SourceFile

Keep = Callable[[Proven], Awaitable[str]]
"""Saves what is proven so far, and gives the test file as it would be with it; empty without one."""


def limits_of(job: Job) -> AgentLimits:
    """What an agent may take by the settings."""
    settings = job.settings
    return AgentLimits(rounds=settings.max_iterations, requests=settings.max_model_requests)


def task_of(job: Job, agent: ReadyAgent) -> AgentTask:
    """What an agent must know to start."""
    workspace = job.target.workspace
    roots = dict.fromkeys((job.target.import_root, *job.project.import_roots))
    return AgentTask(
        test_path=job.place.path.relative_to(workspace).as_posix(),
        python=agent.python,
        import_roots=tuple(root.relative_to(workspace).as_posix() for root in roots if root.is_relative_to(workspace)),
        max_input_tokens=agent.context,
        max_output_tokens=agent.max_output,
        limits=limits_of(job),
    )


@dataclass(slots=True)
class AgentRounds:
    """All rounds of one run. ``work`` is called once.

    Attributes:
        account: Is told each step.
        job: What is to be tested.
        workshop: The judge's box.
        measured: What the tests that were there cover.
        proven: What is proven, by the embedded engine and by all rounds; the best state there is, whatever fails.
        keep: Saves it after each round.
        rounds: How many rounds were judged.
    """

    account: Account
    job: Job
    workshop: Workshop
    measured: Measured
    proven: Proven
    keep: Keep
    rounds: int = 0
    size: int = 0
    deadline: float = 0.0
    _seen: dict[tuple[object, ...], str] = field(default_factory=dict)

    async def work(self, session: AgentSession, agent: ReadyAgent) -> TestwrightError | None:
        """Let the agent take on what is left.

        Returns:
            What ended it before it was done; None when nothing did.

        Raises:
            BoxFailure: The judge's box did not do its job.
            ImportFailure: Under pytest the module's name leads to another file.
            BoxUnavailable: There is no box for the judge.
        """
        account, job = self.account, self.job
        gaps, limits = self.proven.gaps(job, self.measured), limits_of(job)
        seconds = job.settings.model_deadline
        self.size = prompt_size(agent.context)
        self.deadline = time.monotonic() + seconds
        text = await self.keep(self.proven)
        with account.beyond_budget(seconds), account.step("agent", f"an agent takes on {gaps.words}"):
            briefing = await asyncio.to_thread(self._briefing, text)
            message = await asyncio.to_thread(opening, briefing, self.size)
            worked = await OpenHandsEngine(session, limits).work(message, self._judge, deadline=self.deadline)
        account.note(*worked.notes, self._summary(gaps, worked))
        return worked.error

    def _briefing(self, proven: str) -> Briefing:
        job, place = self.job, self.job.place
        path = place.path.relative_to(job.target.workspace).as_posix()
        return Briefing(
            target=job.target,
            test_path=path,
            covered=self.proven.covered(self.measured.settled),
            survived=self.proven.alive,
            proven=proven,
            existing=self._existing or "",
            style=job.project.style,
            surroundings=gather(self.workshop.session.world.snapshot, job.target, job.project, path),
        )

    @property
    def _existing(self) -> str | None:
        original = self.job.place.original
        if original is None:
            return None
        return SourceFile.of(original, default_newline=self.job.project.style.newline).text

    async def _judge(self, done: AgentRound) -> str | None:
        """Judge a round's file, and say what the agent is told; None when nothing is left to do."""
        self.rounds += 1
        if done.file is None:
            return await self._answer(done, Reading(), ())
        reading = await asyncio.to_thread(
            read_tests, done.file, self.job.target, existing=self._existing, prefix=f"openhands:{self.rounds}"
        )
        self.account.refused += reading.refused
        self.account.note(*reading.notes)
        self._forget_late(reading.candidates)
        new = [candidate for candidate in reading.candidates if self._is_new(candidate)]
        found = await prove(self.account, self.job, self.workshop, self.measured, new, self.proven, self._seconds)
        self.proven = self.proven.joined(found)
        await self.keep(self.proven)
        if not self.proven.gaps(self.job, self.measured):
            return None
        return await self._answer(done, reading, [self._seen[_key(one)] for one in reading.candidates])

    def _forget_late(self, candidates: Sequence[Candidate]) -> None:
        """Let those be judged now for which there was no time in an earlier round."""
        late = {verdict.candidate.id for verdict in self.proven.verdicts if verdict.reason == NOT_JUDGED}
        keys = {key for key in map(_key, candidates) if self._seen.get(key) in late}
        self.proven = self.proven.without({self._seen.pop(key) for key in keys})

    def _is_new(self, candidate: Candidate) -> bool:
        """Whether nothing like it was judged before: a file keeps most of its tests from round to round."""
        return self._seen.setdefault(_key(candidate), candidate.id) == candidate.id

    async def _answer(self, done: AgentRound, reading: Reading, judged: Sequence[str]) -> str:
        """What the agent is told of its round.

        Args:
            done: The round.
            reading: What was in its file.
            judged: Ids under which its tests were judged, in this round or an earlier one.
        """
        verdicts = {verdict.candidate.id: verdict for verdict in self.proven.verdicts}
        selection = await asyncio.to_thread(
            minimise,
            self.proven.verdicts,
            self.measured.settled,
            self.job.callables,
            kills=self.proven.kills,
        )
        kept = {verdict.candidate.id for verdict in selection.kept}
        mine = [verdicts[one] for one in dict.fromkeys(judged)]
        passed = [verdict for verdict in mine if verdict.outcome == "passed"]
        failed = [verdict for verdict in mine if verdict.outcome != "passed"]
        told = RoundAccount(
            target=self.job.target,
            test_path=self.job.place.path.relative_to(self.job.target.workspace).as_posix(),
            round=done,
            proven=tuple(_name(verdict) for verdict in passed if verdict.candidate.id in kept),
            needless=tuple(_name(verdict) for verdict in passed if verdict.candidate.id not in kept),
            rejected=tuple(RejectedTest(_name(verdict), verdict.reason) for verdict in failed),
            refusals=(*(f"{one.target}: {one.reason}" for one in reading.refused), *reading.notes),
            covered=self.proven.covered(self.measured.settled),
            survived=self.proven.alive,
        )
        return await asyncio.to_thread(feedback, told, self.size)

    def _seconds(self, share: float) -> float:
        """Wall time for a share of the budget: each round is judged as the embedded engine is, within the deadline."""
        return max(1.0, min(share * self.job.settings.budget, self.deadline - time.monotonic()))

    def _summary(self, before: Gaps, worked: Worked) -> str:
        """What all rounds have come to, as a sentence."""
        if not worked.rounds:
            return ""
        rounds, steps = len(worked.rounds), sum(one.steps for one in worked.rounds)
        after = self.proven.gaps(self.job, self.measured)
        return (
            f"The agent worked {_count(rounds, 'round')} of {_count(steps, 'step')}: "
            f"{before.words} were left, {after.words} {'is' if after.number < 2 else 'are'} left now."
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _key(candidate: Candidate) -> tuple[object, ...]:
    """What makes two tests the same."""
    text = candidate.source.text if candidate.source is not None else ""
    return (candidate.target, candidate.imports, candidate.fixtures, text)


def _name(verdict: Verdict) -> str:
    source = verdict.candidate.source
    if source is None:
        return verdict.candidate.id
    return f"{source.name}[{source.row_id or ', '.join(source.row)}]" if source.row else source.name
