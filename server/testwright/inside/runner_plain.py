"""A plain pytest run in one process, told in messages: collection, each test's outcome, coverage of one file."""

import os
import random
import time
from typing import Any, Dict, List, Optional

from . import clock
from .channel import Channel
from .measure import Measure, Translation
from .runner_arguments import arguments, explain
from .runner_time import TestTimeLimit
from .runner_tools import Tools

_exit = os._exit
_PARTIAL_SECONDS = 2.0
"""Least time between two messages with coverage so far; each costs some milliseconds."""


def run_plain(request: Dict[str, Any], channel: Channel) -> None:
    """Run pytest over ``paths`` (none: what the project's settings say).

    It answers ``collected``, ``test-start`` and ``test`` for each, ``so-far`` now and then, ``collect-error``, and
    ``finished`` at the end.

    Request fields beside the usual: ``measure``, ``statements`` and ``branches`` (for coverage so far), ``first`` (a
    test file to run before the others, or None), ``order`` (``given``, ``reversed``, ``shuffled``), ``collect_only``,
    ``clock_shift``, ``test_seconds`` (wall time of one phase of a test, None for no limit), ``leave_out`` (node ids
    of tests that do not run).
    """
    Tools(request, ["coverage", "pytest"] if request["measure"] else ["pytest"])
    import pytest  # noqa: PLC0415 - only now is it decided which one

    measure = Measure(request["file"]) if request["measure"] else None
    clock.shift(request["clock_shift"])
    limit = TestTimeLimit(request["test_seconds"]) if request["test_seconds"] is not None else None
    plugin = PlainRun(request, channel, measure, limit)
    if measure is not None:
        measure.start()
    extra = ["--collect-only"] if request["collect_only"] else []
    plugins = [plugin, limit] if limit is not None else [plugin]
    code = pytest.main([*arguments(request, list(request["paths"])), *extra], plugins=plugins)
    if measure is not None:
        measure.stop()
    channel.send(
        "finished",
        exit_code=int(code),
        collected=plugin.collected,
        coverage=measure.sets() if measure is not None else None,
    )
    _exit(0)  # threads that tests have left must not hold the process


class PlainRun:
    """The pytest plugin that reports."""

    def __init__(
        self,
        request: Dict[str, Any],
        channel: Channel,
        measure: Optional[Measure],
        limit: Optional[TestTimeLimit],
    ) -> None:
        self._request = request
        self._channel = channel
        self._measure = measure
        self._limit = limit
        self._translation: Optional[Translation] = None
        self._problems: Dict[str, str] = {}
        self._outcomes: Dict[str, str] = {}
        self._told = time.monotonic()
        self.collected = 0
        if measure is not None:
            self._translation = measure.translation(request["statements"], request["branches"])

    def pytest_collectreport(self, report: Any) -> None:
        """Tell what could not be collected."""
        if report.failed:
            self._channel.send("collect-error", nodeid=report.nodeid[:1000], message=explain(report))

    def pytest_collection_modifyitems(self, items: List[Any]) -> None:
        """Take out what is not to run; put the file that tells most about the target first, or change the order."""
        leave_out = frozenset(self._request["leave_out"])
        items[:] = [item for item in items if item.nodeid[:1000] not in leave_out]
        if self._request["order"] == "reversed":
            items.reverse()
        elif self._request["order"] == "shuffled":
            random.Random(0).shuffle(items)
        first = self._request["first"]
        if first:
            wanted = os.path.realpath(first)
            items.sort(key=lambda item: os.path.realpath(str(getattr(item, "path", ""))) != wanted)

    def pytest_collection_finish(self, session: Any) -> None:
        """Tell how many tests there are, those that the settings leave out not counted."""
        self.collected = len(session.items)
        self._channel.send("collected", tests=self.collected)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell which test runs, should it be the last."""
        self._channel.send("test-start", nodeid=nodeid[:1000])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Join the phases of a test to one outcome: the first that is not passed."""
        nodeid = report.nodeid
        outcome = report.outcome
        problem = explain(report) if outcome != "passed" else ""
        if hasattr(report, "wasxfail"):
            outcome = "skipped" if report.skipped else "passed"
            words = "is expected to fail" if report.skipped else "is expected to fail, and passed"
            problem = f"{words}: {report.wasxfail}"[:600] if report.wasxfail else words
        elif outcome not in ("passed", "skipped"):
            is_over = self._limit is not None and self._limit.is_over
            outcome = "timeout" if is_over else "failed" if report.when == "call" else "error"
        if self._outcomes.get(nodeid, "passed") == "passed":
            self._outcomes[nodeid] = outcome
            if problem:
                self._problems[nodeid] = problem

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell the outcome, and from time to time coverage so far."""
        self._channel.send(
            "test",
            nodeid=nodeid[:1000],
            outcome=self._outcomes.pop(nodeid, "error"),
            message=self._problems.pop(nodeid, ""),
        )
        if self._measure is None or self._translation is None or time.monotonic() - self._told < _PARTIAL_SECONDS:
            return
        lines, branches = self._translation(*self._measure.raw())
        self._channel.send("so-far", lines=lines, branches=branches)
        self._told = time.monotonic()
