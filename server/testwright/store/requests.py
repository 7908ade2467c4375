"""Requests against the limits of an account, in the ledger's tables.

All times are readings of the wall clock, which somebody may set. Set forward it may open an account, since no other
clock knows better; set back it never does: what was noted at a time that is still to come counts as of now. That is
never too early, since a grant reads the clock while nobody else can write, and no reason to wait for that time either.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Literal

MINUTE = 60.0
DAY = 86400.0

MOST_PAST_REQUESTS = 2000
"""Of an account, of days that are over by the clock; they are wanted when it was wrong and is set back."""
MOST_ACCOUNTS = 100

TABLES = """
    CREATE TABLE account (
        name TEXT PRIMARY KEY, touched REAL NOT NULL,
        closed_at REAL, closed_until REAL, closed_limit INTEGER, reason TEXT,
        learnt_at REAL, learnt_limit INTEGER, learnt_used INTEGER
    );
    CREATE TABLE request (id INTEGER PRIMARY KEY, account TEXT NOT NULL, at REAL NOT NULL);
    CREATE INDEX request_at ON request (account, at);
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A request that counts against its account's limits, sent or not, until it is released.

    Attributes:
        id: Told to nobody else, ever.
        account: Whose limits.
        at: When it counts, in seconds since 1970 UTC.
    """

    id: int
    account: str
    at: float


@dataclass(frozen=True, slots=True)
class Full:
    """No request may be sent now.

    Attributes:
        kind: Which limit it is; ``closed`` when the provider has said so itself.
        resets_at: When to ask again, in seconds since 1970 UTC.
        used: Requests in the minute or the day; None when it is closed.
        allowed: So many may be. When it is closed, what it allowed a day as was known then; None when it was not.
        reason: What the provider said when it is closed, else empty.
    """

    kind: Literal["minute", "day", "closed"]
    resets_at: float
    used: int | None = None
    allowed: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """What is known of an account.

    Attributes:
        minute: Requests of the last 60 seconds.
        day: Requests of this day (UTC), those that the provider has told of included.
        per_day: How many it allows a day, as it has told; None when it has not.
        closed_until: The provider takes none before that, in seconds since 1970 UTC; None when it is open.
        reason: What the provider said when it is closed, else empty.
    """

    minute: int = 0
    day: int = 0
    per_day: int | None = None
    closed_until: float | None = None
    reason: str = ""


def day_start(now: float) -> float:
    """The midnight (UTC) that a time's day began with; both in seconds since 1970."""
    return now - now % DAY


def reserve(
    connection: sqlite3.Connection, account: str, *, per_minute: int | None, per_day: int | None, now: float
) -> Reservation | Full:
    """Count a request, unless a limit is reached; within a transaction that writes."""
    _bring_back(connection, account, now)
    used = usage(connection, account, now)
    if used.closed_until is not None:
        return Full("closed", used.closed_until, allowed=_closed_limit(connection, account), reason=used.reason)
    per_day = per_day if used.per_day is None else used.per_day
    if per_day is not None and used.day >= per_day:
        return Full("day", day_start(now) + DAY, used.day, per_day)
    if per_minute is not None and used.minute >= per_minute:
        return Full("minute", _slot(connection, account, per_minute, now), used.minute, per_minute)
    reservation = Reservation(secrets.randbits(63), account, now)
    connection.execute("INSERT INTO request VALUES (?, ?, ?)", (reservation.id, account, now))
    _touch(connection, account, now)
    _drop_past(connection, account, now)
    return reservation


def release(connection: sqlite3.Connection, reservation: Reservation) -> None:
    """Count it no more; a second time does nothing."""
    connection.execute("DELETE FROM request WHERE id = ?", (reservation.id,))


def close(connection: sqlite3.Connection, account: str, *, until: float, reason: str, now: float) -> None:
    """Take none before a time; a time that was told before and is later holds."""
    _bring_back(connection, account, now)
    _touch(connection, account, now)
    connection.execute(
        "UPDATE account SET closed_at = ?1, closed_until = max(coalesce(closed_until, ?2), ?2), "
        "closed_limit = learnt_limit, reason = CASE WHEN closed_until > ?2 THEN reason ELSE ?3 END WHERE name = ?4",
        (now, until, reason, account),
    )


def reopen(connection: sqlite3.Connection, account: str, *, until: float) -> None:
    """Take back that it is closed until that time; when it is closed until another by now, it stays so."""
    connection.execute(
        "UPDATE account SET closed_at = NULL, closed_until = NULL WHERE name = ? AND closed_until = ?",
        (account, until),
    )


def learn(connection: sqlite3.Connection, account: str, *, per_day: int, used: int, now: float) -> None:
    """Note what the provider says of the day's requests, in place of what it said before."""
    _touch(connection, account, now)
    connection.execute(
        "UPDATE account SET learnt_at = ?, learnt_limit = ?, learnt_used = ? WHERE name = ?",
        (now, per_day, used, account),
    )


def usage(connection: sqlite3.Connection, account: str, now: float) -> AccountUsage:
    """What is known of an account."""
    minute = _count(connection, "at + 60 > ?", account, now)
    day = _count(connection, "at >= ?", account, day_start(now))
    row = connection.execute(
        "SELECT closed_at, closed_until, reason, learnt_at, learnt_limit, learnt_used FROM account WHERE name = ?",
        (account,),
    ).fetchone()
    if row is None:
        return AccountUsage(minute, day)
    closed_at, closed_until, reason, learnt_at, learnt_limit, learnt_used = row
    if learnt_at is not None and learnt_at >= day_start(now):
        day = max(day, learnt_used + _count(connection, "at >= ?", account, min(learnt_at, now)))
    if closed_until is None or (until := end_of(closed_at, closed_until, now)) <= now:
        return AccountUsage(minute, day, learnt_limit)
    return AccountUsage(minute, day, learnt_limit, until, reason)


def end_of(noted: float, until: float, now: float) -> float:
    """When something ends that was noted to last until then; one that was noted at a time to come was noted now."""
    return until - max(0.0, noted - now)


def _count(connection: sqlite3.Connection, condition: str, account: str, value: float) -> int:
    query = f"SELECT count(*) FROM request WHERE account = ? AND {condition}"  # noqa: S608 - our own conditions
    (number,) = connection.execute(query, (account, value)).fetchone()
    return int(number)


def _newest(connection: sqlite3.Connection, account: str, skipped: int) -> float | None:
    """Time of the newest request but so many, None when there are not so many."""
    query = "SELECT at FROM request WHERE account = ? ORDER BY at DESC LIMIT 1 OFFSET ?"
    row = connection.execute(query, (account, skipped)).fetchone()
    return None if row is None else float(row[0])


def _closed_limit(connection: sqlite3.Connection, account: str) -> int | None:
    row = connection.execute("SELECT closed_limit FROM account WHERE name = ?", (account,)).fetchone()
    return None if row is None else row[0]


def _slot(connection: sqlite3.Connection, account: str, per_minute: int, now: float) -> float:
    """When the last 60 seconds hold one request less than they may."""
    oldest = _newest(connection, account, per_minute - 1) if per_minute > 0 else None
    return (now if oldest is None else oldest) + MINUTE


def _bring_back(connection: sqlite3.Connection, account: str, now: float) -> None:
    """Let what was noted at times to come be of now: the clock was wrong then, or it is now."""
    connection.execute("UPDATE request SET at = ? WHERE account = ? AND at > ?", (now, account, now))
    connection.execute("UPDATE account SET learnt_at = ? WHERE name = ? AND learnt_at > ?", (now, account, now))
    row = connection.execute(
        "SELECT closed_at, closed_until FROM account WHERE name = ? AND closed_at > ?", (account, now)
    ).fetchone()
    if row is not None:
        closed_at, closed_until = row
        connection.execute(
            "UPDATE account SET closed_at = ?, closed_until = ? WHERE name = ?",
            (now, end_of(closed_at, closed_until, now), account),
        )


def _touch(connection: sqlite3.Connection, account: str, now: float) -> None:
    """Have a row for the account; when there are too many, those go that were not used for the longest time."""
    connection.execute(
        "INSERT INTO account (name, touched) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET touched = excluded.touched",
        (account, now),
    )
    too_many = connection.execute(
        "SELECT name FROM account WHERE name <> ? ORDER BY touched DESC LIMIT -1 OFFSET ?", (account, MOST_ACCOUNTS - 1)
    ).fetchall()
    for name in too_many:
        connection.execute("DELETE FROM account WHERE name = ?", name)
        connection.execute("DELETE FROM request WHERE account = ?", name)


def _drop_past(connection: sqlite3.Connection, account: str, now: float) -> None:
    bound = _newest(connection, account, MOST_PAST_REQUESTS)
    if bound is not None:
        connection.execute(
            "DELETE FROM request WHERE account = ? AND at <= ? AND at < ?",
            (account, bound, min(day_start(now), now - MINUTE)),
        )
