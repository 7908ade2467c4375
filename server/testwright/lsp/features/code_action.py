"""Code actions: what can be done at a place. Filled by a table of producers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer


def register(server: TestwrightServer) -> None:
    """Register code actions."""
