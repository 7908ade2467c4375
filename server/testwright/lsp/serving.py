"""One client from its first byte to its last."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

from testwright.lsp.lifecycle import Life, Threads, end_in_time, ended_by_signals, watch_client
from testwright.lsp.server import TestwrightServer, make_server
from testwright.lsp.wire.logs import LogSettings, start_logs
from testwright.lsp.wire.streams import frames
from testwright.lsp.wire.transport import Connection, StandardStreams, first_of_port, standard_streams

GC_THRESHOLDS = (700, 10, 10)
"""Python's own; the command line starts with others (``cli/serving.py``)."""

logger = logging.getLogger(__name__)


def serve_standard_streams(streams: StandardStreams, logs: LogSettings, client_process: int | None = None) -> int:
    """Serve the client that has started this process; the exit code."""
    return asyncio.run(_serve(lambda life: standard_streams(streams, life.end), logs, client_process))


def serve_port(host: str, port: int, logs: LogSettings, client_process: int | None = None) -> int:
    """Serve the first client that connects; the exit code.

    Raises:
        UsageError: The port cannot be had.
    """

    def listening(address: str, number: int) -> None:
        sys.stderr.write(f"testwright: listening on {address}:{number}\n")
        sys.stderr.flush()

    return asyncio.run(_serve(lambda life: first_of_port(host, port, life.end, listening), logs, client_process))


async def _serve(
    connect: Callable[[Life], AbstractAsyncContextManager[Connection]],
    settings: LogSettings,
    client_process: int | None,
) -> int:
    life = Life()
    threads = Threads()
    with ended_by_signals(life):
        server = make_server()
        gc.freeze()  # what was imported need not be looked through each time that garbage is looked for
        gc.set_threshold(*GC_THRESHOLDS)
        async with AsyncExitStack() as stack:
            connection = await _unless_over(stack.enter_async_context(connect(life)), life)
            if connection is None:
                return 1
            server.protocol.set_writer(connection.writer)
            stack.enter_context(start_logs(settings, server))
            await _live(connection, server, life, client_process)
            await threads.end()
    code = server.protocol.exit_code
    return threads.leave(1 if code is None else code)


async def _live(connection: Connection, server: TestwrightServer, life: Life, client_process: int | None) -> None:
    """Read and answer until the end, then end all that goes on."""

    def process_id() -> int | None:
        return client_process if server.process_id is None else server.process_id

    async def end() -> None:
        await server.protocol.finish_shutdown()
        await server.end()

    tasks = [
        asyncio.create_task(work)
        for work in (
            _read(connection, server, life),
            watch_client(process_id, life),
        )
    ]
    try:
        await life.over.wait()
    finally:
        for task in tasks:
            task.cancel()
        await end_in_time(end)


T = TypeVar("T")


async def _unless_over(work: Coroutine[Any, Any, T], life: Life) -> T | None:
    """Wait for work, but not beyond the end; then None."""
    doing, over = asyncio.create_task(work), asyncio.create_task(life.over.wait())
    try:
        await asyncio.wait({doing, over}, return_when=asyncio.FIRST_COMPLETED)
        return await doing if doing.done() else None
    finally:
        doing.cancel()
        over.cancel()


async def _read(connection: Connection, server: TestwrightServer, life: Life) -> None:
    """Take what comes in until the client has sent ``exit`` or is gone."""
    try:
        async for frame in frames(connection.reader):
            server.protocol.take(frame)
            if server.protocol.exit_code is not None:
                life.end("exit")
                return
    except OSError as error:
        life.end(f"the client cannot be read: {error}")
    else:
        life.end("the client has closed its end")
