"""Which classes and functions a range of an open document lies in."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types

from testwright.analysis.outline import Outline, Scope
from testwright.analysis.shifting import LineMap
from testwright.lsp.texts.documents import Document


def scopes_around(document: Document, outline: Outline, wanted: types.Range) -> tuple[Scope, ...]:
    """Scopes that hold all lines of a range, the innermost first.

    Args:
        document: The document.
        outline: Its outline, which may be of an earlier text while there is a syntax error.
        wanted: A range of the text as it is now.
    """
    first, last = lines_of(wanted)
    if outline.text != document.text:
        lines = LineMap.between(outline.text, document.text)
        if not 1 <= first <= last <= lines.after:
            return ()
        above, below = _nearest(lines.then, first, -1, 1), _nearest(lines.then, last, 1, lines.after)
        if above is None or below is None:
            return ()
        first, last = above, below
    return outline.at(first, last)


def lines_of(wanted: types.Range) -> tuple[int, int]:
    """First and last line of a range, from 1; one that ends at the beginning of a line does not hold that line."""
    first, last = wanted.start.line + 1, wanted.end.line + 1
    if last > first and wanted.end.character == 0:
        last -= 1
    return first, last


def _nearest(then: Callable[[int], int | None], line: int, step: int, end: int) -> int | None:
    """Where the nearest line was that can be followed, the line itself or one on its side of the range."""
    while (found := then(line)) is None and line != end:
        line += step
    return found
