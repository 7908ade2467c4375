"""Frozen values between a run and its agent: the task, the limits, what a round gave, how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, Self

from testwright.boxes.protocol import Box
from testwright.errors import TestwrightError

RoundStatus = Literal["finished", "stuck", "max-steps", "refused", "error", "out-of-time"]
"""How a round ended. None of them says that the file is any good: that is what the judge measures."""


@dataclass(frozen=True, slots=True)
class AgentLimits:
    """What one conversation with an agent may take; tokens and money are counted where models are asked.

    Attributes:
        rounds: Rounds, each of which the judge answers.
        steps: Uses of a tool in one round.
        requests: Questions to a model in all rounds, refused ones included.
    """

    rounds: int = 3
    steps: int = 60
    requests: int = 200


@dataclass(frozen=True, slots=True)
class AgentTask:
    """What an agent must know before it is told what is missing, so that it can start while that is still measured.

    Attributes:
        test_path: The one file that is taken from it, relative to the workspace, with slashes.
        python: The project's interpreter, as the agent's box sees it.
        import_roots: Folders that the project's modules are imported from, relative to the workspace, with slashes.
        model: What the SDK is told that the model is called; models are chosen outside.
        tool_calling: Whether the model calls tools; else they are described to it in the prompt.
        max_input_tokens, max_output_tokens: Of the model; None when that is not known.
        limits: What it may take.
    """

    test_path: str
    python: str
    import_roots: tuple[str, ...]
    model: str = "testwright"
    tool_calling: bool = True
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    limits: AgentLimits = field(default_factory=AgentLimits)


@dataclass(frozen=True, slots=True)
class AgentRound:
    """What a round gave.

    Attributes:
        file: The agreed file's text at its end; None when there is none that can be used, ``words`` says why.
        status: How it ended.
        words: The same as a sentence for a person.
        steps: Uses of a tool.
        requests: Questions to a model.
        tokens: That its answers took, prompts included.
        cost: US dollars.
        notes: Further sentences for the user.
        error: Why a model gave no answer, when that ended it.
    """

    file: str | None
    status: RoundStatus
    words: str
    steps: int = 0
    requests: int = 0
    tokens: int = 0
    cost: float = 0.0
    notes: tuple[str, ...] = ()
    error: TestwrightError | None = None


@dataclass(frozen=True, slots=True)
class AgentProgress:
    """How far an agent is.

    Attributes:
        words: What it does, for a person: ``step 7: running pytest, 3 failed``.
        step: Uses of a tool so far, in all rounds.
        requests: Questions to a model so far.
        tokens: That the answers took.
        cost: US dollars.
    """

    words: str
    step: int
    requests: int
    tokens: int
    cost: float


class AgentSession(Protocol):
    """One conversation with an agent in a box. Leaving the ``async with`` ends the box, whatever goes on in it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def begin(self, task: AgentTask) -> None:
        """Begin to start it; returns at once, and a failure is told by the first round."""
        ...

    async def round(self, text: str, *, deadline: float) -> AgentRound:
        """Tell the agent what to do, and wait for its file.

        Args:
            text: The first prompt, or the answer to its last file.
            deadline: When it must have ended, as ``time.monotonic()``.

        Raises:
            AgentFailure: The program in the box broke off, hung, or said what is no message.
            BoxUnavailable: There is no box.
            BoxFailure: The box did not start.
        """
        ...


class Launcher(Protocol):
    """A box with an agent's interpreter in it (``boxes.agent_box.AgentBox``)."""

    @property
    def box(self) -> Box:
        """The box."""
        ...

    @property
    def python(self) -> str:
        """The interpreter that has the SDK, as the box sees it."""
        ...

    @property
    def read_only(self) -> tuple[Path, ...]:
        """What the box must see of the host: the interpreters' roots; nothing where an image has them."""
        ...
