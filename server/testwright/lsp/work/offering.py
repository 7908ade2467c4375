"""What the user is offered at the end of a run: what would let an agent take on what is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.errors import AgentMissing, ConsentMissing, TestwrightError
from testwright.lsp.work.runs import Ending, Offer, Run, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testwright.lsp.session import Session
    from testwright.service.agent.plan import Obstacle
    from testwright.service.result import RunResult

TITLES: dict[Offer, str] = {"set-up-agent": "Set up the agent", "consent": "Consent to models…"}
OFFER_SECONDS = 900.0
"""How long an offer stays open; a client need not say that nobody takes it."""


class Offers:
    """What the users of one session were offered. What is left is told once for a project, and offered once.

    Args:
        session: The session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told: set[Path] = set()
        self._last: dict[Path, tuple[Offer, ...]] = {}

    def of_last_run(self, root: Path) -> tuple[Offer, ...]:
        """What the last run in a project has found that the user may do, whether they were offered it or not."""
        return self._last.get(root, ())

    def done(self, offer: Offer) -> None:
        """The user has done it, so that nothing lacks it any more."""
        self._last = {root: tuple(one for one in offers if one != offer) for root, offers in self._last.items()}

    def told(self, work: Work, ending: Ending, result: RunResult) -> Ending:
        """The ending of a run, with what an agent lacks: where it was asked for by name, else once for a project.

        Args:
            work: What the run did.
            ending: How it ended.
            result: What became of it.
        """
        offers = self._last[work.root] = _offers(result.obstacles)
        if ending.status == "failed" and not result.not_gained:  # for what it lacks, which is in the message
            return replace(ending, offers=tuple(one for one in offers if one != "consent"))
        if not result.not_gained or work.root in self._told:
            return ending
        self._told.add(work.root)
        return replace(ending, message=f"{ending.message} {result.not_gained}", offers=offers)

    async def offer(self, run: Run, ending: Ending) -> None:
        """Show the end of a run with its offers as choices, and do what is chosen."""
        session = self._session
        choices = tuple(TITLES[one] for one in ending.offers)
        chosen = await session.peer.choose(ending.severity, ending.message, choices, seconds=OFFER_SECONDS)
        try:
            if chosen == TITLES["set-up-agent"]:
                answer = await session.agent.start()
                if answer["status"] != "started":
                    session.peer.show("info", answer["message"])
            elif chosen == TITLES["consent"]:
                await session.consents.answer(run.work.root, "ask")
        except TestwrightError as error:
            session.peer.show("error", str(error))


def _offers(obstacles: Sequence[Obstacle]) -> tuple[Offer, ...]:
    """What the user may do now; nothing where an agent would lack something else even then, as a key."""
    errors = [one.error for one in obstacles]
    if not all(isinstance(error, AgentMissing | ConsentMissing) for error in errors):
        return ()
    found: list[Offer] = []
    if any(isinstance(error, AgentMissing) for error in errors):
        found.append("set-up-agent")
    if any(isinstance(error, ConsentMissing) for error in errors):
        found.append("consent")
    return tuple(found)
