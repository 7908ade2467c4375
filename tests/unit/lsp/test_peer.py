"""Answers of a client that come when nobody waits for them any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from lsprotocol import types

from testwright.lsp.server import TestwrightServer
from testwright.lsp.wire.peer import Peer


class Client:
    """Notes what is sent to it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.sent.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def close(self) -> None:
        pass


@pytest.mark.parametrize("outcome", [{"result": []}, {"error": {"code": 1, "message": "no"}}], ids=["result", "error"])
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("end", [asyncio.Task.cancel, lambda _: None], ids=["cancelled", "waited for"])
async def test_an_answer_may_come_when_its_question_was_cancelled_just_now(
    outcome: dict[str, Any],
    end: Callable[[asyncio.Task[Any]], object],
    turns: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """How many turns of the event loop a cancelled wait takes to end depends on Python's version."""
    protocol, client = TestwrightServer().protocol, Client()
    protocol.set_writer(client)
    asking = asyncio.create_task(
        Peer(protocol).ask("workspace/configuration", types.ConfigurationParams([]), seconds=60)
    )
    await asyncio.sleep(0)
    (asked,) = client.sent
    end(asking)
    for _ in range(turns):
        await asyncio.sleep(0)
    protocol.take(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **outcome}).encode())
    await asyncio.wait({asking})
    assert asking.cancelled() == (end is asyncio.Task.cancel)
    assert [record.message for record in caplog.records if record.exc_info] == []
    assert (protocol._request_futures, protocol._result_types) == ({}, {})
