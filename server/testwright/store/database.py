"""One SQLite file that several processes may use at once, and that is begun anew when it is damaged.

It is in WAL mode, and each call is one short transaction that waits for another a few seconds at most. A file that is
damaged, or of another version, is set aside, since what is in it can be had again: by running, or by asking the user.
"""

from __future__ import annotations

import fcntl
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
from typing import ClassVar, Self, TypeVar

from testwright.errors import WriteFailure
from testwright.housekeeping import ASIDE, DATABASE_PARTS

BUSY_SECONDS = 5.0
"""How long a call waits for another process."""

# What SQLite says of a file that is not what we have written; all else is the disk, or another process.
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_ERROR,  # no such table, no such column
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a database holds.

    Attributes:
        file: Its name in the folder.
        version: Of its tables; a file with another is set aside.
        tables: Statements that make them.
        holds: What it holds, as the beginning of a sentence: ``is kept of earlier runs``.
        is_durable: Whether a call returns only when the disk has what it wrote, so that a power failure takes nothing
            back; it costs the time of a flush.
    """

    file: str
    version: int
    tables: str
    holds: str
    is_durable: bool = False


class Database:
    """A database in a folder, which is opened at the first call.

    It may be used from any thread: it has one connection and a lock around each call. A call takes milliseconds, or as
    long as the disk does, so an event loop calls it in a thread.

    Args:
        folder: Absolute; made when it is not there.
        form: What it holds.
    """

    def __init__(self, folder: Path, form: Form) -> None:
        self._folder = folder
        self._form = form
        self._file = folder / form.file
        self._lock = threading.Lock()
        self._notes: list[str] = []
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._is_closed = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user: that what was there was set aside, and why."""
        return tuple(self._notes)

    def close(self) -> None:
        """Close it; a second time does nothing."""
        with self._lock:
            self._is_closed = True
            self._disconnect()

    def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Look at one state of it, while others write; once more in a new file when this one turns out to be damaged.

        Args:
            work: Raises ValueError for what is not of its form, which is damage.

        Raises:
            WriteFailure: The disk refuses, or another process holds it for too long.
            ValueError: It is closed.
        """
        return self._run("BEGIN", work)

    def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Look at it and change it, while nobody else changes it: whole, or not at all. Else as ``read``."""
        return self._run("BEGIN IMMEDIATE", work)

    def _run(self, begin: str, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._lock:
            if self._is_closed:
                raise ValueError("The store is closed.")
            try:
                try:
                    return self._transact(begin, work)
                except (sqlite3.Error, zlib.error, ValueError) as error:
                    if not _is_damage(error):
                        raise
                    self._renew(error)
                return self._transact(begin, work)
            except (sqlite3.Error, zlib.error, ValueError, OSError) as error:
                reason = getattr(error, "strerror", None) or error
                raise WriteFailure(
                    f"What {self._form.holds}, {self._file}, could not be read or written: {reason}.",
                    next_step="Check the disk and the folder's permissions, or name another in TESTWRIGHT_STATE_DIR.",
                ) from error

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._connected()
        with connection:
            connection.execute(begin)
            return work(connection)

    def _connected(self) -> sqlite3.Connection:
        """The connection; a new one when the file is another by now, removed or set aside by another process."""
        if self._connection is not None:
            if self._file_id() == self._opened:
                return self._connection
            self._disconnect()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held(self._folder):
            try:
                self._connection = _connect(self._file, self._form)
            except (sqlite3.Error, _Unusable) as error:
                if not _is_damage(error):
                    raise
                self._set_aside(error)
                self._connection = _connect(self._file, self._form)
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
        with held(self._folder):
            if self._file_id() == self._opened:
                self._set_aside(error)

    def _set_aside(self, error: Exception) -> None:
        old = self._folder / (self._form.file + ASIDE)
        for part in DATABASE_PARTS:
            with suppress(FileNotFoundError):
                old.with_name(old.name + part).unlink()
            with suppress(FileNotFoundError):
                self._file.with_name(self._file.name + part).replace(old.with_name(old.name + part))
        what = error if isinstance(error, _Unusable) else f"is damaged ({error})"
        holds = self._form.holds.replace("is ", "was ", 1)
        self._notes.append(f"What {holds} {what}, so it was set aside as {old} and is begun anew.")

    def _file_id(self) -> tuple[int, int] | None:
        """Tells the file from one that has taken its name; None when there is none."""
        try:
            status = self._file.lstat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


class Kept:
    """What is kept in a database of its own: a context manager that closes itself.

    Every call may raise WriteFailure: the disk refuses, or another process holds the file for too long.

    Args:
        folder: The state folder, absolute.
    """

    form: ClassVar[Form]

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder, self.form)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what is kept in a folder, made when it is not there, and see that it can be read.

        Args:
            folder: The state folder, absolute.

        Raises:
            WriteFailure: It cannot be read or written there.
        """
        kept = cls(folder)
        kept._database.read(lambda _: None)
        return kept

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user: that what was there was set aside, and why."""
        return self._database.notes

    def close(self) -> None:
        """Close it; a second time does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Unusable(ValueError):
    """The file is not one that this version of Testwright has written; the message says what it is."""


def _is_damage(error: Exception) -> bool:
    """Whether an error is the file's own fault, and not that of the disk or of another process."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in _DAMAGE
    return not isinstance(error, UnicodeEncodeError)  # half a character in what was to be written


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes from making the folder's databases or setting them aside meanwhile.

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


def _connect(file: Path, form: Form) -> sqlite3.Connection:
    """Open the file, made when it is not there.

    Raises:
        _Unusable: It is of another version, or no regular file.
        sqlite3.Error: It is damaged, or cannot be opened.
    """
    _make_private(file)
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        _prepare(connection, form)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, form: Form) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version != form.version and (version or tables):
        raise _Unusable(f"is of another version of Testwright ({version})")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if form.is_durable else 'NORMAL'}")
    if version != form.version:
        connection.executescript(f"BEGIN IMMEDIATE; {form.tables} PRAGMA user_version = {form.version}; COMMIT;")


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
