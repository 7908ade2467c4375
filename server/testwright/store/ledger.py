"""What all runs and processes of this machine share about models: requests, closed accounts, statuses, consent, uses.

None of it can be made again by running again, so each call returns when the disk has it. When the file is damaged it is
set aside and begun anew: the user is asked for consent again then, and how many requests are left is learnt from the
provider.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from testwright.housekeeping import LEDGER
from testwright.model import ModelUse
from testwright.store import requests
from testwright.store.database import Form, Kept
from testwright.store.requests import AccountUsage, Full, Reservation

__all__ = ["AccountUsage", "Full", "Ledger", "Reservation", "StoredConsent", "StoredStatus", "StoredUse"]

MOST_STATUSES = 1000
MOST_CONSENTS = 1000
MOST_USES = 10_000

_FORM = Form(
    file=LEDGER,
    version=1,
    holds="is known of models and their accounts",
    is_durable=True,
    tables=f"""
        {requests.TABLES}
        CREATE TABLE status (
            provider TEXT NOT NULL, model TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
            learnt REAL NOT NULL, until REAL NOT NULL, PRIMARY KEY (provider, model)
        );
        CREATE TABLE consent (
            workspace BLOB PRIMARY KEY, destination TEXT NOT NULL, data_collection TEXT NOT NULL,
            registry_digest TEXT, given REAL NOT NULL
        );
        CREATE TABLE use (
            run TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, ended REAL NOT NULL, account TEXT NOT NULL,
            PRIMARY KEY (run, provider, model)
        );
        CREATE INDEX use_ended ON use (ended);
    """,
)


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """What was learnt of a model at run time.

    Attributes:
        status: As the registry has it: ``active``, ``rate_limited``, ``incompatible``, ``gone``.
        reason: A sentence.
        until: It is forgotten then, in seconds since 1970 UTC.
    """

    status: str
    reason: str
    until: float


@dataclass(frozen=True, slots=True)
class StoredConsent:
    """What the user has agreed to for a workspace.

    Attributes:
        workspace: Absolute, resolved.
        destination: Where its code may be sent, in the form of whoever asked.
        data_collection: ``allow`` or ``deny``, as it was told when the user was asked.
        registry_digest: SHA-256 of the workspace's own registry that may be used; None when none may.
        given: When, in seconds since 1970 UTC.
    """

    workspace: Path
    destination: str
    data_collection: str
    registry_digest: str | None
    given: float


@dataclass(frozen=True, slots=True)
class StoredUse:
    """What a run has asked of a model.

    Attributes:
        run: Names the run.
        when: When it ended, in seconds since 1970 UTC.
        use: The account.
    """

    run: str
    when: float
    use: ModelUse


class Ledger(Kept):
    """The ledger in a folder.

    Any thread may use it, and several processes at once. A call takes milliseconds, or as long as the disk does, so an
    event loop calls it in a thread. Times are seconds since 1970 UTC; ``now`` is what the wall clock says, or the clock
    itself.
    """

    form = _FORM

    # ------------------------------------------------------------------------------------------------ accounts

    def reserve(
        self, account: str, *, per_minute: int | None, per_day: int | None, now: Callable[[], float]
    ) -> Reservation | Full:
        """Count a request before it is sent, unless a limit of its account is reached.

        It counts from now on, also when this process ends in the next moment, until it is released.

        Args:
            account: Names it; never holds a key.
            per_minute: Requests in any 60 seconds; None for no limit.
            per_day: Requests in a day (UTC), for as long as ``learn_limit`` has told no other; None for no limit.
            now: The wall clock. It is read when nobody else can write any more, so that those who have waited for one
                another come in the order of their times.
        """
        return self._database.write(
            lambda connection: requests.reserve(connection, account, per_minute=per_minute, per_day=per_day, now=now())
        )

    def release(self, reservation: Reservation) -> None:
        """Give a request back that was never sent; a second time does nothing."""
        self._database.write(lambda connection: requests.release(connection, reservation))

    def close_account(self, account: str, *, until: float, reason: str, now: Callable[[], float]) -> None:
        """Take no request before a time, because the provider has said so; a later time that was told before holds."""
        words = _whole(reason)
        self._database.write(
            lambda connection: requests.close(connection, account, until=until, reason=words, now=now())
        )

    def open_account(self, account: str, *, until: float) -> None:
        """Take back that it is closed until that time; when it is closed until another by now, it stays so."""
        self._database.write(lambda connection: requests.reopen(connection, account, until=until))

    def learn_limit(self, account: str, *, per_day: int, used: int, now: float) -> None:
        """Note what the provider says of an account's day, which holds in place of ``per_day`` from now on.

        Args:
            account: Names it.
            per_day: Requests that it allows a day.
            used: Requests of this day so far, those from other machines included.
            now: When the provider was asked; what was reserved since then counts besides.
        """
        self._database.write(
            lambda connection: requests.learn(connection, account, per_day=per_day, used=used, now=now)
        )

    def usage(self, account: str, now: float) -> AccountUsage:
        """What is known of an account."""
        return self._database.read(lambda connection: requests.usage(connection, account, now))

    # ------------------------------------------------------------------------------------------------ statuses

    def set_status(  # noqa: PLR0913 - a row of a table
        self, provider: str, model: str, status: str, *, reason: str, until: float, now: float
    ) -> None:
        """Note what was learnt of a model, in place of what was known of it."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO status VALUES (?, ?, ?, ?, ?, ?)",
                (_whole(provider), _whole(model), status, _whole(reason), now, until),
            )
            _drop_oldest(connection, "status", "learnt", MOST_STATUSES)

        self._database.write(write)

    def statuses(self, now: float) -> dict[tuple[str, str], StoredStatus]:
        """What is known of models, by provider and name."""

        def read(connection: sqlite3.Connection) -> dict[tuple[str, str], StoredStatus]:
            found = {}
            rows = connection.execute("SELECT provider, model, status, reason, learnt, until FROM status")
            for provider, model, status, reason, learnt, until in rows:
                end = requests.end_of(learnt, until, now)
                if end > now:
                    found[provider, model] = StoredStatus(status, reason, end)
            return found

        return self._database.read(read)

    def clear_status(self, provider: str, model: str) -> None:
        """Forget what was learnt of a model."""
        self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM status WHERE provider = ? AND model = ?", (_whole(provider), _whole(model))
            )
        )

    # ------------------------------------------------------------------------------------------------ consent

    def give_consent(
        self, workspace: Path, *, destination: str, data_collection: str, registry_digest: str | None = None, now: float
    ) -> None:
        """Note what the user agrees to for a workspace, in place of what was agreed to before.

        Args:
            workspace: Absolute, resolved.
            destination: Where its code may be sent.
            data_collection: ``allow`` or ``deny``, as the user was told.
            registry_digest: SHA-256 of the workspace's own registry that may be used; None when none may.
            now: The wall clock.
        """

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO consent VALUES (?, ?, ?, ?, ?)",
                (os.fsencode(workspace), destination, data_collection, registry_digest, now),
            )
            _drop_oldest(connection, "consent", "given", MOST_CONSENTS)

        self._database.write(write)

    def consent(self, workspace: Path) -> StoredConsent | None:
        """What the user has agreed to for a workspace; None when nothing."""
        return next((consent for consent in self.consents() if consent.workspace == workspace), None)

    def consents(self) -> list[StoredConsent]:
        """All that the user has agreed to, by workspace."""

        def read(connection: sqlite3.Connection) -> list[StoredConsent]:
            rows = connection.execute(
                "SELECT workspace, destination, data_collection, registry_digest, given FROM consent ORDER BY workspace"
            )
            return [StoredConsent(Path(os.fsdecode(workspace)), *rest) for workspace, *rest in rows]

        return self._database.read(read)

    def withdraw_consent(self, workspace: Path) -> None:
        """Note that the user agrees to nothing any more for a workspace."""
        self._database.write(
            lambda connection: connection.execute("DELETE FROM consent WHERE workspace = ?", (os.fsencode(workspace),))
        )

    # ------------------------------------------------------------------------------------------------ uses

    def add_use(self, run: str, uses: Sequence[ModelUse], *, when: float) -> None:
        """Keep what a run has asked of models; said again of the same run and model, the last counts."""

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT OR REPLACE INTO use VALUES (?, ?, ?, ?, ?)",
                [(run, _whole(use.provider), _whole(use.model), when, _use_to_json(use)) for use in uses],
            )
            _drop_oldest(connection, "use", "ended", MOST_USES)

        self._database.write(write)

    def uses(self, since: float) -> list[StoredUse]:
        """What runs have asked that ended at a time or later, oldest first."""

        def read(connection: sqlite3.Connection) -> list[StoredUse]:
            rows = connection.execute(
                "SELECT run, ended, account FROM use WHERE ended >= ? ORDER BY ended, rowid", (since,)
            )
            return [StoredUse(run, when, _use_from_json(account)) for run, when, account in rows]

        return self._database.read(read)


def _drop_oldest(connection: sqlite3.Connection, table: str, time: str, most: int) -> None:
    connection.execute(
        f"DELETE FROM {table} WHERE rowid IN "  # noqa: S608 - our own tables
        f"(SELECT rowid FROM {table} ORDER BY {time} DESC, rowid DESC LIMIT -1 OFFSET ?)",
        (most,),
    )


def _whole(text: str) -> str:
    """The text without halves of characters: a provider's JSON may hold some, and no database takes them."""
    return text.encode("utf-8", "replace").decode()


def _use_to_json(use: ModelUse) -> str:
    return json.dumps({field.name: getattr(use, field.name) for field in fields(use)})


def _use_from_json(text: str) -> ModelUse:
    """The account again.

    Raises:
        ValueError: It is not what was written.
    """
    values: dict[str, Any] = json.loads(text)
    try:
        return ModelUse(**{**values, "breaker": tuple(values["breaker"])})
    except (KeyError, TypeError) as error:
        raise ValueError("an account of a run that is not of its form") from error
