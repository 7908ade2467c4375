"""What is wrong with a file, each with its line, and the one error that tells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testwright.errors import RegistryError

MAX_TOLD = 10
"""More than this are counted and not told: they have mostly one cause."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        line: From 1.
        field: ``priority of qwen/qwen3-coder:free``; empty when it is about no field.
        words: The rest of the sentence, without a full stop.
    """

    line: int
    field: str
    words: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field} {self.words}" if self.field else f"line {self.line}: {self.words}"


def error_of(path: Path, problems: Sequence[Problem]) -> RegistryError:
    """The error that tells the problems of a file in the order of their lines, each once."""
    told = sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
    if len(told) == 1:
        message = f"The registry of models {path} has an error in {told[0]}."
    else:
        shown = "; ".join(str(problem) for problem in told[:MAX_TOLD])
        more = f"; and {len(told) - MAX_TOLD} more" if len(told) > MAX_TOLD else ""
        message = f"The registry of models {path} has {len(told)} errors: {shown}{more}."
    return RegistryError(message, next_step="Correct the file; docs/registry.md tells what may stand in it.")
