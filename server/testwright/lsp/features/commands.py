"""Commands: each answers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testwright.lsp.dispatch import take_execute_command

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer


def register(server: TestwrightServer) -> None:
    """Register commands."""
    take_execute_command(server)
