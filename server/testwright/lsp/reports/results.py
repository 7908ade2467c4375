"""What runs have ended with: their accounts, and the tests that they have added.

The tests are known for as long as the server lives. The last account of each module outlives it.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testwright.errors import TestwrightError
from testwright.lsp.reports.accounts import Account
from testwright.lsp.reports.keeping import Keeper
from testwright.lsp.testfile.additions import Addition
from testwright.lsp.work.runs import Ending, Run

if TYPE_CHECKING:
    from testwright.service.result import Delivered

KEPT = 50
"""Accounts, and runs whose tests can be rejected; the oldest are forgotten first."""

CLOSE_SECONDS = 1.0
"""How long the end of the server waits for an account to be kept."""

logger = logging.getLogger(__name__)


class Results:
    """What the runs of this server have ended with, bounded.

    Args:
        keeper: Keeps accounts beyond the server's end.

    Attributes:
        changing: Held while tests are taken out of a file, or put back: one such change at a time.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._keeping: set[asyncio.Task[None]] = set()
        self.changing = asyncio.Lock()
        self._accounts: dict[str, Account] = {}
        self._additions: dict[str, Addition] = {}

    def take(self, run: Run, ending: Ending, delivered: Delivered | None = None) -> None:
        """Take what a run has ended with.

        Args:
            run: A run that wrote tests or judged them.
            ending: How it ended; one without a report leaves nothing to show.
            delivered: What it has put into a test file.
        """
        if delivered is not None:
            self._additions[run.id] = Addition(run.id, run.work.subject, delivered)
            _forget_oldest(self._additions)
        work = run.work
        if ending.report is not None and work.kind in ("generate", "judge"):
            account = Account(
                run.id, work.kind, work.module, work.root, ending.test_file, ending.message, ending.report
            )
            self._accounts[run.id] = account
            _forget_oldest(self._accounts)
            task = asyncio.create_task(self._keep(account), name=f"keeping the account of {run.id}")
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)

    async def _keep(self, account: Account) -> None:
        try:
            await asyncio.to_thread(self._keeper.keep, account)
        except TestwrightError as error:
            logger.warning("The report of %s is not kept: %s", account.run, error)

    async def last(self, path: Path | None = None) -> Account | None:
        """The last account of a file, which is a module or a test file; of all when it is None.

        Raises:
            SettingsError: There is none here, and the state folder cannot be ours.
            WriteFailure: There is none here, and what was kept of earlier servers cannot be read.
        """
        if (account := self.known(path)) is not None:
            return account
        return await asyncio.to_thread(self._keeper.last, path)

    def known(self, path: Path | None = None) -> Account | None:
        """The last account of a file, or of all, by a run of this server; None when there is none."""
        resolved = path.resolve() if path is not None else None
        for account in reversed(self._accounts.values()):
            if resolved is None or resolved in (account.path, account.test_file):
                return account
        return None

    async def close(self) -> None:
        """Wait until what was taken is kept, for a moment."""
        if self._keeping:
            await asyncio.wait(self._keeping, timeout=CLOSE_SECONDS)
        if not self._keeping:
            self._keeper.close()

    def of_run(self, run: str) -> Addition | None:
        """The tests that a run has added; None when it has added none, or is forgotten."""
        return self._additions.get(run)

    def added_by(self, account: Account) -> Addition | None:
        """The tests that the run of an account has added; None when there are none, or an earlier server ran it.

        Ids count from one for each server, so that of an earlier one may be that of another run here.
        """
        return self.of_run(account.run) if self._accounts.get(account.run) is account else None

    def at(self, test_file: Path) -> Addition | None:
        """What the last run has added to a test file; None when none has."""
        resolved = test_file.resolve()
        return next((one for one in reversed(self._additions.values()) if one.path == resolved), None)


def _forget_oldest(kept: dict[str, Any]) -> None:
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
