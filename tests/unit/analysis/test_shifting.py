"""Lines are followed through edits of a text, and none is taken for another."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from testwright.analysis.shifting import LineMap

MODULE = """\
import os


def first(x):
    if x:
        return 1
    return 0


def second(x):
    if x:
        return 1
    return 0


class Third:
    def run(self):
        return 0

    def stop(self):
        return 0
"""


def followed(before: str, after: str) -> list[int | None]:
    """For each line of the later text, the line that it was."""
    return [LineMap.between(before, after).then(line) for line in range(1, after.count("\n") + 1)]


def edited(old: str, new: str) -> str:
    assert MODULE.count(old) == 1
    return MODULE.replace(old, new)


def test_lines_below_an_insertion_are_followed() -> None:
    after = edited("import os\n", "import os\nimport re\n")
    assert followed(MODULE, after) == [1, None, *range(2, 22)]
    lines = LineMap.between(MODULE, after)
    assert (lines.now(1), lines.now(2), lines.now(21)) == (1, 3, 22)
    assert lines.changed == (range(2, 3),)
    assert not lines.identical


def test_lines_below_a_deletion_are_followed() -> None:
    after = edited("import os\n\n\n", "")
    lines = LineMap.between(MODULE, after)
    assert [lines.now(line) for line in range(1, 5)] == [None, None, None, 1]
    assert lines.changed == ()
    assert not lines.identical
    assert followed(MODULE, after) == list(range(4, 22))


def test_a_new_function_leaves_those_around_it() -> None:
    new = "def between(x):\n    if x:\n        return 1\n    return 0\n\n\n"
    after = edited("def second(x):\n", new + "def second(x):\n")
    assert followed(MODULE, after) == [*range(1, 10), *[None] * 6, *range(10, 22)]


def test_the_body_of_a_changed_condition_is_not_followed() -> None:
    after = edited("def second(x):\n    if x:\n", "def second(x):\n    if not x:\n")
    assert followed(MODULE, after) == [*range(1, 11), None, None, *range(13, 22)]


def test_nothing_of_a_function_whose_head_changed_is_followed() -> None:
    after = edited("def second(x):\n", "def second(x, y):\n")
    assert followed(MODULE, after) == [*range(1, 10), *[None] * 4, *range(14, 22)]


def test_equal_functions_that_change_places_do_not_change_coverage() -> None:
    first = "def a():\n    return 1\n"
    second = "def b():\n    return 1\n"
    # Both end with the same line, which is no longer that of the same function.
    assert followed(first + second, second + first)[1::2] == [None, None]


def test_a_line_of_a_removed_function_is_not_taken_for_one_of_the_function_above() -> None:
    before = "def a():\n    f()\n    return 1\ndef b():\n    return 1\n"
    assert followed(before, "def a():\n    f()\n    return 1\n    return 1\n") == [1, 2, 3, None]


def test_a_repeated_line_below_a_change_is_in_doubt() -> None:
    before = "def a():\n    f()\n    g()\n    f()\n    h()\n"
    assert followed(before, "def a():\n    g()\n    f()\n    f()\n    h()\n") == [1, 3, None, None, 5]


def test_a_repeated_line_between_two_changes_is_in_doubt_where_it_stands_in_one() -> None:
    before = "a()\nf()\nb()\nc()\n"
    assert followed(before, "x()\nf()\nf()\nb()\nd()\n") == [None, None, None, 3, None]
    assert followed(before, "x()\nf()\nb()\nd()\n") == [None, 2, 3, None]


def test_a_line_that_was_there_twice_is_in_doubt() -> None:
    assert followed("a()\nf()\nb()\nf()\nc()\n", "x()\nf()\ny()\n") == [None, None, None]


def test_a_blank_line_tells_nothing_of_those_around_it() -> None:
    assert followed("a()\nr()\n\nr()\nb()\n", "x()\n\nr()\ny()\n")[2] is None


def test_an_else_takes_over_what_stands_below_it() -> None:
    before = "if x:\n    f()\n    g()\n"
    assert followed(before, "if x:\n    f()\nelse:\n    g()\n") == [1, 2, None, None]


def test_methods_below_a_change_in_a_class_are_followed() -> None:
    after = edited("    def run(self):\n        return 0\n", "    def run(self):\n        # why\n        return 2\n")
    assert followed(MODULE, after) == [*range(1, 18), None, None, *range(19, 22)]


def test_edits_at_several_places_are_followed_between_them() -> None:
    after = MODULE.replace("import os\n", "import re\n").replace("return 0\n\n    def stop", "return 5\n\n    def stop")
    assert followed(MODULE, after) == [None, *range(2, 18), None, *range(19, 22)]


def test_lines_that_were_moved_out_of_order_are_followed_on_one_side_of_the_move() -> None:
    before = "".join(f"x{number} = {number}\n" for number in range(9))
    parts = before.splitlines(keepends=True)
    assert followed(before, "".join([*parts[6:], *parts[:6]])) == [None, None, None, 1, 2, 3, 4, 5, 6]


def test_comments_hold_no_lines() -> None:
    before = "def a():\n    f()\n# was: g()\n    h()\n"
    assert followed(before, "def a():\n    f()\n# was: g(2)\n    h()\n") == [1, 2, None, 4]


def test_blank_lines_are_not_code() -> None:
    assert LineMap.between(
        MODULE, edited("        return 0\n\n    def stop", "        return 3\n\n    def stop")
    ).changed == (range(18, 19),)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_make_no_difference(end: str) -> None:
    lines = LineMap.between(MODULE, MODULE.replace("\n", end))
    assert lines.identical
    assert (lines.now(21), lines.now(22)) == (21, None)
    assert LineMap.between("a\n", "a").identical


def test_only_line_ends_end_lines() -> None:
    assert followed("a = '\x0c\x0b\x1c\x85\u2028'\nb\n", "new\na = '\x0c\x0b\x1c\x85\u2028'\nb\n") == [None, 1, 2]


@pytest.mark.parametrize(("before", "after"), [("", ""), ("", "a\n"), ("a\n", ""), ("a\n", "b\n"), ("\n", "")])
def test_texts_without_a_common_line(before: str, after: str) -> None:
    lines = LineMap.between(before, after)
    assert lines.identical is (before == after)
    assert (lines.now(0), lines.now(1), lines.then(0), lines.then(1)) == (None,) * 4
    assert lines.changed == ((range(1, 2),) if after else ())


def test_a_part_is_kept_when_nothing_in_it_changed() -> None:
    after = edited("def first(x):\n    if x:\n        return 1\n", "def first(x):\n    return 3\n    if x:\n")
    lines = LineMap.between(MODULE, after)
    assert not lines.keeps(4, 7)
    assert lines.keeps(10, 13)
    removed = LineMap.between(MODULE, edited("import os\n\n\n", "import os\n\n"))
    assert removed.keeps(1, 2)
    assert not removed.keeps(1, 3)  # a line between the two was taken out
    assert not removed.keeps(20, 21)  # there is no line 21


@pytest.mark.parametrize("number", [1, 5_000, 9_998])
@pytest.mark.parametrize("head", ["", "class Long:\n"], ids=["functions", "methods"])
def test_an_edit_of_ten_thousand_lines_takes_no_time(head: str, number: int) -> None:
    indent = "    " if head else ""
    function = "def f{}(a, b):\n    x = a + {}\n    if x > b:\n        return b\n    return x\n"
    text = "".join(function.format(at, at) for at in range(2000))
    lines = head.splitlines(keepends=True) + [indent + line for line in text.splitlines(keepends=True)]
    before = "".join(lines)
    lines[number] = indent + "changed\n"
    seconds, found = quickest(before, "".join(lines))
    assert found.after - sum(len(one) for one in found.changed) > 9_990
    assert len(found.inner) < 10  # the rest is not looked at one by one
    assert seconds < 0.05  # some 1 ms where nothing else runs


def test_texts_that_repeat_and_differ_much_take_no_time() -> None:
    seconds, _ = quickest("x\ny\n" * 10_000, "y\nz\n" * 10_000)
    assert seconds < 0.5
    seconds, _ = quickest("".join(f"{at}\n" for at in range(20_000)), "".join(f"{at}\n" for at in range(20_000, 0, -1)))
    assert seconds < 0.5


def quickest(before: str, after: str) -> tuple[float, LineMap]:
    """Seconds of the quickest of several times, and the map."""
    seconds: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        lines = LineMap.between(before, after)
        seconds.append(time.perf_counter() - began)
    return min(seconds), lines


# ------------------------------------------------------------------------------------------------ for all texts

LINE = st.builds(
    "{}{}\n".format,
    st.sampled_from(["", "    ", "        "]),
    st.sampled_from(["def a():", "def b():", "if x:", "else:", "f()", "g()", "return 1", "# note", ""]),
)
TEXT = st.lists(LINE, max_size=14)


@st.composite
def two_texts(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """A text and one that is made from it by a few changes, moves of lines among them."""
    before = draw(TEXT)
    after = [*before]
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(after)))
        stop = draw(st.integers(start, min(len(after), start + 4)))
        taken = after[start:stop]
        after[start:stop] = draw(st.lists(LINE, max_size=3))
        if draw(st.booleans()):
            place = draw(st.integers(0, len(after)))
            after[place:place] = taken
    return before, after


def enclosing(lines: list[str], at: int) -> list[str]:
    """Texts of the lines that a line is nested in, the innermost first."""
    found: list[str] = []
    width = len(lines[at]) - len(lines[at].lstrip())
    for line in reversed(lines[:at]):
        own = len(line) - len(line.lstrip())
        if line.strip() and not line.strip().startswith("#") and own < width:
            found.append(line)
            width = own
    return found


@settings(max_examples=400, deadline=None)
@given(two_texts())
@example(
    (["def a():\n", "    f()\n", "def b():\n", "    f()\n"], ["def b():\n", "    f()\n", "def a():\n", "    f()\n"])
)
def test_a_followed_line_has_its_text_and_what_it_was_nested_in(texts: tuple[list[str], list[str]]) -> None:
    before, after = texts
    lines = LineMap.between("".join(before), "".join(after))
    pairs = [(then, now) for then in range(1, len(before) + 1) if (now := lines.now(then)) is not None]
    assert pairs == [(then, now) for now in range(1, len(after) + 1) if (then := lines.then(now)) is not None]
    assert all(one[1] < other[1] for one, other in itertools.pairwise(pairs))
    for then, now in pairs:
        assert before[then - 1] == after[now - 1]
        if before[then - 1].strip():
            assert enclosing(before, then - 1) == enclosing(after, now - 1)
    assert lines.identical == (before == after)


@settings(max_examples=200, deadline=None)
@given(two_texts())
def test_changed_lines_are_those_that_are_not_followed(texts: tuple[list[str], list[str]]) -> None:
    before, after = texts
    lines = LineMap.between("".join(before), "".join(after))
    changed = [line for one in lines.changed for line in one]
    assert changed == [line for line in range(1, len(after) + 1) if lines.then(line) is None]
    assert all(one.stop < other.start for one, other in itertools.pairwise(lines.changed))
    assert all(lines.changed)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 12), st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=6))
def test_lines_that_cannot_be_mistaken_are_all_followed(count: int, edits: list[tuple[int, bool]]) -> None:
    before = [f"a{number} = 1\n" for number in range(count)]
    after = [*before]
    for number, (place, is_insertion) in enumerate(edits):
        at = min(place, len(after))
        after[at : at + (not is_insertion)] = [f"new{number} = 1\n"] if is_insertion else []
    expected = [before.index(line) + 1 if line in before else None for line in after]
    assert followed("".join(before), "".join(after)) == expected
