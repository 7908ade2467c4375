"""What bounds the questions of a round."""

from __future__ import annotations

from typing import Any

from .endpoint import Ask
from .pipe import Refusal
from .trimming import trimmed


class Questions:
    """The agent's way to a model, within a round's limit. After one refusal a round asks no more.

    Attributes:
        refusal: Why the round got no answer.
    """

    def __init__(self, ask: Ask, limit: int, tokens: int | None) -> None:
        self.refusal: Refusal | None = None
        self._ask = ask
        self._limit = limit
        self._tokens = tokens
        self._asked = 0

    def begin_round(self) -> None:
        """Count anew."""
        self.refusal = None
        self._asked = 0

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask.

        Raises:
            Refusal: There is no answer.
        """
        if self.refusal is None and self._asked == self._limit:
            self.refusal = Refusal("max-steps", "The round has used all of its requests.", 429)
        if self.refusal is not None:
            raise self.refusal
        self._asked += 1
        try:
            return self._ask(trimmed(body, self._tokens))
        except Refusal as refusal:
            self.refusal = refusal
            raise
