"""Accounts, and whatever else an editor is to show, as files in our own folder for state, bounded."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path

from testwright.errors import WriteFailure
from testwright.housekeeping import state_dir
from testwright.lsp.reports.accounts import Account

KEPT = 50
"""Files that are kept; those written longest ago go first."""

_UNUSUAL = re.compile(r"[^\w.-]+")


def write_report(account: Account) -> Path:
    """Write an account as Markdown, in place of the last one of the same module and kind.

    Raises:
        SettingsError: The folder for state cannot be ours.
        WriteFailure: The disk refused.
    """
    return _write(_name(account), account.markdown())


def write_document(name: str, markdown: str) -> Path:
    """Write a document, in place of the last one of that name.

    Raises:
        SettingsError: The folder for state cannot be ours.
        WriteFailure: The disk refused.
    """
    return _write(f"{_UNUSUAL.sub('-', name)[:60]}.md", markdown)


def _write(name: str, markdown: str) -> Path:
    path = state_dir() / "reports" / name
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    data = markdown.encode("utf-8", "backslashreplace")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _remove_oldest(path.parent)
    except OSError as error:
        raise WriteFailure(
            f"The report could not be written to {path.parent}: {error.strerror or error}.",
            next_step="Make room there, or set TESTWRIGHT_STATE_DIR to another folder.",
        ) from error
    return path


def _name(account: Account) -> str:
    """One name for a module and a kind: ``tests-for-pricing-1a2b3c4d.md``."""
    digest = hashlib.sha256(os.fsencode(account.path)).hexdigest()[:8]
    module = _UNUSUAL.sub("-", account.path.stem)[:60]
    what = "judgement-of" if account.kind == "judge" else "tests-for"
    return f"{what}-{module}-{digest}.md"


def _remove_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.md"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in files[KEPT:]:
        with contextlib.suppress(FileNotFoundError):  # another server may have removed it
            path.unlink()
