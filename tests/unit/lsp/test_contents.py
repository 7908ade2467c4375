"""A file's bytes and an editor's text of it: what counts as the same, and what must change."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.errors import TargetError
from testwright.lsp.testfile.contents import changes_to, data_of, is_text_of, text_of, with_ends_of
from testwright.writing.edits import apply_changes

PATH = Path("/w/tests/test_it.py")
lines = st.lists(st.sampled_from(["", "x = 1", "größe = '😀'", "\f", "def test_a():", "    pass"]), max_size=12)
ends = st.sampled_from(["\n", "\r\n", "\r"])
lasts = st.booleans()


def made(parts: list[str], end: str, *, ended: bool) -> str:
    return end.join(parts) + (end if ended else "")


def plain(text: str) -> str:
    return re.sub(r"\r\n|\r", "\n", text)


@given(before=lines, after=lines, own=ends, other=ends, ended=lasts, other_ended=lasts)
def test_an_editor_gets_the_lines_of_a_file_in_the_ends_that_it_has(
    *, before: list[str], after: list[str], own: str, other: str, ended: bool, other_ended: bool
) -> None:
    text, wanted = made(before, own, ended=ended), made(after, other, ended=other_ended)
    result = apply_changes(text, changes_to(text, wanted.encode()))
    assert plain(result) == plain(wanted)
    assert is_text_of(result, wanted.encode())
    if own in text:
        assert set(re.findall(r"\r\n|\r|\n", result)) <= {own}


@given(parts=lines, own=ends, other=ends, ended=lasts)
def test_other_line_ends_are_no_change(*, parts: list[str], own: str, other: str, ended: bool) -> None:
    text, data = made(parts, own, ended=ended), made(parts, other, ended=ended).encode()
    assert is_text_of(text, data)
    assert changes_to(text, data) == ()


def test_mixed_line_ends_stay_where_they_are() -> None:
    text = "a\r\nb\nc\r\nd\r\n"
    changed = apply_changes(text, changes_to(text, b"a\r\nb\nc\r\nx\r\nd\r\n"))
    assert changed == "a\r\nb\nc\r\nx\r\nd\r\n"


@pytest.mark.parametrize(
    ("text", "data", "same"),
    [
        ("x\n", codecs.BOM_UTF8 + b"x\n", True),
        ("\ufeffx\n", codecs.BOM_UTF8 + b"x\n", True),
        ("x", b"x\n", False),
        ("x ", b"x", False),
        ("# coding: latin-1\n# ä\n", "# coding: latin-1\n# ä\n".encode("latin-1"), True),
        ("# coding: latin-1\n# ä\n", "# coding: latin-1\n# ä\n".encode(), False),
        ("x\n", b"\xff\n", False),
    ],
)
def test_what_counts_as_the_text_of_a_file(text: str, data: bytes, *, same: bool) -> None:
    assert is_text_of(text, data) == same


def test_a_mark_in_the_editor_stays() -> None:
    text = "\ufeffx\n"
    assert apply_changes(text, changes_to(text, codecs.BOM_UTF8 + b"x\ny\n")) == "\ufeffx\ny\n"


def test_what_is_no_text_is_told_or_is_not_the_same() -> None:
    with pytest.raises(TargetError):
        text_of(b"\xff\n")
    with pytest.raises(TargetError, match="a character that iso-8859-1, its encoding, cannot hold"):
        data_of(PATH, "# coding: latin-1\n€\n")


@pytest.mark.parametrize(
    "text", ["", "x = 1\n", "# coding: latin-1\nx = 'ä'\r\n", "x = 'ä'"], ids=["empty", "plain", "latin-1", "no end"]
)
def test_a_saved_text_is_the_text_of_its_file(text: str) -> None:
    assert text_of(data_of(PATH, text)) == text


def test_a_file_in_the_line_ends_and_with_the_mark_of_another() -> None:
    latin = "# coding: latin-1\n# ä\n"
    assert with_ends_of(b"x\ny", codecs.BOM_UTF8 + b"a\r\nb\r\n") == codecs.BOM_UTF8 + b"x\r\ny"
    other = "# coding: latin-1\r\n# a\r\n".encode("latin-1")
    assert with_ends_of(latin.encode("latin-1"), other) == latin.replace("\n", "\r\n").encode("latin-1")
