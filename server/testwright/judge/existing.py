"""The tests that a module has, run as they stand under conditions that differ: which are sound, and what they cover."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from testwright.boxes.protocol import Limits
from testwright.boxes.session import Session
from testwright.errors import NothingToJudge
from testwright.judge.boxed import LIMITS, seconds_left, together
from testwright.judge.plain import PlainOutcome, PlainRun, run_plain
from testwright.judge.relaxation import RELAXATIONS
from testwright.judge.stability import CONDITIONS, Conditions
from testwright.judge.wire import TestEnded
from testwright.model import CoverageSets, JudgedTest, Target

_MAX_CRASHES = 4
"""Tests of one run that end its process before what is left is given up: each costs a start, about half a second."""

_LEAST_SECONDS = 1.0
"""Less than this is not worth a start."""

_DIAGNOSIS_FACTOR = 2.0
"""Looking for a cause takes more runs at once than judging did; it is only done when so much more time is left."""

_LONG = 160
"""Characters of a message from which on it is cut."""

NO_TIME = "there was no time left for it"

_Kind = Literal["passed", "failed", "skipped", "unfinished"]

_KINDS: dict[str, tuple[_Kind, str, str]] = {
    "passed": ("passed", "", ""),
    "failed": ("failed", "", ""),
    "error": ("failed", "it could not run: ", ""),
    "skipped": ("skipped", "", "Skipped: "),
    "timeout": ("unfinished", "it ", "Failed: "),
}
"""What an outcome of a plain run is; words before its message; the beginning of the message that says no more."""


@dataclass(frozen=True, slots=True)
class ExistingTests:
    """What became of the tests of a file.

    Attributes:
        tests: All of them, in the order of the file.
        sound: Names of test functions with an item that passed in every run, without parameters.
        unsound: Node ids of the items that did not.
        coverage: Of the target by this file alone, import included; None when the tests came to no end in time.
        covered: What they are known to cover, at least.
        relaxation: Index in ``RELAXATIONS`` at which pytest started.
        notes: Sentences for the user.
    """

    tests: tuple[JudgedTest, ...]
    sound: tuple[str, ...]
    unsound: tuple[str, ...]
    coverage: CoverageSets | None
    covered: CoverageSets
    relaxation: int
    notes: tuple[str, ...]


async def judge_existing(  # noqa: PLR0913 - what a run knows, each once
    session: Session,
    target: Target,
    test_file: Path,
    goals: CoverageSets,
    *,
    deadline: float,
    test_seconds: float,
    limits: Limits = LIMITS,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> ExistingTests:
    """Run the tests of a file in three processes that differ in hash seed, order, time zone and date.

    Where they differ in a test, each of these is changed by itself to find the cause, as far as there is time.

    Args:
        session: The run's box.
        target: The module.
        test_file: The file, as the user names it; it is in the snapshot.
        goals: Lines and branches of the target, those executed by its import, from ``importing.check_import``.
        deadline: When to stop, as ``time.monotonic()``; what did not run by then is not judged.
        test_seconds: Wall time of one phase of one test.
        limits: Limits of each start; the wall time comes from ``deadline``.
        on_progress: Called with the tests that the slowest process has run, and all.

    Raises:
        NothingToJudge: pytest could not collect the file, finds no test in it, or none came to its end.
        BoxUnavailable: There is no box.
    """
    court = _Court(session, target, test_file, goals, deadline, test_seconds, limits, on_progress)
    return await court.judged()


@dataclass(frozen=True, slots=True)
class _Seen:
    """How a test ended in one run."""

    kind: _Kind
    words: str = ""


@dataclass(slots=True)
class _Trial:
    """One run of the whole file under one set of conditions.

    Attributes:
        conditions: Under which it runs.
        outcome: Of its last start.
        tests: What its starts told.
        order: Node ids in the order in which they began to run.
        crashed: Node id to how the test ended the process.
    """

    conditions: Conditions
    outcome: PlainOutcome = field(default_factory=PlainOutcome)
    tests: dict[str, TestEnded] = field(default_factory=dict)
    order: dict[str, None] = field(default_factory=dict)
    crashed: dict[str, str] = field(default_factory=dict)

    def take(self, outcome: PlainOutcome) -> None:
        """Take what a start told."""
        self.outcome = outcome
        self.tests.update(outcome.tests)
        self.order.update(dict.fromkeys(outcome.tests))
        if outcome.running is not None:
            self.order[outcome.running] = None

    def seen(self, name: str) -> _Seen:
        """How a test ended in it."""
        if name in self.crashed:
            return _Seen("failed", self.crashed[name])
        test = self.tests.get(name)
        if test is None:
            return self._missing(name)
        kind, before, kind_of_exception = _KINDS[test.outcome]
        return _Seen(kind, before + _short(test.message.removeprefix(kind_of_exception)))

    def _missing(self, name: str) -> _Seen:
        if self.outcome.collect_errors and not self.tests:
            why = _short(next(iter(self.outcome.collect_errors.values())))
            return _Seen("failed", f"the file could not be collected: {why}")
        if self.outcome.finished and not self.outcome.refused:
            return _Seen("failed", "pytest did not collect it")
        if name == self.outcome.running:
            return _Seen("unfinished", "it was running when the time was over")
        return _Seen("unfinished", NO_TIME)


@dataclass(slots=True)
class _Court:
    """One judgement while it goes on."""

    session: Session
    target: Target
    test_file: Path
    goals: CoverageSets
    deadline: float
    test_seconds: float
    limits: Limits
    on_progress: Callable[[int, int], None]
    done: Counter[int] = field(default_factory=Counter)

    async def judged(self) -> ExistingTests:
        """All of it."""
        begun = time.monotonic()
        trials = [_Trial(conditions) for conditions in CONDITIONS]
        await together(self._run(trial, index) for index, trial in enumerate(trials))
        names = list(dict.fromkeys(name for trial in trials for name in trial.order))
        if not names:
            raise self._nothing(trials[0].outcome)
        took = time.monotonic() - begun
        causes = await self._causes(trials, names, took)
        tests = {name: _verdict(name, [trial.seen(name) for trial in trials], causes.get(name)) for name in names}
        first = trials[0]
        known = first.outcome.coverage or first.outcome.so_far
        return ExistingTests(
            tests=tuple(tests.values()),
            sound=tuple(dict.fromkeys(_function(name) for name in names if _is_sound(tests[name], first.seen(name)))),
            unsound=tuple(name for name in names if not _is_sound(tests[name], first.seen(name))),
            coverage=self.goals.union(known) if first.outcome.finished and first.outcome.coverage else None,
            covered=self.goals.union(known),
            relaxation=first.outcome.relaxation,
            notes=tuple(_notes(first, self.goals.union(known))),
        )

    async def _run(self, trial: _Trial, index: int) -> None:
        """Run the file to its end, started again without a test that ended the process."""
        run = PlainRun(
            "verify",
            (self.session.seen(self.test_file),),
            measure=index == 0,
            test_seconds=self.test_seconds,
            conditions=trial.conditions,
        )
        while True:
            seconds = seconds_left(self.deadline)
            if seconds < _LEAST_SECONDS:
                return
            outcome = await run_plain(
                self.session,
                self.target,
                self.goals,
                run,
                seconds=seconds,
                relaxation=trial.outcome.relaxation,
                limits=self.limits,
                on_progress=lambda done, all_: self._progress(
                    index, done + len(trial.crashed), all_ + len(trial.crashed)
                ),
            )
            trial.take(outcome)
            is_over = outcome.ended is not None and outcome.ended.cause == "wall"
            if outcome.running is None or is_over or outcome.problem:
                return
            how = "it ended the test run" if outcome.finished else f"it {outcome.ending}"
            trial.crashed[outcome.running] = how
            if len(trial.crashed) >= _MAX_CRASHES:
                return
            run = replace(run, leave_out=tuple(trial.crashed))

    def _progress(self, index: int, done: int, all_: int) -> None:
        if not 0 <= index < len(CONDITIONS):
            return
        before = min(self.done[number] for number in range(len(CONDITIONS)))
        self.done[index] = max(done, self.done[index])
        after = min(self.done[number] for number in range(len(CONDITIONS)))
        if after > before:
            self.on_progress(after, max(all_, after))

    async def _causes(self, trials: Sequence[_Trial], names: Sequence[str], took: float) -> dict[str, str]:
        """On which of the conditions an outcome depends, by changing one at a time."""
        first, *others = trials
        found: dict[str, str] = {}
        for other in others:
            differing = [name for name in names if name not in found and _differ(first.seen(name), other.seen(name))]
            if not differing or seconds_left(self.deadline) < max(_LEAST_SECONDS, took * _DIAGNOSIS_FACTOR):
                continue
            singles = [_Trial(conditions) for conditions in _singles(other.conditions)]
            await together(self._run(single, -1) for single in singles)
            for name in differing:
                before = first.seen(name)
                blamed = [single.conditions for single in singles if _differ(before, single.seen(name))]
                if blamed and blamed[0] == Conditions():
                    blamed = blamed[:1]  # what changes by itself may as well have changed in the others
                if blamed:
                    found[name] = " or ".join(_words(conditions) for conditions in blamed)
        return found

    def _nothing(self, outcome: PlainOutcome) -> NothingToJudge:
        name = self.test_file.name
        if outcome.collect_errors:
            why = _short(next(iter(outcome.collect_errors.values())))
            return NothingToJudge(
                f"{name} could not be collected: {why}.", next_step="Run pytest on it once and correct what it says."
            )
        if outcome.refused:
            return NothingToJudge(
                f"pytest does not start in this project: {_short(outcome.last_words)}.",
                next_step="Run pytest in the project once and correct what it says of its settings.",
            )
        if outcome.finished:
            return NothingToJudge(
                f"pytest finds no test in {name} under the project's settings.",
                next_step="Look at python_functions and addopts in pytest's settings.",
            )
        why = f"the run {outcome.ending}" if outcome.ended is not None else outcome.problem or "there was no time left"
        return NothingToJudge(
            f"No test of {name} came to its end: {why.rstrip('.')}.",
            next_step="Give it more time with --budget, or run pytest on it once.",
        )


def _singles(conditions: Conditions) -> list[Conditions]:
    """The same again, and each of what differs by itself."""
    return [
        Conditions(),
        Conditions(hash_seed=conditions.hash_seed),
        Conditions(zone=conditions.zone),
        Conditions(shift=conditions.shift),
        Conditions(order=conditions.order),
    ]


def _differ(one: _Seen, other: _Seen) -> bool:
    """Whether a test failed in one run and ended otherwise in the other."""
    return (one.kind == "failed") != (other.kind == "failed") and "unfinished" not in (one.kind, other.kind)


def _verdict(name: str, seen: Sequence[_Seen], cause: str | None) -> JudgedTest:
    shown = name.partition("::")[2] or name
    first = seen[0]
    for other, conditions in zip(seen[1:], CONDITIONS[1:], strict=True):
        if _differ(first, other):
            where = cause or _words(conditions)
            if first.kind == "failed":
                return JudgedTest(shown, "flaky", f"it fails as the file stands ({first.words}), and not {where}")
            return JudgedTest(shown, "flaky", f"{where} it fails: {other.words}")
    for one in seen:
        if one.kind == "failed":
            return JudgedTest(shown, "failed", one.words)
    for one in seen:
        if one.kind == "unfinished":
            return JudgedTest(shown, "not-judged", one.words)
    for one in seen:
        if one.kind == "skipped":
            return JudgedTest(shown, "skipped", one.words)
    return JudgedTest(shown, "passed", first.words)


def _words(conditions: Conditions) -> str:
    """What is different, as a part of a sentence."""
    parts = []
    if conditions.hash_seed:
        parts.append("with another hash seed")
    if conditions.zone != "UTC":
        parts.append(f"in the time zone {conditions.zone}")
    if conditions.shift:
        days = abs(round(conditions.shift / 86_400))
        parts.append(f"with the clock {days} days {'ahead' if conditions.shift > 0 else 'behind'}")
    if conditions.order != "given":
        parts.append("in another order")
    return " or ".join(parts) or "when it is run again without any change"


def _is_sound(test: JudgedTest, seen: _Seen) -> bool:
    """Whether a test passed, and not against its own expectation, which leaves words about it."""
    return test.outcome == "passed" and not seen.words


def _function(name: str) -> str:
    """Classes and function of a node id, without file and parameters."""
    return name.partition("::")[2].partition("[")[0]


def _notes(first: _Trial, covered: CoverageSets) -> list[str]:
    outcome = first.outcome
    notes = []
    if note := RELAXATIONS[outcome.relaxation].note:
        notes.append(note)
    if not outcome.finished:
        why = outcome.problem.rstrip(".") or f"the run {outcome.ending}"
        notes.append(
            f"The tests did not come to an end: {why}. What they cover is not known, "
            f"but it is at least {covered.percent:g} % of the module."
        )
    elif first.crashed:
        notes.append("What is covered was measured without the tests that ended the process.")
    return notes


def _short(text: str) -> str:
    """A message in one line; of a long one, which tells where each value came from, the first line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONG else " ".join(text.strip().splitlines()[0].split())[:300]
