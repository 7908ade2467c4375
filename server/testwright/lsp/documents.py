"""Open documents: their text as the editor holds it, and their outline, the last good one during a syntax error.

pygls takes form feeds and other separators for line ends, which the protocol does not, so a document with one would
go out of step with the editor at the next edit; ``Document`` has the protocol's lines. It also keeps them: they are
asked for at each edit.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from testwright.analysis.outline import Outline, read_outline
from testwright.lsp.uris import path_of

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")

THREAD_FROM = 2000
"""Lines from which on an outline is read in a thread; reading 1,000 lines takes about 15 ms."""


class Document(TextDocument):
    """An open document.

    Attributes:
        outline_error: Why the current text has no outline of its own, None when it has.
    """

    outline_error: SyntaxError | None = None

    _lines: tuple[str, Sequence[str]] | None = None
    _outline: Outline | None = None
    _outline_text: str | None = None
    _reading: tuple[str, asyncio.Task[Outline]] | None = None

    @property
    def text(self) -> str:
        """The text as the editor holds it."""
        return self.source

    @property
    def lines(self) -> Sequence[str]:
        """Its lines with their ends: line feed, carriage return, or both, as the protocol has it."""
        source = self.source
        if self._lines is None or self._lines[0] is not source:
            self._lines = (source, tuple(_LINE.findall(source)))
        return self._lines[1]

    @property
    def file_path(self) -> Path | None:
        """Its absolute path as the editor names it; None when it is no file."""
        return path_of(self.uri)

    @property
    def is_python(self) -> bool:
        """Whether the editor takes it for Python, or, when it does not say, its name does."""
        return self.language_id == "python" if self.language_id else self.uri.endswith(".py")

    @property
    def last_outline(self) -> Outline | None:
        """The last good outline, which may be of an earlier text (``outline.text``)."""
        return self._outline

    async def outline(self) -> Outline | None:
        """Outline of the current text; the last good one when it has a syntax error, None when there was none.

        A large text is read in a thread, once for all who ask for it at the same time.
        """
        text = self.text
        if self._outline_text == text:
            return self._outline
        try:
            if text.count("\n") < THREAD_FROM:
                outline = read_outline(text)
            else:
                outline = await asyncio.shield(self._read(text))
        except SyntaxError as error:
            self._outline_text, self.outline_error = text, error
            return self._outline
        self._outline_text, self._outline, self.outline_error = text, outline, None
        return outline

    def _read(self, text: str) -> asyncio.Task[Outline]:
        if self._reading is None or self._reading[0] != text:
            self._reading = (text, asyncio.create_task(asyncio.to_thread(read_outline, text)))
        return self._reading[1]


class Documents(Workspace):
    """The workspace as pygls keeps it, with documents of ours."""

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> Document:
        return Document(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )

    def opened(self, uri: str) -> Document | None:
        """The document of that address if the editor has it open."""
        document = self.text_documents.get(_key(uri))
        return document if isinstance(document, Document) else None

    def opened_at(self, path: Path) -> Document | None:
        """The open document of that file, whatever address the editor gives it."""
        resolved = path.resolve()
        for document in self.all_open():
            found = document.file_path
            if found is not None and (found == path or found.resolve() == resolved):
                return document
        return None

    def all_open(self) -> list[Document]:
        """All open documents."""
        return [document for document in self.text_documents.values() if isinstance(document, Document)]

    def is_cell(self, uri: str) -> bool:
        """Whether it is a cell of a notebook."""
        return _key(uri) in self._cell_in_notebook or "notebook-cell" in uri.partition(":")[0]

    def buffers(self) -> dict[Path, str]:
        """Text of all open files by their resolved path: what a run tests instead of the disk."""
        return {
            path.resolve(): document.text
            for document in self.all_open()
            if (path := document.file_path) is not None and not self.is_cell(document.uri)
        }


def _key(uri: str) -> str:
    """The key under which pygls keeps a document."""
    return unquote(uri)


@dataclass(frozen=True, slots=True)
class Place:
    """Lines (0-based) and columns in code points, in a text."""

    line: int
    column: int


def range_of(document: Document, start: Place, end: Place) -> types.Range:
    """A range in the position encoding that was agreed with the client."""
    codec, lines = document.position_codec, document.lines
    return types.Range(
        codec.position_to_client_units(lines, types.Position(start.line, start.column)),
        codec.position_to_client_units(lines, types.Position(end.line, end.column)),
    )
