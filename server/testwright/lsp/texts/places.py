"""Which test file a module has, found out in a thread and kept, since the project's tests are read for it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.modules import Evidence, looks_like_test_name, name_in
from testwright.analysis.project import read_project
from testwright.errors import TestwrightError
from testwright.model import Target

logger = logging.getLogger(__name__)

DEFAULT_PATTERNS = ("test_*.py", "*_test.py")
KEPT = 5000
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

    async def of_many(self, paths: Collection[Path], stop: threading.Event) -> dict[Path, TestFile]:
        """The test files of many modules; each project is read once for those of which it is not known.

        Args:
            paths: The modules' files.
            stop: Ends the search; what is not known then is left out.
        """
        found: dict[Path, TestFile] = {}
        unknown: list[Path] = []
        for path in paths:
            known = self._known.get(path)
            if known is not None and self._is_fresh(known):
                found[path] = known.found
            else:
                unknown.append(path)
        if unknown:
            async with self._one_at_a_time:
                generation = self._generation
                new = await asyncio.to_thread(look_for_test_files, unknown, self._root_of, self._buffers(), stop)
            for path, test in new.items():
                self._remember(path, test, generation)
            found |= new
        return found

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
        self._remember(path, found, generation)
        return found

    def _remember(self, path: Path, found: TestFile, generation: int) -> None:
        self._known.pop(path, None)
        self._known[path] = _Known(found, generation, time.monotonic())
        while len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)))

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
    return look_for_test_files([path], lambda _: root, buffers, threading.Event()).get(path) or _unknown(path)


def look_for_test_files(
    paths: Iterable[Path], root_of: Callable[[Path], Path], buffers: Mapping[Path, str], stop: threading.Event
) -> dict[Path, TestFile]:
    """The same for many modules; each project is read once.

    Args:
        paths: The modules' files.
        root_of: Gives the root of the project that a file belongs to.
        buffers: Text of the documents that an editor holds, by absolute path.
        stop: Ends the search; what is not known then is left out.
    """
    by_root: dict[Path, list[Path]] = {}
    for path in paths:
        by_root.setdefault(root_of(path), []).append(path)
    found: dict[Path, TestFile] = {}
    for root, own in by_root.items():
        try:
            for path, test in _look_in(root, own, buffers):
                if stop.is_set():
                    return found
                found[path] = test
        except (TestwrightError, OSError, ValueError) as error:
            logger.info("The test files in %s cannot be told: %s", root, error)
        found |= {path: _unknown(path) for path in own if path not in found}
    return found


def _look_in(root: Path, paths: Iterable[Path], buffers: Mapping[Path, str]) -> Iterator[tuple[Path, TestFile]]:
    """The test files of modules of one project."""
    from testwright.analysis.places import find_test_files  # noqa: PLC0415 - nothing at the start needs it

    project = read_project(root)
    evidence = Evidence(root)
    targets: dict[Path, Target] = {}
    for path in paths:
        resolved = path.resolve()
        try:
            name = name_in(project, resolved, evidence)
        except TestwrightError as error:
            logger.info("The test file of %s cannot be told: %s", path.name, error)
            continue
        targets[path] = Target(root, resolved, name.dotted, name.root, None, 1, 1, "")
    found = find_test_files(project, targets.values(), buffers)
    for path, (target, test) in zip(targets, found, strict=True):
        yield path, TestFile(test, looks_like_test_name(target.path, project.python_files))


def _unknown(path: Path) -> TestFile:
    return TestFile(None, looks_like_test_name(path, DEFAULT_PATTERNS))
