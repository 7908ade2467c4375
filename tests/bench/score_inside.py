"""Run in bubblewrap under the subject's interpreter (3.10 syntax): plain pytest, coverage.py, and mutants one by one.

Started as ``python score_inside.py REQUEST``, a JSON file with ``task`` (``run``, ``cover`` or ``mutate``), ``root``
(the project), ``tools`` (folder with pytest and coverage, put last on ``sys.path``), ``target``, ``package``,
``test_file``, ``deselect`` and ``result`` (where to write the answer); for ``mutate`` also ``mutants`` (texts of the
module), ``encoding`` and ``patience`` (seconds).
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

MEMORY = 4 * 1024**3
"""Bytes of address space of a process: a mutant that allocates without end must not take the machine with it."""


class Recorder:
    """A pytest plugin that notes what each test did, and what could not be collected."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test is as bad as its worst phase."""
        if report.outcome == "failed":
            self.outcomes[report.nodeid] = "failed"
            self.reasons[report.nodeid] = str(report.longreprtext)[-600:]
        elif report.when == "call" or report.outcome == "skipped":
            self.outcomes.setdefault(report.nodeid, report.outcome)

    def pytest_collectreport(self, report: Any) -> None:
        """A file that cannot be collected fails as a whole."""
        if report.outcome == "failed":
            self.outcomes[report.nodeid] = "failed"
            self.reasons[report.nodeid] = str(report.longreprtext)[-600:]


class Selector:
    """A pytest plugin that leaves out unstable tests (``--deselect`` would take what begins alike too)."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.unwanted = set(request["deselect"])

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Leave them out."""
        unwanted = [item for item in items if item.nodeid in self.unwanted]
        if unwanted:
            items[:] = [item for item in items if item.nodeid not in self.unwanted]
            config.hook.pytest_deselected(items=unwanted)


def pytest_arguments(request: dict[str, Any]) -> list[str]:
    """Plain pytest on the one file; a cache folder is of no use here."""
    return ["-q", "-p", "no:cacheprovider", request["test_file"]]


def forget(package: str) -> None:
    """Make the subject import anew: pytest itself may have imported it (``packaging``)."""
    for name in list(sys.modules):
        if name == package or name.startswith(package + "."):
            del sys.modules[name]


def run(request: dict[str, Any]) -> dict[str, Any]:
    """One fresh run."""
    import pytest  # noqa: PLC0415 - found once sys.path is set

    recorder = Recorder()
    started = time.monotonic()
    code = pytest.main(pytest_arguments(request), plugins=[recorder])
    return {
        "code": int(code),
        "outcomes": recorder.outcomes,
        "reasons": recorder.reasons,
        "seconds": time.monotonic() - started,
    }


def cover(request: dict[str, Any]) -> dict[str, Any]:
    """One run under coverage.py's branch measurement: its JSON, with its usual exclusions and with none."""
    import coverage  # noqa: PLC0415 - found once sys.path is set
    import pytest  # noqa: PLC0415

    measure = coverage.Coverage(branch=True, include=[request["target"]], data_file=None, config_file=False)
    forget(request["package"])
    measure.start()
    code = pytest.main(pytest_arguments(request), plugins=[Selector(request)])
    measure.stop()
    answer: dict[str, Any] = {"code": int(code)}
    for name in ("usual", "all"):
        if name == "all":
            measure.clear_exclude()
        path = request["result"] + "." + name
        try:
            measure.json_report(outfile=path)
        except coverage.exceptions.NoDataError:
            answer[name] = None  # the tests never imported it
            continue
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        answer[name] = next(iter(report["files"].values()))
    return answer


def mutate(request: dict[str, Any]) -> dict[str, Any]:
    """Run the tests once as they are and once for each mutant, each in a fork of one process that has pytest.

    A mutant has ten times the seconds of the unchanged module, and ``patience`` at least.
    """
    import _pytest.config  # noqa: PLC0415 - found once sys.path is set

    for plugin in _pytest.config.default_plugins:
        importlib.import_module("_pytest." + plugin)
    forget(request["package"])
    target = Path(request["target"])
    original = target.read_bytes()
    clean_code, clean_seconds = run_child(request, 300.0)
    answer: dict[str, Any] = {"clean_code": clean_code, "clean_seconds": clean_seconds, "outcomes": []}
    if clean_code != 0:
        return answer
    limit = max(request["patience"], 10 * clean_seconds)
    for source in request["mutants"]:
        target.write_bytes(source.encode(request["encoding"]))
        code, _ = run_child(request, limit)
        answer["outcomes"].append(verdict(code))
    target.write_bytes(original)
    return answer


def verdict(code: int | None) -> str:
    """Name what pytest's exit code says of a mutant; None is a time-out and a negative number a signal."""
    if code is None:
        return "timeout"
    if code == 0:
        return "survived"
    if code < 0:
        return "crashed"
    # 1: a test failed; 2: the file could not be collected, since the mutant cannot be imported.
    return "killed" if code in (1, 2) else "error"


def run_child(request: dict[str, Any], limit: float) -> tuple[int | None, float]:
    """Fork, run pytest in the child, and kill it with its process group after ``limit`` seconds."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        code = 3
        try:
            import pytest  # noqa: PLC0415 - found once sys.path is set

            code = int(pytest.main([*pytest_arguments(request), "-x"], plugins=[Selector(request)]))
        finally:
            os._exit(code)
    code_of_child: int | None = None
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code_of_child = os.waitstatus_to_exitcode(status)
            break
        if time.monotonic() - started > limit:
            break
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if code_of_child is None:
        os.waitpid(child, 0)
    return code_of_child, time.monotonic() - started


def main() -> None:
    """Answer the request."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # As ``python -m pytest`` in the project's folder; the project's own packages win over what is lent.
    sys.path[0] = request["root"]
    sys.path.append(request["tools"])
    answer = {"run": run, "cover": cover, "mutate": mutate}[request["task"]](request)
    Path(request["result"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
