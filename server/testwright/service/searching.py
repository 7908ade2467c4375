"""The search for tests by an engine that proposes them at once, without an agent."""

from __future__ import annotations

from testwright.engines.protocol import Ask, Engine, Proposal
from testwright.model import CoverageSets
from testwright.service.account import Account
from testwright.service.job import Job
from testwright.service.measuring import Measured
from testwright.service.workshop import Workshop

EXPLORE_SHARE = 0.4
"""Share of the budget that it may take at most; it ends by itself on a plateau, as a rule long before."""


async def search(  # noqa: PLR0913, PLR0917 - what an engine is given, each once
    account: Account, job: Job, workshop: Workshop, measured: Measured, engine: Engine, ask: Ask
) -> Proposal:
    """Let an engine propose tests for what is not covered.

    Raises:
        BoxFailure: A program in the box did not answer as it should.
        BoxUnavailable: There is no box.
        TestwrightError: The engine cannot do without an answer that it did not get.
    """
    asked = job.subject.asked(measured.settled)

    def searched(cases: int, lines: int, branches: int) -> None:
        if lines or branches:
            account.covered = _percent_with(asked, lines + branches)
        words = f"{cases} cases, {lines} lines and {branches} branches reached"
        account.progress(words, cases=cases, lines=lines, branches=branches)

    with account.step("explore", "searching for tests"):
        proposal = await engine.propose(
            workshop.session,
            job.target,
            measured.settled,
            seed=job.settings.seed,
            deadline_seconds=account.watch.share(EXPLORE_SHARE),
            ask=ask,
            on_progress=searched,
        )
    account.stopped_by = proposal.stopped_by
    account.note(*proposal.notes)
    return proposal


def _percent_with(sets: CoverageSets, reached: int) -> float:
    """Percent of lines and branches when so many of the missing ones are reached, which a box has counted."""
    missing = len(sets.missing_lines) + len(sets.missing_branches)
    whole = len(sets.statements) + len(sets.branches)
    return round(100.0 * (whole - max(0, missing - reached)) / whole, 2) if whole else 100.0
