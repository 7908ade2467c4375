"""Logging into the client's log: from any thread, and never by itself."""

from __future__ import annotations

import asyncio
import logging
import threading
from types import SimpleNamespace
from typing import Any

from testwright.lsp.wire.logs import ClientHandler
from testwright.lsp.wire.redaction import Redaction


class Server(SimpleNamespace):
    """A server that is told what its client would be told, and in which thread."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(is_initialized=True, protocol=self)
        self.logger = logger
        self.told: list[tuple[str, int]] = []

    def notify(self, _: str, params: Any) -> None:
        self.logger.warning("while %s is sent", params.message)
        self.told.append((params.message, threading.get_ident()))


async def test_what_threads_log_is_sent_by_the_loop() -> None:
    logger = logging.getLogger("of.this.test")
    logger.propagate = False
    server: Any = Server(logger)
    handler = ClientHandler(server, Redaction({}))
    logger.addHandler(handler)
    try:
        await asyncio.gather(*(asyncio.to_thread(logger.warning, "number %d", number) for number in range(20)))
        logger.warning("last")
        await asyncio.sleep(0)
    finally:
        logger.removeHandler(handler)
    assert sorted(message for message, _ in server.told) == sorted(["last", *(f"number {n}" for n in range(20))])
    assert {thread for _, thread in server.told} == {threading.get_ident()}


async def test_a_client_that_cannot_be_told_costs_nothing() -> None:
    logger = logging.getLogger("of.this.test.too")
    logger.propagate = False
    server: Any = SimpleNamespace(is_initialized=True, protocol=None)
    handler = ClientHandler(server, Redaction({}))
    logger.addHandler(handler)
    try:
        logger.warning("to nobody")
        server.is_initialized = False
        logger.warning("too early")
    finally:
        logger.removeHandler(handler)
