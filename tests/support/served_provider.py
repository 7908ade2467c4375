"""A scripted provider in a thread of its own, for what runs an event loop itself, such as the command line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from scripted_provider import ScriptedProvider
from virtual_clock import VirtualClock


@contextmanager
def served_provider() -> Iterator[ScriptedProvider]:
    """Serve until the block is left; a request that no script foresees fails the test then."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="scripted provider")
    thread.start()

    async def start() -> ScriptedProvider:
        return await ScriptedProvider(VirtualClock()).__aenter__()

    try:
        provider = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        try:
            yield provider
        finally:
            asyncio.run_coroutine_threadsafe(provider.stop(), loop).result(10)
        assert provider.unforeseen == [], "no script for these"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
