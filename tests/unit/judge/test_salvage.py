"""Taking failing imports out of a candidates' file."""

from __future__ import annotations

import ast

import pytest

from testwright.judge.salvage import unsafe_at_collection, without_imports

TEXT = """\
import math
from shop import (
    Cart,
    gone,
)
import shop.missing as missing

def test_a():
    assert math.floor(1.5) == 1

def test_b():
    assert Cart

async def test_c():
    assert missing.x == 1
"""


def test_only_who_uses_the_import_is_touched_and_lines_keep_their_numbers() -> None:
    text, touched = without_imports(TEXT, [2])
    assert touched == {"test_b"}
    assert "Cart,\n" not in text
    assert text.count("\n") == TEXT.count("\n")
    assert [node.lineno for node in ast.parse(text).body] == [1, 6, 8, 11, 14]


def test_an_alias_is_what_is_used() -> None:
    assert without_imports(TEXT, [6])[1] == {"test_c"}


def test_nothing_to_take_out() -> None:
    assert without_imports(TEXT, []) == (TEXT, frozenset())


@pytest.mark.parametrize("text", [TEXT, '"""Doc."""\n', "", "from __future__ import annotations\n"])
def test_safe(text: str) -> None:
    assert unsafe_at_collection(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\n", "line 1 "),
        ("import a\n@a.b\ndef test_x():\n    pass\n", "line 3 "),
        ("def test_x(y=f()):\n    pass\n", "line 1 "),
        ("def test_x(*, y=f()):\n    pass\n", "line 1 "),
        ("def test_x(y: f()):\n    pass\n", "line 1 "),
        ("def test_x() -> f():\n    pass\n", "line 1 "),
        ("class A:\n    print(1)\n", "line 1 "),
        ("if True:\n    import a\n", "line 1 "),
        ("def f(:\n", "no Python"),
    ],
)
def test_what_would_run_at_collection_is_found(text: str, reason: str) -> None:
    assert reason in str(unsafe_at_collection(text))
