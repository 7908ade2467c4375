"""Files that change on the disk: what was found out from them is found out anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from testwright.errors import SettingsError
from testwright.lsp.coverage.hints import resolved
from testwright.lsp.texts.uris import path_of
from testwright.settings import resolve_settings

if TYPE_CHECKING:
    from testwright.lsp.session import Session

SETTINGS_FILE = "pyproject.toml"
WATCHED = ("**/*.py", "**/pyproject.toml", "**/setup.cfg", "**/pytest.ini", "**/tox.ini")
"""Modules and their tests, and what says how a project runs its tests."""


def watchers() -> types.DidChangeWatchedFilesRegistrationOptions:
    """What the client is asked to watch."""
    return types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(pattern) for pattern in WATCHED])


def files_changed(session: Session, changes: Sequence[types.FileEvent]) -> None:
    """Take note of files that have come, gone or changed."""
    session.test_places.forget()
    session.display.files_changed([path for change in changes if (path := path_of(change.uri)) is not None])
    for change in changes:
        path = path_of(change.uri)
        if path is None:
            continue
        if path.name == SETTINGS_FILE:
            session.in_background(check_project(session, path.parent), "reading the project's settings")
        if change.type == types.FileChangeType.Deleted:
            _module_gone(session, path)


async def check_project(session: Session, root: Path) -> None:
    """Warn when the settings in a ``pyproject.toml`` cannot be used, once until they change."""
    error = await asyncio.to_thread(_settings_error, root)
    session.warnings.hold(root, () if error is None else (str(error),))


def _settings_error(root: Path) -> SettingsError | None:
    try:
        resolve_settings(root, environ={})
    except SettingsError as error:
        return error
    return None


def _module_gone(session: Session, path: Path) -> None:
    """End the runs of a module that was removed or renamed."""
    if path.exists() or session.documents.opened_at(path) is not None:
        return  # written anew meanwhile, or the editor still holds it
    session.hints.forget(resolved(path))
    for run in session.runs.alive:
        if path in (run.work.path, run.work.module):
            run.cancel(f"{path.name} was removed or renamed, so its run was ended and nothing was written.")
