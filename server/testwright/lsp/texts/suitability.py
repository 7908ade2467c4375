"""Whether a document can be tested, and if not, the reason as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from testwright.analysis.discovery import objection_to_outline, syntax_objection
from testwright.lsp.texts.documents import Document
from testwright.lsp.texts.uris import path_of

if TYPE_CHECKING:
    from testwright.lsp.session import Session

UNTRUSTED = "This workspace is not trusted, so none of its code is run."


def objection_to_address(session: Session, uri: str) -> str | None:
    """Why the document of an address cannot be tested, by what is known without reading it; None when it can."""
    if session.documents.is_cell(uri):
        return "A cell of a notebook cannot be tested: move the code to a module."
    path = path_of(uri)
    if path is None:
        scheme = uri.partition(":")[0]
        if scheme in ("untitled", "buffer"):
            return "This document has no file yet: save it first."
        return f"Only files on this machine can be tested, and this is one of {scheme}:."
    document = session.document(uri)
    if path.suffix != ".py" or (document is not None and not document.is_python):
        return f"{path.name} is not a Python file."
    return None if session.trusted else UNTRUSTED


async def objection_to_text(document: Document, *, is_test: bool) -> str | None:
    """Why a document cannot be tested as a module, by what is in it; None when it can.

    Args:
        document: One to whose address there is no objection.
        is_test: Whether it is named as its project names test files.
    """
    outline = await document.outline()
    path = document.file_path
    name = path.name if path is not None else document.uri
    if outline is None:
        return syntax_objection(name, document.outline_error)
    return objection_to_outline(name, outline, is_test=is_test)
