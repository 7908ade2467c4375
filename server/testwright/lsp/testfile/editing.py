"""Changing a document that the editor holds: one edit, which one undo takes back, or a reason why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lsprotocol import types

from testwright.errors import WriteConflict
from testwright.lsp.testfile.contents import changes_to, is_text_of
from testwright.lsp.texts.documents import Document, Place, range_of
from testwright.writing.edits import TextChange

if TYPE_CHECKING:
    from testwright.lsp.session import Session

ANSWER_SECONDS = 600.0
"""How long an editor may take to say whether it has applied an edit: some ask the user first, as eglot does, and do not
say so beforehand."""
SETTLE_SECONDS = 1.0
"""How long the text may take to arrive that an editor has by an edit."""
LATE_SECONDS = 0.5
"""How long a cancelled run waits for the answer to an edit that was sent already."""

_ANNOTATION = "testwright"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a document.

    Attributes:
        document: The document.
        expected: What it must hold now, line ends aside.
        data: What it is to hold.
        label: What is done, for the editor's list of steps that can be undone.
        confirm: Whether the user is to be asked, where the editor can do that.
    """

    document: Document
    expected: bytes
    data: bytes
    label: str
    confirm: bool = False


async def edit_document(session: Session, change: Change) -> None:
    """Let the editor change a document.

    Raises:
        WriteConflict: It does not hold what was expected, or the editor has not applied the edit, or has not said so.
        TargetError: The bytes are no text.
    """
    document = change.document
    name = document.file_path or document.uri
    if not is_text_of(document.text, change.expected):
        raise _changed(name)
    text = document.text
    lines = await asyncio.to_thread(changes_to, text, change.data)
    if not lines:
        return
    if document.text != text:
        raise _changed(name)
    confirm = change.confirm and session.client.change_annotations and session.client.document_changes
    params = _params(session, document, lines, change.label, confirm=confirm)
    asked = session.peer.ask(types.WORKSPACE_APPLY_EDIT, params, seconds=ANSWER_SECONDS)
    answer = await to_its_end(asked, seconds=LATE_SECONDS)
    if isinstance(answer, types.ApplyWorkspaceEditResult):
        if not answer.applied:
            reason = f": {answer.failure_reason.rstrip('.')}" if answer.failure_reason else ""
            raise WriteConflict(f"The editor has not applied the change to {name}{reason}; nothing was written.")
        await _holds(document, change.data)
    elif not await _holds(document, change.data):
        raise WriteConflict(
            f"The editor has not said whether it has applied the change to {name}; as far as can be seen, it has not."
        )


def _changed(name: object) -> WriteConflict:
    return WriteConflict(f"{name} was changed in the editor meanwhile, so nothing was written.")


async def to_its_end(work: Awaitable[T], *, seconds: float | None = None) -> T:
    """Wait for what cannot be taken back, even when the task is cancelled meanwhile: it then was cancelled too late.

    Args:
        work: What is waited for.
        seconds: How long to wait after a cancel; None for as long as it takes.

    Raises:
        asyncio.CancelledError: The task was cancelled, and the work had not ended within that time.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            done, _ = await asyncio.wait([task], timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done or task.cancelled():
            task.cancel()
            raise
        if (current := asyncio.current_task()) is not None:
            current.uncancel()
        return task.result()


def _params(
    session: Session, document: Document, changes: tuple[TextChange, ...], label: str, *, confirm: bool
) -> types.ApplyWorkspaceEditParams:
    """The edit as the client takes it."""
    client = session.client
    edits = [types.TextEdit(_range(document, change), change.text) for change in changes]
    if client.document_changes:
        versioned = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
        if confirm:
            annotated = [types.AnnotatedTextEdit(_ANNOTATION, edit.range, edit.new_text) for edit in edits]
            annotation = types.ChangeAnnotation(label, needs_confirmation=True)
            edit = types.WorkspaceEdit(
                document_changes=[types.TextDocumentEdit(versioned, annotated)],
                change_annotations={_ANNOTATION: annotation},
            )
        else:
            edit = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(versioned, edits)])
    else:
        edit = types.WorkspaceEdit(changes={document.uri: edits})
    metadata = types.WorkspaceEditMetadata(is_refactoring=True) if client.edit_metadata else None
    return types.ApplyWorkspaceEditParams(edit, label, metadata)


def _range(document: Document, change: TextChange) -> types.Range:
    """Lines as a range; a last line without an end is replaced up to its last character."""
    return range_of(document, _start_of(document, change.start_line), _start_of(document, change.end_line))


def _start_of(document: Document, line: int) -> Place:
    lines = document.lines
    if line == len(lines) and lines and not lines[-1].endswith(("\n", "\r")):
        return Place(line - 1, len(lines[-1]))
    return Place(line, 0)


async def _holds(document: Document, data: bytes) -> bool:
    """Whether the document has that text, now or in a moment: an editor's answer may come before its change."""
    seen: int | None = None
    for _ in range(int(SETTLE_SECONDS / 0.02)):
        if seen is None or document.version != seen:
            if is_text_of(document.text, data):
                return True
            seen = document.version
        await asyncio.sleep(0.02)
    return is_text_of(document.text, data)
