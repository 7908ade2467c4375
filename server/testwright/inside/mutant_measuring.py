"""Which lines of the module a test runs by itself: on a mutant elsewhere it need not run.

By itself, in a child of its own: what an earlier test has left behind (a full cache, a fixture that is shared) would
hide lines that the test depends on.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .measure import Measure
from .mutant_tests import PASSED, ItemRunner, TimeLimit
from .runner_forks import Forks


class LineMeasuring:
    """Measures tests one by one.

    Args:
        forks: Where children come from.
        runner: The plugin that runs items in them.
        file: The module's file.
    """

    def __init__(self, forks: Forks, runner: ItemRunner, file: str) -> None:
        self._forks = forks
        self._runner = runner
        self._measure = Measure(file)
        self._measure.warm()

    def lines(self, items: Sequence[Any], limit: TimeLimit, seconds: float) -> "tuple[bool, frozenset[int] | None]":
        """Run one test.

        Args:
            items: Its pytest items.
            limit: Time of each.
            seconds: Wall time of all.

        Returns:
            Whether it passes by itself, and the lines that it runs, fixtures included: until its time was over when
            it has no more; None when nothing is known of them.
        """
        ended = self._forks.run(partial(self._child, items, limit), seconds)
        if ended.report is None:
            return False, None
        return ended.report["passed"] is True, frozenset(int(line) for line in ended.report["lines"])

    def lines_of(self, work: Callable[[], bool], seconds: float) -> "frozenset[int] | None":
        """Lines that some other work runs, in a child; None when it does not do what it should.

        Args:
            work: What to do; True when it was done.
            seconds: Wall time that it may take.
        """
        ended = self._forks.run(partial(self._work, work), seconds)
        if ended.report is None or ended.report["passed"] is not True:
            return None
        return frozenset(int(line) for line in ended.report["lines"])

    def _work(self, work: Callable[[], bool]) -> "dict[str, Any]":
        self._measure.start()
        done = work()
        self._measure.stop()
        return {"passed": done, "lines": self._measure.raw()[0]}

    def _child(self, items: Sequence[Any], limit: TimeLimit) -> "dict[str, Any]":
        self._measure.start()
        following = [*items[1:], None]
        passed = all(
            self._runner.run(item, next_item, limit).state == PASSED
            for item, next_item in zip(items, following, strict=True)
        )
        self._measure.stop()
        return {"passed": passed, "lines": self._measure.raw()[0]}
