"""Markdown that no text breaks out of, as a parser of it reads it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from markdown_it.token import Token
from markdown_reading import PARSER, TEXTS

from testwright.lsp.reports.markdown import bar, block, code, link, table, words


def one_line(text: str) -> str:
    """What a person must see of a text that is shown in one line."""
    return re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+", " ", text).strip()


def inline(markdown: str) -> list[Token]:
    """What stands in the one paragraph of a text."""
    tokens = PARSER.parse(markdown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    return tokens[1].children or []


@given(TEXTS)
def test_words_are_read_as_they_are(text: str) -> None:
    children = inline(f"About {words(text)} end")
    assert {child.type for child in children} == {"text"}
    assert "".join(child.content for child in children) == f"About {one_line(text)} end"


@given(TEXTS)
def test_words_at_the_beginning_of_an_entry_are_an_entry(text: str) -> None:
    tokens = PARSER.parse(f"- {words(text)}x")
    assert [token.type for token in tokens] == [
        *("bullet_list_open", "list_item_open", "paragraph_open", "inline"),
        *("paragraph_close", "list_item_close", "bullet_list_close"),
    ]
    assert "".join(child.content for child in tokens[3].children or []) == f"{one_line(text)}x"


@given(TEXTS)
def test_words_in_a_heading_are_the_heading(text: str) -> None:
    tokens = PARSER.parse(f"## x{words(text)}\n\nnext")
    assert [token.type for token in tokens[:4]] == ["heading_open", "inline", "heading_close", "paragraph_open"]
    assert "".join(child.content for child in tokens[1].children or []) == f"x{one_line(text)}"


@given(TEXTS)
def test_code_is_one_span_of_code(text: str) -> None:
    children = inline(f"a {code(text)} b")
    assert [child.type for child in children] == ["text", "code_inline", "text"]
    assert children[1].content == (one_line(text) or " ")


@given(TEXTS)
def test_a_block_holds_its_lines(source: str) -> None:
    tokens = PARSER.parse(f"{block(source)}\n\nnext")
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].info == "python"
    assert tokens[0].content.rstrip("\n") == re.sub("\r\n|\r", "\n", source).rstrip("\n")


@given(TEXTS, TEXTS)
def test_cells_stay_cells(one: str, other: str) -> None:
    tokens = PARSER.parse(table(["a", "b"], [[words("x" + one), words("x" + other)]]))
    cells = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "td_open"]
    shown = ["".join(child.content for child in cell.children or []) for cell in cells]
    assert shown == [one_line("x" + one), one_line("x" + other)]


@given(TEXTS)
def test_a_link_leads_where_it_should(text: str) -> None:
    children = inline(f"a {link('x' + text, 'file:///a/b (c)/d%20e.py', 12)} b")
    assert [children[1].type, children[-2].type] == ["link_open", "link_close"]
    assert children[1].attrs == {"href": "file:///a/b%20%28c%29/d%20e.py#L12"}
    assert "".join(child.content for child in children[2:-2]) == one_line("x" + text)


@pytest.mark.parametrize(
    ("percent", "blocks"), [(0, 0), (0.4, 1), (50, 10), (99.9, 19), (100, 20)], ids=["0", "0.4", "50", "99.9", "100"]
)
def test_a_bar_is_full_only_at_all_and_empty_only_at_nothing(percent: float, blocks: int) -> None:
    assert bar(percent).count("█") == blocks
    assert len(bar(percent)) == 20
