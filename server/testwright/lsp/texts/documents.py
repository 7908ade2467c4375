"""Open documents: their text as the editor holds it, and their outline, the last good one during a syntax error.

pygls takes form feeds and other separators for line ends, which the protocol does not, and loses the last character of
a line when a position is beyond its end, so a document would go out of step with the editor. ``Document`` has the
protocol's lines and positions, and it keeps its lines, since they are asked for at each edit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.workspace import TextDocument, Workspace

from testwright.analysis.outline import Outline, read_outline
from testwright.lsp.texts.positions import Encoding, column_of, lines_of, units_of
from testwright.lsp.texts.uris import path_of

THREAD_FROM = 2000
"""Lines from which on an outline is read in a thread; reading 1,000 lines takes about 5 ms."""

logger = logging.getLogger(__name__)


class Document(TextDocument):
    """An open document.

    Attributes:
        outline_error: Why the current text has no outline of its own, None when it has.
    """

    outline_error: SyntaxError | None = None

    _split: tuple[str, ...] | None = None
    _outline: Outline | None = None
    _outline_text: str | None = None
    _reading: tuple[str, asyncio.Task[Outline]] | None = None

    @property
    def text(self) -> str:
        """The text as the editor holds it."""
        return self.source

    @property
    def lines(self) -> Sequence[str]:
        """Its lines with their ends, as the protocol has them."""
        if self._split is None:
            self._split = lines_of(self.source)
        return self._split

    @property
    def encoding(self) -> Encoding:
        """The position encoding that was agreed with the client."""
        return self.position_codec.encoding or types.PositionEncodingKind.Utf16

    @property
    def file_path(self) -> Path | None:
        """Its absolute path as the editor names it; None when it is no file."""
        return path_of(self.uri)

    @property
    def module(self) -> Path | None:
        """The path of its file with links followed, which tells one module from another; None when it is no file."""
        path = self.file_path
        return None if path is None else path.resolve()

    @property
    def is_python(self) -> bool:
        """Whether the editor takes it for Python, or, when it does not say, its name does."""
        return self.language_id == "python" if self.language_id else self.uri.endswith(".py")

    def apply_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Take a change of the editor: of a range, or of the whole text."""
        if not isinstance(change, types.TextDocumentContentChangePartial):
            self._source, self._split = change.text, None
            return
        lines = self.lines
        start, end = sorted((self._place(change.range.start), self._place(change.range.end)))
        first = start.line
        before = lines[first][: start.column] if first < len(lines) else ""
        after = lines[end.line][end.column :] if end.line < len(lines) else ""
        changed = before + change.text + after
        if first > 0 and not lines[first - 1].endswith("\n"):  # it may get a line feed, or has no end at all
            first -= 1
            changed = lines[first] + changed
        self._split = (*lines[:first], *lines_of(changed), *lines[end.line + 1 :])
        self._source = "".join(self._split)

    def _place(self, position: types.Position) -> Place:
        """A client's position; one beyond the end of its line, or of the text, is that end."""
        lines = self.lines
        if position.line >= len(lines):
            return Place(len(lines), 0)
        line = lines[position.line].rstrip("\r\n")
        return Place(position.line, column_of(line, position.character, self.encoding))

    async def outline(self) -> Outline | None:
        """Outline of the current text; the last good one when it has a syntax error, None when there was none.

        A large text is read in a thread, once for all who ask for it at the same time.
        """
        text = self.text
        if self._outline_text == text:
            return self._outline
        try:
            if text.count("\n") < THREAD_FROM:
                outline = read_outline(text, self._outline)
            else:
                outline = await asyncio.shield(self._read(text))
        except SyntaxError as error:
            if text == self.text:
                self._outline_text, self.outline_error = text, error
            return self._outline
        if text == self.text or self._outline is None:
            self._outline_text, self._outline, self.outline_error = text, outline, None
        return outline

    def _read(self, text: str) -> asyncio.Task[Outline]:
        if self._reading is None or self._reading[0] != text:
            task = asyncio.create_task(asyncio.to_thread(read_outline, text, self._outline))
            task.add_done_callback(_look_at_error)
            self._reading = (text, task)
        return self._reading[1]


def _look_at_error(task: asyncio.Task[Outline]) -> None:
    """Let asyncio know that a syntax error is nothing to log when nobody waits for the outline any more."""
    if not task.cancelled():
        task.exception()


class Documents(Workspace):
    """The workspace as pygls keeps it, with documents of ours."""

    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> Document:
        try:
            return Document(
                doc_uri,
                source=source,
                version=version,
                language_id=language_id,
                sync_kind=self._sync_kind,
                position_codec=self._position_codec,
            )
        except ValueError as error:
            raise JsonRpcInvalidParams(f"{doc_uri!r} is no address of a document: {error}.") from error

    def not_opened(self, uri: str, text: str) -> Document:
        """A document that the editor does not hold, with the text of its file; it has no version, and is not kept."""
        return self._create_text_document(uri, source=text, version=None, language_id="python")

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

    def versions(self) -> dict[str, int | None]:
        """URI to version of all open documents."""
        return {document.uri: document.version for document in self.all_open()}

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """Take a change; one of a document that is not open cannot be, and is passed over."""
        if _key(text_doc.uri) in self.text_documents:
            super().update_text_document(text_doc, change)
        else:
            logger.warning("The client changed a document that it has not opened.")

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


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line (0-based) of a text, and a column in characters."""

    line: int
    column: int


def range_of(document: Document, start: Place, end: Place) -> types.Range:
    """A range in the position encoding that was agreed with the client."""
    lines, encoding = document.lines, document.encoding
    return types.Range(_position(lines, start, encoding), _position(lines, end, encoding))


def range_of_lines(lines: Sequence[str], first: int, last: int, encoding: Encoding) -> types.Range:
    """From the first character of a line that is not blank to the end of a line.

    Args:
        lines: Of the text.
        first: A line, from 1.
        last: A line, from 1.
        encoding: Of the positions.
    """
    line = lines[first - 1]
    start = Place(first - 1, len(line) - len(line.lstrip()))
    end = Place(last - 1, len(lines[last - 1].rstrip("\r\n")))
    return types.Range(_position(lines, start, encoding), _position(lines, end, encoding))


def _position(lines: Sequence[str], place: Place, encoding: Encoding) -> types.Position:
    if place.line >= len(lines):
        return types.Position(len(lines), 0)
    return types.Position(place.line, units_of(lines[place.line], place.column, encoding))
