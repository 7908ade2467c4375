"""The lines on the agent's pipe, in both directions. What comes is parsed against these, or the agent is not believed.

The program in the box is ours, but what shares the box with it is not: a line may have been written by anyone there.
``inside.agent.lines`` makes what is parsed here, and ``inside.agent.pipe`` parses what is made here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from testwright.errors import AgentFailure
from testwright.models.values import JsonObject

VERSION = 1
MAX_LINE = 8 * 1024 * 1024
"""Bytes of one line, in both directions."""
MAX_ROUND = 1_000_000
"""Characters of what an agent is told at once; no model reads as much."""
FILE_LIMIT = 1024 * 1024
"""Bytes of the agreed file."""

NO_MESSAGE = "Run again; if it stays, take --engine embedded and report the module that did this."

Words = Annotated[str, Field(max_length=4_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]
FileProblem = Literal["missing", "link", "not-a-file", "too-large", "unreadable"]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Ready(_Line):
    """The SDK is imported and the workspace unpacked, so many seconds after the start."""

    type: Literal["ready"]
    version: Literal[1]
    sdk: Annotated[str, Field(max_length=100)]
    python: Annotated[str, Field(max_length=100)]
    seconds: Annotated[float, Field(ge=0, le=1e6)]


class Question(_Line):
    """A question to a model: a body of OpenAI's chat completions."""

    type: Literal["ask"]
    id: Number
    body: dict[str, Any]


class Step(_Line):
    """The agent uses a tool (``is_error`` is None), or has used it."""

    type: Literal["step"]
    number: Number
    tool: Annotated[str, Field(max_length=1_000)]
    words: Words
    output: Annotated[str, Field(max_length=8_000)] | None = None
    is_error: bool | None = None
    exit_code: Annotated[int, Field(ge=-(2**31), le=2**31)] | None = None


class Said(_Line):
    """Prose of the agent, shortened."""

    type: Literal["said"]
    text: Words


class File(_Line):
    """The agreed file at the end of a round: as text, as bytes when it is no UTF-8, or what is wrong with it."""

    type: Literal["file"]
    text: Annotated[str, Field(max_length=FILE_LIMIT)] | None
    base64: Annotated[str, Field(max_length=FILE_LIMIT * 4 // 3 + 4)] | None
    sha: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    problem: FileProblem | None

    @property
    def is_sound(self) -> bool:
        """Whether it says one thing, and the digest is that of its content."""
        if self.problem is not None:
            return self.text is None and self.base64 is None and self.sha is None
        if (self.text is None) == (self.base64 is None):
            return False
        try:
            data = (
                base64.b64decode(self.base64, validate=True) if self.base64 is not None else (self.text or "").encode()
            )
        except (binascii.Error, ValueError):  # a lone surrogate is no text of a file
            return False
        return len(data) <= FILE_LIMIT and self.sha == hashlib.sha256(data).hexdigest()


class RoundEnd(_Line):
    """How a round ended, after so many steps of it."""

    type: Literal["round_end"]
    status: Literal["finished", "stuck", "max-steps", "error", "refused"]
    detail: Words
    steps: Count


class Failed(_Line):
    """The program cannot go on, and ends."""

    type: Literal["failed"]
    code: Annotated[str, Field(max_length=100)]
    words: Words


FromAgent = Ready | Question | Step | Said | File | RoundEnd | Failed
_FROM_AGENT: TypeAdapter[FromAgent] = TypeAdapter(Annotated[FromAgent, Field(discriminator="type")])


def parse_line(line: bytes) -> FromAgent:
    """Parse a line of the agent's program.

    Raises:
        AgentFailure: It is none.
    """
    if len(line) > MAX_LINE:
        raise AgentFailure(
            f"The agent's program wrote a line of {len(line)} bytes, and {MAX_LINE} are allowed.", next_step=NO_MESSAGE
        )
    try:
        # Decoded here, since a JSON parser of bytes guesses among encodings.
        message = _FROM_AGENT.validate_python(json.loads(line.decode("utf-8"), parse_constant=_refuse_constant))
    except ValidationError as error:
        raise AgentFailure(
            f"The agent's program wrote something that is no message of ours ({error.error_count()} errors), "
            "so nothing that it says is believed.",
            next_step=NO_MESSAGE,
        ) from error
    except (ValueError, RecursionError) as error:
        raise AgentFailure(
            "The agent's program wrote a line that is no JSON, so nothing that it says is believed.",
            next_step=NO_MESSAGE,
        ) from error
    if isinstance(message, File) and not message.is_sound:
        raise AgentFailure(
            "The agent's program handed over a test file whose content and digest do not agree, so it is not taken.",
            next_step=NO_MESSAGE,
        )
    return message


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class Start(_Line):
    """The first line; ``inside.agent.bootstrap`` says what follows it."""

    type: Literal["start"] = "start"
    version: Literal[1] = 1
    workspace_bytes: Annotated[int, Field(ge=0)]
    test_path: str
    model: str
    tool_calling: bool
    max_steps: Annotated[int, Field(ge=1)]
    max_input_tokens: int | None
    max_output_tokens: int | None
    python: str
    import_roots: tuple[str, ...]
    file_limit: int = FILE_LIMIT


class Answer(_Line):
    """A model's answer: a whole ``chat.completion``."""

    type: Literal["answer"] = "answer"
    id: int
    body: JsonObject


class Problem(_Line):
    """Why there is no answer; ``status`` says it to the SDK, as HTTP does."""

    slug: str
    message: str
    status: Annotated[int, Field(ge=400, le=599)]


class Refusal(_Line):
    """There is no answer to a question."""

    type: Literal["refusal"] = "refusal"
    id: int
    error: Problem


class Round(_Line):
    """What to do now: the first prompt, or the answer to the last file."""

    type: Literal["round"] = "round"
    text: Annotated[str, Field(max_length=MAX_ROUND)]


class End(_Line):
    """There is no further round."""

    type: Literal["end"] = "end"


ToAgent = Start | Answer | Refusal | Round | End


def encoded(message: ToAgent) -> bytes:
    """A line for the agent's program; what is no character (a lone surrogate) is escaped."""
    return json.dumps(message.model_dump(mode="python"), ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
