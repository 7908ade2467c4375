"""Which lines and arcs of the target file a case runs, numbered as coverage.py numbers them."""

from __future__ import annotations

import dis
import io
import sys
import threading
import tokenize
from types import CodeType, FrameType
from typing import Any

MAX_EVENTS = 60_000
"""Line events of the target in one case; a deterministic stand-in for a time limit."""

_RETURNS = frozenset(
    dis.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST", "RETURN_GENERATOR") if name in dis.opmap
)
_RESUME = dis.opmap.get("RESUME")


class EventLimit(BaseException):
    """The case ran too many lines of the target; not an Exception, so that user code does not swallow it."""


def first_lines(source: str) -> dict[int, int]:
    """Map each line of a statement that spans several lines to its first, as coverage.py reports it."""
    first: dict[int, int] = {}
    start = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING):
                continue
            if token.type == tokenize.NEWLINE:
                if start and token.end[0] > start:
                    first.update(dict.fromkeys(range(start, token.end[0] + 1), start))
                start = 0
            elif not start:
                start = token.start[0]
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return first
    return first


class Tracer:
    """Collects lines and arcs of one file while it is on.

    Attributes:
        lines: First lines of the statements that ran.
        arcs: Pairs of lines; minus the first line of a code object stands for its entry or exit.
    """

    def __init__(self, file: str, source: str, max_events: int = MAX_EVENTS) -> None:
        self.file = file
        self.first = first_lines(source)
        self.max_events = max_events
        self.lines: set[int] = set()
        self.arcs: set[tuple[int, int]] = set()
        self.events = 0
        self._mine: dict[CodeType, bool] = {}
        self._bytes: dict[CodeType, bytes] = {}

    def start(self) -> None:
        """Begin with empty sets."""
        self.lines = set()
        self.arcs = set()
        self.events = 0
        threading.settrace(self._call)
        sys.settrace(self._call)

    def stop(self) -> None:
        """Stop; the sets stay."""
        sys.settrace(None)
        threading.settrace(None)

    def _call(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        code = frame.f_code
        mine = self._mine.get(code)
        if mine is None:
            mine = self._mine[code] = code.co_filename == self.file
            if mine:
                self._bytes[code] = code.co_code
        if not mine:
            return None
        return self._local(frame, code)

    def _local(self, frame: FrameType, code: CodeType) -> Any:
        instructions = self._bytes[code]
        first = self.first
        entry = first.get(code.co_firstlineno, code.co_firstlineno)
        lasti = frame.f_lasti
        if _RESUME is not None:
            fresh = lasti < 0 or (instructions[lasti] == _RESUME and instructions[lasti + 1] == 0)
        else:
            fresh = lasti < 0
        previous = -entry if fresh else first.get(frame.f_lineno, frame.f_lineno)
        lines = self.lines
        arcs = self.arcs

        def local(frame: FrameType, event: str, _arg: Any) -> Any:
            nonlocal previous
            if event == "line":
                number = frame.f_lineno
                number = first.get(number, number)
                lines.add(number)
                arcs.add((previous, number))
                previous = number
                self.events += 1
                if self.events > self.max_events:
                    raise EventLimit
            elif event == "return" and instructions[frame.f_lasti] in _RETURNS:
                arcs.add((previous, -entry))
            return local

        return local
