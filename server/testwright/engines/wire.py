"""What the explorer in the box may say: every message is parsed against these, or the box is not believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from testwright.errors import BoxFailure
from testwright.model import StoppedBy

MAX_LINES = 20_000
Name = Annotated[str, Field(max_length=300)]
Source = Annotated[str, Field(max_length=8_000)]
Line = Annotated[int, Field(ge=-10_000_000, le=10_000_000)]
ImportParts = tuple[Name, Name | None, Name | None]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Proposed(_Message):
    """A candidate, in the explorer's words; ``model.Candidate`` says what the fields mean."""

    type: Literal["candidate"]
    id: Name
    target: Name
    scenario: Name
    arrange: Annotated[list[Source], Field(max_length=60)]
    act: Source
    binds: Name | None
    asserts: Annotated[list[Source], Field(max_length=30)]
    raises: tuple[Name, Source | None] | None
    warns: Name | None
    imports: Annotated[list[ImportParts], Field(max_length=60)]
    fixtures: Annotated[list[Literal["tmp_path", "monkeypatch", "capsys", "caplog"]], Field(max_length=4)]
    origin: Literal["embedded:doctest", "embedded:example", "embedded:search", "embedded:mutation"]
    lines: Annotated[list[Line], Field(max_length=MAX_LINES)]
    branches: Annotated[list[tuple[Line, Line]], Field(max_length=MAX_LINES)]


class Progressed(_Message):
    """How far the search is: cases run, and lines and branches reached that were missing."""

    type: Literal["progress"]
    cases: Annotated[int, Field(ge=0)]
    lines: Annotated[int, Field(ge=0)]
    branches: Annotated[int, Field(ge=0)]


class Explored(_Message):
    """The search is over."""

    type: Literal["explored"]
    stopped_by: StoppedBy
    cases: Annotated[int, Field(ge=0)]
    poisoned: Annotated[list[Source], Field(max_length=20)]


Message = Annotated[Proposed | Progressed | Explored, Field(discriminator="type")]
_MESSAGES: TypeAdapter[Proposed | Progressed | Explored] = TypeAdapter(Message)


def explore_message(message: Mapping[str, Any]) -> Proposed | Progressed | Explored:
    """Parse one message.

    Raises:
        BoxFailure: It is none of the explorer's.
    """
    try:
        return _MESSAGES.validate_python(message)
    except ValidationError as error:
        raise BoxFailure(
            f"The explorer in the box said something that is no message of ours ({error.error_count()} errors), "
            "so its proposals are not believed.",
            next_step="The module under test may write to descriptors directly; name one of its symbols as the target.",
        ) from error
