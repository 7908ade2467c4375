"""Each candidate by itself in three fresh processes that differ in hash seed, order, time zone and date."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from testwright.boxes.protocol import Limits
from testwright.boxes.session import ExitCell, Session, placed_name
from testwright.errors import BoxFailure, ImportFailure
from testwright.judge.boxed import LIMITS, TIME_ZONES, ending_words, last_words, limits_for, seconds_left, together
from testwright.judge.oracles import weakness
from testwright.judge.placing import placed
from testwright.judge.refusals import refusal
from testwright.judge.relaxation import RELAXATIONS, Relaxation
from testwright.judge.salvage import unsafe_at_collection, without_imports
from testwright.judge.wire import (
    BadImports,
    Done,
    NotCollected,
    Ready,
    Result,
    Started,
    WrongFile,
    judging_message,
)
from testwright.model import Candidate, CoverageSets, Evidence, Target, Verdict

TEST_SECONDS = 5.0
"""Wall time of one candidate in one process."""

_BLOCK = 40
"""The order changes only within blocks of this size, so that the processes get equally far in time."""

_MAX_DEATHS = 12
"""Starts of one parent before what is left is given up: each death costs a start, about half a second."""

_DIAGNOSE_AT_MOST = 24
"""Unstable candidates whose cause is looked for."""

_DIAGNOSE_SECONDS = 4.0
"""Wall time for that; it is only done when twice as much is left."""

NOT_JUDGED = "there was no time left to prove it"
"""Reason of a candidate that the deadline kept from being judged."""

_DAY = 86_400.0

Order = Literal["given", "reversed", "shuffled"]


class CandidatesFile(Protocol):
    """One module with a function for each candidate (``writing.render.render_candidates`` makes it)."""

    @property
    def text(self) -> str:
        """The module's text: imports and plain functions, nothing else at top level."""
        ...

    @property
    def names(self) -> Mapping[str, str]:
        """Function to the id of its candidate."""
        ...

    @property
    def skipped(self) -> Mapping[str, str]:
        """Id of a candidate without a function to why, as a sentence."""
        ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """What differs from process to process.

    Attributes:
        hash_seed: ``PYTHONHASHSEED``.
        zone: A key of ``TIME_ZONES``.
        shift: Seconds by which the wall clock is off.
        order: Of the candidates.
    """

    hash_seed: int = 0
    zone: str = "UTC"
    shift: float = 0.0
    order: Order = "given"

    @property
    def words(self) -> str:
        """How they differ from the first process."""
        parts = []
        if self.hash_seed:
            parts.append(f"hash seed {self.hash_seed}")
        if self.zone != "UTC":
            parts.append(f"time zone {self.zone}")
        if self.shift:
            days = abs(round(self.shift / _DAY))
            parts.append(f"a clock {days} days {'ahead' if self.shift > 0 else 'behind'}")
        return ", ".join(parts) or "the same settings"

    def arrange(self, names: Sequence[str], seed: int) -> list[str]:
        """The names in this order, changed only within blocks."""
        blocks = [list(names[start : start + _BLOCK]) for start in range(0, len(names), _BLOCK)]
        shuffler = random.Random(seed)  # noqa: S311 - reproducible, no secret
        for block in blocks:
            if self.order == "reversed":
                block.reverse()
            elif self.order == "shuffled":
                shuffler.shuffle(block)
        return [name for block in blocks for name in block]


CONDITIONS = (
    Conditions(),
    Conditions(1, "UTC+05:45", 400 * _DAY + 5 * 3600, "reversed"),
    Conditions(4242, "UTC-09:30", -(3 * _DAY + 7 * 3600), "shuffled"),
)
"""The three processes; the first one measures coverage. A year and more ahead passes a leap day or a month's end."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge says of all candidates.

    Attributes:
        verdicts: One for each candidate, in their order; ``passed`` ones carry evidence.
        notes: Sentences for the user: settings that were left out, a clock that could not be shifted.
        relaxation: Index in ``RELAXATIONS`` at which pytest started.
    """

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]
    relaxation: int

    @property
    def out_of_time(self) -> bool:
        """Whether the deadline kept some from being judged, so that another run may keep others."""
        return any(verdict.reason == NOT_JUDGED for verdict in self.verdicts)


async def judge_candidates(  # noqa: PLR0913, PLR0917 - what a run knows, each once
    session: Session,
    target: Target,
    folder: Path,
    candidates: Sequence[Candidate],
    file: CandidatesFile,
    goals: CoverageSets,
    *,
    seed: int,
    deadline: float,
    test_seconds: float = TEST_SECONDS,
    relaxation: int = 0,
    limits: Limits = LIMITS,
    on_progress: Callable[[int, int, int], None] = lambda _judged, _all, _passed: None,
) -> Judgement:
    """Judge candidates.

    Args:
        session: The run's box.
        target: The module under test.
        folder: Folder of the agreed test file in the workspace, so that its conftest files apply.
        candidates: What was proposed.
        file: The same as one module; candidates without a function in it are refused.
        goals: Lines and branches of the target, from ``importing.check_import``.
        seed: Of the shuffled order.
        deadline: When to stop, as ``time.monotonic()``; who is not judged by then has not passed.
        test_seconds: Wall time of one candidate in one process.
        relaxation: Where in ``RELAXATIONS`` to begin, when an earlier start of pytest has found it out.
        limits: Limits of each process; the wall time comes from ``deadline``.
        on_progress: Called with candidates judged by the slowest process, all, and those that passed in each process.

    Raises:
        BoxFailure: No candidate could be judged at all.
        ImportFailure: Under pytest the module's name leads to another file.
        BoxUnavailable: There is no box.
    """
    if problem := await asyncio.to_thread(unsafe_at_collection, file.text):
        raise BoxFailure(
            f"The candidates were not judged: {problem}.", next_step="This is a fault of Testwright: report it."
        )
    names = {candidate_id: name for name, candidate_id in file.names.items()}
    settled = await asyncio.to_thread(_refused, candidates, target, file, names)
    wanted = [names[candidate.id] for candidate in candidates if candidate.id not in settled]
    court = _Court(session, target, folder, goals, seed, deadline, test_seconds, limits, on_progress, relaxation)
    court.watched = frozenset(names[one.id] for one in candidates if one.source is not None and one.id not in settled)
    if wanted:
        await court.sit(file.text, wanted)
    verdicts = tuple(
        settled.get(candidate.id) or court.verdict(candidate, names[candidate.id]) for candidate in candidates
    )
    return Judgement(verdicts, tuple(dict.fromkeys(court.notes)), court.relaxation)


def _refused(
    candidates: Sequence[Candidate], target: Target, file: CandidatesFile, names: Mapping[str, str]
) -> dict[str, Verdict]:
    """Verdicts on those that are not run at all, by their ids."""
    settled: dict[str, Verdict] = {}
    for candidate in candidates:
        problem = refusal(candidate) or weakness(candidate, target.source)
        if problem is None and candidate.id not in names:
            problem = file.skipped.get(candidate.id, "it could not be rendered as a function")
        if problem is not None:
            settled[candidate.id] = Verdict(candidate, "refused", problem, None)
    return settled


class _NotCollectedError(Exception):
    """pytest ended before the first candidate."""

    def __init__(self, answer: NotCollected, failures: Sequence[tuple[int, str]], said: str) -> None:
        super().__init__(said)
        self.answer = answer
        self.failures = failures
        self.said = said


@dataclass(slots=True)
class _Court:
    """One judgement while it goes on."""

    session: Session
    target: Target
    folder: Path
    goals: CoverageSets
    seed: int
    deadline: float
    test_seconds: float
    limits: Limits
    on_progress: Callable[[int, int, int], None]
    relaxation: int
    watched: frozenset[str] = frozenset()
    wanted: int = 0
    judged: int = 0
    passes: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    results: list[dict[str, Result]] = field(default_factory=list)
    causes: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    async def sit(self, text: str, names: Sequence[str]) -> None:
        """Run all processes; begin again with less when the file as a whole cannot be collected."""
        while True:
            left = [name for name in names if name not in self.lost]
            if not left:
                return
            try:
                await self._all_processes(text, left)
            except _NotCollectedError as error:
                problem = error
            else:
                break
            if problem.failures:
                text = await asyncio.to_thread(self._without, text, problem.failures)
            elif self.relaxation + 1 < len(RELAXATIONS):
                self.relaxation += 1
            else:
                why = "; ".join(problem.answer.errors[:3]) or problem.said or "it gave no reason"
                raise BoxFailure(
                    f"pytest could not collect the candidates (exit code {problem.answer.exit_code}): {why}.",
                    next_step="Run pytest in the project once and correct what it says of its settings.",
                )
        if note := RELAXATIONS[self.relaxation].note:
            self.notes.append(note)

    def verdict(self, candidate: Candidate, name: str) -> Verdict:
        """What all processes together say of one candidate."""
        if name in self.lost:
            return Verdict(candidate, "error", self.lost[name], None)
        found = [results.get(name) for results in self.results]
        for result, conditions in zip(found, CONDITIONS, strict=True):
            if result is None or result.outcome == "passed":
                continue
            words = _words(result, self.test_seconds)
            first = found[0]
            if first is None or first is result or first.outcome != "passed":
                return Verdict(candidate, result.outcome, words, None)
            cause = self.causes.get(name, conditions.words)
            return Verdict(candidate, "unstable", f"passed in one process, but with {cause} it {words}", None)
        if not found or any(result is None for result in found):
            return Verdict(candidate, "error", NOT_JUDGED, None)
        lines, branches = (found[0].lines, found[0].branches) if found[0] else ([], [])
        evidence = Evidence(len(found), frozenset(lines), frozenset(branches))
        return Verdict(candidate, "passed", "", evidence)

    async def _all_processes(self, text: str, names: Sequence[str]) -> None:
        self.results = [{} for _ in CONDITIONS]
        self.wanted, self.judged, self.passes = len(names), 0, Counter()
        name = placed_name()
        with placed(self.session.world, self.folder, name, text) as path:
            await together(
                self._process(
                    path,
                    conditions.arrange(names, self.seed),
                    conditions,
                    self.results[index],
                    self.deadline,
                    measure=index == 0,
                )
                for index, conditions in enumerate(CONDITIONS)
            )
            await self._diagnose(path, names)

    async def _diagnose(self, path: Path, names: Sequence[str]) -> None:
        """Find out on which of its conditions an unstable candidate depends, by changing one at a time."""
        first, *others = self.results
        passed = [name for name in names if name in first and first[name].outcome == "passed"]
        failing = [
            [name for name in passed if name in other and other[name].outcome != "passed"][:_DIAGNOSE_AT_MOST]
            for other in others
        ]
        unstable = max(failing, key=len)
        left = seconds_left(self.deadline)
        if not unstable or left < _DIAGNOSE_SECONDS * 2:
            return
        blamed = CONDITIONS[1 + failing.index(unstable)]
        singles = (
            Conditions(hash_seed=blamed.hash_seed),
            Conditions(zone=blamed.zone),
            Conditions(shift=blamed.shift),
        )
        found: list[dict[str, Result]] = [{} for _ in singles]
        deadline = self.deadline - left + _DIAGNOSE_SECONDS
        await together(
            self._process(path, unstable, single, results, deadline, measure=False, count=False)
            for single, results in zip(singles, found, strict=True)
        )
        for name in unstable:
            for single, results in zip(singles, found, strict=True):
                if name in results and results[name].outcome != "passed":
                    self.causes.setdefault(name, single.words)
            if all(name in results for results in found):
                self.causes.setdefault(name, "another order, or by chance,")

    def _without(self, text: str, failures: Sequence[tuple[int, str]]) -> str:
        reasons = dict(failures)
        for line, reason in reasons.items():
            _, touched = without_imports(text, [line])
            for name in touched:
                self.lost.setdefault(name, f"an import that it needs fails: {reason}")
        return without_imports(text, list(reasons))[0]

    async def _process(  # noqa: PLR0913 - one start, each of its sides
        self,
        path: Path,
        names: Sequence[str],
        conditions: Conditions,
        results: dict[str, Result],
        deadline: float,
        *,
        measure: bool,
        count: bool = True,
    ) -> None:
        """Fill ``results`` by one warm parent, started again without the candidate that killed it."""
        for _ in range(_MAX_DEATHS):
            left = [name for name in names if name not in results]
            seconds = seconds_left(deadline)
            if not left or seconds < 0.5:
                return
            run = _Run(results, set(left))
            try:
                await self._start(path, left, conditions, run, seconds, measure=measure, count=count)
            except BoxFailure as failure:
                run.problem = failure.message
            if run.done or seconds_left(deadline) <= 0:
                return
            words = run.problem or f"the process that runs it {ending_words(run.ended.value)}"
            if run.current is not None:
                results[run.current] = Result(
                    type="result", name=run.current, outcome="crashed", reason=words, lines=[], branches=[]
                )
            elif not run.ready:
                raise BoxFailure(
                    f"The process that judges the candidates did not get to the first one: {words} "
                    f"{last_words(run.ended.value)}".rstrip()
                    + ".",
                    next_step="Run pytest in the project once; if it works there, report this sentence.",
                )

    async def _start(  # noqa: C901, PLR0913 - one case per message
        self,
        path: Path,
        names: Sequence[str],
        conditions: Conditions,
        run: _Run,
        seconds: float,
        *,
        measure: bool,
        count: bool,
    ) -> None:
        relaxation = RELAXATIONS[self.relaxation]
        messages = self.session.run(
            "judging",
            self._request(path, names, conditions, relaxation, seconds, measure=measure),
            limits=limits_for(seconds, self.limits),
            environment={
                **dict(relaxation.environment),
                "PYTHONHASHSEED": str(conditions.hash_seed),
                "TZ": TIME_ZONES[conditions.zone],
            },
            on_exit=run.ended,
        )
        not_collected: NotCollected | None = None
        failures: Sequence[tuple[int, str]] = ()
        async with contextlib.aclosing(messages) as stream:
            async for raw in stream:
                match judging_message(raw):
                    case Ready() as ready:
                        run.ready = True
                        self._note_protection(conditions, ready)
                    case Started(name=name):
                        run.current = name if name in run.names else None
                    case Result(name=name) as result if name == run.current:
                        run.results[name] = result
                        run.current = None
                        if count:
                            self._progress(result)
                    case Done():
                        run.done = True
                    case BadImports(failures=found):
                        failures = found
                    case NotCollected() as answer:
                        not_collected = answer
                    case WrongFile(path=other):
                        raise ImportFailure(
                            f"Under pytest, import {self.target.module} leads to {other}, not to {self.target.path}.",
                            next_step="Look into conftest.py and pythonpath in pytest's settings.",
                        )
                    case _:
                        raise BoxFailure(
                            "A candidate's result came that nobody had asked for, so the process is not believed.",
                            next_step="Run again; if it stays, report the module that did this.",
                        )
        if not_collected is not None:
            raise _NotCollectedError(not_collected, failures, last_words(run.ended.value))

    def _request(  # noqa: PLR0913 - one start, each of its sides
        self,
        path: Path,
        names: Sequence[str],
        conditions: Conditions,
        relaxation: Relaxation,
        seconds: float,
        *,
        measure: bool,
    ) -> dict[str, Any]:
        return {
            "module": self.target.module,
            "file": self.session.seen(self.target.path),
            "test_file": self.session.seen(path),
            "names": list(names),
            "watched": sorted(self.watched.intersection(names)),  # whole functions may do anything
            "measure": measure,
            "statements": sorted(self.goals.statements),
            "branches": sorted(self.goals.branches),
            "timeout": self.test_seconds,
            "wall_seconds": max(0.1, seconds - 0.5),
            "clock_shift": conditions.shift,
            "pytest_arguments": list(relaxation.arguments),
        }

    def _note_protection(self, conditions: Conditions, ready: Ready) -> None:
        if conditions.shift and ready.clock == "none":
            self.notes.append(
                "The clock could not be shifted on this interpreter, so tests that depend on the date may be left."
            )
        if not ready.shielded:
            self.notes.append(
                "This system does not let the judge close its process to the tests, so only refusals protect results."
            )

    def _progress(self, result: Result) -> None:
        """Count a result; tell when the slowest process has come further."""
        self.passes[result.name] += result.outcome == "passed"
        judged = min(len(results) for results in self.results)
        if judged == self.judged:
            return
        self.judged = judged
        stable = sum(times == len(CONDITIONS) for times in self.passes.values())
        self.on_progress(judged, self.wanted, stable)


@dataclass(slots=True)
class _Run:
    """One start of a parent."""

    results: dict[str, Result]
    names: set[str]
    current: str | None = None
    ready: bool = False
    done: bool = False
    problem: str = ""
    ended: ExitCell = field(default_factory=ExitCell)


def _words(result: Result, seconds: float) -> str:
    reason = " ".join(result.reason.split())[:300]
    match result.outcome:
        case "timeout":
            return f"did not end within {seconds:g} seconds"
        case "crashed":
            return f"crashed: {reason}"
        case "error":
            return f"could not run: {reason}"
        case _:
            return f"failed: {reason}"
