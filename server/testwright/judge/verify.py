"""The finished file under plain pytest with the project's settings, and the whole suite still collected beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from testwright.boxes.protocol import Limits
from testwright.boxes.session import Session
from testwright.judge.boxed import LIMITS, seconds_left, together
from testwright.judge.plain import PlainOutcome, PlainRun, in_file, run_plain
from testwright.judge.relaxation import RELAXATIONS
from testwright.judge.stability import CONDITIONS
from testwright.model import CoverageSets, Target


@dataclass(frozen=True, slots=True)
class Verification:
    """What plain pytest says of the finished file.

    Attributes:
        passed: Node ids of the file's tests that passed in all runs.
        skipped: Those that skip themselves in any run (an existing test may).
        failures: Node id to why it is no pass, as a sentence.
        coverage: Of the target by this file alone, import included; None when the run came to no end.
        broken: Files of the suite, this one included, that can no longer be collected, and why; those that could
            not be collected before are not in it.
        notes: Sentences for the user.
    """

    passed: tuple[str, ...]
    skipped: tuple[str, ...]
    failures: dict[str, str]
    coverage: CoverageSets | None
    broken: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing failed, nothing broke, and something passed."""
        return bool(self.passed) and not self.failures and not self.broken


async def verify_file(  # noqa: PLR0913 - what a run knows, each once
    session: Session,
    target: Target,
    test_file: Path,
    goals: CoverageSets,
    *,
    deadline: float,
    known_errors: Collection[str] = (),
    relaxation: int = 0,
    limits: Limits = LIMITS,
) -> Verification:
    """Run the finished file, which the caller has placed in the snapshot.

    Three runs at once, each a fresh process: as it stands, with coverage; and twice with another hash seed, time zone,
    date and order of tests, as the judge has them. A fourth collects the whole suite.

    Args:
        session: The run's box.
        target: The module under test.
        test_file: The file, as the user names it.
        goals: Lines and branches of the target, from ``importing.check_import``.
        deadline: When to give up, as ``time.monotonic()``.
        known_errors: Node ids that could not be collected before (``Baseline.collect_errors``).
        relaxation: Where in ``judge.relaxation.RELAXATIONS`` to begin.
        limits: Limits of each start; the wall time comes from ``deadline``.

    Raises:
        BoxUnavailable: There is no box.
    """
    path = session.seen(test_file)
    runs = [
        *(
            PlainRun("verify", (path,), measure=index == 0, conditions=conditions)
            for index, conditions in enumerate(CONDITIONS)
        ),
        PlainRun("verify", collect_only=True),
    ]
    outcomes: list[PlainOutcome] = [PlainOutcome() for _ in runs]

    async def one(index: int) -> None:
        outcomes[index] = await run_plain(
            session,
            target,
            goals,
            runs[index],
            seconds=seconds_left(deadline),
            relaxation=relaxation,
            limits=limits,
        )

    await together(one(index) for index in range(len(runs)))
    *tried, suite = outcomes
    broken = {name: why for outcome in outcomes for name, why in outcome.collect_errors.items()}
    broken = {name: _short(why) for name, why in broken.items() if name not in known_errors}
    notes = [RELAXATIONS[outcome.relaxation].note for outcome in outcomes if RELAXATIONS[outcome.relaxation].note]
    if not suite.finished:
        notes.append(f"Whether the whole suite is still collected is not known: it {suite.ending}.")
    elif suite.refused:
        notes.append(
            f"Whether the whole suite is still collected is not known: pytest said {_short(suite.last_words)}."
        )
    elif suite.collected and not any(in_file(name, test_file, session.world.workspace) for name in _names(tried)):
        notes.append(
            f"pytest finds no test in {test_file.name} under the project's settings; look at python_functions."
        )
    first = tried[0]
    return Verification(
        tuple(name for name in _names(tried) if all(_outcome(run, name) == "passed" for run in tried)),
        tuple(name for name in _names(tried) if any(_outcome(run, name) == "skipped" for run in tried)),
        {name: why for name in _names(tried) if (why := _failure(tried, name)) is not None},
        first.coverage if first.finished else None,
        broken,
        tuple(dict.fromkeys(notes)),
    )


def _names(outcomes: Collection[PlainOutcome]) -> tuple[str, ...]:
    """All tests that any of the runs told of, in the order of the first."""
    return tuple(dict.fromkeys(name for outcome in outcomes for name in outcome.tests))


def _outcome(run: PlainOutcome, name: str) -> str:
    test = run.tests.get(name)
    return test.outcome if test is not None else "missing"


def _failure(runs: list[PlainOutcome], name: str) -> str | None:
    for run, conditions in zip(runs, CONDITIONS, strict=True):
        where = "" if conditions is CONDITIONS[0] else f"with {conditions.words} and in another order, "
        test = run.tests.get(name)
        if test is None:
            how = f"the run {run.ending}" if not run.finished else "pytest did not come to it"
            return f"{where}it did not run: {how}"
        if test.outcome in ("failed", "error"):
            return f"{where}it {'failed' if test.outcome == 'failed' else 'could not run'}: {_short(test.message)}"
    return None


def _short(text: str) -> str:
    return " ".join(text.split())[:300]
