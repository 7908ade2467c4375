"""What is known of all modules of the workspace: counts of lines and branches, and whether they still hold.

Nothing is laid beside a module's text, as ``figures`` does for one: whether the file is what was measured is told by
its digest alone. Nothing is measured here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from testwright.analysis.digests import digest_of, digest_of_data
from testwright.analysis.targets import MAX_SOURCE_BYTES
from testwright.errors import TestwrightError
from testwright.lsp.coverage.figures import Measurement
from testwright.lsp.texts.uris import uri_of

if TYPE_CHECKING:
    from testwright.lsp.reports.keeping import Keeper
    from testwright.lsp.session import Session
    from testwright.lsp.texts.places import TestFile

MOST = 5000
"""Modules that are told of."""

logger = logging.getLogger(__name__)


class CountJson(TypedDict):
    """How many of something there are, and how many of them are covered."""

    covered: int
    total: int


class ModuleCoverageJson(TypedDict):
    """What is known of one module.

    Attributes:
        uri: Its file.
        lines: Its executable lines.
        branches: Its branches.
        stale: Whether it or its tests have changed since it was measured.
    """

    uri: str
    lines: CountJson
    branches: CountJson
    stale: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """A measurement without its text and its lines.

    Attributes:
        when: When it was made.
        lines, branches: How many are covered, and how many there are.
        percent: Of both, pooled.
        digest: Of the text that was measured.
        test_digest: Of the module's test file then, empty when it had none; None when that is not known.
    """

    when: float
    lines: tuple[int, int]
    branches: tuple[int, int]
    percent: float
    digest: str
    test_digest: str | None

    @classmethod
    def of(cls, measurement: Measurement) -> Summary:
        """Of a measurement."""
        sets = measurement.sets
        return cls(
            measurement.when,
            (len(sets.statements & sets.executed), len(sets.statements)),
            (len(sets.branches & sets.executed_branches), len(sets.branches)),
            sets.percent,
            digest_of(measurement.source),
            measurement.test_digest,
        )


class Overview:
    """What is known of all modules, by this server and by the store.

    Args:
        session: The session.
        keeper: The store.
    """

    def __init__(self, session: Session, keeper: Keeper) -> None:
        self._session = session
        self._keeper = keeper
        self._summaries: dict[Path, Summary] = {}
        self._digests: dict[Path, tuple[tuple[int, int, int], str]] = {}
        self._told: frozenset[Path] = frozenset()
        self._one_at_a_time = asyncio.Lock()

    async def summaries(self) -> dict[Path, Summary]:
        """What is known of each module in a folder of the workspace, by its path as the client writes it.

        Nothing where the user does not trust the workspace. Of files that are gone nothing is told.
        """
        session = self._session
        if not session.trusted:
            return {}
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._read, session.hints.measurements())

    def _read(self, held: Mapping[Path, Measurement]) -> dict[Path, Summary]:
        try:
            kept = self._keeper.measured_since(0.0)
        except TestwrightError as error:
            logger.warning("What was measured before cannot be read: %s", error)
            kept = {}
        found: dict[Path, Summary] = {}
        for path, named in self._session.folders.named_by_client(sorted(kept.keys() | held.keys())):
            if path.is_file() and (summary := self._summary(path, held.get(path), kept.get(path, 0.0))) is not None:
                found[named] = summary
                if len(found) >= MOST:
                    break
        self._summaries = {path: one for path, one in self._summaries.items() if path in kept or path in held}
        return found

    def _summary(self, path: Path, held: Measurement | None, when: float) -> Summary | None:
        """The latest of what the server holds, what was read before, and what the store has since ``when``."""
        latest = self._summaries.get(path)
        if held is not None and (latest is None or latest.when < held.when):
            latest = Summary.of(held)
        if latest is None or latest.when < when:
            try:
                measurement = self._keeper.measurement(path)
            except TestwrightError as error:
                logger.warning("What was kept of %s cannot be read: %s", path.name, error)
                return None
            latest = latest if measurement is None else Summary.of(measurement)
        if latest is not None:
            self._summaries[path] = latest
        return latest

    async def modules(self) -> list[ModuleCoverageJson]:
        """What ``testwright/coverageOfAll`` answers."""
        session, stop = self._session, threading.Event()
        try:
            found = await self.summaries()
            tests = await session.test_places.of_many(found, stop)
            buffers = session.documents.buffers()
            return await asyncio.to_thread(self._told_of, found, tests, buffers, stop)
        finally:
            stop.set()  # a thread goes on when the request was cancelled

    def _told_of(
        self,
        found: Mapping[Path, Summary],
        tests: Mapping[Path, TestFile],
        buffers: Mapping[Path, str],
        stop: threading.Event,
    ) -> list[ModuleCoverageJson]:
        self._told = frozenset(path.resolve() for path in found)
        modules: list[ModuleCoverageJson] = []
        for path, summary in found.items():
            if stop.is_set():
                break
            test = tests.get(path)
            test_digest = None if test is None else self._digest(test.path, buffers)
            modules.append(
                {
                    "uri": uri_of(path),
                    "lines": {"covered": summary.lines[0], "total": summary.lines[1]},
                    "branches": {"covered": summary.branches[0], "total": summary.branches[1]},
                    "stale": self._digest(path, buffers) != summary.digest
                    or test_digest is None
                    or test_digest != summary.test_digest,
                }
            )
        return modules

    def _digest(self, path: Path | None, buffers: Mapping[Path, str]) -> str | None:
        """Digest of a file's text, in the editor or on the disk; empty without a file, None when it cannot be read."""
        if path is None:
            return ""
        resolved = path.resolve()
        text = buffers.get(resolved)
        if text is not None:
            return digest_of(text)
        try:
            status = resolved.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._digests.get(resolved)
            if known is None or known[0] != seen:
                with resolved.open("rb") as file:
                    known = (seen, digest_of_data(file.read(MAX_SOURCE_BYTES)))
                if len(self._digests) >= 2 * MOST:
                    self._digests.clear()
                self._digests[resolved] = known
        except OSError:
            return None
        return known[1]

    def is_told_of(self, path: Path) -> bool:
        """Whether a file is one of the modules that the client was told of last.

        Args:
            path: Resolved.
        """
        return path in self._told
