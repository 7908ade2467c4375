"""Which exceptions say nothing of the callable that a case is about."""

from __future__ import annotations

import pytest

from testwright.inside.explore.observe import raised_by_argument


@pytest.mark.parametrize(
    ("act", "entered", "target", "expected"),
    [
        ("total(load('a'))", "load", "total", True),
        ("total(load('a'))", "total", "total", False),
        ("total(Cart('w'))", "", "total", True),
        ("total(prices=[load('a')])", "load", "total", True),
        ("cart.total(load('a'))", "load", "Cart.total", True),
        ("cart.total(1)", "total", "Cart.total", False),
        ("Cart(load('a'))", "__init__", "Cart", False),
        ("Cart(load('a'))", "load", "Cart", True),
        ("asyncio.run(board.rate('x'))", "rate", "Board.rate", False),
        ("list(rows(load('a')))", "load", "rows", True),
        ("list(rows(3))", "rows", "rows", False),
        ("total(3)", "_check", "total", False),
        ("cart.size", "size", "Cart.size", False),
    ],
)
def test_an_exception_of_an_argument_is_told_from_one_of_the_call(
    act: str, entered: str, target: str, *, expected: bool
) -> None:
    assert raised_by_argument(act, entered, target) is expected
