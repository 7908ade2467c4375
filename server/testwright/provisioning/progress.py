"""How far a set-up is: counted on the disk, since uv tells nothing of it to a program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from testwright.housekeeping import tree_size

Step = Literal[
    "waiting", "bringing-uv", "planning", "fetching", "installing", "checking", "compiling", "trying", "done"
]

MEGABYTE = 1_000_000
_LOOK_SECONDS = 0.5

_WORDS: dict[Step, str] = {
    "waiting": "waiting for another set-up on this machine",
    "bringing-uv": "installing uv, which installs the rest",
    "planning": "looking up what is missing",
    "fetching": "fetching packages",
    "installing": "installing packages",
    "checking": "checking what was installed",
    "compiling": "compiling byte code",
    "trying": "importing it once in a box",
    "done": "done",
}


@dataclass(frozen=True, slots=True)
class SetupProgress:
    """How far a set-up is.

    Attributes:
        step: What it is doing.
        done: Packages that are done in this step.
        total: Of how many; None where that is not known.
        megabytes: What they take on the disk, in millions of bytes.
    """

    step: Step
    done: int = 0
    total: int | None = None
    megabytes: int = 0

    @property
    def words(self) -> str:
        """For a person: ``fetching packages: 120 of 184, 310 MB``."""
        words = _WORDS[self.step]
        if self.done or self.total:
            words += f": {self.done}" + (f" of {self.total}" if self.total is not None else "")
        return f"{words}, {self.megabytes} MB" if self.megabytes else words


Tell = Callable[[SetupProgress], None]
"""Is told how far a set-up is; called in the event loop."""


@dataclass(slots=True)
class _Watch:
    """Counts packages as they appear: unpacked in uv's cache, then in the environment.

    Attributes:
        cache: uv's cache; each unpacked wheel is a folder in its ``archive-v<number>``, renamed there when it is whole.
        site: The environment's ``site-packages``; each installed package has a ``.dist-info`` folder there.
        to_fetch: Packages that are not in the cache; None when not known.
        to_install: Packages in all.
    """

    cache: Path
    site: Path
    to_fetch: int | None
    to_install: int
    before: frozenset[str] = frozenset()
    sizes: dict[str, int] = field(default_factory=dict)

    def look(self) -> SetupProgress:
        """What there is now; takes a while, so it goes to a thread."""
        installed = sum(path.name.endswith(".dist-info") for path in _entries(self.site))
        if installed:
            return SetupProgress("installing", installed, self.to_install)
        for path in self.archives():
            if path.name not in self.before and path.name not in self.sizes:
                self.sizes[path.name] = tree_size(path)
        return SetupProgress("fetching", len(self.sizes), self.to_fetch, sum(self.sizes.values()) // MEGABYTE)

    def archives(self) -> list[Path]:
        """Wheels that are unpacked in the cache."""
        return [path for folder in self.cache.glob("archive-v*") for path in _entries(folder)]


@asynccontextmanager
async def watched(cache: Path, site: Path, to_fetch: int | None, to_install: int, tell: Tell) -> AsyncIterator[None]:
    """Tell twice a second what an installation has done, where it has changed.

    Args:
        cache: uv's cache.
        site: The environment's ``site-packages``.
        to_fetch: Packages that are not in the cache yet; None when not known.
        to_install: Packages in all.
        tell: Is told.
    """
    watch = _Watch(cache, site, to_fetch, to_install)
    watch.before = frozenset(path.name for path in watch.archives())
    begun = SetupProgress("fetching", 0, to_fetch)
    tell(begun)

    async def keep_looking() -> None:
        told = begun
        while True:
            found = await asyncio.to_thread(watch.look)
            if found != told:
                tell(found)
                told = found
            await asyncio.sleep(_LOOK_SECONDS)

    looking = asyncio.create_task(keep_looking())
    try:
        yield
        tell(await asyncio.to_thread(watch.look))
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
