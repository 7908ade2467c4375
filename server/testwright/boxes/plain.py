"""No box: limits, an allow-listed environment and a scratch of its own, but no wall around files and network.

Taken only when the user says so by name, for hosts on which nothing else can be had. Boxed code can read and write
whatever the user can.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from testwright.boxes.confined import Confinement, make_scratch, seen_in_snapshot, start_confined
from testwright.boxes.limits import whole
from testwright.boxes.paths import check_world
from testwright.boxes.protocol import BoxProcess, Command, Probe, World
from testwright.boxes.reaping import Registry


class PlainBox:
    """A start without isolation."""

    name: ClassVar[str] = "none"

    def __init__(self, registry: Registry | None = None) -> None:
        """Make it; ``registry`` is where starts are noted, None being the user's own."""
        self._registry = registry or Registry.default()

    async def probe(self) -> Probe:
        """It can be had on every Linux."""
        if sys.platform != "linux":
            return Probe(
                usable=False, detail="Boxes are made on Linux only, so far.", next_step="On Windows use WSL 2."
            )
        return Probe(usable=True, detail="Works, but gives no protection; it is used only when named.")

    def seen(self, world: World, path: Path) -> Path:
        """A path in the workspace is seen in the snapshot; all others where they are."""
        return seen_in_snapshot(world, path)

    async def start(self, world: World, command: Command) -> BoxProcess:
        """Start a program.

        Raises:
            BoxFailure: It could not be started.
        """
        check_world(world)
        scratch = make_scratch(self._registry)
        return await whole(
            start_confined(world, command, registry=self._registry, scratch=scratch, confinement=Confinement())
        )
