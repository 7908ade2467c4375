"""The changes between two texts, as an editor applies them."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from testwright.errors import WriteFailure
from testwright.writing.edits import TextChange, apply_changes, text_edits
from testwright.writing.encoding import SourceFile
from testwright.writing.merge import merge_tests

LINE = st.sampled_from(["a", "b", "c", "", "\x0c", "x = '\u2028\x85\x1c'", "    b"])
END = st.sampled_from(["\n", "\r\n", "\r"])
TEXT = st.one_of(
    st.text(alphabet="ab\r\n\x0c\u2028", max_size=20),
    st.builds(
        lambda lines, last: "".join(map("".join, lines)) + last,
        st.lists(st.tuples(LINE, END), max_size=12),
        st.sampled_from(["", "a", "end"]),
    ),
)


def lines_of(text: str) -> list[str]:
    """The lines of a text as an editor counts them, the empty last one too."""
    return re.split(r"\r\n|\r|\n", text)


@settings(max_examples=500, deadline=None)
@given(TEXT, TEXT)
@example("a", "a\nb")
@example("a\r", "a\r\nb")
@example("a\n\x0cb\n", "\x0cb\n")
@example("", "")
def test_changes_make_one_text_of_the_other(before: str, after: str) -> None:
    changes = text_edits(before, after)
    assert apply_changes(before, changes) == after
    assert (changes == ()) == (before == after)
    for change in changes:
        assert 0 <= change.start_line <= change.end_line < len(lines_of(before)) + 1
        assert change.text or change.start_line < change.end_line
    for one, other in itertools.pairwise(changes):
        assert one.end_line < other.start_line


@settings(max_examples=300, deadline=None)
@given(TEXT, TEXT)
def test_changes_hold_in_an_editor_that_replaces_between_positions(before: str, after: str) -> None:
    """As the language server protocol has it: from a line's start to another's, from the last change to the first."""
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", before))]
    text = before
    for change in reversed(text_edits(before, after)):
        first, last = (
            starts[line] if line < len(starts) else len(before) for line in (change.start_line, change.end_line)
        )
        text = text[:first] + change.text + text[last:]
    assert text == after


IMPORTS = ["", "import re\n", "import re\n\nfrom shop import b\n"]
TESTS = ["", "def test_new():\n    assert re\n", "def test_a():\n    pass\n\n\ndef test_b():\n    pass\n"]
STATEMENT = st.sampled_from(
    [
        "import re",
        "from shop import b",
        "def test_old():\n    assert re",
        "def test_b():\n    pass",
        "def helper():\n    return 1",
        "# comment",
        "",
        "",
        "X = 1",
        "    # more",
        "if __name__ == '__main__':\n    main()",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(STATEMENT, max_size=9), END, st.sampled_from(["", "\n"]), st.sampled_from(IMPORTS), st.sampled_from(TESTS)
)
@example(["def test_b():\n    pass", "X = 1"], "\n", "\n", IMPORTS[1], TESTS[2])
def test_a_merge_is_told_as_insertions(statements: list[str], end: str, last: str, imports: str, tests: str) -> None:
    before = ("\n".join(statements) + last).replace("\n", end)
    try:
        after = merge_tests(SourceFile.of(before.encode()), imports, tests).decode()
    except WriteFailure:
        return  # laid out so that nothing can be put in
    changes = text_edits(before, after)
    assert apply_changes(before, changes) == after
    assert len(changes) <= 2
    unended = len(lines_of(before)) - 1 if lines_of(before)[-1] else None
    for change in changes:
        if unended is not None and change.end_line == unended + 1:  # the last line, which gets an end
            assert change.start_line == unended
            assert lines_of(before)[-1] in lines_of(change.text)
        else:
            assert change.start_line == change.end_line


def test_what_a_merge_put_in_is_told_as_taken_out() -> None:
    before = "import os\n\n\ndef test_a():\n    assert os\n\n\nX = 1\n"
    after = merge_tests(SourceFile.of(before.encode()), IMPORTS[1], TESTS[1]).decode()
    assert text_edits(after, before) == (TextChange(1, 2, ""), TextChange(6, 10, ""))


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("", "a\n", [TextChange(0, 0, "a\n")]),
        ("a\n", "a\nb\n", [TextChange(1, 1, "b\n")]),
        ("a", "a\nb", [TextChange(0, 1, "a\nb")]),
        ("a", "a\nb\na", [TextChange(0, 1, "a\nb\na")]),
        ("a\r\nb", "x\r\na\r\nb\r\nb", [TextChange(0, 0, "x\r\n"), TextChange(1, 2, "b\r\nb")]),
        ("a\nb", "a\nx\nb\nb", [TextChange(1, 1, "x\nb\n")]),
        ("a\nb\n", "x\na\nb\nb\n", [TextChange(0, 0, "x\n"), TextChange(2, 2, "b\n")]),
        ("a\nb\nc\n", "x\na\nd\na\nb\nc\n", [TextChange(0, 0, "x\na\nd\n")]),
        ("a\nb", "b", [TextChange(0, 1, "")]),
        ("a\nb\nc", "a\nb", [TextChange(1, 3, "b")]),
        ("a\nb\nc", "a\nb\nd", [TextChange(2, 3, "d")]),
        ("a\nb\nc", "x\nb\nc", [TextChange(0, 1, "x\n")]),
        ("a\nb", "a\nb\n", [TextChange(1, 2, "b\n")]),
        ("a\nb\nc\n", "a\nx\nc\n", [TextChange(1, 2, "x\n")]),
        ("a\r\nb\r\n", "a\r\nb\n", [TextChange(1, 2, "b\n")]),
        ("a\nb\nc\nd\ne\n", "a\nB\nc\nD\ne\n", [TextChange(1, 2, "B\n"), TextChange(3, 4, "D\n")]),
        ("a\x0cb\n", "a\x0cb\nc\n", [TextChange(1, 1, "c\n")]),
    ],
)
def test_changes_are_whole_lines_and_few(before: str, after: str, changes: list[TextChange]) -> None:
    assert text_edits(before, after) == tuple(changes)


def test_large_texts_take_no_time() -> None:
    long = [f"line {number}\n" for number in range(20_000)]
    merged = [*long[:10], "import re\n", *long[10:], "def test_new(): pass\n"]
    began = time.perf_counter()
    assert text_edits("".join(long), "".join(merged)) == (
        TextChange(10, 10, "import re\n"),
        TextChange(20_000, 20_000, "def test_new(): pass\n"),
    )
    assert len(text_edits("".join(merged), "".join(long))) == 2
    assert text_edits("a\n" * 20_000, "b\n" * 20_000) == (TextChange(0, 20_000, "b\n" * 20_000),)
    assert text_edits("a\nb\n" * 20_000, "b\n" + "a\nc\n" * 20_000)
    assert time.perf_counter() - began < 2
