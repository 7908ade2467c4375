"""The file of a record: JSON lines, a header first, then one line for each request with what came of it.

A record is handed on in bug reports, so it holds no key, no consent, no account, and no address of a server: ``plain``
takes out of a body what names its sender, and the chain is written without the addresses of its providers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from testwright import __version__
from testwright.models.values import (
    Chain,
    ChatAnswer,
    Choice,
    Fault,
    FaultKind,
    JsonObject,
    ModelEntry,
    Provider,
    Usage,
)
from testwright.models.words import printable

VERSION = 1
"""Of the form of the file; a file of another one is refused."""

MAX_TAPE_BYTES = 256 * 1024 * 1024
"""A record of more than this is not gone on with, and not read: an agent's whole run takes some megabytes."""

SENDER_FIELDS = frozenset({"user", "user_id", "safety_identifier", "org_id", "organization", "account_id"})
"""Fields at the top of a body that say who asks, by the OpenAI and OpenRouter APIs."""


Shown = Annotated[str, AfterValidator(printable)]
"""A text that a person gets to see; a terminal must not obey what somebody has written into a record."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordedModel(_Line):
    """A model of the chain, and the name of its provider in ``entry``."""

    entry: ModelEntry

    def shown(self) -> ModelEntry:
        """The model with names that a terminal does not obey."""
        return replace(self.entry, name=printable(self.entry.name), provider=printable(self.entry.provider))


class Header(_Line):
    """The first line.

    Attributes:
        testwright_tape: ``VERSION``.
        made: When, in seconds since 1970 UTC.
        begun: The same by the clock that the router waits by. Times are kept as that clock shows them, and not as
            differences, whose last digits differ: by these, one model may be ready before another.
        made_by: Version of Testwright.
        seed: Of the chance that lengthens waits: by it, which model may be asked first again.
        chain: Models that could be asked, in order.
    """

    testwright_tape: int
    made: float
    begun: float = 0.0
    made_by: str
    seed: int = 0
    chain: tuple[RecordedModel, ...]


class RecordedFault(_Line):
    """A ``Fault``, field by field."""

    kind: FaultKind
    words: Shown
    status: int | None
    retry_after: float | None
    resets_at: float | None
    provider_name: Shown | None
    usage: Usage | None
    was_sent: bool


class Recorded(_Line):
    """One request and what came of it: an answer or a fault.

    Attributes:
        provider, model: Who was asked.
        body: What was asked, as ``plain`` makes it.
        at: When it was sent, by the clock of ``Header.begun``.
        until: When the answer or the fault had come.
    """

    provider: Shown
    model: Shown
    body: dict[str, Any]
    at: float = Field(allow_inf_nan=False)
    until: float = Field(allow_inf_nan=False)
    answer: ChatAnswer | None = None
    fault: RecordedFault | None = None

    def outcome(self) -> ChatAnswer | Fault:
        """What came, as it came.

        Raises:
            ValueError: The line holds neither.
        """
        if self.answer is not None:
            return self.answer
        if self.fault is None:
            raise ValueError("neither answer nor fault")
        return Fault(**{name: getattr(self.fault, name) for name in RecordedFault.model_fields})


def header_line(chain: Chain, *, made: float, begun: float, seed: int) -> bytes:
    """The first line of a record of this chain."""
    models = [{"entry": asdict(choice.entry)} for choice in chain.taken]
    beginning = {"made": made, "begun": begun, "made_by": f"testwright {__version__}"}
    return _line({"testwright_tape": VERSION, **beginning, "seed": seed, "chain": models})


def request_line(  # noqa: PLR0913 - the fields of a line
    entry: ModelEntry,
    body: JsonObject,
    outcome: ChatAnswer | Fault,
    *,
    at: float,
    until: float,
    clean: Callable[[str], str],
) -> bytes:
    """The line of one request.

    Args:
        entry: Who was asked.
        body: What was asked, as ``plain`` has made it.
        outcome: What came of it.
        at: When it was sent, by the router's clock.
        until: When it came.
        clean: Takes keys out of a text.
    """
    values: dict[str, Any] = {
        "provider": entry.provider,
        "model": entry.name,
        "body": body,
        "at": at,
        "until": until,
    }
    if isinstance(outcome, Fault):
        values["fault"] = plain(asdict(outcome), clean)
    else:
        # Not by asdict, which copies a body of any size.
        answer = {name: getattr(outcome, name) for name in ("model", "finish_reason", "seconds")}
        values["answer"] = {**answer, "usage": asdict(outcome.usage), "body": plain(outcome.body, clean)}
    return _line(values)


def replayed_chain(header: Header) -> Chain:
    """The chain of a record, whose providers have neither address nor key nor limits: nothing is sent to them."""
    return Chain(
        tuple(
            Choice(
                entry=entry,
                provider=Provider(name=entry.provider, base_url=""),
                is_taken=True,
                why="It is in the chain of the record.",
            )
            for entry in (model.shown() for model in header.chain)
        )
    )


def plain(value: Mapping[str, Any], clean: Callable[[str], str]) -> dict[str, Any]:
    """A body as JSON values, without keys and without what says who asks.

    What is no JSON, which no client could have sent, is written as the name of its type.
    """
    return {clean(str(name)): _plain(one, clean) for name, one in value.items() if name not in SENDER_FIELDS}


def digest(body: JsonObject) -> str:
    """Names a body: SHA-256 of its JSON with sorted names, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {clean(str(name)): _plain(one, clean) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(one, clean) for one in value]
    return f"<{type(value).__name__}>"


def _line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"
