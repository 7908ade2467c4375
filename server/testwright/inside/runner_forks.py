"""Runs a piece of foreign work in a forked child whose end, and nothing that it says, decides about it.

The child leads a session of its own, does not have our channel, and is killed with all that it has started. It proves
that it came to its end by an exit code that is drawn for it alone, together with a report that carries a token:
``os._exit(0)``, ``sys.exit()`` or a fake report in the middle prove nothing. The parent is not dumpable, so that a
child of the same user cannot open its descriptors through ``/proc`` or trace it. What code in the child could still
read in its own memory (the token, the exit code, coverage) is for the server's refusals to keep it from.
"""

# Plain functions of os: a test may have changed pathlib in its process.
# ruff: noqa: PTH123, PTH208
import contextlib
import json
import os
import select
import signal
import time
import warnings
from typing import Any, Callable, Dict, Optional, Set

MAX_REPORT = 4 * 1024 * 1024
"""Bytes that a child may report."""

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36

# Looked up now: foreign code may replace them in its process.
_exit, _getpid, _write, _close = os._exit, os.getpid, os.write, os.close
_encode = json.JSONEncoder().encode
_monotonic = time.monotonic


def _prctl(option: int, value: int) -> bool:
    try:
        import ctypes  # noqa: PLC0415 - some interpreters have none

        return bool(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0)
    except Exception:
        return False


def shield() -> bool:
    """Make this process closed to its children and the new parent of what they leave; True when both hold."""
    return _prctl(_PR_SET_DUMPABLE, 0) and _prctl(_PR_SET_CHILD_SUBREAPER, 1)


class Ended:
    """How a child ended.

    Attributes:
        report: What it reported, when it came to its end properly; None otherwise.
        how: In words, why there is no report; empty when there is one.
        timed_out: It was killed for its time.
    """

    def __init__(self, report: Optional[Dict[str, Any]], how: str = "", *, timed_out: bool = False) -> None:
        self.report = report
        self.how = how
        self.timed_out = timed_out


class Forks:
    """Forks children one after the other.

    Args:
        in_child: Called first thing in each child, to give up what it must not have.
    """

    def __init__(self, in_child: Callable[[], None]) -> None:
        self._in_child = in_child
        self._ours = _children()  # helpers that the project's own code has started stay

    def run(self, work: Callable[[], Dict[str, Any]], seconds: float) -> Ended:
        """Do ``work`` in a child and return what it reported.

        Args:
            work: Returns the report, a JSON object.
            seconds: Wall time after which the child is killed.
        """
        token = os.urandom(16).hex()
        proof = 64 + os.urandom(1)[0] % 56  # 64-119: no code that programs end with by habit
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 3.12 warns of threads that the project's code has started
            child = os.fork()
        if child == 0:
            self._be_child(work, reader, writer, token, proof)
        os.close(writer)
        try:
            data, status = self._follow(child, reader, _monotonic() + seconds)
        finally:
            os.close(reader)
            self._clear(child)
        return _judge(data, status, token, proof)

    def _be_child(self, work: Callable[[], Dict[str, Any]], reader: int, writer: int, token: str, proof: int) -> None:
        code = 1
        try:
            me = _getpid()
            os.setsid()
            os.close(reader)
            _prctl(_PR_SET_DUMPABLE, 1)  # its own /proc/self is the test's to read
            self._in_child()
            report = work()
            # A process that the work has forked and that came back here must not speak for it.
            if _getpid() == me:
                data = _encode({"token": token, "report": report}).encode("ascii")
                while data:
                    data = data[_write(writer, data) :]
                _close(writer)
                code = proof
        except BaseException:
            code = 1
        finally:
            _exit(code)

    def _follow(self, child: int, reader: int, deadline: float) -> "tuple[bytes, Optional[int]]":
        """Read the report and wait for the end; the status is None when the time was over."""
        os.set_blocking(reader, False)
        poller = select.poll()
        poller.register(reader, select.POLLIN)
        watch = _pidfd(child)
        if watch is not None:
            poller.register(watch, select.POLLIN)
        # Without a descriptor for the child its end is looked for a hundred times a second.
        longest = 1.0 if watch is not None else 0.01
        data = bytearray()
        is_open = True
        try:
            while (left := deadline - _monotonic()) > 0:
                poller.poll(min(left, longest) * 1000)
                status = _ended(child)  # before the last reading: what it has written is there by then
                if is_open and not _read(reader, data):
                    is_open = False
                    poller.unregister(reader)
                if status is not None:
                    return bytes(data), status
        finally:
            if watch is not None:
                os.close(watch)
        return bytes(data), None

    def _clear(self, child: int) -> None:
        """Kill the child's group and whatever else of it is alive."""
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(child, signal.SIGKILL)
        for _ in range(1000):
            strays = _children() - self._ours
            if not strays:
                return
            for stray in strays:
                try:
                    os.kill(stray, signal.SIGKILL)
                    os.waitpid(stray, 0)
                except (ProcessLookupError, ChildProcessError, PermissionError):
                    pass


def _judge(data: bytes, status: Optional[int], token: str, proof: int) -> Ended:
    if status is None:
        return Ended(None, "did not end in time", timed_out=True)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        return Ended(None, f"its process was ended by {name}")
    if code != proof:
        return Ended(None, f"its process ended with exit code {code} before the test was over")
    try:
        message = json.loads(data) if len(data) <= MAX_REPORT else {}
        report = message["report"]
        if message["token"] == token and isinstance(report, dict):
            return Ended(report)
    except (ValueError, KeyError, TypeError):
        pass
    return Ended(None, "something else than the runner wrote into its report, so it is not believed")


def _read(reader: int, data: bytearray) -> bool:
    """Take what is there; False at the end. More than may be is read and forgotten, so that it is no valid report."""
    while True:
        try:
            chunk = os.read(reader, 1 << 16)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        if len(data) <= MAX_REPORT:
            data += chunk


def _ended(child: int) -> Optional[int]:
    try:
        found, status = os.waitpid(child, os.WNOHANG)
    except ChildProcessError:
        return 1 << 8  # somebody else has taken its status: not a pass
    return status if found else None


def _pidfd(child: int) -> Optional[int]:
    try:
        return os.pidfd_open(child)
    except (AttributeError, OSError):
        return None


def _children() -> Set[int]:
    """Our direct children, among them those whose own parent is gone."""
    found: Set[int] = set()
    try:
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children", encoding="ascii") as stream:
                found.update(int(word) for word in stream.read().split())
    except OSError:
        return _children_by_search()
    return found


def _children_by_search() -> Set[int]:
    """The same where the kernel keeps no list of children."""
    me = _getpid()
    found: Set[int] = set()
    try:
        entries = os.listdir("/proc")
    except OSError:
        return found
    for entry in entries:
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stream:
                # The name in brackets may hold anything, the rest not.
                fields = stream.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == me:
            found.add(int(entry))
    return found
