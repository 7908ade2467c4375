"""Texts for a model, made to fit: cleaned, fenced as data, cut at whole lines, the most important first. Pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_KEPT = frozenset("\n\t")
# Controls, characters that change how others are shown (a right-to-left override), surrogates, and line separators
# that Python does not count as the end of a line of source.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def cleaned(text: str) -> str:
    """The same with one kind of line end, and all that cannot be seen written out."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        letter if letter in _KEPT or unicodedata.category(letter) not in _HIDDEN else f"\\u{{{ord(letter):x}}}"
        for letter in lines
    )


def one_line(text: str) -> str:
    """The same in one line."""
    return " ".join(cleaned(text).split())


def mark_for(texts: Iterable[str]) -> str:
    """A word that none of these texts holds, so that none of them can end its own fence."""
    whole = "\0".join(texts)
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    return next(
        mark
        for length in range(12, 65)
        for start in range(len(digest) - length + 1)
        if (mark := "data-" + digest[start : start + length]) not in whole
    )


def fenced(label: str, text: str, mark: str) -> str:
    """A text marked as data."""
    shown = "".join(letter if letter.isprintable() and letter not in '<>"' else "?" for letter in label)
    return f"<{mark} {shown}>\n{text.rstrip()}\n</{mark}>"


def cut(text: str, room: int) -> str:
    """As many whole lines as there is room for, with a last one that counts what is left out; "" without room."""
    if len(text) <= room:
        return text
    lines = text.splitlines()
    kept: list[str] = []
    left = room - len(f"[… {len(lines)} more lines]")
    for line in lines:
        if len(line) + 1 > left:
            break
        kept.append(line)
        left -= len(line) + 1
    if not kept:
        return ""
    return "\n".join([*kept, f"[… {len(lines) - len(kept)} more lines]"])


def listed(items: Sequence[tuple[str, int]], room: int, noun: str, separator: str = ", ") -> str:
    """Items in a row as far as there is room, the rest counted: ``3-7, 12, and 4 more lines``.

    Args:
        items: Words, and how many things each of them names.
        room: Characters.
        noun: What the things are called, in the plural.
        separator: Between items.
    """
    rest = sum(count for _, count in items)
    left = room - len(f"{separator}and {rest} more {noun}")
    shown: list[str] = []
    for words, count in items:
        if len(words) + len(separator) > left:
            break
        shown.append(words)
        left -= len(words) + len(separator)
        rest -= count
    if rest:
        shown.append(f"and {rest} more {noun}" if shown else f"{rest} {noun}")
    return separator.join(shown)


def ranges(lines: Iterable[int]) -> list[tuple[str, int]]:
    """Line numbers as ranges, and how many each holds."""
    found: list[list[int]] = []
    for line in sorted(set(lines)):
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return [(str(a) if a == b else f"{a}-{b}", b - a + 1) for a, b in found]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a prompt.

    Attributes:
        rank: Smaller ones get their room first.
        share: Of all room, what it gets at most.
        make: Its text for so many characters, no longer; "" when that is too little.
    """

    rank: int
    share: float
    make: Callable[[int], str]


def fitted(parts: Sequence[Part], size: int) -> str:
    """The parts in their order, together no longer than ``size``."""
    texts = [""] * len(parts)
    left = size
    for index in sorted(range(len(parts)), key=lambda index: parts[index].rank):
        room = min(left - 2, int(size * parts[index].share))
        text = parts[index].make(room) if room > 0 else ""
        if text and len(text) <= room:
            texts[index] = text
            left -= len(text) + 2
    return "\n\n".join(text for text in texts if text)
