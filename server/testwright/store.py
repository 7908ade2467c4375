"""What outlives a run: the coverage that was measured of each module, and its last report.

One SQLite file in the state folder (``housekeeping.state_dir()``), which several processes may use at once: it is in
WAL mode, and each call is one short transaction that waits for another a few seconds at most. All of it can be made
again by running again, so a file that is damaged, or of another version, is set aside and begun anew.

A ``Store`` may be used from any thread: it has one connection and a lock around each call. A call takes milliseconds,
or as long as the disk does, so an event loop calls it in a thread.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from testwright.errors import WriteFailure
from testwright.housekeeping import DATABASE_PARTS, STORE, STORE_ASIDE
from testwright.model import CoverageSets

MOST_MODULES = 2000
MOST_REPORTS = 500
BUSY_SECONDS = 5.0
"""How long a call waits for another process."""

_VERSION = 1
_SCHEMA = f"""
    BEGIN IMMEDIATE;
    CREATE TABLE coverage (
        path BLOB PRIMARY KEY, measured REAL NOT NULL, tests INTEGER NOT NULL, failed INTEGER NOT NULL,
        test_digest TEXT, digest TEXT NOT NULL, sets BLOB NOT NULL, source BLOB NOT NULL
    );
    CREATE INDEX coverage_measured ON coverage (measured);
    CREATE TABLE report (
        path BLOB PRIMARY KEY, finished REAL NOT NULL, symbol TEXT, test_file BLOB, report BLOB NOT NULL
    );
    CREATE INDEX report_finished ON report (finished);
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""
# What SQLite says of a file that is not what we have written; all else is the disk, or another process.
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_ERROR,  # no such table, no such column
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)

_LINE_SETS = ("statements", "executed")
_BRANCH_SETS = ("branches", "executed_branches")

_T = TypeVar("_T")


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


class Store:
    """The store in a folder. ``open`` makes one; it is a context manager that closes itself.

    Every call may raise WriteFailure: the disk refuses, or another process holds the store for too long.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / STORE
        self._lock = threading.Lock()
        self._notes: list[str] = []
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._is_closed = False

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the store of a folder, made when it is not there.

        Args:
            folder: The state folder, absolute.

        Raises:
            WriteFailure: It cannot be read or written there.
        """
        store = cls(folder)
        store._run(lambda _: None)
        return store

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user: that what was kept was set aside, and why."""
        return tuple(self._notes)

    def close(self) -> None:
        """Close it; a second time does nothing."""
        with self._lock:
            self._is_closed = True
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

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

        self._run(save)

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

        return self._run(read)

    def coverage_times(self, since: float = 0.0) -> dict[Path, float]:
        """When each module was measured, of those that were measured after a time.

        Args:
            since: In seconds since 1970 UTC.
        """

        def read(connection: sqlite3.Connection) -> dict[Path, float]:
            rows = connection.execute("SELECT path, measured FROM coverage WHERE measured > ?", (since,))
            return {Path(os.fsdecode(path)): when for path, when in rows}

        return self._run(read)

    def forget_coverage(self, path: Path) -> None:
        """Keep nothing of what was measured of a module, its text included.

        Args:
            path: Absolute, resolved path of the module's file.
        """

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM coverage WHERE path = ?", (os.fsencode(path),))

        self._run(delete)

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

        self._run(save)

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

        return self._run(read)

    def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do something in one transaction; once more in a new store when this one turns out to be damaged."""
        with self._lock:
            if self._is_closed:
                raise ValueError("The store is closed.")
            try:
                try:
                    return self._transact(work)
                except (sqlite3.Error, zlib.error, ValueError) as error:
                    if not _is_damage(error):
                        raise
                    self._renew(error)
                return self._transact(work)
            except (sqlite3.Error, zlib.error, ValueError, OSError) as error:
                reason = getattr(error, "strerror", None) or error
                raise WriteFailure(
                    f"What is kept of earlier runs, {self._file}, could not be read or written: {reason}.",
                    next_step="Check the disk and the folder's permissions, or name another in TESTWRIGHT_STATE_DIR.",
                ) from error

    def _transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._connected()
        with connection:
            return work(connection)

    def _connected(self) -> sqlite3.Connection:
        """The connection; a new one when the file is another by now, removed or set aside by another process."""
        if self._connection is not None:
            if self._file_id() == self._opened:
                return self._connection
            self._disconnect()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _held(self._folder):
            try:
                self._connection = _connect(self._file)
            except (sqlite3.Error, _Unusable) as error:
                if not _is_damage(error):
                    raise
                self._set_aside(error)
                self._connection = _connect(self._file)
            self._opened = self._file_id()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # of a damaged file
                connection.close()

    def _renew(self, error: Exception) -> None:
        """Set a damaged file aside, unless another process has done so already."""
        self._disconnect()
        with _held(self._folder):
            if self._file_id() == self._opened:
                self._set_aside(error)

    def _set_aside(self, error: Exception) -> None:
        aside = self._folder / STORE_ASIDE
        for part in DATABASE_PARTS:
            with suppress(FileNotFoundError):
                aside.with_name(aside.name + part).unlink()
            with suppress(FileNotFoundError):
                self._file.with_name(self._file.name + part).replace(aside.with_name(aside.name + part))
        what = error if isinstance(error, _Unusable) else f"is damaged ({error})"
        self._notes.append(f"What was kept of earlier runs {what}, so it was set aside as {aside} and is begun anew.")

    def _file_id(self) -> tuple[int, int] | None:
        """Tells the file from one that has taken its name; None when there is none."""
        try:
            status = self._file.lstat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


class _Unusable(ValueError):
    """The file is not one that this version of Testwright has written; the message says what it is."""


def _is_damage(error: Exception) -> bool:
    """Whether an error is the file's own fault, and not that of the disk or of another process."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in _DAMAGE
    return True


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other processes from making the file or setting it aside meanwhile.

    Raises:
        TimeoutError: Another does so all the time.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TimeoutError("another process holds it") from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _connect(file: Path) -> sqlite3.Connection:
    """Open the file, made when it is not there.

    Raises:
        _Unusable: It is of another version, or no regular file.
        sqlite3.Error: It is damaged, or cannot be opened.
    """
    _make_private(file)
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version != _VERSION and (version or tables):
        raise _Unusable(f"is of another version of Testwright ({version})")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if version != _VERSION:
        connection.executescript(_SCHEMA)


def _make_private(file: Path) -> None:
    """Make an empty file that its owner alone can read; SQLite makes those beside it alike.

    One that is there is never opened here: to close it would free the locks of other connections of this process.

    Raises:
        _Unusable: It is no regular file.
    """
    try:
        status = file.lstat()
    except FileNotFoundError:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        return
    if not stat.S_ISREG(status.st_mode):
        raise _Unusable("is no regular file")
    if stat.S_IMODE(status.st_mode) & 0o077:
        file.chmod(0o600)


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
