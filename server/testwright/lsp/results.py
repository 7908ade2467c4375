"""What runs have ended with: their accounts, and the tests that they have added, for as long as the server lives.

Accounts outlive it in the store, from which the last one of a module is taken when there is none here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from testwright.lsp.additions import Addition
from testwright.lsp.runs import Run

if TYPE_CHECKING:
    from testwright.service.result import RunResult

KEPT = 50
"""Accounts, and runs whose tests can be rejected; the oldest are forgotten first."""

AccountKind = Literal["generate", "judge"]


@dataclass(frozen=True, slots=True)
class Account:
    """The account of one run.

    Attributes:
        run: Its id; of an earlier server when it was taken from the store.
        kind: What it did.
        path: The module's file.
        root: Root of its project.
        test_file: The test file that it was about; None without one.
        report: As JSON values.
    """

    run: str
    kind: AccountKind
    path: Path
    root: Path
    test_file: Path | None
    report: Mapping[str, Any]


class Results:
    """What the runs of this server have ended with, bounded."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._additions: dict[str, Addition] = {}

    def take(self, run: Run, result: RunResult) -> Account:
        """Take what a run that wrote tests has ended with.

        Returns:
            Its account.
        """
        from testwright.rendering import report_to_json  # noqa: PLC0415 - loaded with the service

        delivered = result.delivered
        if delivered is not None:
            self._additions[run.id] = Addition(run.id, run.work.subject, delivered)
            _forget_oldest(self._additions)
        file = Path(result.report.test_file) if result.report.test_file is not None else None
        return self._keep(run, "generate", file, report_to_json(result.report))

    def _keep(self, run: Run, kind: AccountKind, test_file: Path | None, report: Mapping[str, Any]) -> Account:
        account = Account(run.id, kind, run.work.module, run.work.root, test_file, report)
        self._accounts[run.id] = account
        _forget_oldest(self._accounts)
        return account

    def last(self, path: Path | None = None) -> Account | None:
        """The last account of a file, which is a module or a test file; of all when it is None."""
        resolved = path.resolve() if path is not None else None
        for account in reversed(self._accounts.values()):
            if resolved is None or resolved in (account.path, account.test_file):
                return account
        return None

    def of_run(self, run: str) -> Addition | None:
        """The tests that a run has added; None when it has added none, or is forgotten."""
        return self._additions.get(run)

    def at(self, test_file: Path) -> Addition | None:
        """What the last run has added to a test file; None when none has."""
        resolved = test_file.resolve()
        additions = (addition for addition in reversed(self._additions.values()) if addition.path == resolved)
        return next(additions, None)


def _forget_oldest(kept: dict[str, Any]) -> None:
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
