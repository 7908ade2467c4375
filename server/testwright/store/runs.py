"""Runs while they go on, so that one that was cut off can be told of afterwards, with what it had proven.

A run notes itself when it begins, and takes its note away at its end, whatever the end is. What is left is of a run
whose process was killed, or whose machine went down. Who may say that a process has gone is the caller's business.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testwright.housekeeping import RUNS
from testwright.store.database import Form, Kept

MOST_RUNS = 500

_FORM = Form(
    file=RUNS,
    version=1,
    holds="is kept of runs that go on",
    tables="""
        CREATE TABLE run (
            id TEXT PRIMARY KEY, process TEXT NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL,
            began REAL NOT NULL, workspace BLOB NOT NULL, path BLOB NOT NULL, symbol TEXT, test_file BLOB NOT NULL,
            phase TEXT NOT NULL, tests INTEGER NOT NULL, covered REAL, proposal BLOB,
            told INTEGER NOT NULL
        );
        CREATE INDEX run_began ON run (began);
    """,
)

_COLUMNS = "id, process, host, boot, began, workspace, path, symbol, test_file, phase, tests, covered, proposal, told"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """A run that goes on, or was cut off.

    Attributes:
        id: Its own.
        process: Number and start time of the process that does it, ``123:456``.
        host: Names the machine and its process namespace.
        boot: Names the machine's boot.
        began: In seconds since 1970 UTC.
        workspace: Absolute, resolved root.
        path: Absolute, resolved path of the module's file.
        symbol: Qualified name in it, None for the whole module.
        test_file: The one file that it may write.
        phase: Where it is.
        tests: How many tests it had proven each by itself and chosen, when that was last noted.
        covered: Percent of what tests are wanted for that would be covered with them; None when nothing is known.
        proposal: Where these tests are, as a file; None when there is none yet.
        told: Whether the user was told of its end.
    """

    id: str
    process: str
    host: str
    boot: str
    began: float
    workspace: Path
    path: Path
    symbol: str | None
    test_file: Path
    phase: str
    tests: int = 0
    covered: float | None = None
    proposal: Path | None = None
    told: bool = False


class RunNotes(Kept):
    """The notes in a folder; a call may be made in any thread."""

    form = _FORM

    def put(self, note: RunNote) -> None:
        """Keep how far a run is, in place of what was kept of it."""
        row = (
            *(note.id, note.process, note.host, note.boot, note.began),
            *(os.fsencode(note.workspace), os.fsencode(note.path), note.symbol, os.fsencode(note.test_file)),
            *(note.phase, note.tests, note.covered),
            *(None if note.proposal is None else os.fsencode(note.proposal), note.told),
        )

        def put(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute(
                "DELETE FROM run WHERE rowid IN "
                "(SELECT rowid FROM run ORDER BY began DESC, rowid DESC LIMIT -1 OFFSET ?)",
                (MOST_RUNS,),
            )

        self._database.write(put)

    def remove(self, run: str) -> bool:
        """Keep nothing of a run any more; whether there was something."""
        return self._database.write(
            lambda connection: connection.execute("DELETE FROM run WHERE id = ?", (run,)).rowcount > 0
        )

    def tell(self, run: str) -> None:
        """Keep that the user was told of a run's end."""
        self._database.write(lambda connection: connection.execute("UPDATE run SET told = 1 WHERE id = ?", (run,)))

    def all(self) -> tuple[RunNote, ...]:
        """What is kept, the newest first."""
        query = f"SELECT {_COLUMNS} FROM run ORDER BY began DESC, rowid DESC"  # noqa: S608 - names of our own
        return tuple(_note(row) for row in self._database.read(lambda connection: connection.execute(query).fetchall()))


def _note(row: tuple[Any, ...]) -> RunNote:
    run, process, host, boot, began, workspace, path, symbol, test_file, phase, tests, covered, proposal, told = row
    return RunNote(
        id=run,
        process=process,
        host=host,
        boot=boot,
        began=began,
        workspace=Path(os.fsdecode(workspace)),
        path=Path(os.fsdecode(path)),
        symbol=symbol,
        test_file=Path(os.fsdecode(test_file)),
        phase=phase,
        tests=tests,
        covered=covered,
        proposal=None if proposal is None else Path(os.fsdecode(proposal)),
        told=bool(told),
    )
