"""Documents that are opened, changed, saved and closed; folders that come and go; files that change on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer


def register(server: TestwrightServer) -> None:
    """Register what keeps the session in step with the editor; pygls itself applies the changes to the text."""

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(ls: TestwrightServer, params: types.DidOpenTextDocumentParams) -> None:
        ls.session.display.opened(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(ls: TestwrightServer, params: types.DidChangeTextDocumentParams) -> None:
        ls.session.display.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(ls: TestwrightServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.session.display.closed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(ls: TestwrightServer, _: types.DidSaveTextDocumentParams) -> None:
        ls.session.display.saved()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_folders(ls: TestwrightServer, params: types.DidChangeWorkspaceFoldersParams) -> None:
        ls.session.change_folders(params.event.added, params.event.removed)

    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def cancel(ls: TestwrightServer, params: types.WorkDoneProgressCancelParams) -> None:
        if (run := ls.session.progress_tokens.get(params.token)) is not None:
            run.cancel()
