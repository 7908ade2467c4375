"""Where the classes and functions of an outline are in a text that is not its own (pure).

While there is a syntax error, the outline of the last good text serves; its scopes are followed to the lines where they
are now, and what has been touched since then is not taken for what it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from testwright.analysis.outline import Outline, Scope
from testwright.analysis.shifting import LineMap
from testwright.lsp.texts.positions import lines_of


@dataclass(frozen=True, slots=True)
class PlacedScope:
    """A scope in the text as it is now.

    Attributes:
        scope: As the outline has it.
        line: Where it begins now, from 1.
        lines: Its first and last line now; None when it was changed since the outline was read.
    """

    scope: Scope
    line: int
    lines: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class PlacedOutline:
    """An outline in the text as it is now.

    Attributes:
        scopes: Its scopes, those left out in whose place is something else now.
        functions: First and last lines of the functions that were not changed since the outline was read.
        statements: Lines outside of functions on which something begins that can run, as far as they were not changed.
    """

    scopes: tuple[PlacedScope, ...]
    functions: frozenset[tuple[int, int]]
    statements: frozenset[int]


def place(outline: Outline, text: str, lines: Sequence[str]) -> PlacedOutline:
    """Find an outline's scopes in a text.

    Args:
        outline: Of this text, or of an earlier one.
        text: As it is now.
        lines: Its lines.
    """
    if outline.text == text:
        own = tuple(
            PlacedScope(scope, scope.first_line, (scope.first_line, scope.last_line)) for scope in outline.scopes
        )
        return PlacedOutline(own, frozenset(outline.functions), frozenset(outline.statements))
    follower = _Follower(LineMap.between(outline.text, text), lines_of(outline.text), lines)
    return PlacedOutline(
        tuple(placed for scope in outline.scopes if (placed := follower.scope(scope)) is not None),
        frozenset(found for span in outline.functions if (found := follower.span(*span)) is not None),
        frozenset(now for line in outline.statements if (now := follower.map.now(line)) is not None),
    )


@dataclass(frozen=True, slots=True)
class _Follower:
    """Follows scopes from the outline's text to another.

    Attributes:
        map: Follows lines.
        before: Lines of the outline's text.
        after: Lines of the other.
    """

    map: LineMap
    before: Sequence[str]
    after: Sequence[str]

    def scope(self, scope: Scope) -> PlacedScope | None:
        line = self._beginning(scope.first_line)
        if line is None:
            return None
        return PlacedScope(scope, line, self.span(scope.first_line, scope.last_line))

    def span(self, first: int, last: int) -> tuple[int, int] | None:
        """Lines of the other text that are just these lines, if the block that they are ends with them there, too."""
        start, end = self.map.now(first), self.map.now(last)
        if start is None or end is None or end - start != last - first or not self.map.keeps(start, end):
            return None
        below = next((line for line in self.after[end:] if line.strip() and not line.lstrip().startswith("#")), "")
        return (start, end) if _indentation(below) <= _indentation(self.after[start - 1]) else None

    def _beginning(self, line: int) -> int | None:
        """Where a line is now; if it was changed, below the nearest that was not, if what is there begins alike."""
        above = line
        while above > 0 and self.map.now(above) is None:
            above -= 1
        found = (self.map.now(above) or 0) + line - above
        if found == self.map.now(line):
            return found
        if found > len(self.after) or _first_word(self.before[line - 1]) != _first_word(self.after[found - 1]):
            return None
        return found


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _first_word(line: str) -> str:
    """``def``, ``class``, ``async`` or ``@``; empty where none begins the line."""
    match = re.match(r"\s*(def\b|class\b|async\b|@)", line)
    return match[1] if match is not None else ""
