"""The invoice: items, totals, due date and state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from invoicing.items import Category, LineItem, round_cents

SATURDAY = 5


class PaymentTerms(Enum):
    """How long a customer may take; the value is in days, end of month apart."""

    ON_RECEIPT = 0
    NET_14 = 14
    NET_30 = 30
    END_OF_MONTH = -1


class InvoiceStatus(Enum):
    """Where an invoice stands."""

    DRAFT = "draft"
    OPEN = "open"
    OVERDUE = "overdue"
    PAID = "paid"


def next_business_day(day: date) -> date:
    """The day itself, or the Monday after when it falls on a weekend."""
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day


def end_of_month(day: date) -> date:
    """The last day of the month."""
    if day.month == 12:
        return day.replace(day=31)
    return day.replace(month=day.month + 1, day=1) - timedelta(days=1)


def due_date(issued: date, terms: PaymentTerms) -> date:
    """When an invoice must be paid; never on a weekend.

    >>> due_date(date(2024, 3, 15), PaymentTerms.NET_14)
    datetime.date(2024, 3, 29)
    """
    if terms is PaymentTerms.END_OF_MONTH:
        return next_business_day(end_of_month(issued))
    return next_business_day(issued + timedelta(days=terms.value))


@dataclass
class Invoice:
    """An invoice to one customer."""

    number: str
    customer: str
    issued: date
    terms: PaymentTerms = PaymentTerms.NET_30
    items: list[LineItem] = field(default_factory=list)
    paid: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        year, separator, serial = self.number.partition("-")
        if not (separator and year.isdigit() and len(year) == 4 and serial.isdigit()):
            raise ValueError(f"invoice number must look like 2024-0017, not {self.number!r}")

    @property
    def due_date(self) -> date:
        """When it must be paid."""
        return due_date(self.issued, self.terms)

    def add(self, item: LineItem) -> None:
        """Add an item; items that differ in quantity alone are merged."""
        for index, known in enumerate(self.items):
            same = (known.description, known.unit_price, known.category, known.discount_percent)
            if same == (item.description, item.unit_price, item.category, item.discount_percent):
                self.items[index] = LineItem(
                    known.description,
                    known.quantity + item.quantity,
                    known.unit_price,
                    known.category,
                    known.discount_percent,
                )
                return
        self.items.append(item)

    def extend(self, items: Iterable[LineItem]) -> None:
        """Add several items."""
        for item in items:
            self.add(item)

    def vat_by_category(self) -> dict[Category, Decimal]:
        """VAT by category, categories without items left out."""
        amounts: dict[Category, Decimal] = {}
        for item in self.items:
            amounts[item.category] = amounts.get(item.category, Decimal(0)) + item.vat
        return amounts

    def total(self, *, with_vat: bool = True) -> Decimal:
        """Sum of all items."""
        net = sum((item.net for item in self.items), Decimal(0))
        if not with_vat:
            return round_cents(net)
        return round_cents(net + sum(self.vat_by_category().values(), Decimal(0)))

    def pay(self, amount: Decimal) -> Decimal:
        """Book a payment and return what is still to pay.

        Raises:
            ValueError: The amount is not positive, or more than what is open.
        """
        if amount <= 0:
            raise ValueError("a payment must be positive")
        remaining = self.total() - self.paid
        if amount > remaining:
            raise ValueError(f"{amount} is more than the {remaining} that is open")
        self.paid += amount
        return remaining - amount

    def status(self, today: date | None = None) -> InvoiceStatus:
        """Where the invoice stands on a day, today by default."""
        if not self.items:
            return InvoiceStatus.DRAFT
        if self.paid >= self.total():
            return InvoiceStatus.PAID
        if (today or date.today()) > self.due_date:
            return InvoiceStatus.OVERDUE
        return InvoiceStatus.OPEN

    def reminders(self, count: int = 3, every_days: int = 7) -> Iterator[date]:
        """Days on which to remind the customer after the due date."""
        day = self.due_date
        for _ in range(count):
            day = next_business_day(day + timedelta(days=every_days))
            yield day
