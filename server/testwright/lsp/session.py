"""The state of one client's session, and who may change it.

Features read it; each part has one owner: ``documents`` follows the editor, ``configuration`` its settings, ``runs``
what goes on, ``hints`` what is known of coverage, ``results`` what runs have ended with.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import Any

from lsprotocol import types

from testwright.lsp.capabilities import Client, initialization_options
from testwright.lsp.configuration import Configuration, EditorSettings
from testwright.lsp.documents import Document, Documents
from testwright.lsp.folders import Folders
from testwright.lsp.jobs import do_work
from testwright.lsp.peer import Peer
from testwright.lsp.runs import Run, Runs

logger = logging.getLogger(__name__)


class Session:
    """What is known between ``initialize`` and ``exit``.

    Attributes:
        peer: Speaks to the client.
        client: What it can do.
        folders: Its workspace folders.
        configuration: Its settings.
        documents: What it has open.
        runs: What goes on.
        progress_tokens: Which run each progress is of, for as long as it is shown.
        trusted: Whether the user trusts the workspace, so that its code may run at all.
    """

    def __init__(self, peer: Peer, params: types.InitializeParams, documents: Documents) -> None:
        options = initialization_options(params)
        self.peer = peer
        self.client = Client.of(params)
        self.folders = Folders.of(params)
        self.configuration = Configuration(peer.ask if self.client.configuration else None, options.get("settings"))
        self.documents = documents
        self.runs = Runs(partial(do_work, self))
        self.progress_tokens: dict[int | str, Run] = {}
        self.trusted = self.client.trusted
        self._background: set[asyncio.Task[Any]] = set()

    async def settings_for(self, path: Path) -> EditorSettings:
        """The editor's settings for a file."""
        return await self.configuration.of_folder(self.folders.uri_of(path))

    def document(self, uri: str) -> Document | None:
        """The document of that address if it is open."""
        return self.documents.opened(uri)

    def in_background(self, work: Any, name: str) -> None:
        """Let a coroutine go on by itself until the session ends; what goes wrong in it is logged."""
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background_ended)

    def _background_ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)

    async def close(self) -> None:
        """End all that goes on; when it returns no box is left."""
        for task in self._background:
            task.cancel()
        await self.runs.close()
