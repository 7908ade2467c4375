"""What is known of the coverage of modules: measured by runs, kept for the next start, laid beside what is open now.

Nothing is measured here. What a run has measured holds for the texts that it saw: the module's, which is compared line
by line, and its test file's, of which a digest is kept.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from testwright.analysis.digests import digest_of, digest_of_data
from testwright.analysis.outline import Outline, read_outline
from testwright.analysis.targets import MAX_SOURCE_BYTES
from testwright.errors import TestwrightError
from testwright.lsp.coverage.figures import Figures, Measurement, view
from testwright.lsp.texts.documents import THREAD_FROM, Document, Documents
from testwright.lsp.texts.places import LOOK_AGAIN_SECONDS, TestPlaces

if TYPE_CHECKING:
    from testwright.service.result import ModuleCoverage

KEPT = 100
"""Modules of which what was measured is held in memory; those asked for longest ago go first."""
PLACE_SECONDS = 5.0
"""How long a run waits to learn which test file a module has."""
HINT_SECONDS = 0.2
"""How long a hint waits for it."""
LATE_SECONDS = 10.0
"""By how much later than it was made a measurement may be kept: a process waits for others that write."""
CLOSE_SECONDS = 1.0
"""How long the end of the server waits for what was measured to be kept."""

logger = logging.getLogger(__name__)


class Memory(Protocol):
    """Keeps measurements beyond the server's end; its methods are called in threads, and may raise TestwrightError."""

    def measurement(self, module: Path) -> Measurement | None:
        """What was kept of a module; None when nothing was."""
        ...

    def keep_measurement(self, measurement: Measurement) -> None:
        """Keep it, in place of what was kept of the module before."""
        ...

    def forget_measurement(self, module: Path) -> None:
        """Keep nothing of a module."""
        ...

    def measured_since(self, when: float) -> Mapping[Path, float]:
        """The modules that were measured after a time, and when, by this process or another."""
        ...


@dataclass(frozen=True, slots=True)
class Tests:
    """The test file of a module, at one time.

    Attributes:
        file: Its path, links followed; None when there was none.
        digest: SHA-256 of its text, empty without one.
    """

    __test__ = False

    file: Path | None
    digest: str


@dataclass(slots=True)
class _Known:
    """What is known of a module.

    Attributes:
        measurement: What was measured; None when nothing was.
        reason: Why it could not be measured the last time; empty when it could, or nobody has tried.
        measured: Outline of the text that was measured, once it was needed.
        tests: Its tests as they are now; None when that was not found out yet.
        checked: When that was found out, as ``time.monotonic()``.
        seen: The texts that ``figures`` is of.
        figures: The measurement beside them.
    """

    measurement: Measurement | None = None
    reason: str = ""
    measured: Outline | None = None
    tests: Tests | None = None
    checked: float = 0.0
    seen: tuple[str, Outline | None, bool] | None = None
    figures: asyncio.Future[Figures | None] | None = None

    @property
    def tests_changed(self) -> bool:
        """Whether the tests are others than those that were measured, or may be."""
        return self.measurement is not None and (
            self.tests is None or self.tests.digest != self.measurement.test_digest
        )


class Hints:
    """What is known of modules, by the resolved path of their file.

    Args:
        documents: What the editor holds.
        test_places: Says which test file a module has.
        memory: Keeps measurements.
        watched: Whether the client tells what changes on the disk.
    """

    def __init__(
        self,
        documents: Documents,
        test_places: TestPlaces,
        memory: Memory,
        *,
        watched: bool,
    ) -> None:
        self._documents = documents
        self._test_places = test_places
        self._memory = memory
        self._watched = watched
        self._known: dict[Path, _Known] = {}
        self._loading: dict[Path, asyncio.Task[None]] = {}
        self._keeping: asyncio.Task[None] | None = None
        self._begun = self._seen_until = time.time()
        self._seen: Mapping[Path, float] = {}
        self._cannot_look = ""

    # -------------------------------------------------------------------------------------------- what comes in

    def take(self, coverage: ModuleCoverage, tests: Tests | None, reason: str = "") -> None:
        """Take what a run has measured.

        Args:
            coverage: Of the whole module; of unknown coverage nothing but the reason is taken.
            tests: The module's test file as it was when the run began, or as the run has left it.
            reason: Why the coverage is unknown.
        """
        if coverage.sets is None:
            self.fail(coverage.path, reason)
            return
        measurement = Measurement(
            coverage.path,
            coverage.source,
            coverage.sets,
            coverage.tests,
            coverage.failed,
            None if tests is None else tests.digest,
            time.time(),
        )
        self._put(measurement, tests)
        self._keep(partial(self._memory.keep_measurement, measurement), coverage.path)

    def fail(self, module: Path, reason: str) -> None:
        """Take that a module could not be measured; what was known of it before is kept."""
        self._known.setdefault(module, _Known()).reason = reason

    def forget(self, module: Path) -> None:
        """The module's file is gone: nothing of it is kept."""
        self._known.pop(module, None)
        self._keep(partial(self._memory.forget_measurement, module), module)

    def _keep(self, change: Callable[[], None], module: Path) -> None:
        """Change what is kept of a module; changes are made in their order."""

        async def after(before: asyncio.Task[None] | None) -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await asyncio.to_thread(change)
            except TestwrightError as error:
                logger.warning("What was measured of %s is not kept: %s", module.name, error)

        self._keeping = asyncio.create_task(after(self._keeping), name=f"keeping what was measured of {module.name}")

    async def load(self, module: Path) -> None:
        """Take what was kept of a module before this server began, unless something is known of it."""
        known = self._known.get(module)
        if known is not None and known.measurement is not None:
            return
        task = self._loading.get(module)
        if task is None:
            task = self._loading[module] = asyncio.create_task(self._load(module), name=f"loading {module.name}")
            task.add_done_callback(lambda _: self._loading.pop(module, None))
        await asyncio.shield(task)

    async def _load(self, module: Path) -> None:
        if self._keeping is not None:
            await asyncio.wait([self._keeping])
        try:
            found = await asyncio.to_thread(self._memory.measurement, module)
        except TestwrightError as error:
            logger.warning("What was kept of %s cannot be read: %s", module.name, error)
            return
        known = self._known.get(module)
        if found is not None and (known is None or known.measurement is None):
            self._put(found, None)

    async def look_at_memory(self) -> Collection[Path]:
        """Take what other processes have kept since this was last called: the command line, another editor.

        Returns:
            The modules that they have measured.
        """
        try:
            found = await asyncio.to_thread(self._memory.measured_since, self._seen_until - LATE_SECONDS)
        except TestwrightError as error:
            if str(error) != self._cannot_look:  # once, and not at each look
                logger.warning("It cannot be seen what other processes have measured: %s", error)
            self._cannot_look = str(error)
            return ()
        before, self._seen = self._seen, found
        self._seen_until = max(self._seen_until, *found.values()) if found else self._seen_until
        news = [
            module
            for module, when in found.items()
            if when > self._begun and when != before.get(module) and self._is_newer(module, when)
        ]
        for module in news:
            if module in self._known:
                await self._load_anew(module)
        return news

    def _is_newer(self, module: Path, when: float) -> bool:
        """Whether a measurement of that time is news."""
        known = self._known.get(module)
        return known is None or known.measurement is None or known.measurement.when < when

    async def _load_anew(self, module: Path) -> None:
        try:
            found = await asyncio.to_thread(self._memory.measurement, module)
        except TestwrightError as error:
            logger.warning("What was kept of %s cannot be read: %s", module.name, error)
            return
        if found is not None and self._is_newer(module, found.when):
            self._put(found, None)

    def measurements(self) -> dict[Path, Measurement]:
        """What this server holds, by the module's file."""
        return {module: known.measurement for module, known in self._known.items() if known.measurement is not None}

    def _put(self, measurement: Measurement, tests: Tests | None) -> None:
        self._known.pop(measurement.path, None)
        self._known[measurement.path] = _Known(
            measurement, tests=tests, checked=0.0 if tests is None else time.monotonic()
        )
        while len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)))

    async def close(self) -> None:
        """Wait until what was taken is kept, for a moment."""
        if self._keeping is not None:
            await asyncio.wait([self._keeping], timeout=CLOSE_SECONDS)

    # -------------------------------------------------------------------------------------------- the tests

    async def tests_of(self, path: Path, seconds: float = PLACE_SECONDS) -> Tests | None:
        """The test file of a module as it is now, in the editor or on the disk.

        Args:
            path: The module's file, as the editor names it.
            seconds: How long to wait when it must be looked for first.

        Returns:
            None when it could not be found out in time.
        """
        place = await self._test_places.of(path, seconds)
        if place is None:
            return None
        if place.path is None:
            return Tests(None, "")
        document = self._documents.opened_at(place.path)
        if document is not None:
            return Tests(resolved(place.path), digest_of(document.text))
        return await asyncio.to_thread(_tests_on_disk, place.path)

    async def check_tests(self, path: Path, seconds: float = PLACE_SECONDS) -> bool:
        """Find out whether the tests of a module have changed since it was measured.

        Args:
            path: The module's file, as the editor names it.
            seconds: How long to wait when its test file must be looked for first.

        Returns:
            Whether what is said of the module changes by that.
        """
        known = self._known.get(resolved(path))
        if known is None or known.measurement is None:
            return False
        before = known.tests_changed
        tests = await self.tests_of(path, seconds)
        if tests is not None:
            known.tests, known.checked = tests, time.monotonic()
        return known.tests_changed != before

    def modules_tested_by(self, file: Path) -> list[Path]:
        """The modules whose test file is a file, as far as something is known of them."""
        return [
            module
            for module, known in self._known.items()
            if known.measurement is not None and known.tests is not None and known.tests.file == file
        ]

    # -------------------------------------------------------------------------------------------- what is said

    def reason(self, module: Path | None) -> str:
        """Why nothing is known of a module, as a sentence."""
        known = self._known.get(module) if module is not None else None
        return (known.reason if known is not None else "") or "It was not measured yet."

    async def figures(self, document: Document) -> Figures | None:
        """What is known of a module's text as it is when this returns; None when nothing is.

        Args:
            document: The module.
        """
        while True:
            text = document.text
            found = await self._figures(document)
            if document.text is text:
                return found

    async def _figures(self, document: Document) -> Figures | None:
        path, module = document.file_path, document.module
        if path is None or module is None:
            return None
        if (loading := self._loading.get(module)) is not None:
            await asyncio.wait([loading], timeout=HINT_SECONDS)
        known = self._known.get(module)
        if known is None or (measurement := known.measurement) is None:
            return None
        too_old = not self._watched and time.monotonic() - known.checked > LOOK_AGAIN_SECONDS
        if known.tests is None or too_old:
            await self.check_tests(path, HINT_SECONDS)
        outline = await document.outline()
        seen = (document.text, outline, known.tests_changed)
        if known.figures is None or known.seen is None or not _are_same(known.seen, seen):
            known.seen = seen
            known.figures = asyncio.ensure_future(_lay(known, measurement, document, outline))
        return await asyncio.shield(known.figures)


async def _lay(known: _Known, measurement: Measurement, document: Document, outline: Outline | None) -> Figures | None:
    """Lay a measurement beside a document, in a thread when it is large."""
    text, lines, tests_changed = document.text, document.lines, known.tests_changed

    def lay() -> Figures | None:
        if known.measured is None:
            known.measured = read_outline(measurement.source)
        return view(measurement, known.measured, text, lines, outline, tests_changed=tests_changed)

    try:
        return lay() if len(lines) < THREAD_FROM else await asyncio.to_thread(lay)
    except SyntaxError:
        logger.warning("What was kept of %s is no Python", measurement.path.name)
        return None


def _are_same(one: tuple[str, Outline | None, bool], other: tuple[str, Outline | None, bool]) -> bool:
    """Whether figures of the one are figures of the other."""
    return one[0] is other[0] and one[1] is other[1] and one[2] == other[2]


def resolved(path: Path) -> Path:
    """The path by which a module is known: links followed."""
    return path.resolve()


def _tests_on_disk(file: Path) -> Tests | None:
    try:
        with file.open("rb") as stream:
            return Tests(resolved(file), digest_of_data(stream.read(MAX_SOURCE_BYTES)))
    except OSError:
        return None
