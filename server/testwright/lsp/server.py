"""The language server: which feature answers what. Each feature is a module that registers itself."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from testwright import __version__
from testwright.analysis.parse_lock import parse_one_at_a_time
from testwright.lsp.features import (
    agent,
    code_action,
    code_lens,
    commands,
    configuration,
    coverage,
    diagnostics,
    models,
    modules,
    review,
    status,
    synchronization,
)
from testwright.lsp.lifecycle import end_in_time
from testwright.lsp.session import Session
from testwright.lsp.texts.documents import Documents
from testwright.lsp.wire.peer import Peer
from testwright.lsp.wire.protocol import Protocol

FEATURES = (
    *(synchronization, configuration, code_action, commands, code_lens, coverage),
    *(models, agent, modules, review, status),
)


class TestwrightServer(LanguageServer):
    """A server for one client.

    Attributes:
        session: Its state, from ``initialize`` on.
    """

    __test__ = False

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__("testwright", __version__, protocol_cls=Protocol)
        parse_one_at_a_time()
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """The client's session.

        Raises:
            RuntimeError: Before ``initialize``; the protocol answers no request until then.
        """
        if self._session is None:
            raise RuntimeError("The server has not been initialized.")
        return self._session

    @property
    def is_initialized(self) -> bool:
        """Whether there is a session yet."""
        return self._session is not None

    def begin(self, params: types.InitializeParams) -> None:
        """Begin the session, with documents of ours in place of pygls'."""
        workspace = self.workspace
        documents = Documents(
            workspace.root_uri,
            self._text_document_sync_kind,
            list(workspace.folders.values()),
            workspace.position_encoding,
        )
        self.protocol._workspace = documents  # noqa: SLF001 - pygls offers no way to say which class to use
        self._session = Session(Peer(self.protocol), params, documents)

    async def end(self) -> None:
        """End all that goes on; when it returns, no box is left. A second time does nothing."""
        if self._session is not None:
            await self._session.close()


def make_server() -> TestwrightServer:
    """A server with all its features, not yet connected."""
    server = TestwrightServer()

    @server.feature(types.INITIALIZE)
    def initialize(ls: TestwrightServer, params: types.InitializeParams) -> None:
        ls.begin(params)
        if ls.session.client.pull_diagnostics:  # else it must not be offered: the client would ask and be told as well
            diagnostics.register(ls)

    @server.feature(types.SHUTDOWN)
    async def shutdown(ls: TestwrightServer, _: None) -> None:
        await end_in_time(ls.end)

    for feature in FEATURES:
        feature.register(server)
    return server
