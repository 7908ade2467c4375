"""``testwright/coverage``: what is known of the coverage of a document, for clients that ask instead of being told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testwright.lsp.coverage.display import COVERAGE
from testwright.lsp.coverage.status import CoverageStatus, status_of
from testwright.lsp.features.arguments import Fields

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer


def register(server: TestwrightServer) -> None:
    """Register the request; it takes an object with ``uri``."""

    @server.feature(COVERAGE)
    async def coverage(ls: TestwrightServer, params: object) -> CoverageStatus:
        fields = Fields(COVERAGE, params)
        uri = fields.text("uri")
        fields.finish()
        return await status_of(ls.session, uri)
