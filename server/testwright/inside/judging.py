"""Task ``judging``: each candidate by itself, in a child forked from one warm pytest session.

The parent imports pytest, the project's conftest files and the module under test once, by one real collection of the
candidates' file with the project's settings. For each candidate it forks a child that runs pytest's whole protocol for
that one item (autouse fixtures, markers and warning filters apply) with scratch and home of its own.
"""

# Plain functions of os: a test may have changed pathlib in its process.
# ruff: noqa: PTH102, PTH118, PTH123
import ast
import contextlib
import functools
import gc
import importlib
import os
import shutil
import sys
import tempfile
import time
from typing import Any, Dict, Generator, List, Optional

from . import clock
from .channel import Channel
from .measure import Measure, Translation
from .runner_arguments import arguments, explain
from .runner_forks import Forks, shield
from .runner_places import Places
from .runner_tools import Tools, is_file, origin_of

_exit = os._exit
_IMPORT_SECONDS = 5.0


def run(request: Dict[str, Any], channel: Channel) -> None:
    """Answer ``ready``, then ``start`` and ``result`` for each name, then ``done``; or ``not-collected``."""
    Tools(request, ["coverage", "pytest"] if request["measure"] else ["pytest"])
    import pytest  # noqa: PLC0415 - only now is it decided which one

    # Marked here, since pytest is not importable before the tools are there.
    pytest.hookimpl(hookwrapper=True, tryfirst=True)(Runner.pytest_pyfunc_call)
    mechanism = clock.shift(request["clock_shift"])
    runner = Runner(request, channel, mechanism)
    code = pytest.main(
        arguments(request, ["-k", "", "-o", "python_functions=test", request["test_file"]]), plugins=[runner]
    )
    # Only reached when the loop was not: pytest refused its settings, or a file could not be imported.
    channel.send("bad-imports", failures=_bad_imports(request["test_file"], channel))
    channel.send("not-collected", exit_code=int(code), errors=runner.errors[:100])
    _exit(0)


def _bad_imports(test_file: str, channel: Channel) -> "List[List[Any]]":
    """Which import statements of the candidates' file fail, each tried in a child: line and why."""
    with open(test_file, encoding="utf-8") as stream:
        tree = ast.parse(stream.read())
    shield()
    forks = Forks(channel.close)
    failures = []
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        ended = forks.run(functools.partial(_try_import, node), _IMPORT_SECONDS)
        reason = ended.how if ended.report is None else str(ended.report["problem"])
        if reason:
            failures.append([node.lineno, reason[:600]])
    return failures


def _try_import(node: ast.stmt) -> Dict[str, Any]:
    code = compile(ast.Module(body=[node], type_ignores=[]), "<import>", "exec")
    try:
        exec(code, {"__name__": "candidates"})
    except BaseException as error:
        return {"problem": f"{type(error).__name__}: {error}"}
    return {"problem": ""}


class Runner:
    """The pytest plugin that takes the place of pytest's own loop."""

    def __init__(self, request: Dict[str, Any], channel: Channel, mechanism: str) -> None:
        self._request = request
        self._channel = channel
        self._mechanism = mechanism
        self._reports: List[Any] = []
        self._measure: Optional[Measure] = None
        self._translation: Optional[Translation] = None
        self._places: Optional[Places] = None
        self.errors: List[str] = []
        if request["measure"]:
            self._measure = Measure(request["file"])
            self._measure.warm()
            self._translation = self._measure.translation(request["statements"], request["branches"])

    def pytest_collectreport(self, report: Any) -> None:
        """Keep why something could not be collected."""
        if report.failed:
            self.errors.append(explain(report))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the phases of the one test of this child."""
        self._reports.append(report)

    def pytest_pyfunc_call(self) -> Generator[None, Any, None]:
        """Measure and watch the test itself; what its fixtures run is not its own doing."""
        watched = [part for part in (self._measure, self._places) if part is not None]
        for part in watched:
            part.start()
        try:
            yield
        finally:
            for part in watched:
                part.stop()

    def pytest_runtestloop(self, session: Any) -> None:
        """Run the candidates instead of pytest's loop, and end the process."""
        found: Dict[str, List[Any]] = {}
        for item in session.items:
            name = getattr(item, "originalname", None) or item.name
            found.setdefault(name, []).append(item)
        if not found:
            return  # answered after pytest has ended, together with its exit code
        # Once for all children: the candidates import it in their bodies. What fails here is told there.
        with contextlib.suppress(BaseException):
            importlib.import_module(self._request["module"])
        module = sys.modules.get(self._request["module"])
        if module is not None and not is_file(module, self._request["file"]):
            self._channel.send("wrong-file", path=origin_of(module)[:1000])
            _exit(0)
        closed = shield()
        forks = Forks(self._channel.close)
        self._channel.send("ready", clock=self._mechanism, shielded=closed)
        gc.collect()
        gc.freeze()
        deadline = time.monotonic() + self._request["wall_seconds"]
        complete = True
        for name in self._request["names"]:
            if time.monotonic() > deadline:
                complete = False
                break
            self._channel.send("start", name=name)
            self._channel.send("result", name=name, **self._judge(forks, found.get(name, [])))
        self._channel.send("done", complete=complete)
        _exit(0)

    def _judge(self, forks: Forks, items: List[Any]) -> Dict[str, Any]:
        """Run one candidate; a conftest may have made several items of it, which then all must pass."""
        answer: Dict[str, Any] = {"outcome": "passed", "reason": "", "lines": [], "branches": []}
        if not items:
            return {**answer, "outcome": "error", "reason": "was not collected under the project's pytest settings"}
        for item in items:
            scratch = tempfile.mkdtemp(prefix="test-")
            try:
                ended = forks.run(functools.partial(self._test, item, scratch), self._request["timeout"])
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            if ended.report is None:
                return {**answer, "outcome": "timeout" if ended.timed_out else "crashed", "reason": ended.how}
            try:
                outcome, reason = str(ended.report["outcome"]), str(ended.report["reason"])[:600]
                if self._translation is not None:
                    lines, branches = self._translation(
                        [int(line) for line in ended.report["lines"]],
                        [(int(first), int(last)) for first, last in ended.report["arcs"]],
                    )
                    answer["lines"] = sorted({*answer["lines"], *lines})
                    answer["branches"] = sorted({*answer["branches"], *branches})
            except (KeyError, TypeError, ValueError):
                return {**answer, "outcome": "crashed", "reason": "its report could not be read"}
            if outcome != "passed":
                return {**answer, "outcome": "failed" if outcome == "failed" else "error", "reason": reason}
        return answer

    def _test(self, item: Any, scratch: str) -> Dict[str, Any]:
        """In the child: pytest's protocol for one item."""
        home = os.path.join(scratch, "home")
        os.mkdir(home)
        os.environ["TMPDIR"] = scratch
        os.environ["HOME"] = home
        tempfile.tempdir = None
        if (getattr(item, "originalname", None) or item.name) in self._request["watched"]:
            self._places = Places(scratch, home)
        _own_capture(item.config)
        self._reports.clear()
        problem = ""
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        except BaseException as error:  # pytest.exit(), KeyboardInterrupt: these leave the protocol
            problem = f"left the test run by {type(error).__name__}"
        lines, arcs = self._measure.raw() if self._measure is not None else ([], [])
        outcome, reason = ("failed", problem) if problem else _outcome(self._reports)
        if outcome == "passed" and self._places is not None and self._places.found:
            outcome, reason = "failed", self._places.found
        return {"outcome": outcome, "reason": reason, "lines": lines, "arcs": arcs}


def _own_capture(config: Any) -> None:
    """Give this child capture files of its own: what one that was killed has written must not reach the next."""
    manager = config.pluginmanager.getplugin("capturemanager")
    if manager is not None:
        manager.stop_global_capturing()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)  # output that is not captured is nobody's
    os.close(null)
    if manager is not None:
        manager.start_global_capturing()
        manager.suspend_global_capture(in_=True)


def _outcome(reports: List[Any]) -> "tuple[str, str]":
    """Passed is only what passed in setup, call and teardown, without a skip, an expected failure or a second try."""
    for report in reports:
        if hasattr(report, "wasxfail"):
            return "failed", "marks itself as an expected failure"
        if report.outcome == "skipped":
            return "failed", "skips itself: " + explain(report)
        if report.outcome != "passed":
            reason = explain(report)
            return ("failed", reason) if report.when == "call" else ("error", f"in its {report.when}: {reason}")
    if {report.when for report in reports} != {"setup", "call", "teardown"}:
        return "error", "did not go through setup, call and teardown"
    return "passed", ""
