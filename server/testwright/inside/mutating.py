"""Task ``mutating``: which test notices which mutant of the module under test.

It has two purposes. For ``selection`` the tests are candidates whose lines are known, a part of half of the mutants
runs, and who notices what is told in full. For ``score`` they are the tests that a module has: their lines are measured
first, all mutants count, and a mutant is done with when the first test has noticed it.

The parent collects the tests' file once, by a real pytest session with the project's settings. For each mutant
it forks a child that puts the mutant in place and runs the tests that cover it one after another. Before that, all
tests run once on the unchanged module in the same way: those that fail there are told as ``excluded``, and the time
of the others is what a mutant's time is held against.

A mutant in a function's body is put in place by exchanging the code of the living functions, which costs next to
nothing and keeps every object what it was. What takes effect when the module is imported (module and class level,
defaults, decorators, functions that ran at import) is put in place by running the changed module anew in its own
namespace; all tests run on it.

A test that runs out of its time has not noticed the mutant: it may only be slow. A test whose process dies has.
"""

import contextlib
import gc
import importlib
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from importlib.util import decode_source
from pathlib import Path
from typing import Any, NamedTuple

from .channel import Channel
from .mutant_code import Compiler
from .mutant_collection import CollectionLines
from .mutant_measuring import LineMeasuring
from .mutant_placing import Place, Placing
from .mutant_tests import (
    CRASHED,
    FAILED,
    NOT_RUN,
    PASSED,
    RUNNING,
    TIMED_OUT,
    Board,
    ItemRunner,
    Outcome,
    TimeLimit,
    use_scratch,
)
from .mutants import Mutant, enumerate_mutants, for_selection, sample
from .runner_arguments import arguments, explain
from .runner_forks import Forks, shield
from .runner_tools import Tools, is_file, origin_of

MAX_RUNS = 4000
"""Tests times mutants that are run at most: the same seed gives the same answer whatever the machine's speed."""
MAX_TESTS = 30
"""Most covering tests that run on one mutant in a function; more are thinned evenly from narrow to broad ones."""
CLEAN_LIMIT = TimeLimit(cpu=2.0, wall=5.0)
"""Seconds that a test may take on the unchanged module; a slower one is excluded, since it runs for each mutant."""
MEMORY = 512 * 1024 * 1024
"""Bytes that a mutant may ask for on top of what the session holds: an endless list ends its test and not the box."""
FILE_SIZE = 32 * 1024 * 1024
"""Bytes of the largest file that a mutant may write; an endless print goes into the file of pytest's capture."""
MAX_CHILDREN = 4
"""Children for one mutant: each further one takes the rest from a test that its process died in."""
MEASURING_SHARE = 0.4
"""Part of the time that measuring lines may take; a test that was not measured runs on every mutant."""
CLEAN_SHARE = 0.3
"""Part of the time that is left which all tests together may take on the unchanged module, when a score is taken."""
MAX_TIMEOUTS = 2
"""Timeouts after which the other tests of a mutant are left out: they would most likely hang as well."""

_exit = os._exit


class Test(NamedTuple):
    """One test function.

    Attributes:
        id: Its identifier in the request.
        items: The pytest items that it became; more than one when it is parametrized.
        lines: Lines of the module that it covers beyond import; None when they are not known.
    """

    id: str
    items: tuple[Any, ...]
    lines: "frozenset[int] | None"

    def covers(self, lines: range) -> bool:
        """Whether it runs one of the lines, or may."""
        return self.lines is None or not self.lines.isdisjoint(lines)


class Plan(NamedTuple):
    """A mutant with the tests that cover it.

    Attributes:
        mutant: The mutant.
        reload: Whether the module is run anew to put it in place.
        tests: Those that cover it, or may; all when the module is run anew.
        elsewhere: Whether other modules ran it when they were imported or collected, and keep what came of that.
    """

    mutant: Mutant
    reload: bool
    tests: tuple[Test, ...]
    elsewhere: bool = False


def run(request: dict[str, Any], channel: Channel) -> None:
    """Run mutants.

    It answers ``idle`` for a score, ``excluded``, ``mutants``, a ``mutant`` for each, ``mutated``; else ``wrong-file``
    or ``not-collected``.

    Request fields beside the usual: ``purpose``, ``test_file``, ``module``, ``file``, ``tests`` (``id``; ``node``, the
    names of its classes and its own; ``lines``, null to measure them), ``imports`` (modules that the tests use),
    ``import_lines`` (executed by the import alone), ``first_line``, ``last_line``, ``limit`` (mutants), ``seed``,
    ``skip`` (identifiers of mutants not to run again), ``leave_out`` (node ids of items that do not run),
    ``wall_seconds``.
    """
    deadline = time.monotonic() + request["wall_seconds"]
    Tools(request, ["coverage", "pytest"] if request["purpose"] == "score" else ["pytest"])
    import pytest  # noqa: PLC0415 - only now is it decided which one

    plugin = Mutating(request, channel, deadline)
    plugin.measure_collection()
    # Plain assertions: a mutant's failure is only counted, and explaining a comparison of long texts takes seconds.
    extra = ["-k", "", "--assert=plain", request["test_file"]]
    code = pytest.main(arguments(request, extra), plugins=[plugin, plugin.runner])
    channel.send("not-collected", exit_code=int(code), errors=plugin.errors)
    _exit(0)


class Mutating:
    """The pytest plugin that takes the place of pytest's own loop."""

    def __init__(self, request: dict[str, Any], channel: Channel, deadline: float) -> None:
        self._request = request
        self._channel = channel
        self._deadline = deadline
        self._data_limit = 0
        self._for_score = request["purpose"] == "score"
        self._excluded: dict[bool, frozenset[str]] = {}
        self._collecting: CollectionLines | None = None
        self._elsewhere: frozenset[int] = frozenset()
        self._limits: dict[str, TimeLimit] = {}
        self._noticed_by: dict[str, str] = {}  # by function: the test that noticed its last mutant
        self.runner = ItemRunner()
        self.errors: list[str] = []

    def measure_collection(self) -> None:
        """From now until the first test, for a score, lines are kept that run before there is any mutant."""
        if self._for_score:
            self._collecting = CollectionLines(self._request["module"], self._request["file"])

    def pytest_collectreport(self, report: Any) -> None:
        """Keep why something could not be collected."""
        if report.failed:
            self.errors.append(explain(report))

    def pytest_runtestloop(self, session: Any) -> None:
        """Run mutants instead of pytest's loop, and end the process."""
        if self._collecting is not None:
            self._elsewhere = self._collecting.end()
        tests = self._tests(session.items)
        if not tests:
            return  # answered after pytest has ended, together with its exit code
        for name in (self._request["module"], *self._request["imports"]):
            with contextlib.suppress(Exception):  # now, once, and not in each child
                importlib.import_module(name)
        module = sys.modules.get(self._request["module"])
        if module is None or not is_file(module, self._request["file"]):
            self._channel.send("wrong-file", path=origin_of(module)[:1000])
            _exit(0)
        shield()
        self._config = session.config
        self._forks = Forks(self._prepare_child)
        source = decode_source(Path(self._request["file"]).read_bytes())
        compiler = Compiler(source, filename=self._request["file"])
        items = [item for test in tests for item in test.items]
        self._placing = Placing(module, compiler, {item.module for item in items if hasattr(item, "module")})
        measuring = LineMeasuring(self._forks, self.runner, self._request["file"]) if self._for_score else None
        gc.collect()
        gc.freeze()
        self._data_limit = _data_size() + MEMORY
        unfit: frozenset[str] = frozenset()
        if measuring is not None:
            anew = measuring.lines_of(self._placing.reloading(None), CLEAN_LIMIT.wall)
            self._elsewhere |= frozenset(self._request["import_lines"]) - (anew or frozenset())
            tests, unfit = self._measured(tests, measuring)
        self._run_clean(tests, unfit)
        self._run(tests, source)
        _exit(0)

    def _tests(self, items: Sequence[Any]) -> list[Test]:
        leave_out = frozenset(self._request["leave_out"])
        found: dict[str, list[Any]] = {}
        for item in items:
            if item.nodeid[:1000] not in leave_out:
                found.setdefault(_node(item), []).append(item)
        return [
            Test(entry["id"], tuple(found[entry["node"]]), _lines(entry["lines"]))
            for entry in self._request["tests"]
            if entry["node"] in found
        ]

    def _measured(self, tests: Sequence[Test], measuring: LineMeasuring) -> "tuple[list[Test], frozenset[str]]":
        """The tests with their lines as far as there is time, and those that do not pass by themselves."""
        until = time.monotonic() + MEASURING_SHARE * (self._deadline - time.monotonic())
        measured, unfit, idle = [], set(), []
        for test in tests:
            left = until - time.monotonic()
            if test.lines is not None or left <= 0:
                measured.append(test)
                continue
            passed, lines = measuring.lines(test.items, CLEAN_LIMIT, min(left, MAX_CHILDREN * CLEAN_LIMIT.wall))
            measured.append(test._replace(lines=lines))
            if not passed and time.monotonic() < until:
                unfit.add(test.id)
            if passed and not lines:
                idle.append(test.id)
        self._channel.send("idle", ids=idle)
        return measured, frozenset(unfit)

    def _run_clean(self, tests: Sequence[Test], unfit: "frozenset[str]") -> None:
        """Run all tests on the unchanged module; sets what is excluded and the limits of the others.

        Args:
            tests: All tests.
            unfit: Those that are excluded already.
        """
        for test in tests:
            self._limits[test.id] = CLEAN_LIMIT
        left = self._deadline - time.monotonic()
        seconds = max(1.0, CLEAN_SHARE * left) if self._for_score else 1.0
        outcomes = self._run_tests([test for test in tests if test.id not in unfit], _nothing, seconds)
        failed = [test.id for test in tests if test.id in unfit or outcomes[test.id].state != PASSED]
        for test in tests:
            if test.id in unfit:
                continue
            used = outcomes[test.id].seconds
            # A loop that does not end costs its whole limit, so the floor is low; it is CPU time, which other
            # programs on the machine do not lengthen.
            self._limits[test.id] = TimeLimit(cpu=0.25 + 10 * used, wall=1.5 + 10 * used, expected=used)
        self._excluded[False] = frozenset(failed)
        found = {test.id for test in tests}
        lost = [entry["id"] for entry in self._request["tests"] if entry["id"] not in found]
        self._channel.send("excluded", ids=[*failed, *lost] if self._for_score else failed)

    def _run(self, tests: Sequence[Test], source: str) -> None:
        sound = [test for test in tests if test.id not in self._excluded[False]]
        mutants = enumerate_mutants(source, self._request["first_line"], self._request["last_line"])
        plans = self._all_plans(tests, mutants) if self._for_score else self._chosen_plans(sound, mutants)
        self._channel.send("mutants", ids=[plan.mutant.id for plan in plans], total=len(mutants))
        skip = frozenset(self._request["skip"])
        done = 0
        in_time = time.monotonic() <= self._deadline  # else tests are missing, and what they would have noticed
        for plan in plans:
            if plan.mutant.id in skip:
                continue
            answer = self._judge(plan, sound)
            in_time = in_time and time.monotonic() <= self._deadline
            if not in_time:
                break
            self._channel.send("mutant", **answer)
            done += 1
        self._channel.send("mutated", done=done, of=len(plans), stopped_by="exhausted" if in_time else "wall")

    def _plans(self, tests: Sequence[Test], mutants: Sequence[Mutant]) -> dict[str, Plan]:
        """Mutants by their identifier, with the tests that cover them, which may be none."""
        at_import = frozenset(self._request["import_lines"])
        plans = {}
        for mutant in mutants:
            lines = range(mutant.line, mutant.end_line + 1)
            reload = not mutant.in_function or not at_import.isdisjoint(lines) or not self._placing.is_living(mutant)
            covering = tests if reload else [test for test in tests if test.covers(lines)]
            elsewhere = not self._elsewhere.isdisjoint(lines)
            plans[mutant.id] = Plan(mutant, reload, tuple(covering), elsewhere)
        return plans

    def _all_plans(self, tests: Sequence[Test], mutants: Sequence[Mutant]) -> list[Plan]:
        """All mutants; every beginning of the list is spread over the module."""
        plans = self._plans(tests, mutants)
        return [plans[mutant.id] for mutant in sample(mutants, self._request["limit"], self._request["seed"])]

    def _chosen_plans(self, tests: Sequence[Test], mutants: Sequence[Mutant]) -> list[Plan]:
        """As many mutants of the half for selection as may run, those that are covered."""
        plans = {name: plan for name, plan in self._plans(tests, for_selection(mutants)).items() if plan.tests}
        drawn = sample([plan.mutant for plan in plans.values()], self._request["limit"], self._request["seed"])
        affordable: list[Plan] = []
        runs = 0
        for mutant in drawn:
            plan = plans[mutant.id]
            if not plan.reload:
                plan = plan._replace(tests=tuple(_thinned(plan.tests)))
            runs += len(plan.tests)
            if runs > MAX_RUNS:
                break
            affordable.append(plan)
        return affordable

    def _judge(self, plan: Plan, sound: Sequence[Test]) -> dict[str, Any]:
        mutant = plan.mutant
        if plan.reload and True not in self._excluded:
            # Classes made anew may not be those that other modules hold; what fails for that alone is not counted.
            outcomes = self._run_tests(sound, self._placing.reloading(None), CLEAN_LIMIT.wall)
            failed = frozenset(test.id for test in sound if outcomes[test.id].state != PASSED)
            self._excluded[True] = self._excluded[False] | failed
        running = [test for test in plan.tests if test.id not in self._excluded[plan.reload]]
        place = self._placing.reloading(mutant) if plan.reload else self._placing.exchanging(mutant)
        if self._for_score:  # the likeliest first, since the first that notices is the last that runs
            likeliest = self._noticed_by.get(mutant.qualname)
            running.sort(key=lambda test: test.id != likeliest)
        seconds = CLEAN_LIMIT.wall if plan.reload else 1.0
        outcomes = self._run_tests(running, place, seconds, until_noticed=self._for_score)
        killed_by = [test.id for test in running if outcomes[test.id].state in (FAILED, CRASHED)]
        if killed_by:
            self._noticed_by[mutant.qualname] = killed_by[0]
        return {
            "id": mutant.id,
            "line": mutant.line,
            "end_line": mutant.end_line,
            "qualname": mutant.qualname[:500],
            "operator": mutant.operator,
            "description": mutant.description,
            "killed_by": killed_by,
            "timeout": any(outcome.state == TIMED_OUT for outcome in outcomes.values()),
            "tests": len(running),
            "covered": bool(plan.tests),
            "certain": len(running) == len(plan.tests) and not plan.elsewhere,
        }

    def _run_tests(
        self, tests: Sequence[Test], place: Place, seconds: float, *, until_noticed: bool = False
    ) -> dict[str, Outcome]:
        """Run tests one after another in a child; where it has died, another one takes the rest.

        Args:
            tests: What to run.
            place: Called first in the child: puts the mutant in place.
            seconds: Wall time that this may take.
            until_noticed: Whether the first test that does not pass is the last one that runs.

        Returns:
            How each ended, by its identifier.
        """
        outcomes = {test.id: Outcome(NOT_RUN, 0.0) for test in tests}
        for _ in range(MAX_CHILDREN):
            rest = [test for test in tests if outcomes[test.id].state == NOT_RUN]
            timeouts = sum(outcome.state == TIMED_OUT for outcome in outcomes.values())
            left = self._deadline - time.monotonic()
            if not rest or timeouts >= MAX_TIMEOUTS or left <= 0:
                break
            limits = [self._limits[test.id] for test in rest]
            wall = seconds + MAX_TIMEOUTS * max(limit.wall for limit in limits)
            wall += 5 * sum(limit.expected for limit in limits)
            board = Board(len(rest))
            scratch = tempfile.mkdtemp(prefix="mutant-")
            try:
                work = partial(self._child, rest, place, board, scratch, until_noticed=until_noticed)
                ended = self._forks.run(work, min(wall, left))
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            noted = board.read(timed_out=ended.timed_out)
            outcomes.update((test.id, outcome) for test, outcome in zip(rest, noted, strict=True))
            if ended.report is not None:
                break
            self._forget_output()
            if all(outcome.state == NOT_RUN for outcome in noted):
                # It died while the mutant was put in place, as the module would when it is imported.
                state = TIMED_OUT if ended.timed_out else CRASHED
                outcomes.update((test.id, Outcome(state, 0.0)) for test in rest)
            if until_noticed and any(outcome.state == CRASHED for outcome in outcomes.values()):
                break
        return outcomes

    def _child(
        self, tests: Sequence[Test], place: Place, board: Board, scratch: str, *, until_noticed: bool
    ) -> dict[str, Any]:
        """In the child: put the mutant in place and run the tests."""
        use_scratch(scratch)
        self.runner.give_up = partial(_end, board, None)
        placed = self.runner.guarded(place, CLEAN_LIMIT)
        if placed.state != PASSED:
            board.note_all(placed.state)
            return {}
        timeouts = 0
        following = [*(test.items[0] for test in tests[1:]), None]
        for index, test in enumerate(tests):
            board.note(index, RUNNING)
            self.runner.give_up = partial(_end, board, index)
            outcome = self._test(test, following[index])
            board.note(index, *outcome)
            timeouts += outcome.state == TIMED_OUT
            if timeouts >= MAX_TIMEOUTS or (until_noticed and outcome.state == FAILED):
                break
        return {}

    def _test(self, test: Test, following: Any) -> Outcome:
        state, seconds = PASSED, 0.0
        after = [*test.items[1:], following]
        for item, next_item in zip(test.items, after, strict=True):
            outcome = self.runner.run(item, next_item, self._limits[test.id])
            seconds += outcome.seconds
            if outcome.state != PASSED:
                state = outcome.state
                break
        return Outcome(state, seconds)

    def _prepare_child(self) -> None:
        self._channel.close()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)  # what is not captured is not kept either: the box's error output is limited
        os.close(null)
        for name, value in ((resource.RLIMIT_DATA, self._data_limit), (resource.RLIMIT_FSIZE, FILE_SIZE)):
            soft, hard = resource.getrlimit(name)
            allowed = [limit for limit in (value, soft, hard) if limit != resource.RLIM_INFINITY]
            resource.setrlimit(name, (min(allowed), hard))

    def _forget_output(self) -> None:
        """Empty the file of pytest's capture, which a child that was killed has left as it was."""
        manager = self._config.pluginmanager.getplugin("capturemanager")
        if manager is not None:
            manager.read_global_capture()


def _end(board: Board, index: int | None) -> None:
    """End this process in the middle of a test, or of putting the mutant in place, that will not be ended."""
    if index is None:
        board.note_all(TIMED_OUT)
    else:
        board.note(index, TIMED_OUT)
    _exit(1)


def _node(item: Any) -> str:
    """Names of an item's classes and its own, without parameters: ``TestCart::test_total``."""
    import pytest  # noqa: PLC0415 - the task decides which one

    own = getattr(item, "originalname", None) or item.name
    return "::".join([*(node.name for node in item.listchain() if isinstance(node, pytest.Class)), own])


def _lines(given: "list[int] | None") -> "frozenset[int] | None":
    return None if given is None else frozenset(given)


def _nothing() -> bool:
    return True


def _thinned(tests: Sequence[Test]) -> list[Test]:
    """At most ``MAX_TESTS`` tests, evenly from those that cover least to those that cover most, in the given order."""
    if len(tests) <= MAX_TESTS:
        return list(tests)
    ranked = sorted(range(len(tests)), key=lambda index: (len(tests[index].lines or ()), index))
    chosen = {ranked[number * (len(tests) - 1) // (MAX_TESTS - 1)] for number in range(MAX_TESTS)}
    return [tests[index] for index in sorted(chosen)]


def _data_size() -> int:
    """Bytes of private memory that this process has asked for; where the system does not say, more than it has."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 1 << 48  # then the box's own limit is the only one
    return sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:"))
