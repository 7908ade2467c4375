"""A run's finished test file on its way to where it belongs: onto the disk, or into the editor that holds it.

A new file, and one that no editor holds, is written to the disk whole and then shown. One that an editor holds is
changed there, by one edit. What has changed meanwhile is never overwritten; the user then has the choice.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from testwright.analysis.writable import check_writable_name
from testwright.errors import WriteConflict
from testwright.lsp.testfile.contents import changes_to, is_text_of, text_of
from testwright.lsp.testfile.editing import Change, edit_document, to_its_end
from testwright.lsp.texts.documents import Document
from testwright.lsp.texts.suitability import objection_to_address
from testwright.lsp.texts.uris import uri_of
from testwright.lsp.work.launch import launch
from testwright.lsp.work.runs import Ending, Run
from testwright.model import TestPlace
from testwright.writing.place import proposal_path, write_test_file

if TYPE_CHECKING:
    from testwright.lsp.session import Session

SHOW_SECONDS = 10.0
"""How long an editor may take to show a file; nothing waits for it."""
CHOICE_SECONDS = 900.0
"""How long a choice stays open; a client need not say that nobody chooses."""
SAVED_SECONDS = 1.0
"""How long an editor may take to save by itself what it has changed."""
PLACE_SECONDS = 2.0
"""How long a run waits to learn beforehand whether its test file could be changed."""

_END = re.compile(r"\r\n|\r|\n")

SHOW = "Show proposal"
AGAIN = "Merge again"
DISCARD = "Discard"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A file that was delivered, and the first line of what is new in it, from 0."""

    path: Path
    line: int


class Delivery:
    """Takes the test file of one run to its place; made when the run begins.

    Args:
        session: The session.
        run: The run.
    """

    def __init__(self, session: Session, run: Run) -> None:
        self._session = session
        self._run = run
        self._refused: tuple[TestPlace, bytes] | None = None
        self._shown: _Shown | None = None
        self._in_editor = False

    async def check_before(self) -> None:
        """See whether the file could be delivered at all, before time is spent on it.

        Raises:
            WriteConflict: It has unsaved changes in an editor that takes no edits.
        """
        session, path = self._session, self._run.work.path
        if session.client.apply_edit:
            return
        tests = await session.test_places.of(path, PLACE_SECONDS)
        document = session.documents.opened_at(tests.path) if tests is not None and tests.path is not None else None
        if document is not None and is_unsaved(document):
            raise takes_no_edits(document)

    async def deliver(self, place: TestPlace, data: bytes, workspace: Path) -> None:
        """Put the whole new content into the agreed place: the service's ``Deliver``.

        Raises:
            WriteConflict: The place is not what it was at the start, or the editor has not taken the change.
            WriteRefused: The path is not one that may be written.
            WriteFailure: The disk refused.
        """
        try:
            await self._deliver(place, data, workspace)
        except WriteConflict:
            self._refused = (place, data)
            raise
        self._run.settle()  # what was written must be kept

    async def _deliver(self, place: TestPlace, data: bytes, workspace: Path) -> None:
        line = await asyncio.to_thread(_first_change, place.original, data) if place.original is not None else 0
        document = self._session.documents.opened_at(place.path)
        if document is None:
            await self._to_disk(place, data, workspace)
        elif place.original is None:
            raise WriteConflict(f"{place.path} was created in the editor during the run, so nothing was written.")
        else:
            await self._to_editor(document, place, data, workspace)
        self._shown = _Shown(place.path, line)

    async def _to_disk(self, place: TestPlace, data: bytes, workspace: Path) -> None:
        # In a thread, since a disk may take its time; to its end, so that what was written is known to be.
        try:
            await to_its_end(asyncio.to_thread(write_test_file, place, data, workspace))
        except WriteConflict as conflict:
            if not place.in_editor:
                raise
            raise WriteConflict(
                f"{place.path} was closed in the editor during the run, and the disk has not what was in it, "
                "so nothing was written."
            ) from conflict

    async def _to_editor(self, document: Document, place: TestPlace, data: bytes, workspace: Path) -> None:
        session, original = self._session, place.original or b""
        if not session.client.apply_edit:
            if is_unsaved(document):
                raise takes_no_edits(document)
            await self._to_disk(place, data, workspace)  # the editor reads it again
            return
        check_writable_name(place.path, workspace)
        confirm = (await session.settings_for(self._run.work.path)).confirm_edits
        label = f"Testwright: add tests for {self._run.work.subject}"
        await edit_document(session, Change(document, original, data, label, confirm))
        self._in_editor = True

    async def end(self, ending: Ending) -> Ending:
        """What follows the delivery: the file is shown, and the ending says what the user must know of it."""
        if self._refused is not None and ending.status == "failed":
            place, data = self._refused
            proposal = await asyncio.to_thread(_proposal, data, place)
            return replace(ending, test_file=place.path, proposal=proposal, mergeable=True)
        shown = self._shown
        if shown is None or ending.status != "written":
            return ending
        session = self._session
        if self._run.work.show and shown.path.exists():  # else it is an open document that was never saved
            session.in_background(self._show(shown), f"showing {shown.path.name}")
        document = session.documents.opened_at(shown.path)
        if self._in_editor and document is not None and not await self._is_saved(document):
            sentence = f"{ending.message} {shown.path.name} is changed in the editor, but not saved yet."
            return replace(ending, message=sentence)
        return ending

    async def _is_saved(self, document: Document) -> bool:
        """Whether the disk has what the editor has; some editors save a refactoring by themselves, in a moment."""
        tries = int(SAVED_SECONDS / 0.1) if self._session.client.edit_metadata else 0
        for _ in range(tries):
            if not is_unsaved(document):
                return True
            await asyncio.sleep(0.1)
        return not is_unsaved(document)

    async def _show(self, shown: _Shown) -> None:
        """Let the editor show the file, and go there, unless the user has gone on writing since they asked for it."""
        before, now = self._run.work.versions, self._session.documents.versions()
        focus = all(before.get(uri, version) == version for uri, version in now.items())
        start = types.Position(shown.line, 0)
        await show_document(self._session, shown.path, focus=focus, selection=types.Range(start, start))


async def show_document(
    session: Session, path: Path, *, focus: bool = True, selection: types.Range | None = None
) -> bool:
    """Let the editor show a file, where it can; whether it does."""
    if not session.client.show_document:
        return False
    params = types.ShowDocumentParams(uri_of(path), external=False, take_focus=focus, selection=selection)
    answer = await session.peer.ask(types.WINDOW_SHOW_DOCUMENT, params, seconds=SHOW_SECONDS)
    return isinstance(answer, types.ShowDocumentResult) and answer.success


async def offer_choice(session: Session, run: Run, ending: Ending) -> None:
    """Let the user say what becomes of a test file that was not written.

    Args:
        session: The session.
        run: The run.
        ending: How it ended, with its proposal.
    """
    proposal = ending.proposal
    if proposal is None:
        return
    choices = (
        *((SHOW,) if session.client.show_document else ()),
        *((AGAIN,) if ending.mergeable else ()),
        DISCARD,
    )
    match await session.peer.choose(ending.severity, ending.message, choices, seconds=CHOICE_SECONDS):
        case "Show proposal":
            await show_document(session, proposal)
        case "Merge again":
            _again(session, run)
        case "Discard":
            await asyncio.to_thread(proposal.unlink, missing_ok=True)


def _again(session: Session, run: Run) -> None:
    """Do the same once more, unless that is not allowed any more."""
    if (objection := objection_to_address(session, uri_of(run.work.path))) is not None:
        session.peer.show("warning", objection)
    else:
        launch(session, run.work.kind, run.work.path, run.work.symbol)


def is_unsaved(document: Document) -> bool:
    """Whether the disk has not the text that the editor has."""
    path = document.file_path
    try:
        return path is None or not is_text_of(document.text, path.read_bytes())
    except OSError:
        return True


def takes_no_edits(document: Document) -> WriteConflict:
    """The error for an editor that holds unsaved changes and takes no edits."""
    return WriteConflict(
        f"{document.file_path} has unsaved changes, and this editor takes no edits from a server.",
        next_step="Save it and run again.",
    )


def _first_change(original: bytes, data: bytes) -> int:
    """The first line of the largest change, which are the tests and not their imports; in the file as it is then."""
    largest = first = added = 0
    for change in changes_to(text_of(original), data):
        blank = len(change.text) - len(change.text.lstrip("\r\n"))
        if len(change.text) > largest:
            largest = len(change.text)
            first = change.start_line + added + _lines(change.text[:blank])
        added += _lines(change.text) - (change.end_line - change.start_line)
    return first


def _lines(text: str) -> int:
    return len(_END.findall(text))


def _proposal(data: bytes, place: TestPlace) -> Path | None:
    from testwright.housekeeping import state_dir  # noqa: PLC0415 - nothing at the start needs it

    path = proposal_path(data, place, state_dir())
    return path if path.is_file() else None
