"""What outlives the server: the last account of each module, and what was measured of it, in the state folder's store.

The store is opened when something is first kept or asked for. All here is called in threads, since a disk may take its
time.
"""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from testwright.lsp.coverage.figures import Measurement
from testwright.lsp.reports.accounts import Account, AccountKind

if TYPE_CHECKING:
    from testwright.store import Store

logger = logging.getLogger(__name__)


class Keeper:
    """Keeps accounts and measurements beyond the server's end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._store: Store | None = None

    def store(self) -> Store:
        """The store.

        Raises:
            SettingsError: The state folder cannot be ours.
            WriteFailure: It cannot be read or written.
        """
        from testwright.housekeeping import state_dir  # noqa: PLC0415 - nothing at the start needs it
        from testwright.store import Store  # noqa: PLC0415

        with self._lock:
            if self._store is None:
                self._store = Store.open(state_dir())
                for note in self._store.notes:
                    logger.warning("%s", note)
            return self._store

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def keep(self, account: Account) -> None:
        """Keep an account in place of the last one of its module.

        Raises:
            SettingsError: The state folder cannot be ours.
            WriteFailure: The disk refused.
        """
        values = {
            "run": account.run,
            "kind": account.kind,
            "root": str(account.root),
            "summary": account.summary,
            "report": account.report,
        }
        self.store().save_report(account.path, account.report.get("symbol"), json.dumps(values), account.test_file)

    def last(self, path: Path | None) -> Account | None:
        """The last account of a module or a test file, or of all.

        Raises:
            SettingsError: The state folder cannot be ours.
            WriteFailure: The disk refused.
        """
        stored = self.store().last_report(path.resolve() if path is not None else None)
        if stored is None:
            return None
        account = _account(stored.path, stored.test_file, stored.report)
        if account is None:
            logger.warning("The stored report of %s cannot be read", stored.path.name)
        return account

    def keep_measurement(self, measurement: Measurement) -> None:
        """Keep what was measured of a module in place of what was measured before.

        Raises:
            SettingsError: The state folder cannot be ours.
            WriteFailure: The disk refused.
        """
        from testwright.store import CoverageRecord  # noqa: PLC0415 - nothing at the start needs it

        record = CoverageRecord(
            path=measurement.path,
            source=measurement.source,
            sets=measurement.sets,
            tests=measurement.count,
            failed=measurement.failed,
            when=measurement.when,
            test_digest=measurement.test_digest,
        )
        self.store().save_coverage(record)

    def forget_measurement(self, module: Path) -> None:
        """Keep nothing of what was measured of a module.

        Args:
            module: Absolute, resolved path of its file.

        Raises:
            SettingsError: The state folder cannot be ours.
            WriteFailure: The disk refused.
        """
        self.store().forget_coverage(module)

    def measurement(self, module: Path) -> Measurement | None:
        """What was last measured of a module.

        Args:
            module: Absolute, resolved path of its file.

        Raises:
            SettingsError: The state folder cannot be ours.
            WriteFailure: The disk refused.
        """
        found = self.store().coverage(module)
        if found is None:
            return None
        return Measurement(module, found.source, found.sets, found.tests, found.failed, found.test_digest, found.when)

    def measured_since(self, when: float) -> dict[Path, float]:
        """The modules that were measured after a time, by whichever process, and when.

        Args:
            when: In seconds since 1970 UTC.

        Raises:
            SettingsError: The state folder cannot be ours.
            WriteFailure: The disk refused.
        """
        return self.store().coverage_times(when)


def _account(path: Path, test_file: Path | None, text: str) -> Account | None:
    """An account as it was kept; None when it is not of this form."""
    try:
        values: dict[str, Any] = json.loads(text)
        run, kind, root, summary, report = (values[name] for name in ("run", "kind", "root", "summary", "report"))
    except (ValueError, KeyError, TypeError):
        return None
    if kind not in get_args(AccountKind) or not isinstance(report, dict):
        return None
    account = Account(str(run), kind, path, Path(root), test_file, str(summary), report)
    try:
        account.markdown()
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return account
