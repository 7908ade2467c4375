"""Errors of our own, written down so that a person can report them."""

from __future__ import annotations

import logging
import os
import secrets
import traceback
from pathlib import Path

from testwright.errors import TestwrightError
from testwright.lsp.wire.redaction import Redaction

KEPT = 20
"""Files that are kept; those written longest ago go first."""

logger = logging.getLogger(__name__)


def write_crash(run: str, error: BaseException) -> Path | None:
    """Write an error with its traceback into our own folder for state, without the value of a key.

    Args:
        run: Id of the run that it ended.
        error: The error.

    Returns:
        The file; None when it cannot be written.
    """
    from testwright.housekeeping import state_dir  # noqa: PLC0415 - nothing at the start needs it

    words = Redaction().hide("".join(traceback.format_exception(error)))
    try:
        folder = state_dir() / "crashes"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{run}-{secrets.token_hex(4)}.log"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123 - for its mode
            file.write(words)
        written = sorted(folder.glob("*.log"), key=lambda one: one.stat().st_mtime_ns)
        for old in written[:-KEPT]:
            old.unlink(missing_ok=True)
    except (TestwrightError, OSError) as refused:
        logger.warning("The log of %s cannot be written: %s", run, refused)
        return None
    return path
