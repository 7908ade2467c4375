"""Code lenses: above a module and its public classes and functions, what their tests cover, and a way to more tests.

The places are told at once; the words of a lens, which need the figures, when it comes into view.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from testwright.lsp.coverage.figures import Figures
from testwright.lsp.features.commands import GENERATE
from testwright.lsp.texts.documents import Document, range_of_lines
from testwright.lsp.texts.placed import PlacedScope, place
from testwright.lsp.texts.suitability import objection_to_address, objection_to_text
from testwright.lsp.texts.uris import module_name, path_of
from testwright.lsp.work.endings import percent

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer
    from testwright.lsp.session import Session

PLACE_SECONDS = 0.2
"""How long the answer waits to learn whether the document is a test file."""


def register(server: TestwrightServer) -> None:
    """Register code lenses."""

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS, types.CodeLensOptions(resolve_provider=True))
    async def code_lens(ls: TestwrightServer, params: types.CodeLensParams) -> list[types.CodeLens]:
        document = ls.session.document(params.text_document.uri)
        if document is None or not await _has_lenses(ls.session, document):
            return []
        return list(await _lenses(document))

    @server.feature(types.CODE_LENS_RESOLVE)
    async def resolve(ls: TestwrightServer, lens: types.CodeLens) -> types.CodeLens:
        data: dict[str, Any] = lens.data if isinstance(lens.data, dict) else {}
        uri, symbol = data.get("uri"), data.get("symbol")
        document = ls.session.document(uri) if isinstance(uri, str) else None
        figures = None
        if document is not None and document.version == data.get("version"):
            figures = await ls.session.hints.figures(document)
        argument = {"uri": uri} if symbol is None else {"uri": uri, "symbol": symbol}
        lens.command = types.Command(title=_title(uri, symbol, figures), command=GENERATE, arguments=[argument])
        return lens


async def _has_lenses(session: Session, document: Document) -> bool:
    path = document.file_path
    if path is None or objection_to_address(session, document.uri) is not None:
        return False
    if not (await session.settings_for(path)).code_lens:
        return False
    tests = await session.test_places.of(path, PLACE_SECONDS)
    return await objection_to_text(document, is_test=tests is not None and tests.is_test) is None


async def _lenses(document: Document) -> Iterator[types.CodeLens]:
    outline = await document.outline()
    uri, version, lines, encoding = document.uri, document.version, document.lines, document.encoding

    def lens(line: int, **symbol: str) -> types.CodeLens:
        return types.CodeLens(
            range_of_lines(lines, line, line, encoding), data={"uri": uri, "version": version, **symbol}
        )

    found = place(outline, document.text, lines).scopes if outline is not None else ()
    return (
        lens(line, **symbol)
        for line, symbol in [
            (1, {}),
            *((one.line, {"symbol": one.scope.qualname}) for one in found if _has_lens(one)),
        ]
    )


def _has_lens(placed: PlacedScope) -> bool:
    return placed.scope.public and placed.scope.is_defining


def _title(uri: object, symbol: object, figures: Figures | None) -> str:
    """``92 % covered · Generate tests``."""
    path = path_of(uri) if isinstance(uri, str) else None
    words = "Generate tests" if symbol is not None else f"Generate tests for {module_name(path or Path('module'))}"
    if figures is None:
        return words
    if symbol is None:
        covered, is_stale = figures.measurement.sets.percent, figures.is_stale
    else:
        scopes = (one for one in figures.placed.scopes if one.scope.qualname == symbol and _has_lens(one))
        placed = next(scopes, None)
        known = figures.percent_of(placed) if placed is not None else None
        if known is None:
            return words
        covered, is_stale = known, figures.tests_changed
    stale = " (stale)" if is_stale else ""
    return f"{percent(covered)} % covered{stale} · {words}"
