"""Restarting the boxes: end all, remove what is left of them, and see what works here now."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.errors import TestwrightError
from testwright.lsp.work.endings import counted
from testwright.lsp.work.runs import Run

if TYPE_CHECKING:
    from testwright.lsp.session import Session


async def restart_boxes(session: Session, cancelled: Sequence[Run]) -> None:
    """Wait until the boxes of cancelled runs are gone, remove what a crash has left, and tell which box is in use.

    Args:
        session: The session.
        cancelled: Runs that were cancelled for it.
    """
    for run in cancelled:
        await run.wait()
    try:
        left = await _reap()
        names = [await _box_of(session, root) for root in await _roots(session)]
    except TestwrightError as error:
        session.peer.show("error", str(error))
        return
    boxes = " and ".join(dict.fromkeys(names))
    ended = f" {counted(len(cancelled), 'run')} ended." if cancelled else ""
    removed = f" Removed what {counted(left, 'crashed box', 'crashed boxes')} had left." if left else ""
    session.peer.show("info", f"The boxes were restarted; in use: {boxes}.{ended}{removed}")


async def _roots(session: Session) -> list[Path]:
    """Roots of the projects that are open; the current folder when there are none."""
    opened = [document.file_path for document in session.documents.all_open()]
    files = [
        *(folder / "module.py" for folder in session.folders.paths),
        *(path for path in opened if path is not None),
    ]
    return list(dict.fromkeys(session.folders.root_of(path) for path in files)) or [await asyncio.to_thread(Path.cwd)]


async def _box_of(session: Session, root: Path) -> str:
    """Name of the box that a run in a project takes.

    Raises:
        SettingsError: Its settings cannot be read.
        BoxUnavailable: There is none.
    """
    from testwright.boxes.choose import choose_box  # noqa: PLC0415 - nothing at the start needs it
    from testwright.settings import resolve_settings  # noqa: PLC0415

    editor = await session.settings_for(root / "module.py")
    if editor.error is not None:
        raise editor.error
    settings = await asyncio.to_thread(resolve_settings, root, environ=os.environ, editor=editor.options)
    return (await choose_box(settings.box)).name


async def _reap() -> int:
    """Remove what a crash has left, containers included; how many boxes it was of."""
    from testwright.boxes.docker.reaping import reap_all  # noqa: PLC0415 - nothing at the start needs it

    reaped = await reap_all()
    return reaped.trees + len(reaped.containers)
