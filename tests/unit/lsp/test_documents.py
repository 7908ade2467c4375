"""A document keeps in step with the editor, edit by edit, in every position encoding."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsp_client.texts import edited, lines_of, position_of
from lsprotocol import types
from pygls.workspace import PositionCodec

from testwright.lsp.texts.documents import THREAD_FROM, Document, Documents, Place, range_of, range_of_lines
from testwright.lsp.texts.positions import column_of, units_of

ENCODINGS = ["utf-8", "utf-16", "utf-32"]
URI = "file:///project/module.py"

TEXTS = st.text(st.sampled_from("ab \t\n\r\x0c\x0b\u2028\x85äß漢😀\U00010400"), max_size=24)


def document(text: str, encoding: str = "utf-16") -> Document:
    return Document(URI, text, 1, "python", position_codec=PositionCodec(encoding))


def change(start: dict[str, int], end: dict[str, int], text: str) -> types.TextDocumentContentChangePartial:
    return types.TextDocumentContentChangePartial(types.Range(types.Position(**start), types.Position(**end)), text)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.data())
def test_any_edits_keep_the_text_as_the_editor_has_it(encoding: str, data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    ours = document(text, encoding)
    for _ in range(4):
        # Between a carriage return and its line feed there is no position.
        places = [at for at in range(len(text) + 1) if text[at - 1 : at + 1] != "\r\n"]
        ends = sorted(data.draw(st.tuples(st.sampled_from(places), st.sampled_from(places))))
        start, end = (position_of(text, offset, encoding) for offset in ends)
        new = data.draw(TEXTS)
        text = edited(text, [{"range": {"start": start, "end": end}, "newText": new}], encoding)
        ours.apply_change(change(start, end, new))
        assert ours.text == text
        assert list(ours.lines) == [line for line in lines_of(text) if line]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ((0, 99), (0, 99), "one+\ntwo"),
        ((1, 99), (1, 99), "one\ntwo+"),
        ((0, 1), (0, 99), "o+\ntwo"),
        ((9, 0), (9, 0), "one\ntwo+"),
        ((1, 0), (9, 9), "one\n+"),
        ((1, 3), (0, 3), "one+"),
    ],
    ids=["beyond the line", "beyond the last", "to beyond", "below the text", "to below", "backwards"],
)
def test_a_position_beyond_the_end_is_the_end(start: tuple[int, int], end: tuple[int, int], expected: str) -> None:
    ours = document("one\ntwo")
    ours.apply_change(change(_at(start), _at(end), "+"))
    assert ours.text == expected


def _at(position: tuple[int, int]) -> dict[str, int]:
    return {"line": position[0], "character": position[1]}


def test_a_whole_text_replaces_the_other() -> None:
    ours = document("one\n")
    assert list(ours.lines) == ["one\n"]
    ours.apply_change(types.TextDocumentContentChangeWholeDocument("two\nthree"))
    assert list(ours.lines) == ["two\n", "three"]


@pytest.mark.parametrize(
    ("encoding", "units"), [("utf-8", [0, 1, 3, 6, 10]), ("utf-16", [0, 1, 2, 3, 5]), ("utf-32", [0, 1, 2, 3, 4])]
)
def test_columns_and_units(encoding: str, units: list[int]) -> None:
    line = "aä漢😀"
    assert [units_of(line, column, encoding) for column in range(5)] == units
    assert [column_of(line, number, encoding) for number in units] == [0, 1, 2, 3, 4]
    assert column_of(line, 99, encoding) == 4
    if encoding != "utf-32":
        assert column_of(line, units[-1] - 1, encoding) == 3  # inside of the last character


def test_ranges_in_the_clients_encoding() -> None:
    text = "x = 1\n\tgröße = '😀'  \r\n"
    lines = document(text).lines
    assert range_of_lines(lines, 2, 2, "utf-16") == types.Range(types.Position(1, 1), types.Position(1, 15))
    assert range_of_lines(lines, 1, 2, "utf-8") == types.Range(types.Position(0, 0), types.Position(1, 19))
    ours = document(text, "utf-32")
    assert range_of(ours, Place(0, 2), Place(2, 0)) == types.Range(types.Position(0, 2), types.Position(2, 0))


async def test_the_last_good_outline_serves_during_a_syntax_error() -> None:
    ours = document("def f():\n    pass\n")
    good = await ours.outline()
    assert good is not None
    assert [scope.qualname for scope in good.scopes] == ["f"]
    ours.apply_change(change(_at((0, 5)), _at((0, 7)), "("))
    assert await ours.outline() is good
    assert ours.outline_error is not None
    ours.apply_change(types.TextDocumentContentChangeWholeDocument("def g():\n    pass\n"))
    again = await ours.outline()
    assert again is not None
    assert [scope.qualname for scope in again.scopes] == ["g"]
    assert ours.outline_error is None


async def test_a_text_that_was_never_good_has_no_outline() -> None:
    ours = document("def f(:\n")
    assert await ours.outline() is None
    assert ours.outline_error is not None
    assert ours.outline_error.lineno == 1


async def test_a_large_text_is_read_once_for_all_and_beside_the_loop() -> None:
    ours = document("def f():\n    pass\n" * THREAD_FROM)
    one, other = await asyncio.gather(ours.outline(), ours.outline())
    assert one is other
    ours.apply_change(types.TextDocumentContentChangeWholeDocument("def f(:\n" * THREAD_FROM))
    waiting = asyncio.create_task(ours.outline())
    await asyncio.sleep(0)
    waiting.cancel()
    assert await ours.outline() is one


def test_an_edit_of_ten_thousand_lines_is_quick() -> None:
    ours = document("    value = value + 1  # größer\n" * 10_000)
    assert len(ours.lines) == 10_000
    begun = time.process_time()
    for number in range(20):
        ours.apply_change(change(_at((5000, 4)), _at((5000, 4)), str(number)))
        assert len(ours.lines) == 10_000
    assert (time.process_time() - begun) / 20 < 0.01


def test_a_change_of_a_document_that_is_not_open_is_passed_over() -> None:
    documents = Documents(None)
    identifier: Any = types.VersionedTextDocumentIdentifier(2, URI)
    documents.update_text_document(identifier, types.TextDocumentContentChangeWholeDocument("x"))
    assert documents.all_open() == []
    documents.put_text_document(types.TextDocumentItem(URI, "python", 1, ""))
    documents.update_text_document(identifier, types.TextDocumentContentChangeWholeDocument("x"))
    found = documents.opened(URI)
    assert found is not None
    assert (found.text, found.version) == ("x", 2)
