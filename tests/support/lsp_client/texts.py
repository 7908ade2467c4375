"""Text as an editor holds it: positions in the agreed encoding, edits, and an undo stack."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


def lines_of(text: str) -> list[str]:
    """Lines with their ends; an empty last one when the text ends with a line end, or is empty."""
    lines = _LINE.findall(text)
    if not lines or lines[-1].endswith(("\n", "\r")):
        lines.append("")
    return lines


def units(text: str, encoding: str) -> int:
    """Length of a text in code units."""
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    if encoding == "utf-16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text)


def offset_of(text: str, position: dict[str, int], encoding: str) -> int:
    """Index into the text; a position beyond the end of its line is an error, as in the strictest of editors."""
    lines = lines_of(text)
    assert position["line"] < len(lines), f"line {position['line']} of {len(lines)}"
    line = lines[position["line"]].rstrip("\r\n")
    column = 0
    while units(line[:column], encoding) < position["character"]:
        column += 1
        assert column <= len(line), f"{position} is beyond the end of {line!r}"
    return sum(len(one) for one in lines[: position["line"]]) + column


def position_of(text: str, offset: int, encoding: str) -> dict[str, int]:
    """Position of an index into the text."""
    number = 0
    for number, line in enumerate(lines_of(text)):
        if offset < len(line) or (offset == len(line) and not line.endswith(("\n", "\r"))):
            return {"line": number, "character": units(line[:offset], encoding)}
        offset -= len(line)
    return {"line": number, "character": 0}


def edited(text: str, edits: list[dict[str, Any]], encoding: str) -> str:
    """The text after edits, all of whose ranges speak of the text before."""
    spans = []
    for number, edit in enumerate(edits):
        start = offset_of(text, edit["range"]["start"], encoding)
        end = offset_of(text, edit["range"]["end"], encoding)
        assert start <= end, f"a range that ends before it starts: {edit}"
        spans.append((start, end, number, edit["newText"]))
    spans.sort()
    pieces, done = [], 0
    for start, end, _, new in spans:
        assert start >= done, "edits overlap"
        pieces += [text[done:start], new]
        done = end
    return "".join([*pieces, text[done:]])


def common_length(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next(
        (index for index, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )


@dataclass(slots=True)
class Buffer:
    """An open document.

    Attributes:
        text: As the editor shows it.
        version: As the server was told.
        saved: Text as it is on disk, None for a file that is not there.
        undo: Texts before each step that can be taken back.
    """

    text: str
    version: int = 1
    saved: str | None = None
    undo: list[str] = field(default_factory=list)

    @property
    def dirty(self) -> bool:
        """Whether it differs from the disk."""
        return self.text != self.saved
