"""Settings that change, and files that settings are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer


def register(server: TestwrightServer) -> None:
    """Register what follows the client's settings."""

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def did_change(ls: TestwrightServer, params: types.DidChangeConfigurationParams) -> None:
        ls.session.configuration.change(params.settings)
