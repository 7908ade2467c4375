"""The environment of every box, in one place: an allow-list, so that no variable of the host leaks by default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from testwright.boxes.protocol import Command, World
from testwright.errors import BoxFailure

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

# Read by the dynamic loader of any program, so also by the programs of ours that lower the privileges of a box.
_LOADER_PREFIXES = ("LD_", "GLIBC_TUNABLES", "MALLOC_")


def box_environment(world: World, command: Command, *, scratch: Path) -> dict[str, str]:
    """All variables of one start: the box's own, then what the user passes on by name, then the command's.

    Args:
        world: Its ``environment`` holds what the user allowed (``pass-env``).
        command: Its ``environment`` wins.
        scratch: The private scratch as the box sees it; ``HOME`` lies in it.

    Raises:
        BoxFailure: A name or value that no environment can hold.
    """
    environment = {
        "PATH": SYSTEM_PATH,
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        **world.environment,
        **command.environment,
    }
    for name, value in environment.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise BoxFailure(
                f"The environment variable {name!r} cannot be passed to the box.",
                next_step="Take it out of pass-env.",
            )
    return environment


def split_loader_variables(environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Separate what only the boxed program may get from what the programs that start it may get as well.

    A loader variable (``LD_PRELOAD``) that is set while a start still has privileges would run a library with them.

    Returns:
        The plain variables, and the loader's.
    """
    loader = {name: value for name, value in environment.items() if name.startswith(_LOADER_PREFIXES)}
    plain = {name: value for name, value in environment.items() if name not in loader}
    return plain, loader
