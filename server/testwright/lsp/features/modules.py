"""``testwright/modules``: the modules at or below a file or folder that tests can be generated for."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from testwright.analysis.buffers import Buffers
from testwright.analysis.discovery import FoundModule, LeftOut, discover
from testwright.errors import SettingsError
from testwright.lsp.coverage.status import rounded
from testwright.lsp.features.arguments import Fields
from testwright.lsp.texts.suitability import UNTRUSTED
from testwright.lsp.texts.uris import path_of, uri_of

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer
    from testwright.lsp.session import Session

MODULES = "testwright/modules"

MOST = 2000
"""Files that are looked at; in a folder of more, nobody wants tests for all at once."""


class ModuleJson(TypedDict):
    """A module.

    Attributes:
        uri: Its file.
        name: As it is imported: ``shop.pricing``.
        testUri: Its test file; None when it has none.
        percent: How much of its lines and branches is covered, one decimal, rounded down; None when that is not known.
    """

    uri: str
    name: str
    testUri: str | None
    percent: float | None


class SkippedJson(TypedDict):
    """A file or folder that was left out, and why, as a sentence."""

    uri: str
    reason: str


class ModulesJson(TypedDict):
    """The answer.

    Attributes:
        modules: Those that tests can be generated for.
        skipped: The others.
        truncated: Whether there are more files than are looked at.
        budget: Seconds that a run for one of them takes at most; None where settings cannot be used.
    """

    modules: list[ModuleJson]
    skipped: list[SkippedJson]
    truncated: bool
    budget: float | None


def register(server: TestwrightServer) -> None:
    """Register the request; it takes an object with ``uri``."""

    @server.feature(MODULES)
    async def modules(ls: TestwrightServer, params: object) -> ModulesJson:
        fields = Fields(MODULES, params)
        uri = fields.text("uri")
        fields.finish()
        return await modules_at(ls.session, uri)


async def modules_at(session: Session, uri: str) -> ModulesJson:
    """What tests can be generated for, at or below the file or folder of an address."""
    path = _path_of(uri)
    if path is None:
        return _none(uri, "Only files and folders on this machine can be tested.")
    workspace = session.folders.path_of(session.folders.uri_of(path))
    if not session.trusted:
        return _none(uri, UNTRUSTED)
    if workspace is None:
        return _none(uri, f"{path.name} is in no folder of this workspace.")
    if not path.is_relative_to(workspace):  # it is by where its name leads
        path = workspace / path.resolve().relative_to(workspace.resolve())
    stop = threading.Event()
    try:
        buffers = Buffers(session.documents.buffers())
        found, truncated = await asyncio.to_thread(_discovered, path, workspace, session.folders.root_of, buffers, stop)
        named = [one for one in found if isinstance(one, FoundModule)]
        tests = await session.test_places.of_many([one.path for one in named], stop)
        known = await session.overview.summaries()
        roots = await asyncio.to_thread(_roots, {one.path.parent: one.path for one in named}.values(), session)
        budget = await _budget(session, roots)
    finally:
        stop.set()  # a thread goes on when the request was cancelled
    return {
        "modules": [
            {
                "uri": uri_of(one.path),
                "name": one.name,
                "testUri": uri_of(test.path) if (test := tests.get(one.path)) is not None and test.path else None,
                "percent": rounded(known[one.path].percent) if one.path in known else None,
            }
            for one in named
        ],
        "skipped": [{"uri": uri_of(one.path), "reason": one.reason} for one in found if isinstance(one, LeftOut)],
        "truncated": truncated,
        "budget": budget,
    }


def _roots(paths: Iterable[Path], session: Session) -> set[Path]:
    """The roots of the projects that files belong to."""
    return {session.folders.root_of(path) for path in paths}


async def _budget(session: Session, roots: Collection[Path]) -> float | None:
    """The longest budget of projects; None when there are none, or the settings of one cannot be used."""
    from testwright.settings import resolve_settings  # noqa: PLC0415 - nothing at the start needs it

    budgets = []
    for root in roots:
        editor = await session.settings_for(root / "module.py")
        try:
            settings = await asyncio.to_thread(resolve_settings, root, environ=os.environ, editor=editor.options)
        except SettingsError:
            return None
        budgets.append(settings.budget)
    return max(budgets, default=None)


def _path_of(uri: str) -> Path | None:
    """The path of an address, without dots in it; links are not followed."""
    path = path_of(uri)
    return None if path is None else Path(os.path.normpath(path))


def _discovered(
    path: Path, workspace: Path, root_of: Callable[[Path], Path], buffers: Buffers, stop: threading.Event
) -> tuple[list[FoundModule | LeftOut], bool]:
    """What is at or below a path, sorted, and whether that is not all."""
    if not path.exists() and path not in buffers:
        return [LeftOut(path, f"{path.name} does not exist.")], False
    found: list[FoundModule | LeftOut] = []
    for one in discover(path, workspace, root_of, buffers):
        if stop.is_set() or len(found) >= MOST:
            return sorted(found, key=_place), True
        found.append(one)
    return sorted(found, key=_place), False


def _place(one: FoundModule | LeftOut) -> tuple[str, ...]:
    return one.path.parts


def _none(uri: str, reason: str) -> ModulesJson:
    return {"modules": [], "skipped": [{"uri": uri, "reason": reason}], "truncated": False, "budget": None}
