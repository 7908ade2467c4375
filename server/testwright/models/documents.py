"""A YAML file as plain values, with the line of each.

Only what a table of facts needs is read: mappings with text for keys, lists, and plain values as YAML 1.2's core schema
has them (``no`` and ``2026-06-30`` are text). Anchors, aliases and tags are refused: they let a small file stand for a
large one, and a value come from another line than the one that a person looks at.

PyYAML finds the structure and nothing else; no value of a file decides which Python type is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import yaml

from testwright.models.problems import Problem

MAX_DEPTH = 8
"""A registry needs five levels: file, models, model, known_issues, sentence."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times faster and not in every build
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}

Place = tuple[str | int, ...]
"""Where a value is: ``("models", 3, "priority")``."""


@dataclass(slots=True)
class Document:
    """What a file holds.

    Attributes:
        value: Dictionaries, lists, text, numbers, True, False, None.
        lines: On which line (from 1) the key or the value of each place begins.
        problems: What is wrong with it as YAML, in the order of the lines; ``value`` is of no use when there is one.
    """

    value: object = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, place: Place) -> int:
        """The line of a place, or of the nearest one above it that has one."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_document(text: str) -> Document:
    """Read YAML. Whatever is wrong is in ``problems``; nothing is raised."""
    document = Document()
    if unprintable := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, unprintable.start()) + 1
        document.problems.append(
            Problem(line, "", f"there is a character that YAML does not allow, {unprintable[0]!r}")
        )
        return document
    try:
        document.value = _Reader(document, yaml.parse(text, Loader=_LOADER)).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        document.problems.append(Problem(line, "", _syntax(text, line, error.problem or "")))
    except _Stopped:
        pass
    return document


class _Stopped(Exception):
    """There is no use in reading on."""


class _Reader:
    """Walks over the events of one document."""

    def __init__(self, document: Document, events: Iterator[yaml.Event]) -> None:
        self._document = document
        self._events = events

    def read(self) -> object:
        value: object = None
        count = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                count += 1
                if count > 1:
                    self._problem(event, "a second document begins here, and a registry is one")
                    raise _Stopped
            elif isinstance(event, yaml.NodeEvent):
                value = self._value(event, ())
        return value

    def _value(self, event: yaml.Event, place: Place) -> object:
        self._document.lines.setdefault(place, _line(event))
        self._refuse(event)
        if len(place) >= MAX_DEPTH:
            self._problem(event, f"this is nested more than {MAX_DEPTH} levels deep")
            raise _Stopped
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(place)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(place)
        scalar = cast("yaml.ScalarEvent", event)
        return scalar.value if scalar.style else _plain(scalar.value)

    def _mapping(self, place: Place) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            self._refuse(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._problem(event, "a key must be text")
                raise _Stopped
            key, line = event.value, _line(event)
            inner = (*place, key)
            if key in values:
                first = self._document.lines[inner]
                self._problem(event, f"{key} is given a second time; the first is on line {first}")
                self._value(next(self._events), inner)
            else:
                self._document.lines[inner] = line
                values[key] = self._value(next(self._events), inner)
        return values

    def _sequence(self, place: Place) -> list[object]:
        values: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, (*place, len(values))))
        return values

    def _refuse(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._problem(event, f"*{event.anchor} is an alias; write the value itself")
            raise _Stopped
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            self._problem(event, f"&{anchor} is an anchor; a registry has none, so that each value stands in its line")
            raise _Stopped
        if tag is not None:
            self._problem(event, f"{tag} is a tag; a registry has none")
            raise _Stopped

    def _problem(self, event: yaml.Event, words: str) -> None:
        self._document.problems.append(Problem(_line(event), "", words))


def _line(event: yaml.Event) -> int:
    return cast("yaml.Mark", event.start_mark).line + 1  # both loaders mark each event


def _plain(text: str) -> object:
    """What text without quotation marks stands for."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _syntax(text: str, line: int, said: str) -> str:
    lines = text.splitlines()
    own = lines[line - 1] if line <= len(lines) else ""
    if "\t" in own[: len(own) - len(own.lstrip())]:
        return "it is indented by a tab, which YAML does not allow; use spaces"
    return f"it is not valid YAML: {said}" if said else "it is not valid YAML"
