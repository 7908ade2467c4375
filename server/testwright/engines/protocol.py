"""What an engine is: it proposes candidates, and may ask models for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from testwright.boxes.session import Session
from testwright.model import Candidate, CoverageSets, StoppedBy, Target
from testwright.models.values import ChatAnswer, ChatRequest, Need


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an engine proposes.

    Attributes:
        candidates: Unproven tests.
        stopped_by: Why the search ended.
        cases: How many were run.
        notes: Sentences for the user.
    """

    candidates: tuple[Candidate, ...]
    stopped_by: StoppedBy
    cases: int
    notes: tuple[str, ...]


class Ask(Protocol):
    """Asks the models of a run."""

    async def __call__(self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        """Get one answer; may be called many times at once.

        Args:
            request: What to ask.
            on_text: Told the text of a stream as it comes.

        Raises:
            ModelError: No answer can be had: its subclass says why, and whether asking again makes sense.
            TestwrightError: Models could not be made ready: a registry or a record that is wrong, a full disk.
        """
        ...


class Engine(Protocol):
    """Proposes candidates. It neither reports its own success nor knows the judge's rules."""

    @property
    def need(self) -> Need:
        """What it needs of a model; of no weight when it asks none."""
        ...

    async def propose(  # noqa: PLR0913 - what bounds a search is named by its caller
        self,
        session: Session,
        target: Target,
        goals: CoverageSets,
        *,
        seed: int,
        deadline_seconds: float,
        ask: Ask,
        on_progress: Callable[[int, int, int], None],
    ) -> Proposal:
        """Search for tests.

        Args:
            session: The run's box.
            target: What tests are wanted for.
            goals: Lines and branches of the target's file; what is executed already is not looked for.
            seed: The same seed gives the same candidates, as far as nothing but the engine decides.
            deadline_seconds: Wall time for all of it.
            ask: Asks models. The first question makes them ready; an engine that asks none costs nothing of that.
            on_progress: Called with cases run, lines and branches newly reached.

        Raises:
            BoxFailure: A program in the box did not answer as it should.
            BoxUnavailable: There is no box.
            TestwrightError: It cannot do without the answer that ``ask`` did not give.
        """
        ...
