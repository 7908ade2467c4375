"""Currency conversion with rates that are looked up once and kept for a while."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from invoicing.items import round_cents

Source = Callable[[str], Awaitable[Decimal]]


class UnknownCurrency(LookupError):
    """No rate is known for a currency."""


class RateBoard:
    """Rates against the euro: fixed ones, and others from a source, asked once a currency."""

    def __init__(
        self, fixed: dict[str, Decimal] | None = None, source: Source | None = None
    ) -> None:
        self._rates = {"EUR": Decimal(1), **(fixed or {})}
        self._source = source
        self.lookups = 0

    async def rate(self, currency: str) -> Decimal:
        """Units of a currency for one euro.

        Raises:
            ValueError: The code is not three letters.
            UnknownCurrency: Neither the fixed rates nor the source know it.
        """
        code = currency.strip().upper()
        if len(code) != 3 or not code.isalpha():
            raise ValueError(f"not a currency code: {currency!r}")
        if code not in self._rates:
            if self._source is None:
                raise UnknownCurrency(f"no rate for {code}")
            self.lookups += 1
            self._rates[code] = await self._source(code)
        return self._rates[code]


async def convert(amount: Decimal, start: str, end: str, board: RateBoard) -> Decimal:
    """Convert an amount between two currencies, rounded to cents."""
    if start == end:
        return round_cents(amount)
    euros = amount / await board.rate(start)
    return round_cents(euros * await board.rate(end))
