"""Where paths lie and which of them a box may show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from testwright.boxes.protocol import World
from testwright.errors import BoxFailure

# Folders that every box makes for itself. A world may not lay its own over them, nor (but for /proc and the like) put
# anything else there than below.
_OWN = tuple(map(Path, ("/proc", "/dev", "/sys")))
_NEVER_WHOLE = (*_OWN, *map(Path, ("/", "/tmp", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/run", "/var")))  # noqa: S108


def check_world(world: World) -> None:
    """Refuse a world that would show the host itself, or hide the box's own folders.

    Raises:
        BoxFailure: A path that is not absolute, or is a folder of the system's or one that holds the home folder.
    """
    home = Path(os.path.realpath(os.path.expanduser("~")))  # noqa: PTH111 - Path.home() raises where there is no home
    if not world.snapshot.is_dir():
        raise BoxFailure(f"The copy of the workspace is gone: {world.snapshot}.", next_step="Run again.")
    for path in (world.workspace, world.snapshot, *world.read_only):
        if not path.is_absolute() or ".." in path.parts:
            raise BoxFailure(f"A box needs absolute paths, not {path}.", next_step="Name the folder by its full path.")
    if world.workspace in _NEVER_WHOLE or any(own in world.workspace.parents for own in _OWN):
        raise BoxFailure(
            f"{world.workspace} cannot be the workspace of a box.", next_step="Use a folder of its own for the project."
        )
    for path in world.read_only:
        real = Path(os.path.realpath(path))
        if real == Path("/") or any(own in (path, real, *path.parents, *real.parents) for own in (*_OWN, Path("/run"))):
            raise BoxFailure(f"{path} is never shown in a box.", next_step="Use another interpreter with --python.")
        if home != Path("/") and home.is_relative_to(real):
            raise BoxFailure(
                f"{path} is or holds the home folder and is never shown in a box.",
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
    roots = {path for path in world.read_only if os.access(path, os.F_OK)}
    # A path with links on its way must be found under its real name too: interpreters resolve themselves.
    roots |= {Path(os.path.realpath(path)) for path in roots}
    shown: list[Path] = []
    for root in sorted(roots, key=lambda path: (len(path.parts), str(path))):
        if not _in_snapshot(world, root) and not any(_shows(world, outer, root) for outer in shown):
            shown.append(root)
    return shown


def _shows(world: World, outer: Path, inner: Path) -> bool:
    """Whether showing one root shows another, which it does not when the snapshot lies between."""
    between = world.workspace.is_relative_to(outer) and inner.is_relative_to(world.workspace)
    return inner.is_relative_to(outer) and not between


def _in_snapshot(world: World, path: Path) -> bool:
    if path == world.workspace:
        return True
    if not path.is_relative_to(world.workspace):
        return False
    # An empty one may be a mount point from an earlier start.
    copied = world.snapshot / path.relative_to(world.workspace)
    return any(copied.iterdir()) if copied.is_dir() else copied.is_file() and copied.stat().st_size > 0
