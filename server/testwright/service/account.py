"""What a run gathers for its report, and the events that it sends on the way."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

from testwright.errors import TestwrightError
from testwright.judge.minimise import Selection
from testwright.model import (
    CoverageFigures,
    CoverageSets,
    DiscardedTest,
    EventKind,
    KeptTest,
    ModelUse,
    Phase,
    RunEvent,
    RunReport,
    Status,
    StoppedBy,
    Verdict,
)
from testwright.service.job import GenerateRequest, Subject
from testwright.service.result import ModuleCoverage
from testwright.service.stopwatch import Stopwatch
from testwright.service.workshop import Workshop
from testwright.settings import Settings
from testwright.writing.render import RenderedTest


@dataclass(slots=True)
class Account:
    """Filled in as the run goes on; a run that fails in the middle tells what it has.

    Attributes:
        covered: Percent of what is asked for that is known to be covered or was reached, as events tell it; None as
            long as nothing is known.
        coverage: Of the module by the tests that it has now.
        models: What was asked of models.
        refused: Tests of an agent that were not judged.
        deadline: When what is beyond the budget must have ended, in seconds since the run began; None within it.
        agent: What an agent has taken so far: ``steps``, ``requests``, ``tokens``, ``cost``; each event says it for as
            long as the agent's part goes on, the judging of its rounds included.
    """

    request: GenerateRequest
    on_event: Callable[[RunEvent], None]
    watch: Stopwatch = field(default_factory=lambda: Stopwatch(Settings().budget))
    phase: Phase = "analyse"
    subject: Subject | None = None
    box: str = ""
    python_version: str = ""
    before: CoverageFigures | None = None
    after: CoverageFigures | None = None
    kept: tuple[KeptTest, ...] = ()
    discarded: tuple[DiscardedTest, ...] = ()
    stopped_by: StoppedBy | None = None
    diff: str = ""
    notes: list[str] = field(default_factory=list)
    covered: float | None = None
    coverage: ModuleCoverage | None = None
    models: tuple[ModelUse, ...] = ()
    refused: tuple[DiscardedTest, ...] = ()
    deadline: float | None = None
    agent: dict[str, float] = field(default_factory=lambda: {"steps": 0, "requests": 0, "tokens": 0, "cost": 0.0})
    _depth: int = 0

    def take_subject(self, subject: Subject) -> None:
        """Reading is done: the budget of its settings holds from now on."""
        self.subject = subject
        self.watch.start_budget(subject.settings.budget)
        self.python_version = subject.interpreter.version
        self.note(*subject.notes)

    @asynccontextmanager
    async def workshop(self, opening: AbstractAsyncContextManager[Workshop]) -> AsyncIterator[Workshop]:
        """Make a box ready, and keep which it is."""
        async with AsyncExitStack() as stack:
            with self.step("prepare", "making a box ready"):
                workshop = await stack.enter_async_context(opening)
            self.box = workshop.session.box.name
            self.note(*workshop.notes)
            yield workshop

    @contextmanager
    def step(self, phase: Phase, message: str) -> Iterator[None]:
        """Begin a phase: tell it, and count its time. Within another phase, that one goes on afterwards."""
        outer, self.phase = self.phase, phase
        self._tell("phase", message)
        self._depth += 1
        try:
            with self.watch.phase(phase):
                yield
        finally:
            self._depth -= 1
            if self._depth:
                self.phase = outer

    @contextmanager
    def beyond_budget(self, seconds: float) -> Iterator[None]:
        """The time of the block has a limit of its own, in seconds, and is not charged against the budget."""
        self.deadline = self.watch.elapsed + seconds
        try:
            with self.watch.uncharged():
                yield
        finally:
            self.deadline = None

    def progress(self, message: str, **data: float | str) -> None:
        """Tell a step within the phase."""
        self._tell("progress", message, **data)

    def note(self, *sentences: str, **data: str) -> None:
        """Keep sentences for the report, each once, and tell them, with what programs want to know of them."""
        for sentence in sentences:
            if sentence and sentence not in self.notes:
                self.notes.append(sentence)
                self._tell("note", sentence, **data)

    def take_discarded(self, selection: Selection) -> None:
        """Keep which candidates do not stand in the file, and why."""
        self.discarded = tuple(
            DiscardedTest(verdict.candidate.target, verdict.reason, source_of(verdict)) for verdict in selection.dropped
        )

    def take_kept(
        self,
        selection: Selection,
        tests: Sequence[RenderedTest],
        lines: Mapping[str, int],
        covered: CoverageSets,
        kills: Mapping[str, frozenset[str]],
    ) -> None:
        """Keep which tests stand in the file, where, what each adds to what was covered before, and what it notices.

        Args:
            selection: What is kept.
            tests: Those in the file.
            lines: Where each of them is in it.
            covered: What was covered before.
            kills: Ids of the mutants that each candidate notices, by its id.
        """
        verdicts = {verdict.candidate.id: verdict for verdict in selection.kept}
        self.kept = tuple(
            replace(
                _kept(test.name, test.target, [verdicts[one] for one in test.candidates if one in verdicts], covered),
                line=lines.get(test.name),
                mutants_killed=len(frozenset().union(*(kills.get(one, frozenset()) for one in test.candidates))),
            )
            for test in tests
        )

    def finish(self, status: Status, *, test_file: str | None) -> RunReport:
        """Make the report of a run that did its job, and tell that it is over."""
        report = self._report(status, test_file=test_file, error=None)
        self.tell_end(status, kept=len(report.kept))
        return report

    def fail(self, error: TestwrightError) -> RunReport:
        """Make the report of a run that failed, and tell that it is over."""
        report = self._report("failed", test_file=None, error=error)
        self.tell_end("failed", str(error))
        return report

    def tell_end(self, status: str, message: str = "", *, kept: int = 0) -> None:
        """Tell that it is over: the last event."""
        figures = self.after or self.before
        percent = figures.percent if figures is not None else 0.0
        self._tell("finished", message or status, percent=percent, kept=kept, status=status)

    def _report(self, status: Status, *, test_file: str | None, error: TestwrightError | None) -> RunReport:
        subject, request = self.subject, self.request
        threshold = subject.settings.coverage_threshold if subject else _asked_threshold(request)
        figures = self.after or self.before
        return RunReport(
            status=status,
            module=subject.target.module if subject else (request.module or ""),
            path=str(subject.target.path) if subject else str(request.path or ""),
            symbol=request.symbol,
            test_file=test_file,
            threshold=threshold,
            threshold_reached=error is None and figures is not None and figures.percent >= threshold,
            coverage_before=self.before,
            coverage_after=self.after,
            kept=self.kept if error is None else (),
            discarded=(*self.discarded, *self.refused),
            seconds=self.watch.seconds,
            box=self.box,
            interpreter=str(subject.interpreter.executable) if subject else "",
            python_version=self.python_version,
            seed=subject.settings.seed if subject else (request.settings.seed or 0),
            stopped_by=self.stopped_by,
            diff=self.diff,
            error=str(error) if error is not None else None,
            error_slug=error.slug if error is not None else None,
            notes=tuple(self.notes),
            models=self.models,
        )

    @property
    def _left(self) -> float:
        """Seconds that are left; before the budget is known, its default says nothing of that."""
        if self.deadline is not None:
            return max(0.0, self.deadline - self.watch.elapsed)
        return self.watch.remaining if self.subject is not None else 0.0

    def _tell(self, kind: EventKind, message: str, **data: float | str) -> None:
        data["left"] = math.ceil(self._left)
        if self.covered is not None:
            data["covered"] = self.covered
        if self.deadline is not None:
            data = {**self.agent, **data}
        self.on_event(RunEvent(kind, self.phase, message, round(self.watch.elapsed, 3), data))


def source_of(verdict: Verdict) -> str:
    """A candidate's body as a person would read it in a list of what was discarded."""
    candidate = verdict.candidate
    if candidate.source is not None:
        return candidate.source.function
    act = candidate.act if candidate.binds is None else f"{candidate.binds} = {candidate.act}"
    if candidate.raises is not None:
        act = f"with pytest.raises({candidate.raises.exception}): {candidate.act}"
    return "\n".join([*candidate.arrange, act, *(f"assert {check}" for check in candidate.asserts)])


def _kept(name: str, target: str, verdicts: Sequence[Verdict], covered: CoverageSets) -> KeptTest:
    lines: set[int] = set()
    branches: set[tuple[int, int]] = set()
    for verdict in verdicts:
        if verdict.evidence is not None:
            lines |= verdict.evidence.lines - covered.executed
            branches |= verdict.evidence.branches - covered.executed_branches
    origin = verdicts[0].candidate.origin if verdicts else "embedded"
    return KeptTest(name, target, origin, tuple(sorted(lines)), tuple(sorted(branches)))


def _asked_threshold(request: GenerateRequest) -> float:
    asked = request.settings.coverage_threshold
    return Settings().coverage_threshold if asked is None else asked
