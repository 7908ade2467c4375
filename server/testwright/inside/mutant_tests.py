"""Runs pytest items in this process and tells only whether they passed, quickly and by pytest's own protocol.

Setup, call and teardown are pytest's own hooks, and the protocol around them is too, so autouse fixtures, warning
filters and markers apply. What is left out is the report of a failure, which takes longer than the test.
"""

import mmap
import os
import signal
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Literal, NamedTuple

from .measure import is_measuring

NOT_RUN, RUNNING, PASSED, FAILED, TIMED_OUT, CRASHED = range(6)


class TimeLimit(NamedTuple):
    """Seconds for one test.

    Attributes:
        cpu: CPU time, which a busy machine does not lengthen; it ends loops.
        wall: Wall time; it ends what waits.
        expected: What the test takes when nothing is wrong.
    """

    cpu: float
    wall: float
    expected: float = 0.0


class Outcome(NamedTuple):
    """How a test ended, and the CPU seconds that it took."""

    state: int
    seconds: float


class Board:
    """Memory shared with a child, where it notes how each test ended: what it noted outlives it."""

    _ENTRY = struct.Struct("<Bd")

    def __init__(self, size: int) -> None:
        self._size = size
        self._memory = mmap.mmap(-1, max(1, size * self._ENTRY.size))

    def note(self, index: int, state: int, seconds: float = 0.0) -> None:
        """Note how the test of this number ended, or that it runs."""
        self._ENTRY.pack_into(self._memory, index * self._ENTRY.size, state, seconds)

    def note_all(self, state: int) -> None:
        """Note the same of all tests."""
        for index in range(self._size):
            self.note(index, state)

    def read(self, *, timed_out: bool) -> list[Outcome]:
        """What was noted, after the child's end. A test that it died in has crashed, or was too slow."""
        found = []
        for index in range(self._size):
            state, seconds = self._ENTRY.unpack_from(self._memory, index * self._ENTRY.size)
            if state == RUNNING:
                state = TIMED_OUT if timed_out else CRASHED
            found.append(Outcome(state, seconds))
        self._memory.close()
        return found


class _OutOfTimeError(BaseException):
    """Raised in the middle of a test; no ``except Exception`` holds it."""


_REPEAT = 0.05
"""Seconds until it is raised again, should a bare ``except`` have held it."""
_MAX_RAISED = 10
"""Times that it is raised; then the process ends."""


class ItemRunner:
    """The pytest plugin that runs an item without a report.

    Attributes:
        give_up: Called when a test does not let itself be ended; must not return.
    """

    def __init__(self) -> None:
        import pytest  # noqa: PLC0415 - the task decides which one

        # Before plugins that run a test several times or elsewhere.
        pytest.hookimpl(tryfirst=True)(ItemRunner.pytest_runtest_protocol)
        self._skip = pytest.skip.Exception
        self._call_info = pytest.CallInfo
        self._state = NOT_RUN
        self._noted_failure = False
        self._raised = 0
        self.give_up: Callable[[], None] = lambda: None

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> bool:
        """Set up, call and tear down one item; what anything of it raises is a failure, unless it skips itself."""
        self._state = FAILED
        self._noted_failure = False
        # As pytest's own `runtestprotocol` does.
        if hasattr(item, "_request") and not item._request:  # noqa: SLF001
            item._initrequest()  # noqa: SLF001
        passed = False
        try:
            passed = self._phase(item, "setup") and self._phase(item, "call")
        except _OutOfTimeError:
            raise
        except self._skip:
            passed = True
        except BaseException:
            passed = False
        finally:
            try:
                item.ihook.pytest_runtest_teardown(item=item, nextitem=nextitem)
            except _OutOfTimeError:
                raise
            except BaseException:
                passed = False
        if hasattr(item, "_request"):
            item._request = False  # noqa: SLF001
            item.funcargs = None
        # A case of unittest keeps its failures for the report; a subtest reports its own.
        kept = [info for info in getattr(item, "_excinfo", None) or () if not isinstance(info.value, self._skip)]
        passed = passed and not kept and not self._noted_failure
        self._state = PASSED if passed else FAILED
        return True

    def _phase(self, item: Any, when: Literal["setup", "call"]) -> bool:
        """One phase of an item, with its report when it passes: fixtures look back at what their test did."""
        hook = getattr(item.ihook, f"pytest_runtest_{when}")
        call = self._call_info.from_call(lambda: hook(item=item), when=when, reraise=BaseException)
        if getattr(item, "_excinfo", None):
            return True  # told below; its report would take long
        return not item.ihook.pytest_runtest_makereport(item=item, call=call).failed

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the failure of a part of the test; the test itself has no report here."""
        self._noted_failure = self._noted_failure or report.failed

    def run(self, item: Any, following: Any, limit: TimeLimit) -> Outcome:
        """Run one item.

        Args:
            item: The item.
            following: The item that runs next, or None.
            limit: Its time.
        """
        return self.guarded(lambda: self._protocol(item, following), limit)

    def _protocol(self, item: Any, following: Any) -> bool:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return self._state == PASSED

    def guarded(self, work: Callable[[], bool], limit: TimeLimit) -> Outcome:
        """Do work within its time; passed when it returns True."""
        started = time.process_time()
        state = FAILED
        self._raised = 0
        try:
            try:
                signal.signal(signal.SIGPROF, self._raise)
                signal.signal(signal.SIGALRM, self._raise)
                signal.setitimer(signal.ITIMER_PROF, limit.cpu, _REPEAT)
                signal.setitimer(signal.ITIMER_REAL, limit.wall, _REPEAT)
                state = PASSED if work() else FAILED
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                signal.setitimer(signal.ITIMER_REAL, 0)
        except _OutOfTimeError:
            _disarm()
            state = TIMED_OUT
        except BaseException:
            state = FAILED
        return Outcome(state, time.process_time() - started)

    def _raise(self, _number: int, frame: "FrameType | None") -> None:
        self._raised += 1
        if is_measuring(frame) and self._raised <= _MAX_RAISED:
            return  # it comes again
        if self._raised > _MAX_RAISED:
            self.give_up()
        raise _OutOfTimeError


def _disarm() -> None:
    """Stop the timers, also when one goes off just now."""
    signal.signal(signal.SIGPROF, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def use_scratch(scratch: str) -> None:
    """Make ``scratch`` the home and the temporary folder of this process."""
    home = Path(scratch, "home")
    home.mkdir()
    os.environ["TMPDIR"] = scratch
    os.environ["HOME"] = str(home)
    tempfile.tempdir = None
