"""What a measurement says of a module's text as it is now (pure).

Nothing is said of code that may not be what was measured: the figures of a class or function hold only while its whole
text is unchanged, wherever it stands; a line outside of functions is followed by itself. The figure of the module is
kept when the module or its tests have changed, and is then called stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from testwright.analysis.outline import Outline
from testwright.analysis.shifting import LineMap
from testwright.lsp.texts.placed import PlacedOutline, PlacedScope, place
from testwright.model import CoverageSets

LEAST_KEPT = 0.5
"""Part of a module's lines that must be left of it; with less it is another module."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the project's tests cover of a module.

    Attributes:
        path: The module's file, resolved.
        source: The text that was measured.
        sets: What of it is covered.
        count: Tests that ran.
        failed: Those of them that failed.
        test_digest: SHA-256 of the text of the module's test file then, empty when it had none; None when that is not
            known.
        when: When that was, in seconds since 1970 UTC.
    """

    path: Path
    source: str
    sets: CoverageSets
    count: int
    failed: int
    test_digest: str | None
    when: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines, or a branch, that no test reaches; all lines are those of the text as it is now, from 1.

    Attributes:
        kind: ``line``, or ``branch`` for one that is never taken from a line that is reached.
        first_line, last_line: Where it is.
        target: For a branch, where it leads; None when it leaves the block.
        in_function: For a branch, whether it is in a function.
    """

    kind: Literal["line", "branch"]
    first_line: int
    last_line: int
    target: int | None = None
    in_function: bool = False


@dataclass(frozen=True, slots=True)
class Jump:
    """A branch; its lines are those of the text as it is now, from 1.

    Attributes:
        line: Where it begins.
        target: Where it leads; None when it leaves the block.
        is_taken: Whether a test takes it.
    """

    line: int
    target: int | None
    is_taken: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """A measurement beside a text.

    Attributes:
        measurement: What was measured.
        measured: Outline of the text that was measured.
        lines: From that text to the one as it is now.
        text: Lines of the text as it is now.
        placed: Classes and functions of that text.
        tests_changed: Whether the module's tests are others than those that were measured.
    """

    measurement: Measurement
    measured: Outline
    lines: LineMap
    text: Sequence[str]
    placed: PlacedOutline
    tests_changed: bool
    _spans: dict[str, list[tuple[int, int]]] = field(init=False, repr=False, compare=False)
    _headers: frozenset[int] = field(init=False, repr=False, compare=False)
    _in_functions: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spans: dict[str, list[tuple[int, int]]] = {}
        for scope in self.measured.scopes:
            spans.setdefault(scope.qualname, []).append((scope.first_line, scope.last_line))
        object.__setattr__(self, "_spans", spans)
        object.__setattr__(self, "_headers", frozenset(self.measured.headers))
        inside = {line for first, last in self.measured.functions for line in range(first, last + 1)}
        object.__setattr__(self, "_in_functions", frozenset(inside))

    @property
    def is_stale(self) -> bool:
        """Whether the module or its tests have changed since it was measured."""
        return self.tests_changed or not self.lines.identical

    @property
    def staleness(self) -> str | None:
        """Why the figures are stale, as a sentence; None when they are not."""
        if not self.lines.identical:
            return "The module has changed since it was measured."
        return "The tests have changed since the module was measured." if self.tests_changed else None

    def percent_of(self, placed: PlacedScope) -> float | None:
        """Percent of a scope's lines and branches that are covered; None when that is not known, or it has none.

        What an import runs does not count, a function's ``def`` or the attributes of a class: a function that no test
        calls is covered to 0 percent.
        """
        if placed.lines is None or (span := self._then(*placed.lines)) is None:
            return None
        if span not in self._spans.get(placed.scope.qualname, ()):
            return None
        sets = self.measurement.sets.within(*span)
        at_import = self._headers
        if placed.scope.kind == "class":
            at_import = at_import | (sets.statements - self._in_functions)
        sets = replace(sets, statements=sets.statements - at_import, executed=sets.executed - at_import)
        return sets.percent if sets.statements else None

    def covered_and_missing(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Lines that are covered, and lines that are not, as far as that is still known; sorted."""
        executed = self.measurement.sets.executed
        known, _ = self._known()
        covered = sorted(now for line, now in known.items() if line in executed)
        missing = sorted(now for line, now in known.items() if line not in executed)
        return tuple(covered), tuple(missing)

    def branches(self) -> tuple[Jump, ...]:
        """Branches of which is still known whether they are taken, sorted."""
        sets, (known, _) = self.measurement.sets, self._known()
        return tuple(
            Jump(known[start], known[end] if end > 0 else None, (start, end) in sets.executed_branches)
            for start, end in sorted(sets.branches)
            if start in known and (end <= 0 or end in known)
        )

    def gaps(self) -> tuple[Gap, ...]:
        """What is not covered, as far as that is still known: lines in their order, then branches."""
        known, in_functions = self._known()
        return (*self._missing_lines(known), *self._missing_branches(known, in_functions))

    def _then(self, first: int, last: int) -> tuple[int, int] | None:
        """Where lines were when they were measured; None when one was changed, put in between or taken out."""
        start = self.lines.then(first)
        return (start, start + last - first) if start is not None and self.lines.keeps(first, last) else None

    def _known(self) -> tuple[dict[int, int], set[int]]:
        """Executable lines of which is known that nothing has changed about them, and those that are in functions.

        Returns:
            From a line as it was measured to the line as it is now, and the second as they were measured.
        """
        now = {span: first for first, last in self.placed.functions if (span := self._then(first, last)) is not None}
        statements = self.measurement.sets.statements
        known: dict[int, int] = {}
        in_functions: set[int] = set()
        for span in self.measured.functions:
            lines = statements.intersection(range(span[0], span[1] + 1))
            in_functions |= lines
            if (first := now.get(span)) is not None:
                known.update({line: line + first - span[0] for line in lines})
        for line in statements - in_functions:
            found = self.lines.now(line)
            if found is not None and (found in self.placed.statements or self.lines.identical):
                known[line] = found
        return known, in_functions

    def _missing_lines(self, known: dict[int, int]) -> Iterator[Gap]:
        """Lines that follow each other, with no executable line between them, are one gap."""
        executed = self.measurement.sets.executed
        gap: tuple[int, int] | None = None
        for line in sorted(self.measurement.sets.statements):
            now = known.get(line) if line not in executed else None
            if now is not None and gap is not None and self.lines.keeps(gap[1], now):
                gap = (gap[0], now)
                continue
            if gap is not None:
                yield Gap("line", *gap)
            gap = None if now is None else (now, now)
        if gap is not None:
            yield Gap("line", *gap)

    def _missing_branches(self, known: dict[int, int], in_functions: set[int]) -> Iterator[Gap]:
        """Branches from lines that are reached; one to a line that is not reached is told by that line."""
        sets = self.measurement.sets
        for start, end in sets.missing_branches:
            line = known.get(start)
            if line is None or start not in sets.executed or (end > 0 and end not in sets.executed):
                continue
            target = known.get(end) if end > 0 else None
            if target is None and end > 0:
                continue
            yield Gap("branch", line, line, target, start in in_functions)


def view(  # noqa: PLR0913 - two texts, each with what is known of it
    measurement: Measurement,
    measured: Outline,
    text: str,
    lines: Sequence[str],
    outline: Outline | None,
    *,
    tests_changed: bool,
) -> Figures | None:
    """Lay a measurement beside a text.

    Args:
        measurement: What was measured.
        measured: Outline of the text that was measured.
        text: As it is now.
        lines: Its lines.
        outline: Of this text, or the last good one; None when there was none.
        tests_changed: Whether the module's tests have changed since then.

    Returns:
        None when so little is left of the module that it is another.
    """
    followed = LineMap.between(measurement.source, text)
    kept = followed.head + followed.tail + len(followed.inner)
    if kept < LEAST_KEPT * followed.before:
        return None
    placed = place(measured if outline is None else outline, text, lines)
    return Figures(measurement, measured, followed, lines, placed, tests_changed)
