"""Where paths lie and which of them a box may show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from testwright.boxes.protocol import World
from testwright.errors import BoxFailure

# Folders that every box makes for itself. A world may not lay its own over them.
_OWN = (Path("/proc"), Path("/dev"), Path("/sys"))


def check_world(world: World) -> None:
    """Refuse a world that would show the host itself.

    Raises:
        BoxFailure: A path that is not absolute, is the root, a home folder or a system's own folder.
    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is no home
    if not world.snapshot.is_dir():
        raise BoxFailure(f"The copy of the workspace is gone: {world.snapshot}.", next_step="Run again.")
    for path in (world.workspace, world.snapshot, *world.read_only):
        if not path.is_absolute() or ".." in path.parts:
            raise BoxFailure(f"A box needs absolute paths, not {path}.", next_step="Name the folder by its full path.")
    for path in (world.workspace, *world.read_only):
        if path == Path("/") or path in _OWN or any(own in path.parents for own in _OWN):
            raise BoxFailure(f"{path} cannot be shown in a box.", next_step="Use a folder of its own for the project.")
    for path in world.read_only:
        if path == home or os.path.realpath(path) in ("/", os.path.realpath(home)):
            raise BoxFailure(
                f"The home folder {path} is never shown in a box.",
                next_step="Use an interpreter that is installed in a folder of its own.",
            )


def folders_above(path: Path) -> Iterator[Path]:
    """The parents of a path from the top down, the root excluded."""
    yield from reversed(path.parents[:-1])


def existing_roots(world: World) -> list[Path]:
    """What is to be shown besides the workspace, by depth: outer folders first, so that inner ones lie over them.

    The workspace itself is left out, since its snapshot stands for it, and so is a folder of it that the snapshot
    holds (an editable install names one): only what was kept out of the snapshot, such as ``.venv``, is shown as it is.
    """
    roots = {path for path in world.read_only if path != world.workspace and os.access(path, os.F_OK)}
    # A path with links on its way must be found under its real name too: interpreters resolve themselves.
    roots |= {Path(os.path.realpath(path)) for path in roots}
    return sorted(
        (path for path in roots if not _in_snapshot(world, path)), key=lambda path: (len(path.parts), str(path))
    )


def _in_snapshot(world: World, path: Path) -> bool:
    if path == world.workspace:
        return True
    if not path.is_relative_to(world.workspace):
        return False
    copied = world.snapshot / path.relative_to(world.workspace)
    return copied.is_file() or (copied.is_dir() and any(copied.iterdir()))
