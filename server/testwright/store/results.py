"""The coverage that was measured of each module, and its last report.

All of it can be made again by running again. A ``Store`` may be used from any thread; a call takes milliseconds, or as
long as the disk does, so an event loop calls it in a thread.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from testwright.housekeeping import STORE
from testwright.model import CoverageSets
from testwright.store.database import Form, Kept

MOST_MODULES = 2000
MOST_REPORTS = 500

_FORM = Form(
    file=STORE,
    version=1,
    holds="is kept of earlier runs",
    tables="""
        CREATE TABLE coverage (
            path BLOB PRIMARY KEY, measured REAL NOT NULL, tests INTEGER NOT NULL, failed INTEGER NOT NULL,
            test_digest TEXT, digest TEXT NOT NULL, sets BLOB NOT NULL, source BLOB NOT NULL
        );
        CREATE INDEX coverage_measured ON coverage (measured);
        CREATE TABLE report (
            path BLOB PRIMARY KEY, finished REAL NOT NULL, symbol TEXT, test_file BLOB, report BLOB NOT NULL
        );
        CREATE INDEX report_finished ON report (finished);
    """,
)

_LINE_SETS = ("statements", "executed")
_BRANCH_SETS = ("branches", "executed_branches")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRecord:
    """Coverage of a module by the project's tests, at a given text of it.

    Attributes:
        path: Absolute, resolved path of the module's file.
        source: The text that was measured; lines and branches are those of this text.
        sets: Of the whole file.
        tests: Tests that ran.
        failed: Those of them that failed.
        when: Time of the measurement, in seconds since 1970 UTC.
        test_digest: SHA-256 of the text of the module's test file then, empty when it had none; None when that is not
            known.
    """

    path: Path
    source: str
    sets: CoverageSets
    tests: int
    failed: int
    when: float
    test_digest: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the source in UTF-8, in hexadecimal digits."""
        return hashlib.sha256(_encoded(self.source)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReport:
    """The account of a run.

    Attributes:
        path: Absolute, resolved path of the module's file.
        symbol: Qualified name in it, None for the whole module.
        report: The report, as JSON text of the caller's own form.
        test_file: The test file; None when nothing was written.
        when: When it was saved, in seconds since 1970 UTC.
    """

    path: Path
    symbol: str | None
    report: str
    test_file: Path | None
    when: float


class Store(Kept):
    """The store in a folder."""

    form = _FORM

    def save_coverage(self, record: CoverageRecord) -> None:
        """Keep what was measured of a module, in place of what was known of it."""
        row = (
            os.fsencode(record.path),
            record.when,
            record.tests,
            record.failed,
            record.test_digest,
            record.digest,
            zlib.compress(_sets_to_json(record.sets).encode()),
            zlib.compress(_encoded(record.source)),
        )

        def save(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute(
                "DELETE FROM coverage WHERE rowid IN "
                "(SELECT rowid FROM coverage ORDER BY measured DESC, rowid DESC LIMIT -1 OFFSET ?)",
                (MOST_MODULES,),
            )

        self._database.write(save)

    def coverage(self, path: Path) -> CoverageRecord | None:
        """What was last measured of a module.

        Args:
            path: Absolute, resolved path of the module's file.

        Returns:
            None when nothing is known of it.
        """

        def read(connection: sqlite3.Connection) -> CoverageRecord | None:
            query = "SELECT measured, tests, failed, test_digest, digest, sets, source FROM coverage WHERE path = ?"
            row = connection.execute(query, (os.fsencode(path),)).fetchone()
            if row is None:
                return None
            when, tests, failed, test_digest, digest, sets, source = row
            record = CoverageRecord(
                path=path,
                source=_decoded(zlib.decompress(source)),
                sets=_sets_from_json(zlib.decompress(sets)),
                tests=tests,
                failed=failed,
                when=when,
                test_digest=test_digest,
            )
            if record.digest != digest:
                raise ValueError("a source that is not the one that was measured")
            return record

        return self._database.read(read)

    def coverage_times(self, since: float = 0.0) -> dict[Path, float]:
        """When each module was measured, of those that were measured after a time.

        Args:
            since: In seconds since 1970 UTC.
        """

        def read(connection: sqlite3.Connection) -> dict[Path, float]:
            rows = connection.execute("SELECT path, measured FROM coverage WHERE measured > ?", (since,))
            return {Path(os.fsdecode(path)): when for path, when in rows}

        return self._database.read(read)

    def forget_coverage(self, path: Path) -> None:
        """Keep nothing of what was measured of a module, its text included.

        Args:
            path: Absolute, resolved path of the module's file.
        """

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM coverage WHERE path = ?", (os.fsencode(path),))

        self._database.write(delete)

    def save_report(self, path: Path, symbol: str | None, report_json: str, test_file: Path | None) -> None:
        """Keep the account of a run, in place of that of the run before on the same module.

        Args:
            path: Absolute, resolved path of the module's file.
            symbol: Qualified name in it, None for the whole module.
            report_json: The report as JSON text, and what the caller wants to know with it.
            test_file: The test file; None when nothing was written.
        """
        row = (
            os.fsencode(path),
            time.time(),
            symbol,
            None if test_file is None else os.fsencode(test_file),
            zlib.compress(_encoded(report_json)),
        )

        def save(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO report VALUES (?, ?, ?, ?, ?)", row)
            connection.execute(
                "DELETE FROM report WHERE rowid IN "
                "(SELECT rowid FROM report ORDER BY finished DESC, rowid DESC LIMIT -1 OFFSET ?)",
                (MOST_REPORTS,),
            )

        self._database.write(save)

    def last_report(self, path: Path | None = None) -> StoredReport | None:
        """The account of the last run.

        Args:
            path: Absolute, resolved path of a module's file, or of a test file; None for the last run of all.

        Returns:
            None when there was none.
        """

        def read(connection: sqlite3.Connection) -> StoredReport | None:
            query = (
                "SELECT path, finished, symbol, test_file, report FROM report "
                "WHERE ?1 IS NULL OR path = ?1 OR test_file = ?1 ORDER BY finished DESC, rowid DESC LIMIT 1"
            )
            row = connection.execute(query, (None if path is None else os.fsencode(path),)).fetchone()
            if row is None:
                return None
            module, when, symbol, test_file, report = row
            return StoredReport(
                path=Path(os.fsdecode(module)),
                symbol=symbol,
                report=_decoded(zlib.decompress(report)),
                test_file=None if test_file is None else Path(os.fsdecode(test_file)),
                when=when,
            )

        return self._database.read(read)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a document of an editor may hold half a character


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _sets_to_json(sets: CoverageSets) -> str:
    return json.dumps({name: sorted(getattr(sets, name)) for name in (*_LINE_SETS, *_BRANCH_SETS)})


def _sets_from_json(text: bytes) -> CoverageSets:
    """The sets again.

    Raises:
        ValueError: They are not what was written.
    """
    values = json.loads(text)
    try:
        lines = {name: frozenset(values[name]) for name in _LINE_SETS}
        branches = {name: frozenset((start, end) for start, end in values[name]) for name in _BRANCH_SETS}
    except (KeyError, TypeError) as error:
        raise ValueError("coverage that is not of its form") from error
    return CoverageSets(lines["statements"], lines["executed"], branches["branches"], branches["executed_branches"])
