"""Settings that change, files that settings are read from, and what the user says of the workspace and its Python."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from testwright.lsp.client.configuration import SECTION
from testwright.lsp.client.watching import files_changed, watchers
from testwright.lsp.features.arguments import Fields, WrongArgument
from testwright.lsp.work.interrupted import tell_interrupted

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer
    from testwright.lsp.session import Session

TRUST = "testwright/didChangeTrust"
INTERPRETER = "testwright/didChangeInterpreter"
REGISTER_SECONDS = 10.0

logger = logging.getLogger(__name__)


def register(server: TestwrightServer) -> None:
    """Register what follows the client's settings."""

    @server.feature(types.INITIALIZED)
    def initialized(ls: TestwrightServer, _: types.InitializedParams) -> None:
        session = ls.session
        session.in_background(_begin(session), "registering with the client")
        session.in_background(tell_interrupted(session, session.folders.paths), "telling of interrupted runs")
        session.display.watch()

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def did_change(ls: TestwrightServer, params: types.DidChangeConfigurationParams) -> None:
        ls.session.configuration.change(params.settings)
        ls.session.display.all_changed()
        ls.session.in_background(ls.session.read_settings(), "reading the settings")

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def did_change_files(ls: TestwrightServer, params: types.DidChangeWatchedFilesParams) -> None:
        files_changed(ls.session, params.changes)

    @server.feature(TRUST)
    def did_change_trust(ls: TestwrightServer, params: object) -> None:
        try:
            fields = Fields(TRUST, params)
            trusted = fields.required_flag("trusted")
            fields.finish()
        except WrongArgument as error:
            logger.warning("%s", error)
            return
        ls.session.set_trusted(trusted=trusted)

    @server.feature(INTERPRETER)
    def did_change_interpreter(ls: TestwrightServer, params: object) -> None:
        try:
            fields = Fields(INTERPRETER, params)
            folder, python = fields.optional_text("folderUri"), fields.optional_text("python")
            fields.finish()
        except WrongArgument as error:
            logger.warning("%s", error)
            return
        ls.session.configuration.set_interpreter(folder, Path(python) if python is not None else None)


async def _begin(session: Session) -> None:
    """Ask the client to tell what changes, where it lets itself be asked, and read the settings."""
    registrations = []
    if session.client.register_configuration:
        method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
        options = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
        registrations.append(types.Registration("testwright-settings", method, options))
    if session.client.watched_files:
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        registrations.append(types.Registration("testwright-files", method, watchers()))
    if registrations:
        params = types.RegistrationParams(registrations)
        await session.peer.accepts(types.CLIENT_REGISTER_CAPABILITY, params, seconds=REGISTER_SECONDS)
    await session.read_settings()
