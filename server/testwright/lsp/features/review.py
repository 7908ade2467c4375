"""What comes after a run: its report, and tests that are rejected, taken back in, or discarded whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from testwright.errors import TestwrightError, UsageError
from testwright.lsp.features.arguments import DiscardArguments, ReportArguments, TestsArguments
from testwright.lsp.features.dispatch import command
from testwright.lsp.reports.accounts import Account
from testwright.lsp.reports.files import write_report
from testwright.lsp.testfile.additions import Addition
from testwright.lsp.testfile.delivery import is_unsaved, show_document
from testwright.lsp.testfile.rejecting import accept, discard, find_addition, reject
from testwright.lsp.texts.uris import path_of, uri_of

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine

    from testwright.lsp.server import TestwrightServer
    from testwright.lsp.session import Session

REPORT = "testwright.showReport"
DISCARD = "testwright.discardTests"
REJECT = "testwright.rejectTests"
ACCEPT = "testwright.acceptTests"

WAIT_SECONDS = 5.0
"""How long a command waits for what it does; clients give up after ten."""
NAMES_TOLD = 3
"""Tests that a sentence names; of more it tells the number."""


def register(server: TestwrightServer) -> None:
    """Register the commands."""

    @command(server, REPORT, ReportArguments)
    async def show_report(ls: TestwrightServer, given: ReportArguments) -> dict[str, Any]:
        account = await _account(ls.session, given.uri)
        markdown = await asyncio.to_thread(account.markdown)
        if given.show:
            ls.session.in_background(_show(ls.session, account), f"showing the report of {account.run}")
        addition = ls.session.results.added_by(account)
        return {
            "run": account.run,
            "kind": account.kind,
            "markdown": markdown,
            "report": account.report,
            "testUri": uri_of(account.test_file) if account.test_file is not None else None,
            "uri": uri_of(account.path),
            "added": _added(addition) if addition is not None else None,
        }

    @command(server, DISCARD, DiscardArguments)
    async def discard_tests(ls: TestwrightServer, given: DiscardArguments) -> dict[str, Any]:
        addition = find_addition(ls.session, given.run)
        return await _in_time(ls.session, addition, _discard(ls.session, addition))

    @command(server, REJECT, TestsArguments)
    async def reject_tests(ls: TestwrightServer, given: TestsArguments) -> dict[str, Any]:
        addition = find_addition(ls.session, given.run)
        return await _in_time(ls.session, addition, _reject(ls.session, addition, given.tests))

    @command(server, ACCEPT, TestsArguments)
    async def accept_tests(ls: TestwrightServer, given: TestsArguments) -> dict[str, Any]:
        addition = find_addition(ls.session, given.run)
        return await _in_time(ls.session, addition, _accept(ls.session, addition, given.tests))


# ------------------------------------------------------------------------------------------------ reports


async def _account(session: Session, uri: str | None) -> Account:
    """The last account of a document, or of all.

    Raises:
        UsageError: There is none.
    """
    if uri is None:
        account = await session.results.last()
        if account is None:
            raise UsageError("There is no report yet.", next_step="Generate tests for a module, or judge those it has.")
        return account
    path = path_of(uri)
    account = await session.results.last(path) if path is not None else None
    if account is None:
        name = path.name if path is not None else uri[:80]
        raise UsageError(
            f"There is no report of {name} yet.", next_step="Generate tests for it, or judge those that it has."
        )
    return account


async def _show(session: Session, account: Account) -> None:
    """Show a report as a document, or where that cannot be, its sentence as a message."""
    if not session.client.show_document:
        session.peer.show("info", account.summary)
        return
    path = await asyncio.to_thread(write_report, account)
    if not await show_document(session, path):
        session.peer.show("info", f"{account.summary} The report is in {path}.")


# ------------------------------------------------------------------------------------------------ tests


async def _discard(session: Session, addition: Addition) -> dict[str, Any]:
    await discard(session, addition)
    name = addition.path.name
    return _done(
        session, addition, "discarded", f"{name} {'was removed' if addition.is_new else 'is what it was before'}"
    )


async def _reject(session: Session, addition: Addition, tests: tuple[str, ...]) -> dict[str, Any]:
    removed = await reject(session, addition, tests)
    also = ", which was removed since nothing else was in it" if removed else ""
    return _done(session, addition, "rejected", f"{_named(tests)} taken out of {addition.path.name}{also}")


async def _accept(session: Session, addition: Addition, tests: tuple[str, ...]) -> dict[str, Any]:
    await accept(session, addition, tests)
    return _done(session, addition, "accepted", f"{_named(tests)} put back into {addition.path.name}")


async def _in_time(session: Session, addition: Addition, work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """The answer to a command, in time: an editor may ask its user before it applies an edit.

    What takes longer goes on, and tells by a message how it ended.
    """
    task = asyncio.create_task(work, name=f"changing the tests of {addition.run}")
    try:
        return await asyncio.wait_for(asyncio.shield(task), WAIT_SECONDS)
    except TimeoutError:
        session.in_background(_told(session, task), f"changing the tests of {addition.run}")
        return _answer(addition, "waiting", f"The editor has not applied the change to {addition.path.name} yet.")


async def _told(session: Session, task: asyncio.Task[dict[str, Any]]) -> None:
    """Wait for what goes on, and tell what keeps it from being done."""
    try:
        await task
    except TestwrightError as error:
        session.peer.show("warning", str(error))


def _done(session: Session, addition: Addition, status: str, done: str) -> dict[str, Any]:
    """The answer when a test file was changed; a client that does not show answers is told by a message."""
    document = session.documents.opened_at(addition.path)
    unsaved = document is not None and addition.path.exists() and is_unsaved(document)
    message = f"{done}. It is changed in the editor, but not saved yet." if unsaved else f"{done}."
    if not session.client.reports:
        session.peer.show("info", message)
    return _answer(addition, status, message)


def _answer(addition: Addition, status: str, message: str) -> dict[str, Any]:
    return {
        "run": addition.run,
        "status": status,
        "testUri": uri_of(addition.path),
        **_added(addition),
        "message": message,
    }


def _added(addition: Addition) -> dict[str, list[str]]:
    """What a run has added and what of it was rejected, as far as is known, in the order of the file."""
    return {
        "tests": list(addition.tests),
        "rejected": [name for name in addition.delivered.tests if name in addition.rejected],
    }


def _named(tests: Collection[str]) -> str:
    if len(tests) == 1:
        return f"{next(iter(tests))} was"
    return f"{', '.join(tests) if len(tests) <= NAMES_TOLD else f'{len(tests)} tests'} were"
