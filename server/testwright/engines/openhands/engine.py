"""The OpenHands agent as an engine: rounds with an agent, each judged from outside, until it is enough.

The agent's word counts for nothing here. A round gives a file, whoever judges it answers with what failed and what is
missing, and what was proven in one round stays proven whatever becomes of the next.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from testwright.engines.openhands.values import AgentLimits, AgentRound, AgentSession, AgentTask
from testwright.errors import AgentFailure, BoxFailure, BoxUnavailable, TestwrightError
from testwright.models.values import Need

LEAST_CONTEXT = 32_000
"""Tokens: the SDK's own prompt and tools take 7 000 (26 KB as measured), the task and some steps the rest."""
LEAST_SECONDS = 10.0
"""Less time than this is not worth a round."""

Judge = Callable[[AgentRound], Awaitable[str | None]]
"""Judges a round's file, and says what the agent is told next; None when nothing is left to do."""

_GOES_ON = frozenset({"finished", "max-steps", "stuck"})
"""Endings after which another round may help: the agent, its model and its box are still there."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What all rounds gave.

    Attributes:
        rounds: In order.
        notes: Sentences for the user.
        error: What ended it before it was done; None when nothing did.
    """

    rounds: tuple[AgentRound, ...]
    notes: tuple[str, ...] = ()
    error: TestwrightError | None = None


class OpenHandsEngine:
    """Leads a conversation with an agent.

    Args:
        session: The agent.
        limits: What it may take.
    """

    need = Need(tools=True, context=LEAST_CONTEXT)

    def __init__(self, session: AgentSession, limits: AgentLimits | None = None) -> None:
        self._session = session
        self._limits = limits or AgentLimits()

    async def begin(self, task: AgentTask) -> None:
        """Let the agent start while there is other work."""
        await self._session.begin(task)

    async def work(self, opening: str, judge: Judge, *, deadline: float) -> Worked:
        """Run rounds.

        An agent that fails is no error of this call, since what was proven before must not be lost with it; what
        ``judge`` raises is.

        Args:
            opening: The first prompt.
            judge: Called after each round, with a file or without, unless it gave the same as the one before.
            deadline: When all must have ended, as ``time.monotonic()``.
        """
        rounds: list[AgentRound] = []
        notes: list[str] = []
        text: str | None = opening
        error: TestwrightError | None = None
        while text is not None and len(rounds) < self._limits.rounds:
            if deadline - time.monotonic() < LEAST_SECONDS:
                notes.append(f"There was no time for {'another' if rounds else 'a'} round with the agent.")
                break
            try:
                done = await self._session.round(text, deadline=deadline)
            except (AgentFailure, BoxFailure, BoxUnavailable) as failure:
                error = failure
                break
            nothing_new = bool(rounds) and done.file == rounds[-1].file
            rounds.append(done)
            notes += done.notes
            goes_on = done.status in _GOES_ON
            if not goes_on:
                error = done.error
                notes.append(done.words)
            if nothing_new:
                notes.append("The agent gave the same again, so it was not asked further.")
                break
            text = await judge(done)
            if not goes_on:
                break
        return Worked(tuple(rounds), tuple(dict.fromkeys(notes)), error)
