"""An outline read in pieces is what reading the whole gives, and costs little after an edit."""

from __future__ import annotations

import argparse
import ast
import asyncio.tasks
import time
import typing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testwright.analysis.outline import Outline, read_outline
from testwright.analysis.symbols import find_symbols
from testwright.analysis.targets import has_tests, parse_source

MODULE = '''\
"""A module."""
from typing import Protocol, overload

LIMIT = 3


@overload
def parse(text: str) -> int: ...
@overload
def parse(text: bytes) -> int: ...
@decorated(
    1,
)
def parse(text):
    def inner():
        return text
    return inner


def _hidden():
    pass


class Cart:
    SIZE = 1

    def __init__(self):
        self.items = []

    @property
    def size(self):
        return 1

    @size.setter
    def size(self, value):
        pass

    class Line:
        def total(self):
            return 1


try:
    import fast
except ImportError:
    def parse(text):
        return 0
    def slow():
        return 1
else:
    def slow():
        return 2
'''


def shown(outline: Outline) -> list[tuple[str, int, int, bool, bool]]:
    return [
        (scope.qualname, scope.first_line, scope.last_line, scope.public, scope.is_defining) for scope in outline.scopes
    ]


def test_the_scopes_of_a_module() -> None:
    outline = read_outline(MODULE)
    assert shown(outline) == [
        ("parse", 7, 8, True, False),
        ("parse", 9, 10, True, False),
        ("parse", 11, 17, True, True),
        ("_hidden", 20, 21, False, True),
        ("Cart", 24, 40, True, True),
        ("Cart.size", 30, 32, True, True),
        ("Cart.size", 34, 36, True, False),
        ("Cart.Line", 38, 40, True, True),
        ("Cart.Line.total", 39, 40, True, True),
        ("parse", 46, 47, True, False),
        ("slow", 48, 49, True, True),
        ("slow", 51, 52, True, False),
    ]
    assert [scope.name_line for scope in outline.scopes][2] == 14
    assert (27, 28) in outline.functions  # the constructor is no scope, but a function
    assert {7, 11, 12, 13, 14, 20, 27} <= set(outline.headers)
    assert not {15, 24, 28} & set(outline.headers)
    assert (15, 16) not in outline.functions  # what is inside a function belongs to it
    assert set(outline.statements) >= {2, 4, 11, 14, 25, 43, 44, 45, 46, 51}
    assert not {15, 28, 49, 50} & set(outline.statements)  # in functions, and an else
    assert outline.has_public
    assert not outline.has_tests
    assert not outline.is_empty


@pytest.mark.parametrize("source", ["", "\n\n", "# nothing\n"], ids=["nothing", "blank", "comment"])
def test_a_module_without_statements_is_empty(source: str) -> None:
    outline = read_outline(source)
    assert outline.is_empty
    assert not outline.has_public
    assert outline.scopes == ()


def test_names_that_are_exported_are_public_wherever_it_is_said() -> None:
    source = "def a():\n    pass\n\ndef _b():\n    pass\n\n__all__ = ['_b']\n"
    assert [(scope.qualname, scope.public) for scope in read_outline(source).scopes] == [("a", False), ("_b", True)]
    added = source + "def c():\n    pass\n__all__.append('a')\n__all__ += ['c']\n"
    assert all(scope.public for scope in read_outline(added).scopes)
    unknown = source + "def c():\n    pass\n__all__ += more.__all__\n"
    assert [scope.public for scope in read_outline(unknown).scopes] == [True, False, True]


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    return '''\ndef g():\n    pass\n'''\n\ndef h():\n    pass\n",
        "x = [\ndef_,\n1]\ndef f():\n    pass\n",
        "if x:\n    pass\n\\\ndef f(): pass\n",
        "class A:\n\tdef f(self):\n\t\tpass\n\x0cdef g():\n    pass\n",
        "def f():\n    pass\rdef g():\n    pass\r\ndef h():\n    pass",
        "@a\n@b(\n1)\n# why\n@c\ndef f():\n    pass\n@d\nclass C:\n    pass\n",
        "async def f():\n    pass\nasync def g(): yield\n",
        "x = '''\ndef f():\n''' + '''\ndef g():\n''' + '''\nclass A:\n'''\ndef h():\n    pass\n",
    ],
    ids=["string", "bracket", "continued", "form feed", "line ends", "decorators", "async", "strings"],
)
def test_cuts_in_hard_places(source: str) -> None:
    agrees_with_the_whole(source)


PIECES = st.lists(
    st.sampled_from(
        [
            "def f():\n    pass\n",
            "def f(x):\n    return '''\n",
            "'''\n",
            "class A:\n",
            "    def m(self):\n        yield\n",
            "    @property\n    def p(self): pass\n",
            "    @p.setter\n    def p(self, v): pass\n",
            "if x:\n",
            "else:\n",
            "try:\n",
            "except E:\n",
            "    def g(): pass\n",
            "    pass\n",
            "x = (\n",
            "match x:\n",
            "    case 1:\n        pass\n",
            ")\n",
            "@d\n",
            "@overload\n",
            "\\\n",
            "# c\n",
            "\n",
            "\r",
            "\r\n",
            "\x0c",
            "__all__ = ['f']\n",
            "async def h(): pass\n",
            "def test_it(): pass\n",
            "lam = lambda: 1\n",
            "y = 1; z = 2\n",
            "x \\\n",
        ]
    ),
    max_size=14,
).map("".join)


@given(PIECES)
@example("class A:\n    pass\n" * 3 + "def f():\n    pass\n")
def test_any_module_is_read_as_a_whole(source: str) -> None:
    agrees_with_the_whole(source)


@given(PIECES, PIECES)
def test_what_an_earlier_outline_knew_changes_nothing(before: str, after: str) -> None:
    try:
        earlier = read_outline(before)
    except SyntaxError:
        return
    try:
        expected = read_outline(after)
    except SyntaxError as error:
        with pytest.raises(SyntaxError) as raised:
            read_outline(after, earlier)
        assert raised.value.lineno == error.lineno  # noqa: PT017 - the other error is what it is compared with
        return
    assert read_outline(after, earlier) == expected


@pytest.mark.parametrize("module", [ast, argparse, asyncio.tasks, typing])
def test_real_modules_are_read_as_a_whole(module: object) -> None:
    path = Path(module.__file__)  # type: ignore[attr-defined]
    agrees_with_the_whole(path.read_text(encoding="utf-8"))


def agrees_with_the_whole(source: str) -> None:
    try:
        tree = parse_source(source)
    except SyntaxError as error:
        with pytest.raises(SyntaxError) as raised:
            read_outline(source)
        assert raised.value.lineno == error.lineno  # noqa: PT017 - the other error is what it is compared with
        return
    outline = read_outline(source)
    symbols = find_symbols(tree)
    lambdas = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = {child for node in functions for child in ast.walk(node) if child is not node}
    assert {(scope.qualname, scope.first_line) for scope in outline.scopes if scope.public and scope.is_defining} >= {
        (item.qualname, item.first_line) for item in symbols.public if item.qualname not in lambdas
    }
    public = {item.qualname for item in symbols.public}
    assert {scope.qualname for scope in outline.scopes if scope.public and scope.kind == "function"} == {
        item.qualname for item in symbols.public if item.kind != "class" and item.qualname not in lambdas
    }
    names = {item.qualname for item in symbols.callables}
    assert all(scope.qualname in names for scope in outline.scopes if scope.kind == "function")
    assert list(outline.functions) == sorted(
        (min([node.lineno, *(one.lineno for one in node.decorator_list)]), node.end_lineno)
        for node in functions
        if node not in inner
    )
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node not in inner]
    assert set(outline.statements) >= {node.lineno for node in nodes}
    assert outline.has_public == bool(public)
    assert outline.has_tests == has_tests(tree)
    assert outline.is_empty == (not tree.body)


def large_module(functions: int) -> str:
    return "".join(
        f"def reduce_{number}(value: int) -> int:\n"
        + "".join(f"    if value > {index}:\n        value -= {number}\n" for index in range(3))
        + "    return value\n\n\n"
        for number in range(functions)
    )


def test_after_an_edit_only_what_is_new_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = large_module(1000)
    outline = read_outline(text)
    parsed: list[str] = []
    parse = ast.parse

    def watched(source: str) -> ast.Module:
        parsed.append(source)
        return parse(source)

    monkeypatch.setattr(ast, "parse", watched)
    changed = read_outline(text.replace("value -= 500\n", "value -= 501\n"), outline)
    assert len(parsed) == 1
    assert parsed[0].startswith("def reduce_500(")
    assert changed.scopes == outline.scopes
    with pytest.raises(SyntaxError) as error:
        read_outline(text.replace("def reduce_700(value: int)", "def reduce_700(value: int"), outline)
    assert error.value.lineno == 7001


def test_a_module_of_ten_thousand_lines_is_quick_after_an_edit() -> None:
    text = large_module(1000)
    outline = read_outline(text)
    changed = text.replace("value -= 500\n", "value -= 501\n")
    begun = time.process_time()
    read_outline(changed, outline)
    edit = time.process_time() - begun
    begun = time.process_time()
    ast.parse(changed)
    assert edit < (time.process_time() - begun) / 2
