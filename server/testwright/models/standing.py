"""How a model stands in a question, and what a run remembers of it from one question to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from testwright.models.breaker import Breaker
from testwright.models.values import Attempted, Choice

Key = tuple[str, str]
"""A model: its provider's name and its own."""


@dataclass(slots=True)
class Memory:
    """What a run remembers from one question to the next.

    Attributes:
        spoilt: Models that are not asked again in this run, and why.
        rests: Until when a model is left alone because its provider said so, in monotonic seconds.
        lately: Why a model rests.
    """

    spoilt: dict[Key, Attempted] = field(default_factory=dict)
    rests: dict[Key, float] = field(default_factory=dict)
    lately: dict[Key, Attempted] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Standing:
    """How a model stands in one question.

    Attributes:
        choice: The model.
        account: Whose requests it takes (``Quota.account_of``).
        breaker: The model's own, shared with other questions and runs.
        failures: How often it has failed this question.
        asked_in: The round in which it was last asked; 0 when never.
        rests_until: Monotonic seconds before which it is not asked this question again.
        is_out: Whether it is not asked this question again at all.
        last: Why it gave no answer.
    """

    choice: Choice
    account: str
    breaker: Breaker
    failures: int = 0
    asked_in: int = 0
    rests_until: float = -math.inf
    is_out: bool = False
    last: Attempted | None = None

    @property
    def key(self) -> Key:
        """Its provider's name and its own."""
        return self.choice.provider.name, self.choice.entry.name


class NotNow(Exception):
    """Nobody can be asked at this moment.

    Attributes:
        seconds: When to look again.
        words: Why, for a person; empty when it is not worth a word.
    """

    def __init__(self, seconds: float, words: str = "") -> None:
        super().__init__(words)
        self.seconds = seconds
        self.words = words
