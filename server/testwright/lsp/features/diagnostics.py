"""Diagnostics for clients that ask for them; others are told by ``display``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from testwright.lsp.coverage.diagnosing import SOURCE, diagnostics_of, result_id

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer

OPTIONS = types.DiagnosticOptions(inter_file_dependencies=False, workspace_diagnostics=False, identifier=SOURCE)
"""A test file that changes does change what is told of its module; the client is then asked to ask again."""


def register(server: TestwrightServer) -> None:
    """Register diagnostics."""

    @server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, OPTIONS)
    async def diagnostic(
        ls: TestwrightServer, params: types.DocumentDiagnosticParams
    ) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
        document = ls.session.document(params.text_document.uri)
        found = await diagnostics_of(ls.session, document) if document is not None else []
        number = result_id(found)
        if number == params.previous_result_id:
            return types.RelatedUnchangedDocumentDiagnosticReport(number)
        return types.RelatedFullDocumentDiagnosticReport(found, result_id=number)
