"""Invoices for a small business."""

from invoicing.export import read_json, write_csv, write_json
from invoicing.invoice import Invoice, InvoiceStatus, PaymentTerms
from invoicing.items import Category, LineItem, ParseError, parse_item, parse_items
from invoicing.rates import RateBoard, UnknownCurrency, convert

__all__ = [
    "Category",
    "Invoice",
    "InvoiceStatus",
    "LineItem",
    "ParseError",
    "PaymentTerms",
    "RateBoard",
    "UnknownCurrency",
    "convert",
    "parse_item",
    "parse_items",
    "read_json",
    "write_csv",
    "write_json",
]
