"""The state of one client's session, and who may change it.

Features read it; each part has one owner: ``documents`` follows the editor, ``configuration`` its settings, ``runs``
what goes on, ``hints`` what is known of coverage, ``results`` what runs have ended with.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lsprotocol import types

from testwright.lsp.agent.setting_up import AgentSetup
from testwright.lsp.client.capabilities import Client, initialization_options
from testwright.lsp.client.configuration import Configuration, EditorSettings
from testwright.lsp.client.folders import Folders
from testwright.lsp.client.warnings import Warnings
from testwright.lsp.coverage.display import Display
from testwright.lsp.coverage.hints import Hints
from testwright.lsp.coverage.overview import Overview
from testwright.lsp.models.consenting import Consents
from testwright.lsp.reports.keeping import Keeper
from testwright.lsp.reports.results import Results
from testwright.lsp.texts.documents import Document, Documents
from testwright.lsp.texts.places import TestPlaces
from testwright.lsp.wire.logs import set_client_level
from testwright.lsp.wire.peer import Peer
from testwright.lsp.work.announcing import announce
from testwright.lsp.work.interrupted import tell_interrupted
from testwright.lsp.work.jobs import do_work
from testwright.lsp.work.offering import Offers
from testwright.lsp.work.runs import Run, Runs
from testwright.lsp.work.showing import Cancellable

logger = logging.getLogger(__name__)


class Session:
    """What is known between ``initialize`` and ``exit``.

    Attributes:
        peer: Speaks to the client.
        client: What it can do.
        folders: Its workspace folders.
        configuration: Its settings.
        warnings: What the user was warned of.
        documents: What it has open.
        runs: What goes on.
        results: What runs have ended with.
        test_places: Which test file a module has.
        hints: What is known of the coverage of modules.
        overview: The same of all modules of the workspace.
        display: What the client has been told of it.
        consents: Asks the user whether code may be sent to models.
        agent: Sets up the agent.
        offers: What the user was offered at the end of a run.
        progress_tokens: What each progress is of, for as long as it is shown.
        trusted: Whether the user trusts the workspace, so that its code may run at all.
        closing: Whether it ends, so that nobody reads what the user is told.
    """

    def __init__(self, peer: Peer, params: types.InitializeParams, documents: Documents) -> None:
        options = initialization_options(params)
        self.peer = peer
        self.client = Client.of(params)
        self.folders = Folders.of(params)
        self.configuration = Configuration(
            peer.ask if self.client.configuration else None,
            options.get("settings"),
            machine_settings=self.client.machine_settings,
        )
        self.warnings = Warnings(partial(peer.show, "warning"))
        self.documents = documents
        self.runs = Runs(partial(do_work, self), self._run_changed)
        keeper = Keeper()
        self.results = Results(keeper)
        self.test_places = TestPlaces(self.folders.root_of, documents.buffers, watched=self.client.watched_files)
        self.hints = Hints(documents, self.test_places, keeper, watched=self.client.watched_files)
        self.overview = Overview(self, keeper)
        self.display = Display(self)
        self.consents = Consents(self)
        self.agent = AgentSetup(self)
        self.offers = Offers(self)
        self.progress_tokens: dict[int | str, Cancellable] = {}
        self.trusted = self.client.trusted
        self.closing = False
        self._background: set[asyncio.Task[Any]] = set()

    async def settings_for(self, path: Path) -> EditorSettings:
        """The editor's settings for a file."""
        return await self._settings_of(self.folders.uri_of(path))

    async def read_settings(self) -> None:
        """Read the settings of all folders, after a start or a change, and tell what of them cannot be used."""
        uris = self.folders.uris or (None,)
        found = [await self._settings_of(uri) for uri in uris]
        set_client_level(next((one.log_level for one in found if one.error is None), EditorSettings().log_level))
        for uri, settings in zip(uris, found, strict=True):
            self.warnings.hold(("error", uri), () if settings.error is None else (str(settings.error),))

    async def _settings_of(self, folder_uri: str | None) -> EditorSettings:
        settings = await self.configuration.of_folder(folder_uri, self.folders.path_of(folder_uri))
        self.warnings.hold(("settings", folder_uri), settings.notes)
        return settings

    def change_folders(self, added: Sequence[types.WorkspaceFolder], removed: Sequence[types.WorkspaceFolder]) -> None:
        """Take folders in and out; what runs in one that was closed ends."""
        self.folders.change(added, removed)
        for folder in removed:
            self.warnings.hold(("settings", folder.uri), ())
            self.warnings.hold(("error", folder.uri), ())
        for run in self.runs.alive:
            if run.work.folder_uri is not None and self.folders.uri_of(run.work.path) is None:
                run.cancel("Its folder was closed, so the run was ended and nothing was written.")
        self.test_places.forget()
        self.configuration.forget()
        self.display.all_changed()
        self.in_background(self.read_settings(), "reading the settings")
        opened = [path for folder in added if (path := self.folders.path_of(folder.uri)) is not None]
        self.in_background(tell_interrupted(self, opened), "telling of interrupted runs")

    def set_trusted(self, *, trusted: bool) -> None:
        """Take the user's word on the workspace; what runs in one that is no longer trusted ends."""
        self.trusted = trusted
        self.display.all_changed()
        if not trusted:
            self.runs.cancel_all("The workspace is no longer trusted, so the run was ended and nothing was written.")

    def _run_changed(self, run: Run) -> None:
        announce(self, run)
        self.display.run_changed(run)
        self.consents.after(run)

    def document(self, uri: str) -> Document | None:
        """The document of that address if it is open."""
        return self.documents.opened(uri)

    def in_background(self, work: Any, name: str) -> asyncio.Task[Any]:
        """Let a coroutine go on by itself until the session ends; what goes wrong in it is logged."""
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background_ended)
        return task

    def _background_ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)

    async def close(self) -> None:
        """End all that goes on; when it returns no box is left."""
        self.closing = True
        await asyncio.gather(self.runs.close(), self.agent.close())
        self.display.close()  # before the store, at which it looks
        await self.hints.close()
        await self.results.close()
        self.test_places.close()
        for task in self._background:
            task.cancel()
