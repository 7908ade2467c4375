"""``testwright/status``: what the server is and what it is doing, for a bug report and for whoever looks for a leak."""

from __future__ import annotations

import asyncio
import platform
import time
from typing import TYPE_CHECKING, Any

from testwright import __version__
from testwright.lsp.texts.uris import uri_of

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer

STATUS = "testwright/status"


def register(server: TestwrightServer) -> None:
    """Register the request; it takes no parameters."""
    begun = time.monotonic()

    @server.feature(STATUS)
    def status(ls: TestwrightServer, _: object) -> dict[str, Any]:
        session = ls.session
        return {
            "version": __version__,
            "python": platform.python_version(),
            "client": session.client.name,
            "positionEncoding": str(session.documents.position_encoding),
            "seconds": round(time.monotonic() - begun, 1),
            "trusted": session.trusted,
            "folders": [uri_of(path) for path in session.folders.paths],
            "documents": len(session.documents.all_open()),
            "runs": [
                {"run": run.id, "kind": run.work.kind, "state": run.state, "uri": uri_of(run.work.path)}
                for run in session.runs.alive
            ],
            "tasks": len(asyncio.all_tasks()),
            "requests": len(ls.protocol._request_futures) + len(ls.protocol._result_types),  # noqa: SLF001 - to see leaks
            "progressTokens": len(session.progress_tokens) + len(ls.protocol.progress.tokens),
        }
