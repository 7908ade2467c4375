"""``testwright/modules``: the modules at or below a file or folder that tests can be generated for."""

from __future__ import annotations

import asyncio
import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from testwright.analysis.buffers import Buffers
from testwright.analysis.discovery import FoundModule, LeftOut, discover
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
    """The answer; ``truncated`` when there are more files than are looked at."""

    modules: list[ModuleJson]
    skipped: list[SkippedJson]
    truncated: bool


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
    stop = threading.Event()
    try:
        buffers = Buffers(session.documents.buffers())
        found, truncated = await asyncio.to_thread(_discovered, path, workspace, session.folders.root_of, buffers, stop)
        named = [one for one in found if isinstance(one, FoundModule)]
        tests = await session.test_places.of_many([one.path for one in named], stop)
        known = await session.overview.summaries()
    finally:
        stop.set()  # a thread goes on when the request was cancelled
    return {
        "modules": [
            {
                "uri": uri_of(one.path),
                "name": one.name,
                "testUri": uri_of(test.path) if (test := tests.get(one.path)) is not None and test.path else None,
                "percent": math.floor(known[one.path].percent * 10) / 10 if one.path in known else None,
            }
            for one in named
        ],
        "skipped": [{"uri": uri_of(one.path), "reason": one.reason} for one in found if isinstance(one, LeftOut)],
        "truncated": truncated,
    }


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
    return {"modules": [], "skipped": [{"uri": uri, "reason": reason}], "truncated": False}
