"""Forked children that run cases in batches, with a journal, so that no case can harm the search."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from typing import Any

from .. import clock
from .cases import Case
from .observe import Runner, Seen, TimeLimit
from .wrapping import wrapped

CPU_SECONDS = 0.4
"""CPU time of one case."""
SILENCE_SECONDS = 4.0
"""Wall time without a word after which a child is killed."""
_ENDLESS = {"list": "take", "collect": "collect-take"}
"""What to do with what did not end when it was drained."""
MEMORY = 1536 * 1024 * 1024
"""Bytes of data of one child."""


@dataclasses.dataclass
class Batch:
    """Cases under way in one child."""

    cases: "list[Case]"
    options: "dict[str, Any]"
    shift: float = 0.0
    pid: int = 0
    descriptor: int = -1
    offset: int = 0


class Workers:
    """Runs batches of cases in children.

    Attributes:
        runner: What runs a case in a child.
        poisoned: Keys of cases that killed or hung a child, with the reason.
    """

    def __init__(self, runner: Runner, close: "tuple[int, ...]") -> None:
        self.runner = runner
        self.close = close
        self.poisoned: "dict[Any, str]" = {}

    def start(self, cases: "list[Case]", *, shift: float = 0.0, **options: Any) -> Batch:
        """Fork a child for some cases, its wall clock shifted by some seconds; options are those of ``Runner.run``."""
        batch = Batch(cases, options, shift)
        self._fork(batch)
        return batch

    def _fork(self, batch: Batch) -> None:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(reading)
                self._child(batch, writing)
            finally:
                os._exit(0)
        os.close(writing)
        batch.pid, batch.descriptor = pid, reading

    def _child(self, batch: Batch, writing: int) -> None:
        os.setpgid(0, 0)
        gc.disable()
        for descriptor in self.close:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(ValueError, OSError):  # a lower limit may be set already
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        folder = tempfile.mkdtemp(prefix="batch")
        os.chdir(folder)
        tempfile.tempdir = None
        if batch.shift:
            clock.shift(batch.shift)  # for good: this process is there for one batch
        mine = os.getpid()

        def limit(_signal: int, _frame: Any) -> None:
            raise TimeLimit

        signal.signal(signal.SIGPROF, limit)
        signal.signal(signal.SIGALRM, limit)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for index in range(batch.offset, len(batch.cases)):
            case = batch.cases[index]
            _write(writing, f"s {index}\n".encode())
            seen = self._run(case, batch.options)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if os.getpid() != mine:
                os._exit(0)  # a copy that the case forked and that came back here
            line = json.dumps(seen, default=str, ensure_ascii=True)
            _write(writing, f"r {index} {line}\n".encode())
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)

    def _run(self, case: Case, options: "dict[str, Any]") -> "dict[str, Any]":
        """Run a case, and again wrapped as its result wants it."""
        plain = case
        applied: "list[str]" = []
        try:
            for _ in range(4):
                signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
                signal.setitimer(signal.ITIMER_REAL, CPU_SECONDS * 3)
                seen = self.runner.run(case, **options)
                if seen.status == "limit" and applied and applied[-1] in _ENDLESS:
                    applied[-1] = _ENDLESS[applied[-1]]
                elif seen.wrap and seen.wrap not in applied and seen.status != "limit":
                    applied.append(seen.wrap)
                else:
                    break
                case = plain
                for wrap in applied:
                    case = wrapped(case, wrap, self.runner.names)
        except TimeLimit:
            seen = Seen("limit")
        except BaseException as exception:  # the case left something behind that breaks us
            seen = Seen("noise", digest=type(exception).__name__)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answer = {name: value for name, value in vars(seen).items() if value or name == "status"}
        if applied:
            answer["applied"] = applied
        return answer

    def finish(self, batch: Batch) -> "list[dict[str, Any] | None]":
        """Wait for a batch; a case that killed its child is None and goes on the poison list."""
        results: "list[dict[str, Any] | None]" = [None] * len(batch.cases)
        while True:
            current, reason = self._read(batch, results)
            _reap(batch.pid)
            if current is None:
                return results
            self.poisoned[batch.cases[current].key] = reason
            batch.offset = current + 1
            if batch.offset >= len(batch.cases):
                return results
            self._fork(batch)

    def _read(self, batch: Batch, results: "list[dict[str, Any] | None]") -> "tuple[int | None, str]":
        """Read the journal; returns the case that did not end, or None."""
        descriptor = batch.descriptor
        buffer = b""
        current: "int | None" = None
        done = batch.offset
        reason = "it ended the process it ran in"
        deadline = time.monotonic() + SILENCE_SECONDS
        while True:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                reason = "it hung"
                break
            data = os.read(descriptor, 1 << 16)
            if not data:
                break
            deadline = time.monotonic() + SILENCE_SECONDS
            buffer += data
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                kind, _, rest = line.partition(b" ")
                if kind == b"s" and rest.isdigit():
                    current = int(rest)
                elif kind == b"r":
                    number, _, payload = rest.partition(b" ")
                    parsed = _parse(payload)
                    if parsed is not None and number.isdigit() and int(number) == current:
                        results[int(number)] = parsed
                        done = int(number) + 1
                        current = None
        os.close(descriptor)
        _kill(batch.pid)
        if current is None and done < len(batch.cases):
            current = done
        return current, reason


def _parse(payload: bytes) -> "dict[str, Any] | None":
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("status"), str):
        return None
    value["arcs"] = [tuple(arc) for arc in value.get("arcs", [])]
    return value


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _kill(pid: int) -> None:
    for call in (os.killpg, os.kill):
        try:
            call(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        return


def prepare_parent() -> None:
    """What the forking process does once: nothing buffered, the garbage collector's pages left alone."""
    sys.stdout.flush()
    gc.collect()
    gc.freeze()
