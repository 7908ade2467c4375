"""How a finished test file gets to its place: the caller's way, or onto the disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from testwright.errors import WriteConflict
from testwright.model import TestPlace
from testwright.writing.place import write_test_file

Deliver = Callable[[TestPlace, bytes, Path], Awaitable[None]]
"""Puts the whole new content into the agreed place of a workspace (its root), or raises a ``TestwrightError``.

A ``WriteConflict`` says that the place is not what it was at the start; the content is then kept as a proposal.
"""


async def write_to_disk(place: TestPlace, data: bytes, workspace: Path) -> None:
    """Write the file.

    Args:
        place: What was agreed at the start, and what was there then.
        data: The whole file.
        workspace: Absolute, resolved root.

    Raises:
        WriteRefused: The path is not one that may be written.
        WriteConflict: The file is not what it was at the start, or an editor holds it with changes.
        WriteFailure: The disk refused.
    """
    try:
        # Not in a thread: a cancel in the middle of a write would leave the caller not knowing.
        write_test_file(place, data, workspace)
    except WriteConflict as conflict:
        if not place.in_editor:
            raise
        raise WriteConflict(
            f"{place.path} has changes in the editor that are not on the disk, so nothing was written.",
            next_step="Save it and run again.",
        ) from conflict
