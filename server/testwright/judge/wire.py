"""What the judge's programs in a box may say: every message is parsed against these, or the box is not believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from testwright.errors import BoxFailure
from testwright.model import CoverageSets

MAX_NUMBERS = 200_000
"""Most lines or branches in one message: about the longest Python file there is, with room."""
MAX_ERRORS = 1000
MAX_NAME = 2000

Line = Annotated[int, Field(ge=-10_000_000, le=10_000_000)]
Lines = Annotated[list[Line], Field(max_length=MAX_NUMBERS)]
Branches = Annotated[list[tuple[Line, Line]], Field(max_length=MAX_NUMBERS)]
Text = Annotated[str, Field(max_length=MAX_NAME)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Sets(_Message):
    """Coverage of the target, as ``model.CoverageSets``."""

    statements: Lines
    executed: Lines
    branches: Branches
    executed_branches: Branches

    def to_model(self) -> CoverageSets:
        """The same as a value of the model."""
        return CoverageSets(
            frozenset(self.statements),
            frozenset(self.executed),
            frozenset(self.branches),
            frozenset(self.executed_branches),
        )


class Imported(_Message):
    """The target was imported."""

    type: Literal["imported"]
    coverage: Sets
    python: Text
    pytest: Text
    coverage_version: Text
    overlay_used: Annotated[list[Text], Field(max_length=10)]


ImportStage = Literal[
    "exit", "syntax", "not-found", "missing-dependency", "recursion", "memory", "processes", "exception", "wrong-file"
]


class ImportFailed(_Message):
    """The target was not imported."""

    type: Literal["import-failed"]
    stage: ImportStage
    exception: Text
    message: Text
    line: Line | None
    missing: Text | None


class Ready(_Message):
    """The candidates are collected."""

    type: Literal["ready"]
    clock: Literal["datetime-patch", "none"]
    shielded: bool


class Started(_Message):
    """A candidate is about to run."""

    type: Literal["start"]
    name: Text


class Result(_Message):
    """How one candidate ended, as seen by the process that started it."""

    type: Literal["result"]
    name: Text
    outcome: Literal["passed", "failed", "error", "timeout", "crashed"]
    reason: Text
    lines: Lines
    branches: Branches


class Done(_Message):
    """No candidate is left, or no time."""

    type: Literal["done"]
    complete: bool


class NotCollected(_Message):
    """pytest ended without a candidate."""

    type: Literal["not-collected"]
    exit_code: int
    errors: Annotated[list[Text], Field(max_length=MAX_ERRORS)]


class WrongFile(_Message):
    """Under pytest the target's name leads to another file."""

    type: Literal["wrong-file"]
    path: Text


class BadImports(_Message):
    """Imports of the candidates' file that fail: line of the statement and why."""

    type: Literal["bad-imports"]
    failures: Annotated[list[tuple[Line, Text]], Field(max_length=MAX_ERRORS)]


class CollectError(_Message):
    """A file of the suite could not be collected."""

    type: Literal["collect-error"]
    nodeid: Text
    message: Text


class Collected(_Message):
    """A plain run has found its tests."""

    type: Literal["collected"]
    tests: Annotated[int, Field(ge=0, le=10_000_000)]


class TestStarted(_Message):
    """A test of a plain run is about to run."""

    __test__ = False

    type: Literal["test-start"]
    nodeid: Text


class TestEnded(_Message):
    """A test of a plain run ended."""

    __test__ = False

    type: Literal["test"]
    nodeid: Text
    outcome: Literal["passed", "failed", "error", "skipped", "timeout"]
    message: Text


class SoFar(_Message):
    """Coverage of a plain run until now."""

    type: Literal["so-far"]
    lines: Lines
    branches: Branches


class Finished(_Message):
    """A plain run came to its end."""

    type: Literal["finished"]
    exit_code: int
    collected: int
    coverage: Sets | None


_M = TypeVar("_M")

_IMPORTING: TypeAdapter[Imported | ImportFailed] = TypeAdapter(
    Annotated[Imported | ImportFailed, Field(discriminator="type")]
)
JudgingMessage = Ready | Started | Result | Done | NotCollected | WrongFile | BadImports
_JUDGING: TypeAdapter[JudgingMessage] = TypeAdapter(Annotated[JudgingMessage, Field(discriminator="type")])
PlainMessage = CollectError | Collected | TestStarted | TestEnded | SoFar | Finished
_PLAIN: TypeAdapter[PlainMessage] = TypeAdapter(Annotated[PlainMessage, Field(discriminator="type")])


def importing_message(message: Mapping[str, Any]) -> Imported | ImportFailed:
    """Parse a message of the task ``importing``.

    Raises:
        BoxFailure: It is none.
    """
    return _parse(_IMPORTING, message)


def judging_message(message: Mapping[str, Any]) -> JudgingMessage:
    """Parse a message of the task ``judging``.

    Raises:
        BoxFailure: It is none.
    """
    return _parse(_JUDGING, message)


def plain_message(message: Mapping[str, Any]) -> PlainMessage:
    """Parse a message of the tasks ``baseline`` and ``verify``.

    Raises:
        BoxFailure: It is none.
    """
    return _parse(_PLAIN, message)


def _parse(adapter: TypeAdapter[_M], message: Mapping[str, Any]) -> _M:
    try:
        return adapter.validate_python(message)
    except ValidationError as error:
        first = error.errors()[0]
        raise BoxFailure(
            f"A program in the box sent a message that does not fit ({first['type']}), so it is not believed.",
            next_step="Run again; if it stays, report the module that did this.",
        ) from None
