"""Tests out of a test file and back into it, wherever it is held: in the editor or on the disk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.errors import UsageError, WriteConflict
from testwright.lsp.testfile.additions import Addition, Plan
from testwright.lsp.testfile.contents import data_of, is_text_of
from testwright.lsp.testfile.delivery import is_unsaved, takes_no_edits
from testwright.lsp.testfile.editing import Change, edit_document, to_its_end
from testwright.lsp.texts.documents import Document
from testwright.model import TestPlace
from testwright.writing.place import discard_test_file, replace_test_file, write_test_file

if TYPE_CHECKING:
    from testwright.lsp.session import Session


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who holds a test file, and what is in it.

    Attributes:
        document: The open document; None when the disk alone has it.
        data: Its bytes; None when there is no such file.
    """

    document: Document | None
    data: bytes | None


async def reject(session: Session, addition: Addition, names: Collection[str]) -> bool:
    """Take tests out of the file.

    Returns:
        Whether the file was removed, since nothing else was in it.

    Raises:
        UsageError: A test is not one that the run has added.
        WriteConflict: The user has changed one of them.
        TargetError: The file cannot be read as Python.
        WriteRefused: The file may not be written.
        WriteFailure: The disk refused.
    """
    addition.check(names)
    async with session.results.changing:
        holder = _holder(session, addition)
        plan = await asyncio.to_thread(addition.plan, holder.data, out=names)
        await _carry_out(session, addition, holder, plan, "reject tests")
        return plan.data is None


async def accept(session: Session, addition: Addition, names: Collection[str]) -> None:
    """Put tests back into the file that were taken out.

    Raises:
        UsageError: A test is not one that the run has added.
        WriteConflict: The user has changed the file since.
        WriteRefused: The file may not be written.
        WriteFailure: The disk refused.
    """
    addition.check(names)
    async with session.results.changing:
        holder = _holder(session, addition)
        plan = await asyncio.to_thread(addition.plan, holder.data, back=names)
        await _carry_out(session, addition, holder, plan, "put tests back")


async def discard(session: Session, addition: Addition) -> None:
    """Take all back that a run has written: remove its file, or restore what was there.

    Raises:
        WriteConflict: The user has changed the file since.
        WriteRefused: The file may not be written.
        WriteFailure: The disk refused.
    """
    async with session.results.changing:
        holder = _holder(session, addition)
        if holder.data is not None and not addition.is_known(holder.data):
            raise WriteConflict(
                f"{addition.path} was changed since its tests were written, so it is kept as it is.",
                next_step="Reject single tests, or take out by hand what is not wanted.",
            )
        plan = await asyncio.to_thread(addition.plan, holder.data, out=addition.delivered.tests)
        await _carry_out(session, addition, holder, plan, "discard tests")


async def _carry_out(session: Session, addition: Addition, holder: _Holder, plan: Plan, what: str) -> None:
    if plan.data is None:
        await _remove(addition, holder)
    elif plan.data != holder.data:
        await _put(session, addition, holder, plan.data, what)
    addition.take(holder.data, plan)
    session.test_places.forget()
    session.display.files_changed()


def _holder(session: Session, addition: Addition) -> _Holder:
    """Find out who holds a test file."""
    path = addition.path
    document = session.documents.opened_at(path)
    on_disk = _read(path)
    if document is None:
        return _Holder(None, on_disk)
    if on_disk is not None and is_text_of(document.text, on_disk):
        return _Holder(document, on_disk)
    data = data_of(path, document.text)
    if on_disk is None and addition.is_known(None) and addition.is_known(data):
        return _Holder(None, None)  # what is still shown of a file that was removed
    return _Holder(document, data)


async def _remove(addition: Addition, holder: _Holder) -> None:
    """Remove a file that a run has made; a document of it stays open until the user closes it."""
    path, workspace = addition.path, addition.delivered.workspace
    on_disk = holder.data if holder.document is None else _read(path)
    if on_disk is None:
        return
    if not addition.is_known(on_disk):
        raise WriteConflict(
            f"{path} has on the disk what is neither in the editor nor of Testwright, so it is kept.",
            next_step="Look at it, and remove it by hand.",
        )
    await to_its_end(asyncio.to_thread(discard_test_file, path, on_disk, workspace))


async def _put(session: Session, addition: Addition, holder: _Holder, data: bytes, what: str) -> None:
    """Change the file where it is held."""
    path, workspace, document = addition.path, addition.delivered.workspace, holder.document
    if holder.data is None:
        place = TestPlace(path, exists=False, digest="", original=None)
        await to_its_end(asyncio.to_thread(write_test_file, place, data, workspace))
    elif document is not None and session.client.apply_edit:
        label = f"Testwright: {what} for {addition.subject}"
        await edit_document(session, Change(document, holder.data, data, label))
    elif document is not None and is_unsaved(document):
        raise takes_no_edits(document)
    else:
        await to_its_end(asyncio.to_thread(replace_test_file, path, holder.data, data, workspace))


def _read(path: Path) -> bytes | None:
    """What the disk has; None when there is no such file. A pipe is not waited for."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            return file.read()
    except OSError:
        return None


def find_addition(session: Session, run: str) -> Addition:
    """The tests that a run has added.

    Raises:
        UsageError: There are none that are known.
    """
    addition = session.results.of_run(run)
    if addition is None:
        raise UsageError(
            f"No tests are known that {run[:80]} has added.",
            next_step="What runs have added is known until the server ends, for the last fifty runs.",
        )
    return addition
