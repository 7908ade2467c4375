"""Line items and how they are read from a plain-text order.

One item a line::

    2 x Desk lamp @ 39.90
    1 x Field guide @ 12.50 [books]
    10 x Apples @ 0.35 [food] -10%
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import Enum

CENT = Decimal("0.01")

_ITEM = re.compile(
    r"""
    ^\s*(?P<quantity>\d+)\s*x\s+
    (?P<description>[^@\[\]]+?)\s*@\s*
    (?P<price>[\d.,]+)
    (?:\s*\[(?P<category>\w+)\])?
    (?:\s*-(?P<discount>\d{1,3})%)?\s*$
    """,
    re.VERBOSE,
)


class Category(Enum):
    """What is sold; decides the rate of VAT."""

    GOODS = "goods"
    BOOKS = "books"
    FOOD = "food"
    EXPORT = "export"

    @property
    def vat_percent(self) -> int:
        """VAT in percent."""
        if self is Category.EXPORT:
            return 0
        if self in (Category.BOOKS, Category.FOOD):
            return 7
        return 19


class ParseError(ValueError):
    """A line of an order cannot be read."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


@dataclass(frozen=True)
class LineItem:
    """One position of an invoice."""

    description: str
    quantity: int
    unit_price: Decimal
    category: Category = Category.GOODS
    discount_percent: int = 0

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError("quantity must be at least 1")
        if self.unit_price < 0:
            raise ValueError("unit price must not be negative")
        if not 0 <= self.discount_percent <= 100:
            raise ValueError(f"discount must be between 0 and 100, not {self.discount_percent}")

    @property
    def net(self) -> Decimal:
        """Price without VAT, discount taken off, rounded to cents."""
        gross = self.unit_price * self.quantity
        return round_cents(gross * (100 - self.discount_percent) / 100)

    @property
    def vat(self) -> Decimal:
        """VAT on the net price, rounded to cents."""
        return round_cents(self.net * self.category.vat_percent / 100)


def round_cents(amount: Decimal) -> Decimal:
    """Round half up to cents, as invoices do."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def parse_price(text: str) -> Decimal:
    """Read a price with a decimal point or a decimal comma.

    >>> parse_price("1.299,00")
    Decimal('1299.00')
    >>> parse_price("12.5")
    Decimal('12.5')
    """
    cleaned = text.strip()
    if "," in cleaned and "." in cleaned:
        thousands, mark = (".", ",") if cleaned.rindex(",") > cleaned.rindex(".") else (",", ".")
        cleaned = cleaned.replace(thousands, "").replace(mark, ".")
    else:
        cleaned = cleaned.replace(",", ".")
    try:
        return Decimal(cleaned)
    except InvalidOperation:
        raise ValueError(f"not a price: {text!r}") from None


def parse_item(text: str, line: int = 1) -> LineItem:
    """Read one line of an order.

    Raises:
        ParseError: The line does not read as an item, or names an unknown category.
    """
    match = _ITEM.match(text)
    if match is None:
        raise ParseError(f"expected 'QUANTITY x DESCRIPTION @ PRICE', got {text.strip()!r}", line)
    try:
        category = Category(match["category"] or "goods")
    except ValueError:
        known = ", ".join(member.value for member in Category)
        raise ParseError(
            f"unknown category {match['category']!r}, known are {known}", line
        ) from None
    try:
        return LineItem(
            description=match["description"],
            quantity=int(match["quantity"]),
            unit_price=parse_price(match["price"]),
            category=category,
            discount_percent=int(match["discount"] or 0),
        )
    except ValueError as error:
        raise ParseError(str(error), line) from error


def parse_items(text: str) -> Iterator[LineItem]:
    """Read an order; empty lines and lines that begin with ``#`` are passed over."""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        yield parse_item(stripped, number)
