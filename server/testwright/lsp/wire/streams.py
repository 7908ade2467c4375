"""Frames of the protocol from a stream of bytes that may hold anything, and a writer that never waits.

pygls reads in threads that its handlers share, knows headers in one spelling only, and is out of step for good after a
frame that is none. Here a frame that is none is told, and reading goes on with the next one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

MAX_HEADER = 64 * 1024
"""Bytes of one header line; real ones have 25."""
MAX_BODY = 256 * 1024 * 1024
"""Bytes of one message; a document of that size no editor opens."""
MAX_WAITING = 64 * 1024 * 1024
"""Bytes that wait for a client that does not read; then it is given up."""

_LENGTH = re.compile(rb"(?i)content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?\n\Z")
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]*[ \t]*:[^\r\n]*\r?\n\Z")


@dataclass(frozen=True, slots=True)
class Garbage:
    """What came is no frame.

    Attributes:
        reason: Why, as the rest of a sentence.
        fatal: Whether nothing after it can be read.
    """

    reason: str
    fatal: bool = False


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes | Garbage]:
    """Bodies of messages, and what was no frame, until the stream ends."""
    while True:
        length, garbage = await _header(reader)
        if garbage is not None:
            yield garbage
            if garbage.fatal:
                return
        if length is None:
            return
        if length > MAX_BODY:
            yield Garbage(f"a message of {length} bytes was announced, and {MAX_BODY} is the most", fatal=True)
            return
        try:
            yield await reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                yield Garbage(f"the stream ended after {len(error.partial)} of {length} bytes of a message", fatal=True)
            return


async def _header(reader: asyncio.StreamReader) -> tuple[int | None, Garbage | None]:
    """Length of the next body, None at the end of the stream; lines that are no header are passed over."""
    length: int | None = None
    passed_over = 0
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            left = passed_over + len(error.partial)
            return None, Garbage(
                f"the stream ended after {left} bytes that are no message", fatal=True
            ) if left else None
        except asyncio.LimitOverrunError as error:
            passed_over += len(await reader.readexactly(error.consumed))
            continue
        if match := _LENGTH.search(line):
            # What stands before it in the line is the end of a body that was longer than announced.
            passed_over += match.start()
            length = int(match[1])
        elif not line.strip():
            if length is not None:
                return length, _passed_over(passed_over)
            passed_over += len(line)
        elif not _HEADER.fullmatch(line):
            passed_over += len(line)


def _passed_over(count: int) -> Garbage | None:
    return Garbage(f"{count} bytes that are no message were passed over") if count else None


class Writer:
    """Writes to the client without waiting for it.

    Args:
        transport: Where to.
        on_lost: Called once when the client is gone or does not read; with the reason.
    """

    def __init__(self, transport: asyncio.WriteTransport, on_lost: Callable[[str], None]) -> None:
        self._transport = transport
        self._on_lost: Callable[[str], None] | None = on_lost

    def write(self, data: bytes) -> None:
        """Send, or let it wait; what is written after the end goes nowhere."""
        if self._transport.is_closing():
            self.lost("the client has closed its end")
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_WAITING:
            self.lost(f"the client has not read the last {MAX_WAITING} bytes")

    def lost(self, reason: str) -> None:
        """Tell that the client is gone, once."""
        if self._on_lost is not None:
            told, self._on_lost = self._on_lost, None
            told(reason)

    def close(self) -> None:
        """Send what waits, and close."""
        self._on_lost = None
        self._transport.close()


class WriterEnd(asyncio.Protocol):
    """Takes note of the end of a connection that is only written to.

    Attributes:
        closed: Set when all has been sent, or nothing more can be.
        writer: Told when the client closes its end first.
    """

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.writer: Writer | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The pipe is closed."""
        self.closed.set()
        if self.writer is not None:
            self.writer.lost("the client has closed its end" if exc is None else str(exc))
