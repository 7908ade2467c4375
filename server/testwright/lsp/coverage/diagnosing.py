"""Diagnostics of severity hint for lines and branches that no test reaches; off unless the user wants them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from testwright.lsp.coverage.figures import Gap
from testwright.lsp.texts.documents import Document, range_of_lines
from testwright.lsp.texts.suitability import objection_to_address

if TYPE_CHECKING:
    from testwright.lsp.session import Session

SOURCE = "testwright"


async def diagnostics_of(session: Session, document: Document) -> list[types.Diagnostic]:
    """What is to be told of a document as it is when this returns: nothing where nothing is known, or wanted."""
    path = document.file_path
    if path is None or objection_to_address(session, document.uri) is not None:
        return []
    if not (await session.settings_for(path)).diagnostics:
        return []
    figures = await session.hints.figures(document)
    if figures is None:
        return []
    when = " when the tests were last measured" if figures.tests_changed else ""
    return [
        types.Diagnostic(
            range_of_lines(figures.text, gap.first_line, gap.last_line, document.encoding),
            _message(gap, when),
            severity=types.DiagnosticSeverity.Hint,
            code=f"uncovered-{gap.kind}",
            source=SOURCE,
        )
        for gap in figures.gaps()
    ]


def _message(gap: Gap, when: str) -> str:
    verb = "was" if when else "is"
    if gap.kind == "line":
        return f"Not covered by tests{when}."
    block = "function" if gap.in_function else "block"
    where = f"line {gap.target}" if gap.target is not None else f"the end of the {block}"
    return f"The branch to {where} {verb} never taken{when}."


def result_id(diagnostics: Sequence[types.Diagnostic]) -> str:
    """Tells one list from another."""
    return hashlib.sha256(repr(diagnostics).encode()).hexdigest()[:16]
