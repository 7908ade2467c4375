"""Telling the client of coverage when what is known of it changes; each thing only to a client that takes it.

``testwright/coverage`` for the documents that are open, ``testwright/coverageChanged`` where what is known of the
workspace is another, diagnostics for clients that do not ask for them, and for those that ask, and for code lenses, the
word that they should ask again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from testwright.analysis.modules import looks_like_test_name
from testwright.lsp.coverage.diagnosing import diagnostics_of
from testwright.lsp.coverage.hints import HINT_SECONDS, resolved
from testwright.lsp.coverage.status import CoverageStatus, status_of
from testwright.lsp.texts.documents import Document
from testwright.lsp.texts.places import DEFAULT_PATTERNS
from testwright.lsp.texts.uris import path_of
from testwright.lsp.work.runs import Run

if TYPE_CHECKING:
    from testwright.lsp.session import Session

COVERAGE = "testwright/coverage"
COVERAGE_CHANGED = "testwright/coverageChanged"

PAUSE_SECONDS = 0.3
"""Without an edit, before it is looked whether what is known of a document has changed."""
LOOK_SECONDS = 2.0
"""Between two looks at what other processes have measured."""
REFRESH_SECONDS = 0.1
"""In which several reasons to ask again become one request."""
ANSWER_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Display:
    """What the client has been told of coverage.

    Args:
        session: The session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told: dict[str, object] = {}
        self._diagnosed: dict[str, tuple[int | None, list[types.Diagnostic]]] = {}
        self._pauses: dict[str, asyncio.TimerHandle] = {}
        self._refreshes: dict[str, asyncio.TimerHandle] = {}
        self._watching: asyncio.Task[Any] | None = None

    # -------------------------------------------------------------------------------------------- what happens

    def opened(self, uri: str) -> None:
        """A document was opened."""
        document = self._session.document(uri)
        if document is None or document.file_path is None or document.module is None or not document.is_python:
            return
        self._session.test_places.prepare(document.file_path)
        self._session.in_background(self._begin(document, document.module), "telling of an opened document")

    def changed(self, uri: str) -> None:
        """A document was edited; it is looked at when there is a pause."""
        document = self._session.document(uri)
        if document is not None and document.is_python:
            self._after_pause(uri, self._look_at_edited)

    def saved(self) -> None:
        """A document was saved; a client that watches files tells by itself that one has changed."""
        if not self._session.client.watched_files:
            self._session.test_places.forget()
            self.files_changed()

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self._told.pop(uri, None)
        if (pause := self._pauses.pop(uri, None)) is not None:
            pause.cancel()
        self._publish(uri, [], None)
        path = path_of(uri)
        if path is not None and not path.exists():
            self._session.hints.forget(resolved(path))
        self.files_changed()  # of a test file that was not saved, the disk's text counts again

    def files_changed(self, paths: Iterable[Path] = ()) -> None:
        """Files have changed on the disk; tests may be among them.

        Args:
            paths: Those that are known to have changed.
        """
        self._after_pause("", self._look_at_tests)
        if any(self._matters_to_all(path) for path in paths):
            self._coverage_changed()

    def _matters_to_all(self, path: Path) -> bool:
        """Whether what was told of all modules may be another when a file has changed."""
        return looks_like_test_name(path, DEFAULT_PATTERNS) or self._session.overview.is_told_of(resolved(path))

    def watch(self) -> None:
        """Look from time to time what other processes have measured."""
        self._watching = self._session.in_background(self._watch(), "looking at what others have measured")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if changed := await self._session.hints.look_at_memory():
                await self._measured_elsewhere(changed)

    async def _measured_elsewhere(self, modules: Collection[Path]) -> None:
        """The command line, or another editor, has measured modules; it may have written the tests, too."""
        self._session.test_places.forget()
        self._coverage_changed()
        for document in self._session.documents.all_open():
            if document.module is not None and document.module in modules:
                await self._session.hints.load(document.module)
                await self._show(document, always=True)
        self.ask_again()

    def all_changed(self) -> None:
        """Settings have changed, or the user's trust: what is shown of all documents may be another."""
        self._session.in_background(self._show_all(), "telling of all documents")
        self.ask_again()
        self._coverage_changed()

    def run_changed(self, run: Run) -> None:
        """A run was queued, goes on or has ended."""
        if run.state != "ended" and run.work.kind != "measure":
            return
        document = self._session.documents.opened_at(run.work.path)
        if document is not None:
            self._session.in_background(self._show(document, always=run.state == "ended"), f"telling of {run.id}")
        if run.state == "ended" and run.work.kind != "judge":
            self.ask_again()
            self._coverage_changed()

    def ask_again(self) -> None:
        """Let the client ask anew for code lenses and diagnostics, once for all that happens within a moment."""
        client = self._session.client
        if client.lens_refresh:
            self._refresh(types.WORKSPACE_CODE_LENS_REFRESH)
        if client.pull_diagnostics:
            self._refresh(types.WORKSPACE_DIAGNOSTIC_REFRESH)

    def _coverage_changed(self) -> None:
        """Tell that what is known of the workspace's modules is another, once for all that happens within a moment."""
        if self._session.client.notifications:
            self._refresh(COVERAGE_CHANGED)

    def close(self) -> None:
        """Tell nothing more."""
        if self._watching is not None:
            self._watching.cancel()
        for timer in (*self._pauses.values(), *self._refreshes.values()):
            timer.cancel()

    # -------------------------------------------------------------------------------------------- looking

    def _after_pause(self, key: str, look: Any) -> None:
        if (pause := self._pauses.pop(key, None)) is not None:
            pause.cancel()
        loop = asyncio.get_running_loop()
        self._pauses[key] = loop.call_later(PAUSE_SECONDS, self._pause_over, key, look)

    def _pause_over(self, key: str, look: Any) -> None:
        del self._pauses[key]
        self._session.in_background(look(key), "telling of a change")

    async def _begin(self, document: Document, module: Path) -> None:
        await document.outline()  # so that there is a good one when a syntax error is typed
        begun = asyncio.get_running_loop().time()
        await self._session.hints.load(module)
        late = asyncio.get_running_loop().time() - begun > HINT_SECONDS
        await self._show(document)
        if late:
            self.ask_again()

    async def _look_at_edited(self, uri: str) -> None:
        document = self._session.document(uri)
        if document is None or document.module is None:
            return
        await document.outline()
        await self._show(document)
        await self._look_at_tests_of(self._session.hints.modules_tested_by(document.module))

    async def _look_at_tests(self, _: str) -> None:
        await self._look_at_tests_of([document.module for document in self._session.documents.all_open()])

    async def _look_at_tests_of(self, modules: Collection[Path | None]) -> None:
        """Look whether the tests of modules are still what was measured."""
        changed = False
        for document in self._session.documents.all_open():
            path = document.file_path
            if path is not None and document.module in modules and await self._session.hints.check_tests(path):
                changed = True
                await self._show(document)
        if changed:
            self.ask_again()

    # -------------------------------------------------------------------------------------------- telling

    async def _show_all(self) -> None:
        for document in self._session.documents.all_open():
            await self._show(document)

    async def _show(self, document: Document, *, always: bool = False) -> None:
        """Tell what is known of a document, if it is not what was told last."""
        client = self._session.client
        if not document.is_python:
            return
        if client.notifications:
            status = await status_of(self._session, document.uri)
            gist = _gist(status)
            if self._is_open(document) and (always or self._told.get(document.uri) != gist):
                self._told[document.uri] = gist
                self._session.peer.notify(COVERAGE, status)
        if client.push_diagnostics and not client.pull_diagnostics:
            found = await diagnostics_of(self._session, document)
            if self._is_open(document):
                self._publish(document.uri, found, document.version)

    def _is_open(self, document: Document) -> bool:
        return self._session.document(document.uri) is document

    def _publish(self, uri: str, diagnostics: list[types.Diagnostic], version: int | None) -> None:
        """Tell a document's diagnostics, unless they were told of this version, or there are none and were none."""
        last = self._diagnosed.pop(uri, None)
        if diagnostics:
            self._diagnosed[uri] = (version, diagnostics)
        if last == (version, diagnostics) or (last is None and not diagnostics):
            return
        params = types.PublishDiagnosticsParams(uri, diagnostics, version)
        self._session.peer.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)

    def _refresh(self, method: str) -> None:
        if method not in self._refreshes:
            loop = asyncio.get_running_loop()
            self._refreshes[method] = loop.call_later(REFRESH_SECONDS, self._ask_to_refresh, method)

    def _ask_to_refresh(self, method: str) -> None:
        del self._refreshes[method]
        if method == COVERAGE_CHANGED:
            self._session.peer.notify(method, {})
        else:
            self._session.in_background(self._asked(method), method)

    async def _asked(self, method: str) -> None:
        await self._session.peer.accepts(method, None, seconds=ANSWER_SECONDS)


def _gist(status: CoverageStatus) -> object:
    """What of a status is worth telling anew; lines move with each edit, which a client does itself."""
    moving = ("version", "missingLines", "coveredLines", "branches")
    return {name: value for name, value in status.items() if name not in moving}
