"""What commands take: one object each, checked field by field, so that a wrong one is answered with a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar, get_args

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from testwright.settings import AgentSdk

MAX_TEXT = 8192
"""Characters that an address or a name may have; the longest path that Linux takes has 4096 bytes."""

Token = int | str
Action = Literal["ask", "give", "withdraw", "show"]
"""What a user may want of consent: to be asked, to agree, to take it back, to see how things stand."""

T = TypeVar("T", bound=str)


class WrongArgument(JsonRpcInvalidParams):
    """An argument is not what the command takes; the protocol answers InvalidParams (-32602) with the sentence."""


class Fields:
    """An object that the client has sent, read field by field. ``finish`` refuses what was not asked for.

    Args:
        subject: Whose argument it is, for sentences: the command's name.
        given: The object; None counts as an empty one.
        token: The request's own progress token.

    Raises:
        WrongArgument: It is no object.
    """

    def __init__(self, subject: str, given: object, token: Token | None = None) -> None:
        self._subject = subject
        self._token = token
        if hasattr(given, "_asdict"):  # pygls makes named tuples of what the protocol does not know
            given = given._asdict()
        if given is not None and not isinstance(given, Mapping):
            raise WrongArgument(f"{subject} takes one object, not {_kind(given)}.")
        self._values: Mapping[str, Any] = given or {}
        self._asked: list[str] = []

    @classmethod
    def of_command(cls, params: types.ExecuteCommandParams, *, with_token: bool = True) -> Self:
        """The argument of a command.

        Args:
            params: Of the request.
            with_token: Whether the request's own progress token counts, where the argument has none.

        Raises:
            WrongArgument: There are several, or it is no object.
        """
        arguments: Sequence[object] = params.arguments or ()
        if len(arguments) > 1:
            raise WrongArgument(f"{params.command} takes one object, not {len(arguments)} arguments.")
        token = params.work_done_token if with_token else None
        return cls(params.command, arguments[0] if arguments else None, token)

    def text(self, name: str) -> str:
        """A text that must be there and not be empty."""
        value = self.optional_text(name)
        if value is None:
            raise WrongArgument(f"{self._subject} needs {name}, a text.")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text that is not empty, None when it is not given."""
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > MAX_TEXT:
            raise self._wrong(name, f"a text of 1 to {MAX_TEXT} characters", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, at least one."""
        value = self._take(name)
        if not isinstance(value, list | tuple) or not value or not all(isinstance(one, str) and one for one in value):
            raise self._wrong(name, "a list of at least one text", value)
        return tuple(dict.fromkeys(value))

    def choice(self, name: str, allowed: Sequence[T], *, default: T) -> T:
        """One of some texts."""
        found = self.optional_choice(name, allowed)
        return default if found is None else found

    def optional_choice(self, name: str, allowed: Sequence[T]) -> T | None:
        """One of some texts, None when it is not given."""
        value = self._take(name)
        if value is None:
            return None
        for one in allowed:
            if value == one:
                return one
        raise self._wrong(name, f"one of {', '.join(allowed)}", value)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def required_flag(self, name: str) -> bool:
        """True or false, which must be said."""
        if self._values.get(name) is None:
            raise WrongArgument(f"{self._subject} needs {name}, true or false.")
        return self.flag(name, default=False)

    def token(self) -> Token | None:
        """The client's progress token, in the field ``workDoneToken`` or beside the argument; None without one."""
        value = self._take("workDoneToken")
        if value is None:
            return self._token
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self._wrong("workDoneToken", "a progress token, an integer or a text", value)
        return value

    def range(self, name: str) -> types.Range | None:
        """A range as the protocol has it, None when it is not given."""
        value = self._take(name)
        if value is None:
            return None
        start, end = (_position(value.get(end) if isinstance(value, Mapping) else None) for end in ("start", "end"))
        if start is None or end is None:
            raise self._wrong(name, "a range with start and end, each with line and character from 0 on", value)
        if (end.line, end.character) < (start.line, start.character):
            raise WrongArgument(f"{name} of {self._subject} ends before it starts.")
        return types.Range(start, end)

    def finish(self) -> None:
        """Refuse fields that nothing has asked for."""
        for name in self._values:
            if name not in self._asked:
                near = next(iter(difflib.get_close_matches(name, self._asked, n=1)), None)
                known = ", ".join(self._asked) if self._asked else "nothing"
                hint = f"Did you mean {near}?" if near is not None else f"It takes {known}."
                raise WrongArgument(f"{self._subject} does not take {name[:60]!r}. {hint}")

    def _take(self, name: str) -> Any:
        self._asked.append(name)
        return self._values.get(name)

    def _wrong(self, name: str, expected: str, value: object) -> WrongArgument:
        # Never the value itself: what is sent to the wrong place may be a secret.
        return WrongArgument(f"{name} of {self._subject} must be {expected}, not {_kind(value)}.")


def _position(value: object) -> types.Position | None:
    """A position as the protocol has it, None when it is none."""
    if not isinstance(value, Mapping):
        return None
    match value.get("line"), value.get("character"):
        case (bool(), _) | (_, bool()):
            return None
        case int(line), int(character) if line >= 0 and character >= 0:
            return types.Position(line, character)
        case _:
            return None


def _kind(value: object) -> str:
    """What kind of JSON value something is."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "an empty text" if not value.strip() else "a text"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"


@dataclass(frozen=True, slots=True)
class GenerateArguments:
    """Of ``testwright.generateTests``.

    Attributes:
        uri: The module's document.
        range: Lines in it: the innermost public class or function that holds them is meant; None for the module.
        symbol: Qualified name of what is meant (``Cart.total``); None to go by ``range``.
        show: Whether the editor is to show the test file at the end.
        token: A progress token of the client.
    """

    uri: str
    range: types.Range | None
    symbol: str | None
    show: bool
    token: Token | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        found = cls(
            fields.text("uri"),
            fields.range("range"),
            fields.optional_text("symbol"),
            fields.flag("show", default=True),
            fields.token(),
        )
        if found.range is not None and found.symbol is not None:
            raise WrongArgument("testwright.generateTests takes range or symbol, not both.")
        return found


@dataclass(frozen=True, slots=True)
class JudgeArguments:
    """Of ``testwright.judgeTests``: the module's document, or that of its test file."""

    uri: str
    token: Token | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.text("uri"), fields.token())


@dataclass(frozen=True, slots=True)
class RefreshArguments:
    """Of ``testwright.refreshCoverage``: the module's document; None for all modules that are open."""

    uri: str | None
    token: Token | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.optional_text("uri"), fields.token())


@dataclass(frozen=True, slots=True)
class CancelArguments:
    """Of ``testwright.cancelRun``: a run's id; None for all runs."""

    run: str | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.optional_text("run"))


@dataclass(frozen=True, slots=True)
class ReportArguments:
    """Of ``testwright.showReport``: a module or its test file, None for the last run of all; whether to show it."""

    uri: str | None
    show: bool

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.optional_text("uri"), fields.flag("show", default=True))


@dataclass(frozen=True, slots=True)
class DiscardArguments:
    """Of ``testwright.discardTests``: the run that has added them."""

    run: str

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.text("run"))


@dataclass(frozen=True, slots=True)
class TestsArguments:
    """Of ``testwright.rejectTests`` and ``testwright.acceptTests``: the run that has added them, and their names."""

    __test__ = False

    run: str
    tests: tuple[str, ...]

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.text("run"), fields.texts("tests"))


@dataclass(frozen=True, slots=True)
class ModelsArguments:
    """Of ``testwright.models``: a file or folder, None for the only folder; whether to show what is found."""

    uri: str | None
    show: bool

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.optional_text("uri"), fields.flag("show", default=True))


@dataclass(frozen=True, slots=True)
class ConsentArguments:
    """Of ``testwright.consent``: a file or folder, None for the only folder; what the user wants."""

    uri: str | None
    action: Action

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.optional_text("uri"), fields.choice("action", get_args(Action), default="ask"))


@dataclass(frozen=True, slots=True)
class SetUpArguments:
    """Of ``testwright.setUpAgent``: which SDK, None for that of the settings; a progress token of the client."""

    sdk: AgentSdk | None
    token: Token | None

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read them."""
        return cls(fields.optional_choice("sdk", get_args(AgentSdk)), fields.token())


@dataclass(frozen=True, slots=True)
class NoArguments:
    """Of a command that takes nothing but an empty object."""

    @classmethod
    def read(cls, _: Fields) -> Self:
        """Read nothing."""
        return cls()
