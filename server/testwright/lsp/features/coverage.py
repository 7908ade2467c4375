"""What is known of coverage, for clients that ask: of one module, open or not, and of all modules of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testwright.lsp.coverage.display import COVERAGE
from testwright.lsp.coverage.overview import ModuleCoverageJson
from testwright.lsp.coverage.status import CoverageStatus, status_of
from testwright.lsp.features.arguments import Fields

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer

COVERAGE_OF_ALL = "testwright/coverageOfAll"


def register(server: TestwrightServer) -> None:
    """Register the requests; the first takes an object with ``uri``, the other an empty one."""

    @server.feature(COVERAGE)
    async def coverage(ls: TestwrightServer, params: object) -> CoverageStatus:
        fields = Fields(COVERAGE, params)
        uri = fields.text("uri")
        fields.finish()
        return await status_of(ls.session, uri)

    @server.feature(COVERAGE_OF_ALL)
    async def coverage_of_all(ls: TestwrightServer, params: object) -> dict[str, list[ModuleCoverageJson]]:
        Fields(COVERAGE_OF_ALL, params).finish()
        return {"modules": await ls.session.overview.modules()}
