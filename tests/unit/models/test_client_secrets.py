"""The key is in the header of the request, and nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator, Iterator

import pytest
from asking import ask, endpoint_of, fault_of
from scripted_provider import (
    Reply,
    ScriptedProvider,
    Send,
    answer,
    dropped,
    error_in_stream,
    garbage,
    half_body,
    half_stream,
    hanging,
    http_error,
    json_reply,
    raw,
    redirect,
)
from virtual_clock import VirtualClock

from testwright.models.client import Endpoint, ProviderClient
from testwright.models.keys import Secret
from testwright.models.values import Provider

CANARY = "sk-or-v1-canary-0123456789"


@pytest.fixture
async def client(clock: VirtualClock) -> AsyncIterator[ProviderClient]:
    async with ProviderClient(clock=clock) as client:
        yield client


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that is logged when somebody wants to know everything; the key must be in none of it."""
    caplog.set_level(logging.DEBUG)
    yield caplog
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    assert CANARY not in "".join(f"{record.getMessage()}{record.args!r}{record.exc_text}" for record in records)


def everything(error: BaseException) -> str:
    """An exception, its causes, their tracebacks and the variables of each frame, as a debugger would show them."""
    found = []
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is not None:
            found += [
                repr(one),
                repr(vars(one)),
                *traceback.TracebackException.from_exception(one, capture_locals=True).format(),
            ]
            todo += [one.__cause__, one.__context__]
    return "".join(found)


ECHOES: dict[str, Reply] = {
    "in a message": http_error(401, f"Incorrect API key provided: {CANARY}."),
    "in a page": raw(500, f"<html>{CANARY}</html>".encode(), content_type="text/html"),
    "in a text": raw(500, f"Authorization: Bearer {CANARY}".encode(), content_type="text/plain"),
    "in a header": json_reply(
        {"error": {"message": "x"}}, 429, headers={"X-RateLimit-Reset": CANARY, "Retry-After": CANARY}
    ),
    "in metadata": http_error(429, "P", metadata={"raw": CANARY, "provider_name": "Venice"}),
    "in a stream": error_in_stream(502, f"key {CANARY}"),
    "in what is no JSON": raw(200, f"{{{CANARY}".encode()),
    "in a status line": lambda _: [Send(f"HTTP/1.1 abc {CANARY}\r\n\r\n".encode())],
    "in a content type": raw(200, b"{}", content_type=f"text/{CANARY}"),
    "in the address of a redirect": redirect(f"https://elsewhere.invalid/?key={CANARY}"),
    "not at all, dropped": dropped(),
    "not at all, half": half_body(),
    "not at all, half a stream": half_stream(),
    "not at all, garbage": garbage(),
    "not at all, never": hanging(),
    "not at all, empty": answer(""),
}


@pytest.mark.parametrize("reply", ECHOES.values(), ids=ECHOES.keys())
async def test_no_fault_shows_the_key_even_when_the_server_says_it(
    server: ScriptedProvider, client: ProviderClient, reply: Reply
) -> None:
    server.play("a:free", reply)
    endpoint = endpoint_of(server, key=CANARY, speaks_openrouter=True)
    fault = await fault_of(client, endpoint)
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in everything(fault)
    assert (fault.__cause__, fault.__context__) == (None, None)
    assert CANARY not in repr((endpoint, client, vars(client), fault.words, fault.provider_name))


async def test_no_answer_shows_the_key(server: ScriptedProvider, client: ProviderClient) -> None:
    server.play("a:free", answer("fine"))
    found = await ask(client, endpoint_of(server, key=CANARY))
    assert CANARY not in repr(found)
    assert CANARY not in json.dumps(found.body)


async def test_a_key_that_no_header_can_carry_is_not_told(server: ScriptedProvider, client: ProviderClient) -> None:
    provider = server.provider()
    fault = await fault_of(client, Endpoint(provider=provider, key=Secret(f"{CANARY}\r\nX-Evil: 1")))
    assert (fault.kind, fault.was_sent) == ("bad-request", False)
    assert CANARY not in everything(fault)
    assert server.requests == []


async def test_no_refused_connection_shows_the_key(server: ScriptedProvider, client: ProviderClient) -> None:
    endpoint = Endpoint(provider=Provider(name="gone", base_url=server.base_url), key=Secret(CANARY))
    await server.stop()
    assert CANARY not in everything(await fault_of(client, endpoint))


async def test_a_key_is_hidden_in_a_request_that_is_cancelled(
    server: ScriptedProvider, client: ProviderClient, clock: VirtualClock
) -> None:
    server.play("a:free", hanging())
    task = asyncio.create_task(ask(client, endpoint_of(server, key=CANARY)))
    await clock.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert CANARY not in "".join(traceback.format_exception(caught.value))
