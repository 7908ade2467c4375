"""What changes between two texts, as the few runs of whole lines that an editor has to replace (pure)."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_MOST_PAIRS = 2000 * 2000
"""Pairs of lines that are compared at most; more that differ are one change, since to compare them takes seconds."""


@dataclass(frozen=True, slots=True)
class TextChange:
    """Whole lines that are replaced.

    Lines count from 0, as in the language server protocol, and end with a line feed, a carriage return or both. The
    last line of a text may have no end; the line after it is then where the text ends.

    Attributes:
        start_line: The first line that is replaced.
        end_line: The line after the last that is replaced; ``start_line`` for an insertion before it.
        text: What stands in their place, line ends included; nothing where lines are taken out.
    """

    start_line: int
    end_line: int
    text: str


def text_edits(before: str, after: str) -> tuple[TextChange, ...]:
    """The changes that make one text of another, sorted, none touching the next.

    Lines that are put in or taken out at one or two places, as by a merge, are told as just that. What is added below a
    last line that has no end is told as a replacement of that line.
    """
    old, new = _lines(before), _lines(after)
    if old == new or not _both_unended(old, new):
        return tuple(_changes(old, new))
    # With an end, the last line is told from its like further down.
    end = next((end for end in ("\n", "\r\n", "\r") if old[-1] + end in new), "\n")
    *changes, last = _changes([*old[:-1], old[-1] + end], [*new[:-1], new[-1] + end])
    if last.end_line < len(old):
        return (*changes, last)
    if not last.text:  # the line above has lost its end
        last = TextChange(last.start_line - 1, len(old), new[-1])
    elif last.start_line == len(old):
        last = TextChange(len(old) - 1, len(old), old[-1] + end + last.text.removesuffix(end))
    else:
        last = TextChange(last.start_line, len(old), last.text.removesuffix(end))
    if changes and changes[-1].end_line == last.start_line:
        above = changes.pop()
        last = TextChange(above.start_line, last.end_line, above.text + last.text)
    return (*changes, last)


def apply_changes(before: str, changes: Iterable[TextChange]) -> str:
    """The text after changes that are sorted and do not overlap."""
    lines = _lines(before)
    pieces: list[str] = []
    done = 0
    for change in changes:
        pieces += [*lines[done : change.start_line], change.text]
        done = change.end_line
    return "".join([*pieces, *lines[done:]])


def _lines(text: str) -> list[str]:
    return _LINE.findall(text)


def _both_unended(old: Sequence[str], new: Sequence[str]) -> bool:
    return all(lines and not lines[-1].endswith(("\r", "\n")) for lines in (old, new))


def _changes(old: list[str], new: list[str]) -> Iterator[TextChange]:
    """Changes, each as far down as it can be told: what is put below a line leaves that line where it is."""
    head = _common(old, new)
    end = _common(old[head:][::-1], new[head:][::-1])
    for tag, start, stop, from_, to in _differences(old[head : len(old) - end], new[head : len(new) - end]):
        first, last, lines = head + start, head + stop, new[head + from_ : head + to]
        if first < last and tag != "equal":
            yield TextChange(first, last, "".join(lines))
        elif first == last and lines:
            down = _room_below(old[first:], lines)
            turn = down % len(lines)
            yield TextChange(first + down, last + down, "".join([*lines[turn:], *lines[:turn]]))


def _room_below(lines: Sequence[str], inserted: Sequence[str]) -> int:
    """Of how many lines it makes no difference whether others are inserted above or below them."""
    repeated = itertools.cycle(inserted)
    return next((at for at, line in enumerate(lines) if line != next(repeated)), len(lines))


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines both begin with."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _differences(old: list[str], new: list[str]) -> list[tuple[str, int, int, int, int]]:
    """What differs, as ``difflib`` tells it; the first lines differ, and so do the last."""
    if (at := _found(old, new)) is not None:
        return [("insert", 0, 0, 0, at), ("insert", len(old), len(old), at + len(old), len(new))]
    if (at := _found(new, old)) is not None:
        return [("delete", 0, at, 0, 0), ("delete", at + len(new), len(old), len(new), len(new))]
    if len(old) * len(new) > _MOST_PAIRS:
        return [("replace", 0, len(old), 0, len(new))]
    return list(difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes())


def _found(part: list[str], whole: list[str]) -> int | None:
    """Where lines stand among others in one piece."""
    first = part[:1]
    places = range(len(whole) - len(part) + 1)
    return next(
        (at for at in places if whole[at : at + len(first)] == first and whole[at : at + len(part)] == part), None
    )
