"""Invoices as files: CSV for the accountant, JSON for the archive."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from invoicing.invoice import Invoice, PaymentTerms
from invoicing.items import Category, LineItem

HEADER = ("description", "quantity", "unit price", "category", "discount", "net", "vat")


def write_csv(invoice: Invoice, path: str | Path, delimiter: str = ";") -> int:
    """Write one row an item and return the number of rows."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(HEADER)
        for item in invoice.items:
            writer.writerow(
                [
                    item.description,
                    item.quantity,
                    item.unit_price,
                    item.category.value,
                    f"{item.discount_percent}%" if item.discount_percent else "",
                    item.net,
                    item.vat,
                ]
            )
    return len(invoice.items)


def to_dict(invoice: Invoice) -> dict[str, Any]:
    """The invoice as plain values."""
    return {
        "number": invoice.number,
        "customer": invoice.customer,
        "issued": invoice.issued.isoformat(),
        "terms": invoice.terms.name,
        "items": [
            {
                "description": item.description,
                "quantity": item.quantity,
                "unit_price": str(item.unit_price),
                "category": item.category.value,
                "discount_percent": item.discount_percent,
            }
            for item in invoice.items
        ],
        "total": str(invoice.total()),
    }


def write_json(invoice: Invoice, path: str | Path, *, overwrite: bool = False) -> Path:
    """Archive an invoice.

    Raises:
        FileExistsError: The file is there and ``overwrite`` was not asked for.
    """
    target = Path(path)
    if target.suffix != ".json":
        target = target.with_name(target.name + ".json")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target.name} is already in the archive")
    target.write_text(json.dumps(to_dict(invoice), indent=2) + "\n", encoding="utf-8")
    return target


def read_json(path: str | Path) -> Invoice:
    """Read an archived invoice back.

    Raises:
        ValueError: A field is missing, or the stored total does not agree with the items.
    """
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        invoice = Invoice(
            data["number"],
            data["customer"],
            date.fromisoformat(data["issued"]),
            PaymentTerms[data["terms"]],
        )
        for item in data["items"]:
            invoice.add(
                LineItem(
                    item["description"],
                    item["quantity"],
                    Decimal(item["unit_price"]),
                    Category(item["category"]),
                    item["discount_percent"],
                )
            )
        stored = Decimal(data["total"])
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from error
    if stored != invoice.total():
        raise ValueError(f"stored total {stored} is not {invoice.total()}")
    return invoice
