"""Commands: each answers at once; what it starts goes on by itself, and tells by notifications how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from testwright.errors import UsageError
from testwright.lsp.features.arguments import (
    CancelArguments,
    GenerateArguments,
    JudgeArguments,
    NoArguments,
    RefreshArguments,
    WrongArgument,
)
from testwright.lsp.features.dispatch import command, take_execute_command
from testwright.lsp.texts.scopes import scopes_around
from testwright.lsp.texts.suitability import objection_to_address, objection_to_text
from testwright.lsp.texts.uris import path_of
from testwright.lsp.work.launch import launch
from testwright.lsp.work.restarting import restart_boxes

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer
    from testwright.lsp.session import Session

GENERATE = "testwright.generateTests"
JUDGE = "testwright.judgeTests"
REFRESH = "testwright.refreshCoverage"
CANCEL = "testwright.cancelRun"
RESTART = "testwright.restartBoxes"


def register(server: TestwrightServer) -> None:
    """Register commands."""
    take_execute_command(server)

    @command(server, GENERATE, GenerateArguments)
    async def generate(ls: TestwrightServer, given: GenerateArguments) -> dict[str, Any]:
        path = _module_of(ls.session, given.uri)
        symbol = given.symbol
        if given.range is not None:
            symbol = await _symbol_at(ls.session, given.uri, given.range)
        return launch(ls.session, "generate", path, symbol, token=given.token, show=given.show)

    @command(server, JUDGE, JudgeArguments)
    async def judge(ls: TestwrightServer, given: JudgeArguments) -> dict[str, Any]:
        return launch(ls.session, "judge", _module_of(ls.session, given.uri), token=given.token)

    @command(server, REFRESH, RefreshArguments)
    async def refresh(ls: TestwrightServer, given: RefreshArguments) -> dict[str, Any]:
        session = ls.session
        if given.uri is not None:
            return launch(session, "measure", _module_of(session, given.uri), token=given.token)
        return {"runs": [launch(session, "measure", path) for path in await _open_modules(session)]}

    @command(server, CANCEL, CancelArguments)
    async def cancel(ls: TestwrightServer, given: CancelArguments) -> dict[str, Any]:
        session = ls.session
        if given.run is None:
            cancelled = [run.id for run in session.runs.cancel_all()]
            return {"cancelled": [*cancelled, *([session.agent.id] if session.agent.cancel() else [])]}
        named = session.agent if given.run == session.agent.id else session.runs.find(given.run)
        return {"cancelled": [given.run] if named is not None and named.cancel() else []}

    @command(server, RESTART, NoArguments)
    async def restart(ls: TestwrightServer, _: NoArguments) -> dict[str, Any]:
        cancelled = ls.session.runs.cancel_all()
        ls.session.in_background(restart_boxes(ls.session, cancelled), "restarting the boxes")
        return {"status": "restarting", "cancelled": [run.id for run in cancelled]}


def _module_of(session: Session, uri: str) -> Path:
    """The file of a module that a run may work on.

    Raises:
        UsageError: It cannot be tested; the reason is told.
    """
    path, objection = path_of(uri), objection_to_address(session, uri)
    if path is None or objection is not None:
        raise UsageError(objection or f"{uri} is no file.")
    return path


async def _symbol_at(session: Session, uri: str, wanted: types.Range) -> str | None:
    """The innermost public class or function that holds a range; None when there is none.

    Raises:
        WrongArgument: The document is not open, so that its lines are not known.
    """
    document = session.document(uri)
    if document is None:
        raise WrongArgument("range is of a document that is not open: give symbol, or neither for the whole module.")
    outline = await document.outline()
    scopes = scopes_around(document, outline, wanted) if outline is not None else ()
    return next((scope.qualname for scope in scopes if scope.public), None)


async def _open_modules(session: Session) -> list[Path]:
    """The open modules that can be measured.

    Raises:
        UsageError: There are none.
    """
    found = []
    for document in session.documents.all_open():
        path = document.file_path
        if path is None or objection_to_address(session, document.uri) is not None:
            continue
        tests = await session.test_places.of(path, 1.0)
        if await objection_to_text(document, is_test=tests is not None and tests.is_test) is None:
            found.append(path)
    if not found:
        raise UsageError("No module is open that could be measured.", next_step="Open one, or name it in uri.")
    return found
