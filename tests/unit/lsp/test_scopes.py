"""Which classes and functions a range lies in, in the text as it is now."""

from __future__ import annotations

import pytest
from lsprotocol import types

from testwright.analysis.outline import read_outline
from testwright.lsp.texts.documents import Document
from testwright.lsp.texts.scopes import lines_of, scopes_around

SOURCE = """\
def first(x):
    if x:
        return 1
    return 2


@decorated
class Cart:
    size = 1

    def total(self):
        a = 1
        return a

    def _hidden(self):
        return 2


def _private():
    return 3
"""


def spread(line: int, end: int | None = None, character: int = 0) -> types.Range:
    """A range of lines, from 1."""
    last = line if end is None else end
    return types.Range(types.Position(line - 1, 0), types.Position(last - 1, character))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (spread(1), ["first"]),
        (spread(1, 4, 3), ["first"]),
        (spread(1, 5), ["first"]),
        (spread(1, 5, 1), []),
        (spread(5), []),
        (spread(7), ["Cart"]),
        (spread(12), ["Cart.total", "Cart"]),
        (spread(9, 12, 4), ["Cart"]),
        (spread(16), ["Cart._hidden", "Cart"]),
        (spread(20), ["_private"]),
        (spread(3, 12), []),
        (spread(900), []),
    ],
)
def test_the_scopes_around_a_range(wanted: types.Range, names: list[str]) -> None:
    document = Document("file:///a.py", SOURCE)

    assert [scope.qualname for scope in scopes_around(document, read_outline(SOURCE), wanted)] == names


def test_while_there_is_a_syntax_error_the_lines_are_followed() -> None:
    typed = SOURCE.replace("def first", "import os\nimport sys\n\n\ndef first").replace("a = 1\n", "a = (\n")
    document = Document("file:///a.py", typed)
    outline = read_outline(SOURCE)

    def names(line: int) -> list[str]:
        return [scope.qualname for scope in scopes_around(document, outline, spread(line))]

    lines = typed.splitlines()
    assert names(lines.index("        return 1") + 1) == ["first"]
    assert names(lines.index("        a = (") + 1) == ["Cart.total", "Cart"]
    assert names(lines.index("import sys") + 1) == []
    assert names(len(lines) + 1) == names(10**9) == []


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [(spread(3), (3, 3)), (spread(3, 5), (3, 4)), (spread(3, 5, 1), (3, 5)), (spread(3, 4), (3, 3))],
)
def test_a_range_that_ends_before_a_line_does_not_hold_it(wanted: types.Range, lines: tuple[int, int]) -> None:
    assert lines_of(wanted) == lines
