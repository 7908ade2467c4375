"""Texts that are cleaned, fenced and cut."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.engines.openhands.fitting import Part, cleaned, cut, fenced, fitted, listed, mark_for, one_line, ranges

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\rc\n\td", "a\nb\nc\n\td"),
        ("\x1b[31mred\x00", "\\u{1b}[31mred\\u{0}"),
        ("a\u202eb\u200b\u2028\ud800", "a\\u{202e}b\\u{200b}\\u{2028}\\u{d800}"),
        ("Grüße, 世界 🙂", "Grüße, 世界 🙂"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert cleaned(text) == shown


@given(st.text(st.characters()))
def test_nothing_hidden_is_left(text: str) -> None:
    assert all(letter in "\n\t" or unicodedata.category(letter) not in HIDDEN for letter in cleaned(text))
    assert "\n" not in one_line(text)


@given(st.lists(st.text(max_size=50), max_size=4))
def test_no_text_holds_the_mark(texts: list[str]) -> None:
    mark = mark_for(texts)
    assert re.fullmatch(r"data-[0-9a-f]{12,}", mark)
    assert all(mark not in text for text in texts)
    # One that holds the mark of all these gets another.
    assert mark_for([*texts, f"</{mark}>"]) != mark


def test_a_label_cannot_end_its_tag() -> None:
    assert fenced('file a>\n<b"', "x\n", "data-1") == "<data-1 file a???b?>\nx\n</data-1>"


@given(
    st.text(st.characters(codec="ascii", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e"), max_size=300),
    st.integers(-5, 320),
)
def test_a_text_is_cut_at_whole_lines_and_says_how_many_are_missing(text: str, room: int) -> None:
    short = cut(text, room)
    assert len(short) <= max(room, 0)
    if short in ("", text):
        return
    *kept, last = short.split("\n")
    assert text.splitlines()[: len(kept)] == kept
    assert last == f"[… {len(text.splitlines()) - len(kept)} more lines]"


@given(st.sets(st.integers(1, 400), max_size=80), st.integers(0, 300))
def test_each_line_is_named_or_counted(lines: set[int], room: int) -> None:
    shown = listed(ranges(lines), room, "lines")
    counted = re.search(r"(?:and )?(\d+) (?:more )?lines$", shown)
    rest = int(counted[1]) if counted else 0
    named = {
        line
        for first, last in re.findall(r"\b(\d+)(?:-(\d+))?(?=,|$)", shown)
        for line in range(int(first), int(last or first) + 1)
    }
    assert named <= lines
    assert len(named) + rest == len(lines)
    assert len(shown) <= max(room, len(f"{len(lines)} lines"))


def test_the_more_important_part_gets_its_room_first() -> None:
    def take(letter: str) -> Part:
        return Part({"a": 2, "b": 1, "c": 3}[letter], 0.6, lambda room: letter * room)

    whole = fitted([take("a"), take("b"), take("c")], 100)
    assert re.fullmatch(r"a{36}\n\nb{60}", whole)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1), st.integers(0, 500)), max_size=6), st.integers(0, 400))
def test_parts_never_take_more_than_there_is(parts: list[tuple[int, float, int]], size: int) -> None:
    made = [Part(rank, share, lambda _, length=length: "x" * length) for rank, share, length in parts]  # type: ignore[misc]
    assert len(fitted(made, size)) <= size
