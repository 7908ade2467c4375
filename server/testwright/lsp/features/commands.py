"""Commands: each answers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer


def register(server: TestwrightServer) -> None:
    """Register commands."""
