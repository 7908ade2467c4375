"""Candidates become verdicts: each is run by itself, then mutants are run on those that passed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from testwright.judge.mutation import kill_matrix
from testwright.judge.stability import judge_candidates
from testwright.model import Candidate, CoverageSets, MutantSummary, Verdict
from testwright.service.account import Account
from testwright.service.agent.plan import Gaps
from testwright.service.job import Job
from testwright.service.measuring import Measured
from testwright.service.workshop import Workshop
from testwright.writing.render import render_candidates

JUDGE_SHARE = 0.35
MUTATION_SHARE = 0.2
"""Shares of the budget that judging, and running mutants, may take at most."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What the judge has said so far, of all engines and rounds.

    Attributes:
        verdicts: One for each candidate, in the order in which they came.
        kills: Mutants that each candidate notices, by the candidate's id.
        survived: Mutants that the tests of some round let live, by their ids.
    """

    verdicts: tuple[Verdict, ...] = ()
    kills: Mapping[str, frozenset[str]] = field(default_factory=dict)
    survived: Mapping[str, MutantSummary] = field(default_factory=dict)

    def joined(self, other: Proven) -> Proven:
        """What both say; candidates of the other come after."""
        return Proven(
            self.verdicts + other.verdicts, {**self.kills, **other.kills}, {**self.survived, **other.survived}
        )

    def without(self, ids: Collection[str]) -> Proven:
        """The same, but for the candidates with these ids."""
        return replace(self, verdicts=tuple(verdict for verdict in self.verdicts if verdict.candidate.id not in ids))

    @property
    def passed(self) -> tuple[Verdict, ...]:
        """Those that passed."""
        return tuple(verdict for verdict in self.verdicts if verdict.outcome == "passed")

    @property
    def alive(self) -> tuple[MutantSummary, ...]:
        """Mutants that no candidate notices, in the order of the lines."""
        killed = frozenset().union(*self.kills.values())
        left = (mutant for mutant in self.survived.values() if mutant.id not in killed)
        return tuple(sorted(left, key=lambda mutant: (mutant.line, mutant.id)))

    def covered(self, settled: CoverageSets) -> CoverageSets:
        """What is covered when all that passed is added to what is settled."""
        evidence = [verdict.evidence for verdict in self.passed if verdict.evidence is not None]
        return replace(
            settled,
            executed=settled.executed.union(*(one.lines for one in evidence)),
            executed_branches=settled.executed_branches.union(*(one.branches for one in evidence)),
        )

    def gaps(self, job: Job, measured: Measured) -> Gaps:
        """What is left of what is asked for."""
        asked = job.subject.asked(self.covered(measured.settled))
        return Gaps(asked.missing_lines, asked.missing_branches, self.alive)


async def prove(  # noqa: PLR0913, PLR0917 - what a run knows, each once
    account: Account,
    job: Job,
    workshop: Workshop,
    measured: Measured,
    candidates: Sequence[Candidate],
    before: Proven,
    seconds: Callable[[float], float],
) -> Proven:
    """Judge candidates; what is known from before is counted in what is told.

    Args:
        account: Takes notes and is told each step.
        job: What is to be tested.
        workshop: Its box.
        measured: What is covered without them.
        candidates: Unproven tests.
        before: What was proven before.
        seconds: Wall time for a share of the budget.

    Returns:
        What is said of these candidates alone.

    Raises:
        BoxFailure: No candidate could be judged.
        ImportFailure: Under pytest the module's name leads to another file.
        BoxUnavailable: There is no box.
    """
    if not candidates:
        return Proven()
    session, folder, seed = workshop.session, job.place.path.parent, job.settings.seed
    file = await asyncio.to_thread(render_candidates, candidates, job.project.style)
    with account.step("judge", f"judging {_count(len(candidates))}"):
        judgement = await judge_candidates(
            session,
            job.target,
            folder,
            candidates,
            file,
            measured.goals,
            seed=seed,
            deadline=time.monotonic() + seconds(JUDGE_SHARE),
            relaxation=measured.baseline.relaxation,
            on_progress=lambda done, all_, stable: account.progress(
                f"{done} of {all_} candidates judged", **_numbers("candidates", done, all_, stable)
            ),
        )
        account.note(*judgement.notes)
        known = before.joined(Proven(judgement.verdicts))
        passed = len(known.passed) - len(before.passed)
        covered = known.covered(measured.settled) if known.passed else measured.baseline.covered
        account.covered = job.subject.asked(covered).percent
        account.progress(f"{_count(passed)} {'is' if passed == 1 else 'are'} stable, running mutants", kept=passed)
        matrix = await kill_matrix(
            session,
            job.target,
            folder,
            file,
            judgement.verdicts,
            seed=seed,
            deadline=time.monotonic() + seconds(MUTATION_SHARE),
            import_lines=measured.goals.executed,
            relaxation=judgement.relaxation,
            on_progress=lambda done, all_: account.progress(
                f"{done} of {all_} mutants", **_numbers("mutants", done, all_, passed)
            ),
        )
        account.note(matrix.note)
        if judgement.out_of_time or matrix.stopped_by == "wall":
            account.stopped_by = "wall"
    return Proven(judgement.verdicts, matrix.kills, {mutant.id: mutant for mutant in matrix.survived})


def _count(candidates: int) -> str:
    return "1 candidate" if candidates == 1 else f"{candidates} candidates"


def _numbers(step: str, done: int, all_: int, kept: int) -> dict[str, float | str]:
    return {"step": step, "done": done, "all": all_, "kept": kept}
