"""Ends a test of a plain pytest run that takes too long, so that the others still get their turn."""

import signal
from types import FrameType
from typing import Generator, Optional

from .measure import is_measuring

_AGAIN_SECONDS = 0.001
"""Wall time until a test is ended after all whose time was over while coverage.py counted a line of it."""
_MOST_AGAIN = 1000
"""Times that this is put off: a test of coverage.py itself may never leave it."""


class TestTimeLimit:
    """The pytest plugin that limits the wall time of each phase of a test: its setup, its call, its teardown.

    A test that holds every exception, or waits in compiled code, goes on; the time of the whole run ends it.

    Args:
        seconds: Time of one phase.

    Attributes:
        is_over: Whether the time of the test that runs, or ran last, was over.
    """

    __test__ = False

    def __init__(self, seconds: float) -> None:
        import pytest  # noqa: PLC0415 - the task decides which one

        cls = TestTimeLimit
        for phase in (cls.pytest_runtest_setup, cls.pytest_runtest_call, cls.pytest_runtest_teardown):
            pytest.hookimpl(hookwrapper=True, tryfirst=True)(phase)
        self._seconds = seconds
        self.is_over = False
        self._put_off = 0

    def pytest_runtest_logstart(self) -> None:
        """A test begins."""
        self.is_over = False

    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """Limit the time of its fixtures."""
        yield from self._limited()

    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Limit the time of the test itself."""
        yield from self._limited()

    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """Limit the time in which its fixtures end."""
        yield from self._limited()

    def _limited(self) -> Generator[None, None, None]:
        before = signal.signal(signal.SIGALRM, self._end)
        self._put_off = 0
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _end(self, _number: int, frame: Optional[FrameType]) -> None:
        if is_measuring(frame) and self._put_off < _MOST_AGAIN:
            self._put_off += 1
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
            return
        import pytest  # noqa: PLC0415 - the task decides which one

        self.is_over = True
        pytest.fail(f"did not end within {self._seconds:g} seconds", pytrace=False)
