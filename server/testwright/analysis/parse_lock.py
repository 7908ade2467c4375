"""One thread parses at a time, where CPython lets two of them break each other's work.

In CPython 3.11 all threads share the depth that is counted while a syntax tree is made. A thread that comes in between,
as by a finalizer that the garbage collector runs, lets the other one fail by ``SystemError: AST constructor recursion
depth mismatch`` (python/cpython#106905). From 3.12 on the collector runs between two instructions alone.
"""

from __future__ import annotations

import ast
import functools
import sys
import threading
from typing import Any

_lock = threading.RLock()  # a finalizer that runs while a thread parses may parse, too


def parse_one_at_a_time() -> None:
    """From now on, one thread waits for the other in ``ast.parse`` and ``ast.literal_eval``, whoever calls them.

    It is done to the module ``ast`` itself, since libraries parse, too: ``packaging`` does so with each marker. On
    other versions, and a second time, nothing is done.
    """
    if sys.version_info < (3, 12) and not hasattr(ast.parse, "__wrapped__"):
        ast.parse = _locked(ast.parse)


def _locked(parse: Any) -> Any:
    @functools.wraps(parse)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _lock:
            return parse(*args, **kwargs)

    return locked
