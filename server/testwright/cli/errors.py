"""Exit codes, and the sentence about an error of Testwright's own."""

from __future__ import annotations

import sys
import traceback

EXIT_USAGE = 2
EXIT_NOTHING = 3
EXIT_CANCELLED = 130


def own_error(error: BaseException) -> str:
    """A sentence about an error of ours; its traceback goes to standard error with ``--debug``."""
    if "--debug" in sys.argv:
        traceback.print_exception(error)
        return f"This is an error of Testwright's own: {type(error).__name__}. Please report the traceback."
    detail = " ".join(str(error).split())[:300]
    return (
        f"This is an error of Testwright's own: {type(error).__name__}{': ' if detail else ''}{detail}. "
        "Run again with --debug and report the traceback."
    )
