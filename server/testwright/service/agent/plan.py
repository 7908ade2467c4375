"""Who works in a run, decided from facts (pure).

The embedded engine goes first: it takes seconds and costs nothing. The agent takes on what it has left, when it can;
when it cannot, one line says what it would have taken on, and what it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from testwright.errors import TestwrightError
from testwright.model import Arc, MutantSummary
from testwright.settings import EngineName


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is left to be tested.

    Attributes:
        lines, branches: Of what is asked for, and run by no test, neither one that was there nor one that is proven.
        mutants: Those that all tests which run them pass on.
    """

    lines: tuple[int, ...] = ()
    branches: tuple[Arc, ...] = ()
    mutants: tuple[MutantSummary, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.branches or self.mutants)

    @property
    def words(self) -> str:
        """How many there are: ``12 lines, 1 branch and 3 mutants``; ``nothing``."""
        counted = (
            ("line", "lines", len(self.lines)),
            ("branch", "branches", len(self.branches)),
            ("mutant", "mutants", len(self.mutants)),
        )
        parts = [f"{number} {one if number == 1 else many}" for one, many, number in counted if number]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "nothing"

    @property
    def number(self) -> int:
        """How many there are of all kinds."""
        return len(self.lines) + len(self.branches) + len(self.mutants)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that an agent needs and does not have.

    Attributes:
        what: It, as a part of a sentence: ``a key``.
        step: How to get it: ``set OPENROUTER_API_KEY``.
        error: The same for who has asked for the agent by name.
    """

    what: str
    step: str
    error: TestwrightError


def refusal(obstacles: Sequence[Obstacle]) -> TestwrightError:
    """The error for who has asked for the agent by name: of the first obstacle, with all that is missing besides.

    Args:
        obstacles: What stands in its way; one at least.
    """
    first, *others = obstacles
    if not others:
        return first.error
    besides = f"The agent lacks besides: {_needs(others)}."
    return type(first.error)(first.error.message, next_step=f"{first.error.next_step} {besides}".strip())


def _needs(obstacles: Sequence[Obstacle]) -> str:
    return "; ".join(f"{obstacle.what} ({obstacle.step})" for obstacle in obstacles)


def not_gained(engine: EngineName, gaps: Gaps, obstacles: Sequence[Obstacle]) -> str:
    """What an agent would have taken on and what it would need, as a sentence; empty when there is nothing to say.

    Args:
        engine: As the settings have it; who takes the embedded engine by name is not told of another.
        gaps: What is left.
        obstacles: What stands in an agent's way.
    """
    if engine != "auto" or not gaps or not obstacles:
        return ""
    verb = "is" if gaps.number == 1 else "are"
    return f"{gaps.words} {verb} left, which an agent would take on. What it lacks: {_needs(obstacles)}."
