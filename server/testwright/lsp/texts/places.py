"""Which test file a module has, found out in a thread and kept, since the project's tests are read for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.modules import looks_like_test_name, name_module
from testwright.analysis.project import read_project
from testwright.errors import TestwrightError
from testwright.model import Target

logger = logging.getLogger(__name__)

DEFAULT_PATTERNS = ("test_*.py", "*_test.py")
KEPT = 500
"""Modules that are remembered; those asked for longest ago are forgotten first."""
LOOK_AGAIN_SECONDS = 5.0
"""After which it is looked again when the client does not tell what changes on the disk."""


@dataclass(frozen=True, slots=True)
class TestFile:
    """What is known of a module's tests.

    Attributes:
        path: Its test file; None when it has none.
        is_test: Whether the module is named as the project names its test files.
    """

    __test__ = False

    path: Path | None
    is_test: bool


@dataclass(slots=True)
class _Known:
    found: TestFile
    generation: int
    when: float


class TestPlaces:
    """The test files of modules.

    Args:
        root_of: Gives the root of the project that a file belongs to.
        buffers: Gives the text of all open files.
        watched: Whether the client tells what changes on the disk, so that what is known holds until it does.
    """

    __test__ = False

    def __init__(
        self, root_of: Callable[[Path], Path], buffers: Callable[[], Mapping[Path, str]], *, watched: bool
    ) -> None:
        self._root_of = root_of
        self._buffers = buffers
        self._watched = watched
        self._known: dict[Path, _Known] = {}
        self._looking: dict[Path, asyncio.Task[TestFile]] = {}
        self._generation = 0
        self._one_at_a_time = asyncio.Lock()

    async def of(self, path: Path, seconds: float) -> TestFile | None:
        """The test file of a module.

        Args:
            path: The module's file.
            seconds: How long to wait when it must be looked for first.

        Returns:
            What is known; of an earlier time when it could not be found out in time, None when nothing is known.
        """
        known = self._known.pop(path, None)
        if known is not None:
            self._known[path] = known  # asked for last
            if self._is_fresh(known):
                return known.found
        done, _ = await asyncio.wait([self._look(path)], timeout=seconds)
        for task in done:
            return task.result()
        return None if known is None else known.found

    def prepare(self, path: Path) -> None:
        """Find it out now, so that it is known when it is asked for."""
        known = self._known.get(path)
        if known is None or not self._is_fresh(known):
            self._look(path)

    def forget(self) -> None:
        """Files have come, gone or changed: look again for those that are asked for."""
        self._generation += 1

    def _is_fresh(self, known: _Known) -> bool:
        too_old = not self._watched and time.monotonic() - known.when > LOOK_AGAIN_SECONDS
        return known.generation == self._generation and not too_old

    def _look(self, path: Path) -> asyncio.Task[TestFile]:
        task = self._looking.get(path)
        if task is None:
            task = self._looking[path] = asyncio.create_task(self._find(path), name=f"test file of {path.name}")
            task.add_done_callback(lambda _: self._looking.pop(path, None))
        return task

    async def _find(self, path: Path) -> TestFile:
        async with self._one_at_a_time:
            generation = self._generation
            try:
                found = await asyncio.to_thread(look_for_test_file, path, self._root_of(path), self._buffers())
            except Exception:
                logger.exception("Looking for the test file of %s failed", path.name)
                found = _unknown(path)
        self._known.pop(path, None)
        self._known[path] = _Known(found, generation, time.monotonic())
        while len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)))
        return found

    def close(self) -> None:
        """Stop looking."""
        for task in self._looking.values():
            task.cancel()


def look_for_test_file(path: Path, root: Path, buffers: Mapping[Path, str]) -> TestFile:
    """Read the project and find a module's test file.

    What keeps a project from being read is told by the run that needs it, and not here.

    Args:
        path: The module's file.
        root: Root of its project.
        buffers: Text of the documents that an editor holds, by absolute path.
    """
    from testwright.analysis.places import find_test_file  # noqa: PLC0415 - nothing at the start needs it

    try:
        project = read_project(root)
        resolved = path.resolve()
        is_test = looks_like_test_name(resolved, project.python_files)
        name = name_module(project, resolved)
        target = Target(root, resolved, name.dotted, name.root, None, 1, 1, "")
        return TestFile(find_test_file(project, target, None, buffers), is_test)
    except (TestwrightError, OSError, ValueError) as error:
        logger.info("The test file of %s cannot be told: %s", path.name, error)
        return _unknown(path)


def _unknown(path: Path) -> TestFile:
    return TestFile(None, looks_like_test_name(path, DEFAULT_PATTERNS))
