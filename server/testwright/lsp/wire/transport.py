"""A server on standard input and output, or on a port of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from testwright.errors import UsageError
from testwright.lsp.wire.streams import MAX_HEADER, Writer, WriterEnd

FLUSH_SECONDS = 1.0
"""For a client to read the last that it was sent."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connected client: where its messages come from, and where ours go."""

    reader: asyncio.StreamReader
    writer: Writer


@dataclass(frozen=True, slots=True)
class StandardStreams:
    """The descriptors that the client holds the other ends of."""

    read: int
    write: int


def claim_standard_streams() -> StandardStreams:
    """Keep the client's pipes for the protocol alone.

    Whatever prints goes to standard error from now on, and whatever reads finds an empty standard input.

    Raises:
        UsageError: Standard input or output is closed, or a file.
    """
    if not (_can_be_waited_for(0) and _can_be_waited_for(1)):
        raise UsageError(
            "The language server speaks over pipes, and its standard input or output is none.",
            next_step="Let an editor start `testwright lsp`, or give --tcp 127.0.0.1:0 to connect to it by hand.",
        )
    null = os.open(os.devnull, os.O_RDWR)  # takes the place of standard error if the client has closed it
    read, write = os.dup(0), os.dup(1)  # not inherited by processes that are started
    sys.stdout.flush()
    os.dup2(null, 0)
    os.dup2(2, 1)
    if null != 2:
        os.close(null)
    return StandardStreams(read, write)


def _can_be_waited_for(descriptor: int) -> bool:
    """Whether it is a pipe, a socket or a terminal; a file or ``/dev/null`` is always ready and never tells its end."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


@asynccontextmanager
async def standard_streams(streams: StandardStreams, on_lost: Callable[[str], None]) -> AsyncIterator[Connection]:
    """Connect to the client that has started this process."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_HEADER)
    end = WriterEnd()
    incoming, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader),
        open(streams.read, "rb", buffering=0),  # noqa: SIM115, PTH123, ASYNC230 - a descriptor; the transport closes it
    )
    outgoing, _ = await loop.connect_write_pipe(
        lambda: end,
        open(streams.write, "wb", buffering=0),  # noqa: SIM115, PTH123, ASYNC230 - a descriptor; the transport closes it
    )
    writer = end.writer = Writer(outgoing, on_lost)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(end.closed.wait(), FLUSH_SECONDS)
        if not end.closed.is_set():
            outgoing.abort()
        if not incoming.is_closing():  # it closes itself when the client does
            incoming.close()


@asynccontextmanager
async def first_of_port(
    host: str, port: int, on_lost: Callable[[str], None], on_listening: Callable[[str, int], None]
) -> AsyncIterator[Connection]:
    """Wait for one client on a port; no other is let in.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        on_lost: Called when the client is gone.
        on_listening: Called with the address and the port when clients may connect.

    Raises:
        UsageError: The port cannot be had.
    """
    arrived: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
        asyncio.get_running_loop().create_future()
    )

    def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if arrived.done():
            writer.close()
        else:
            arrived.set_result((reader, writer))

    try:
        listening = await asyncio.start_server(arrive, host, port, limit=MAX_HEADER)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"The language server cannot listen on {host}:{port}: {error}.", next_step="Name another with --tcp."
        ) from error
    address = listening.sockets[0].getsockname()
    on_listening(address[0], address[1])
    try:
        reader, stream = await arrived
    finally:
        listening.close()
    writer = Writer(stream.transport, on_lost)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(TimeoutError, OSError):
            await asyncio.wait_for(stream.wait_closed(), FLUSH_SECONDS)
