"""A file of ours in the snapshot of the workspace, where the project's conftest files and settings apply to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from testwright.boxes.protocol import World


@contextmanager
def placed(world: World, folder: Path, name: str, content: str | bytes) -> Iterator[Path]:
    """Put a file into the snapshot; afterwards the snapshot is as it was, the file that was there before included.

    Args:
        world: Whose snapshot.
        folder: Folder in the workspace, as the user names it; need not exist.
        name: The file's name.
        content: Its text (written as UTF-8), or its bytes as they are.

    Yields:
        The file in the snapshot (on the host); ``Session.seen`` tells where the box sees it.
    """
    inside = world.snapshot / folder.relative_to(world.workspace)
    made = []
    for parent in reversed([inside, *inside.parents]):
        if parent.is_relative_to(world.snapshot) and not parent.exists():
            parent.mkdir(mode=0o755)
            made.append(parent)
    path = inside / name
    before = path.read_bytes() if path.is_file() else None
    try:
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        path.chmod(0o644)  # the box may have another user
        yield path
    finally:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(before)
        for parent in reversed(made):
            with suppress(OSError):
                parent.rmdir()
