"""Markdown as a reader of it sees it, and texts that try to be more than text."""

from __future__ import annotations

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PARSER.validateLink = lambda url: "file:" in url  # type: ignore[method-assign]  # as VS Code has it, which follows links to files

PIECES = (
    *("`", "``", "```", "|", "\\", "*", "_", "__", "<b>", "&amp;", "[x](y)", "![", "\n", "\r", "~~~", "$"),
    *("#", "1. ", "- ", "=== ", ": ", ".", " ", "a", "é", "😀"),
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.lists(st.sampled_from(PIECES)).map("".join),
)


def blocks(markdown: str) -> list[tuple[str, str]]:
    """What a document is made of."""
    return [(token.type, token.tag) for token in PARSER.parse(markdown)]


def spans(markdown: str) -> list[str]:
    """What stands in its lines that is no mere text."""
    return [child.type for child in _inner(markdown) if child.type != "text"]


def links(markdown: str) -> list[str]:
    """Where its links lead."""
    return [str(child.attrs["href"]) for child in _inner(markdown) if child.type == "link_open"]


def _inner(markdown: str) -> list[Token]:
    return [child for token in PARSER.parse(markdown) for child in token.children or []]
