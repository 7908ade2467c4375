"""Whether a test changes files that are not its own: it will run where there is no box.

What the interpreter tells of itself (audit events) is seen whatever the test calls it by, and also what the code under
test does with what the test gives it. A hook cannot be taken out again, so there is one only in the child of one test.
"""

import contextlib
import os
import sys
from typing import Any, Tuple

# Kept: a test may have changed its modules by the time they are called.
_abspath, _join, _fsdecode = os.path.abspath, os.path.join, os.fsdecode

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# How many of an event's arguments are paths, and what is done to them.
_EVENTS = {
    "os.remove": (1, "deletes"),
    "os.rmdir": (1, "deletes"),
    "shutil.rmtree": (1, "deletes"),
    "os.rename": (2, "moves"),
}
_NOBODYS = ("/dev/",)


class Places:
    """Watches one test.

    Attributes:
        found: What it did to a file that is not its own, as the end of a sentence; empty when nothing.
    """

    def __init__(self, own: str, home: str) -> None:
        """Begin to listen.

        Args:
            own: The folder below which it may write.
            home: The home folder in there: elsewhere it is the user's, so the test may not write there, but for the
                caches that libraries have.
        """
        self.found = ""
        self._own = _join(_abspath(own), "")
        self._home = _join(_abspath(home), "")
        self._caches = _join(_abspath(home), ".cache", "")
        self._is_on = False
        sys.addaudithook(self._hear)

    def start(self) -> None:
        """The test begins."""
        self._is_on = True

    def stop(self) -> None:
        """The test has ended."""
        self._is_on = False

    def _hear(self, event: str, arguments: Tuple[Any, ...]) -> None:
        if not self._is_on or self.found:
            return
        if event == "open":
            if isinstance(arguments[2], int) and arguments[2] & _WRITING:
                self._look(arguments[:1], "writes")
        elif event == "os.truncate":
            self._look(arguments[:1], "overwrites")
        elif event in _EVENTS:
            count, verb = _EVENTS[event]
            # A path beside the descriptor of its folder: how the folder was come by was heard before.
            if all(value in (None, -1) for value in arguments[count:]):
                self._look(arguments[:count], verb)

    def _look(self, paths: Tuple[Any, ...], verb: str) -> None:
        # What is no path, or has no folder any more, fails by itself; a hook that raises would be heard by the test.
        with contextlib.suppress(Exception):
            for value in paths:
                if isinstance(value, int):
                    continue
                path = _abspath(_fsdecode(value))
                if path.startswith(_NOBODYS) or "__pycache__" in path:
                    continue
                below = _join(path, "")
                is_own = below.startswith(self._own) and below != self._own
                if not is_own or (below.startswith(self._home) and not below.startswith(self._caches)):
                    self.found = f"{verb} {path[:200]}, which is not in its own temporary folder"
