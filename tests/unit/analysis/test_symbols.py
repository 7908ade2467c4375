from __future__ import annotations

import ast
import textwrap

import pytest

from testwright.analysis.symbols import exported_names, find_symbols


def names(source: str, group: str = "public") -> list[str]:
    symbols = find_symbols(ast.parse(textwrap.dedent(source)))
    return [item.qualname for item in getattr(symbols, group)]


CART = '''\
import abc
from typing import TYPE_CHECKING, Protocol, TypedDict, overload

if TYPE_CHECKING:
    def only_for_types(): ...


@overload
def parse(text: str) -> int: ...
@overload
def parse(text: bytes) -> int: ...
def parse(text):
    """Parse."""
    return int(text)


async def fetch():
    yield 1


double = lambda number: number * 2


class Shape(Protocol):
    def area(self): ...


class Row(TypedDict):
    name: str


class Base(abc.ABC):
    @abc.abstractmethod
    def price(self): ...

    def taxed(self):
        return self.price() * 2


@decorated(
    1,
)
class Cart(Base):
    rate = 2

    def __init__(self, items):
        """Take items."""
        self.items = items

    def __len__(self):
        return len(self.items)

    @property
    def total(self):
        return 1

    @total.setter
    def total(self, value):
        self.items = value

    @classmethod
    async def load(cls): ...

    @staticmethod
    def _hidden(): ...

    class Line:
        def cost(self):
            return 3

    class _Private:
        def cost(self): ...


def _helper():
    def inner(): ...
    return inner


if __name__ == "__main__":
    def main(): ...
'''


def test_public_callables_in_the_order_of_the_source() -> None:
    assert names(CART) == [
        "parse",
        "fetch",
        "double",
        "Base.taxed",
        "Cart",
        "Cart.total",
        "Cart.load",
        "Cart.Line",
        "Cart.Line.cost",
    ]


def test_special_and_private_callables_are_kept_apart() -> None:
    assert names(CART, "special") == ["Cart.__len__"]
    assert names(CART, "private") == ["Cart._hidden", "Cart._Private", "Cart._Private.cost", "_helper"]


def test_what_is_not_called_is_other() -> None:
    symbols = find_symbols(ast.parse(CART))
    assert symbols.other == ("Base", "Base.price", "Cart.rate", "Row", "Shape")


def test_lines_kinds_and_flags() -> None:
    symbols = find_symbols(ast.parse(CART))
    lines = CART.splitlines()

    def found(name: str) -> tuple[str, str, str, tuple[int, int] | None]:
        item = symbols.find(name)
        assert item is not None
        return item.kind, lines[item.first_line - 1], lines[item.last_line - 1], item.body_lines

    parse = next(number for number, line in enumerate(lines, 1) if line == "    return int(text)")
    assert found("parse") == ("function", "def parse(text):", "    return int(text)", (parse, parse))
    assert found("Cart")[:3] == ("class", "@decorated(", "        def cost(self): ...")
    assert found("Cart.total")[:3] == ("property", "    @property", "        self.items = value")
    assert found("Cart.load")[0] == "classmethod"
    assert found("Cart._hidden")[0] == "staticmethod"
    cart = symbols.find("Cart")
    assert cart is not None
    assert cart.body_lines is not None
    assert lines[cart.body_lines[0] - 1].strip() == "self.items = items"
    fetch = symbols.find("fetch")
    assert fetch is not None
    assert (fetch.is_async, fetch.is_generator) == (True, True)
    helper = symbols.find("_helper")
    assert helper is not None
    assert not helper.is_generator
    taxed = symbols.find("Base.taxed")
    assert taxed is not None
    assert taxed.is_abstract_owner
    line = symbols.find("Cart.Line")
    assert line is not None
    assert line.body_lines is None


@pytest.mark.parametrize(
    ("source", "exported"),
    [
        ("x = 1", None),
        ("__all__ = ['a', 'b']", {"a", "b"}),
        ("__all__: list[str] = ['a']", {"a"}),
        ("__all__ = ('a',)\n__all__ += ['b']", {"a", "b"}),
        ("__all__ = ['a']\n__all__.extend(['b'])\n__all__.append('c')", {"a", "b", "c"}),
        ("__all__ = ['a'] + other.__all__", None),
        ("__all__ = [name for name in globals()]", None),
        ("__all__ = []", set()),
    ],
)
def test_all_is_read(source: str, exported: set[str] | None) -> None:
    assert exported_names(ast.parse(source)) == exported


def test_all_decides_what_is_public() -> None:
    source = """
        __all__ = ["_shown", "imported"]
        from elsewhere import imported
        def _shown(): ...
        def left_out(): ...
    """
    assert names(source) == ["_shown"]
    assert names(source, "private") == ["left_out"]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("try:\n    def f(): return 1\nexcept ImportError:\n    def f(): return 2\n", 2),
        ("if sys.version_info > (3, 12):\n    def f(): return 1\nelse:\n    def f(): return 2\n", 2),
        ("if False:\n    def f(): return 1\nelse:\n    def f(): return 2\n", 4),
        ("if not TYPE_CHECKING:\n    def f(): return 1\n", 2),
        ("def f(): return 1\ndef f(): return 2\n", 2),
    ],
)
def test_of_several_definitions_the_one_in_force_counts(source: str, line: int) -> None:
    item = find_symbols(ast.parse(source)).find("f")
    assert item is not None
    assert item.first_line == line
