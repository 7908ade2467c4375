"""Lines as the protocol has them; columns in the position encoding that was agreed with the client (pure)."""

from __future__ import annotations

import re

from lsprotocol import types

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")

Encoding = types.PositionEncodingKind | str


def lines_of(text: str) -> tuple[str, ...]:
    """Lines with their ends: line feed, carriage return, or both, and no other character ends one."""
    return tuple(_LINE.findall(text))


def units_of(line: str, column: int, encoding: Encoding) -> int:
    """How many code units stand before a column.

    Args:
        line: Text of the line.
        column: In characters; one beyond the end is the end.
        encoding: Of the units.
    """
    before = line[:column]
    if before.isascii():
        return len(before)
    return sum(_width(character, encoding) for character in before)


def column_of(line: str, units: int, encoding: Encoding) -> int:
    """The column, in characters, before which so many code units stand.

    Args:
        line: Text of the line, its end not included.
        units: Code units; beyond the end of the line is its end, as the protocol has it, and inside a character is
            where it begins.
        encoding: Of the units.
    """
    if line.isascii():
        return min(units, len(line))
    for column, character in enumerate(line):
        units -= _width(character, encoding)
        if units < 0:
            return column
    return len(line)


def _width(character: str, encoding: Encoding) -> int:
    """Code units of a character."""
    code = ord(character)
    if encoding == types.PositionEncodingKind.Utf8:
        return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    if encoding == types.PositionEncodingKind.Utf32:
        return 1
    return 2 if code > 0xFFFF else 1
