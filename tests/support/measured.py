"""Helpers of tests that let a server measure by the test's own word (``measuring_server.py``)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsp_client import EditorClient

MEASURING = (sys.executable, str(Path(__file__).parent / "measuring_server.py"))
"""How that server is started."""

RAISE = 'raise ValueError("a tax is not negative")'
"""A line of the shop's module."""


def say(home: Path, missing: Sequence[str] = (), branches: Sequence[tuple[int, int]] = ()) -> None:
    """Say what the next measurement finds: lines that no test reaches, by their text, and branches that none takes."""
    (home / "measured.json").write_text(json.dumps({"missing": missing, "branches": branches}), encoding="utf-8")


async def measure(editor: EditorClient, path: Path) -> None:
    """Let the server measure a module, and wait until the user is told how it went and the editor is asked to ask again."""
    since = len(editor.received)
    await editor.command("testwright.refreshCoverage", {"uri": path.as_uri()})
    await editor.wait_for("window/showMessage", since=since)
    for section, method in (("codeLens", "codeLens"), ("diagnostics", "diagnostic")):
        if editor.profile.has("workspace", section, "refreshSupport"):
            await editor.wait_for(f"workspace/{method}/refresh", since=since)


async def lenses(editor: EditorClient, path: Path) -> list[dict[str, Any]]:
    """The code lenses of a document, not resolved."""
    found: list[dict[str, Any]] = await editor.request(
        "textDocument/codeLens", {"textDocument": {"uri": path.as_uri()}}
    )
    return found


async def titles(editor: EditorClient, path: Path) -> dict[str | None, str]:
    """What the lenses of a document say, by the name of what they stand above; None is the module."""
    found = {}
    for lens in await lenses(editor, path):
        resolved = await editor.request("codeLens/resolve", lens)
        found[lens["data"].get("symbol")] = resolved["command"]["title"]
    return found
