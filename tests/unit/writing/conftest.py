"""A small shop as the module under test, and candidates about it as engines propose them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from testwright.model import Candidate, Import, Raises, Target

MakeCandidate = Callable[..., Candidate]

SHOP = '''\
"""Prices of a small shop."""

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    OPEN = "open"
    PAID = "paid"


@dataclass
class Item:
    name: str
    price: float
    quantity: int = 1


class Cart:
    def __init__(self, owner, items=()): ...

    def add(self, name, quantity=1): ...

    def total(self): ...

    def __len__(self): ...

    def __add__(self, other): ...

    @classmethod
    def parse(cls, text): ...


def slugify(text, separator="-", lowercase=True): ...


def is_even(n): ...


def load(path, encoding="utf-8"): ...


def due(day, days): ...


def round(value, digits=0): ...


def test_connection(url): ...


def render(rows): ...


async def fetch(url): ...
'''


@pytest.fixture
def shop() -> Target:
    path = Path("/workspace/shop/pricing.py")
    return Target(Path("/workspace"), path, "shop.pricing", Path("/workspace"), None, 1, SHOP.count("\n"), SHOP)


@pytest.fixture
def make() -> MakeCandidate:
    """Makes candidates; imports are names of the shop, or ``Import`` values."""
    numbers = itertools.count(1)

    def candidate(
        target: str,
        act: str,
        *asserts: str,
        arrange: str = "",
        raises: tuple[str, str | None] | None = None,
        warns: str | None = None,
        uses: tuple[str | Import, ...] | None = None,
        fixtures: tuple[str, ...] = (),
        scenario: str = "",
    ) -> Candidate:
        names = (target.partition(".")[0],) if uses is None else uses
        return Candidate(
            id=f"c{next(numbers)}",
            target=target,
            scenario=scenario,
            arrange=tuple(arrange.splitlines()),
            act=act,
            binds="result",
            asserts=asserts,
            raises=None if raises is None else Raises(*raises),
            warns=warns,
            imports=tuple(name if isinstance(name, Import) else Import("shop.pricing", name) for name in names),
            fixtures=fixtures,
            origin="embedded:search",
        )

    return candidate


@pytest.fixture
def whole_shop(make: MakeCandidate) -> list[Candidate]:
    """One of each kind, in the order in which a search might find them."""
    date = Import("datetime", "date")
    rows = "[{'name': 'pen', 'price': 1.5, 'quantity': 1}, {'name': 'ink', 'price': 2.0, 'quantity': 3}]"
    table = "'name | price | quantity\\npen | 1.50 | 1\\nink | 2.00 | 3\\n------------------\\ntotal 7.50'"
    cart = "cart = Cart('Ann')"
    sample = "path = tmp_path / 'sample.txt'"
    asyncio_fetch = (Import("asyncio"), "fetch")
    return [
        make("is_even", "is_even(2)", "result is True"),
        make("is_even", "is_even(-3)", "result is False"),
        make("is_even", "is_even('x')", raises=("TypeError", None)),
        make("Item", "Item('pen', 1.5)", "result.name == 'pen'", "result.price == 1.5", "result.quantity == 1"),
        make("Item", "Item('ink', 2.0, 3)", "result.name == 'ink'", "result.price == 2.0", "result.quantity == 3"),
        make("Item", "Item('cup', 2.0, 4)", "result.name == 'cup'", "result.price == 2.0", "result.quantity == 4"),
        make("Cart.__len__", "len(cart)", "result == 0", arrange=cart),
        make("Cart.__len__", "len(cart)", "result == 2", arrange=f"{cart}\ncart.add('a')\ncart.add('b', 3)"),
        make(
            "Cart.add",
            "cart.add('a', 0)",
            "cart.size == 0",
            arrange=cart,
            raises=("ValueError", "quantity must be positive"),
        ),
        make("Cart.add", "cart.add('', 1)", arrange=cart, raises=("ValueError", "name is empty (got '')")),
        make("Cart.add", "cart.add('a', 2)", "cart.size == 2", "cart.total() == pytest.approx(4.2)", arrange=cart),
        make("Cart.parse", "Cart.parse('a;b')", "result.size == 2"),
        make(
            "load",
            "load(path)",
            "result == ['a', 'b']",
            arrange=f"{sample}\npath.write_text('a\\nb\\n')",
            fixtures=("tmp_path", "capsys"),
        ),
        make(
            "load",
            "load(path, encoding='latin-1')",
            "result == ['\\xe9']",
            arrange=f"{sample}\npath.write_bytes(b'\\xe9')",
            fixtures=("tmp_path",),
        ),
        make("load", "load(tmp_path / 'missing.txt')", raises=("FileNotFoundError", None), fixtures=("tmp_path",)),
        make("due", "due(date(2024, 1, 31), 30)", "result == date(2024, 3, 1)", uses=("due", date)),
        make("due", "due(date(2023, 12, 31), 1)", "result == date(2024, 1, 1)", uses=("due", date)),
        make(
            "due", "due(date(2024, 1, 31), -1)", raises=("ValueError", "days must not be negative"), uses=("due", date)
        ),
        make("round", "round(1.25, 1)", "result == 1.3"),
        make("render", "render([round(1.25, 1)])", "result == '1.2'"),
        make("test_connection", "test_connection('http://localhost')", "result is True"),
        make("render", f"render({rows})", f"result == {table}"),
        make(
            "render",
            "render([])",
            "result == ''",
            "capsys.readouterr().out == 'nothing to render\\n'",
            fixtures=("capsys",),
        ),
        make("slugify", "slugify('Old')", "result == 'old'", warns="DeprecationWarning"),
        make("slugify", "slugify('a b', '_')", "result == 'a_b'"),
        make("slugify", "slugify('a b', '')", "result == 'ab'"),
        make("slugify", "slugify('A b', lowercase=False)", "result == 'A-b'"),
        make("fetch", "asyncio.run(fetch('a'))", "result == b'a'", uses=asyncio_fetch),
        make("fetch", "asyncio.run(fetch('b'))", "result == b'b'", uses=asyncio_fetch),
        make(
            "Cart.total",
            "cart.total()",
            "result == 0",
            arrange="monkeypatch.setattr(Cart, 'LIMIT', 4)\ncart = Cart('Ann', [1, 2])",
            fixtures=("monkeypatch",),
        ),
        make("Cart.__add__", "Cart('Ann') + Cart('Bob')", "result.owner == 'Ann'"),
        make("Status", "Status('open')", "result is Status.OPEN"),
        make("Status", "Status('x')", raises=("ValueError", "'x' is not a valid Status")),
    ]
