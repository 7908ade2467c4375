"""Where the lines of a text are after it was edited, so that what was measured on them can still be shown (pure).

A line is followed only when there is no doubt that it is the same code, since to be wrong is worse than to say nothing:

- Lines above the first change are the same, and so are those below the last one, each in their order.
- Between the two, a line is followed when its text stands there once before and once after (the idea of patience diff,
  Bram Cohen), and so are equal lines right around it.
- Right below a change, a line whose text also stands in what was changed may be either of the two, up to the first that
  does not.
- The line that a line is nested in (the nearest one above that is indented less) must have been followed to the line
  that it is nested in now. So ``return x`` of one function never becomes that of another, and the body of an ``if``
  whose condition was edited is not followed.

A line that is followed can still run otherwise than before, by an edit elsewhere in its function: whoever shows figures
of a function asks ``keeps`` about all its lines.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LineMap:
    """From the lines of a text to those of a later one, and back; lines count from 1.

    Attributes:
        before: Number of lines of the earlier text.
        after: Number of lines of the later text.
        head: How many lines at the beginning are the same.
        tail: How many lines at the end are the same for certain.
        inner: Lines between the two that were followed, from the earlier text to the later one.
    """

    before: int
    after: int
    head: int
    tail: int
    inner: Mapping[int, int] = field(default_factory=dict)
    _back: Mapping[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_back", {now: then for then, now in self.inner.items()})

    @classmethod
    def between(cls, before: str, after: str) -> LineMap:
        r"""Follow each line from a text to a later one.

        Args:
            before: The earlier text. A line ends with ``\n``, ``\r\n`` or ``\r``, as Python has it, and nothing else;
                which of them it is makes no difference.
            after: The later text.
        """
        old, new = _lines(before), _lines(after)
        if old == new:
            return cls(len(old), len(new), len(old), 0)
        head = _common(old, new)
        end = _common_end(old, new, head)
        return _followed(old, new, head, end)

    def now(self, line: int) -> int | None:
        """The line of the later text that is this line of the earlier one; None when it was changed or removed."""
        return _across(line, self.before, self.after, self.head, self.tail, self.inner)

    def then(self, line: int) -> int | None:
        """The line of the earlier text that is this line of the later one; None when it is new or was changed."""
        return _across(line, self.after, self.before, self.head, self.tail, self._back)

    def keeps(self, first: int, last: int) -> bool:
        """Whether lines of the later text stood in the earlier one just so: none put in, changed or taken out.

        Args:
            first: A line of the later text.
            last: A line of the later text, not above ``first``.
        """
        start = self.then(first)
        return start is not None and all(self.then(line) == start + line - first for line in range(first, last + 1))

    @property
    def identical(self) -> bool:
        """Whether both texts have the same lines."""
        return self.before == self.after == self.head

    @property
    def changed(self) -> tuple[range, ...]:
        """Lines of the later text that are new, changed or in doubt: as few ranges as there can be, sorted."""
        ranges: list[range] = []
        start = self.head + 1
        for kept in (*sorted(self._back), self.after - self.tail + 1):
            if start < kept:
                ranges.append(range(start, kept))
            start = kept + 1
        return tuple(ranges)


def _across(  # noqa: PLR0913, PLR0917 - the same map from either side
    line: int, here: int, there: int, head: int, tail: int, inner: Mapping[int, int]
) -> int | None:
    if not 1 <= line <= here:
        return None
    if line <= head:
        return line
    return line - here + there if line > here - tail else inner.get(line)


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines both begin with."""
    number = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        number += 1
    return number


def _common_end(old: Sequence[str], new: Sequence[str], head: int) -> int:
    """How many lines both end with, those not counted that both begin with."""
    most = min(len(old), len(new)) - head
    number = 0
    for one, other in zip(reversed(old), reversed(new), strict=False):
        if number == most or one != other:
            break
        number += 1
    return number


def _followed(old: Sequence[str], new: Sequence[str], head: int, end: int) -> LineMap:
    """Follow the lines between the beginning and the end that both have, and look where the end is in doubt."""
    old_stop, new_stop = len(old) - end, len(new) - end
    old_nesting, new_nesting = _Nesting(), _Nesting()
    old_parents = {at: old_nesting.enter(at, old[at]) for at in range(head, old_stop)}
    new_parents = {at: new_nesting.enter(at, new[at]) for at in range(head, new_stop)}
    found: dict[int, int] = {}

    def is_nested_alike(then: int | None, now: int | None) -> bool:
        return (None if then is None else found.get(then, -1)) == now

    for then, now in _pairs(old, new, range(head, old_stop), range(head, new_stop)):
        if is_nested_alike(old_parents[then], new_parents[now]):
            found[then] = now  # noqa: PERF403 - the next one looks into it
    certain = _certain_from(old[old_stop:], {*old[head:old_stop], *new[head:new_stop]})
    settled = end
    for step in range(end):
        then, now = old_stop + step, new_stop + step
        line = old[then]
        if not is_nested_alike(old_nesting.enter(then, line), new_nesting.enter(now, line)):
            continue
        if not _is_code(line):
            found[then] = now
        elif step >= certain:
            settled = step  # all that follow are nested in this one, in those that it is nested in, or in each other
            break
    return LineMap(len(old), len(new), head, end - settled, {then + 1: now + 1 for then, now in found.items()})


def _certain_from(lines: Sequence[str], touched: Collection[str]) -> int:
    """How many equal lines right below a change may be others than those that they equal."""
    return next((at for at, line in enumerate(lines) if _is_code(line) and line not in touched), len(lines))


def _pairs(old: Sequence[str], new: Sequence[str], before: range, after: range) -> Iterator[tuple[int, int]]:
    """Lines that stand once on either side, in the longest order that both have, and equal lines right around them."""
    old_times = Counter(old[at] for at in before)
    new_times = Counter(new[at] for at in after)
    new_at = {new[at]: at for at in after}
    unique = [
        (at, new_at[old[at]])
        for at in before
        if old_times[old[at]] == 1 and new_times[old[at]] == 1 and _is_code(old[at])
    ]
    old_start, new_start = before.start, after.start
    for then, now in _longest_rising(unique):
        yield from _pairs_around(old, new, range(old_start, then), range(new_start, now))
        yield then, now
        old_start, new_start = then + 1, now + 1
    yield from _pairs_around(old, new, range(old_start, before.stop), range(new_start, after.stop))


def _pairs_around(old: Sequence[str], new: Sequence[str], before: range, after: range) -> Iterator[tuple[int, int]]:
    """Equal lines at the beginning and at the end of what stands between two lines that were followed."""
    ours, theirs = old[before.start : before.stop], new[after.start : after.stop]
    head = _common(ours, theirs)
    end = _common_end(ours, theirs, head)
    shared = ours[len(ours) - end :]
    certain = _certain_from(shared, {*ours[head : len(ours) - end], *theirs[head : len(theirs) - end]})
    yield from zip(before[:head], after[:head], strict=True)
    for step, line in enumerate(shared):
        if step >= certain or not _is_code(line):
            yield before.stop - end + step, after.stop - end + step


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of pairs, sorted by their first number, in which the second rises too."""
    ends: list[int] = []  # the lowest second number with which a chain of each length ends
    last: list[int] = []  # the pair with which it does
    previous: list[int] = []
    for index, (_, second) in enumerate(pairs):
        length = bisect.bisect_left(ends, second)
        previous.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [second]
        last[length : length + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = last[-1] if last else -1
    while index >= 0:
        chain.append(pairs[index])
        index = previous[index]
    return chain[::-1]


class _Nesting:
    """What lines are nested in, told by their indentation; they are entered one after the other.

    Lines above the first that is entered are the same in both texts, and so is which of them a line is nested in.
    """

    def __init__(self) -> None:
        self._enclosing: list[tuple[int, int]] = []  # indentation and number, the outermost first

    def enter(self, at: int, line: str) -> int | None:
        """The nearest line above that is indented less; None when it is none of those that were entered."""
        indentation = len(line) - len(line.lstrip())
        inner = len(self._enclosing)
        while inner and self._enclosing[inner - 1][0] >= indentation:
            inner -= 1
        parent = self._enclosing[inner - 1][1] if inner else None
        if _is_code(line):
            self._enclosing[inner:] = [(indentation, at)]
        return parent


def _is_code(line: str) -> bool:
    """Whether a line is neither blank nor a comment, and so can hold others or be told by its text."""
    text = line.lstrip()
    return text != "" and text[0] != "#"
