"""One request, one answer: what is sent, and what is made of what comes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asking import HELLO, ask, endpoint_of, entry_of, fault_of
from scripted_provider import (
    PROCESSING,
    Close,
    Hang,
    ScriptedProvider,
    Wait,
    answer,
    chunks_of,
    completion,
    event,
    json_reply,
    raw,
    stream,
    streamed,
    tool_call,
)
from virtual_clock import VirtualClock

from testwright.models.client import ProviderClient
from testwright.models.request_body import MAX_REQUEST_BYTES
from testwright.models.values import Fault

TOOLS = [{"type": "function", "function": {"name": "terminal", "parameters": {"type": "object"}}}]


@pytest.fixture
async def client(clock: VirtualClock) -> AsyncIterator[ProviderClient]:
    async with ProviderClient(clock=clock) as client:
        yield client


# -- what is sent ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
async def test_a_plain_server_gets_a_plain_request(
    server: ScriptedProvider, client: ProviderClient, *, streams: bool
) -> None:
    server.play("a:free", answer())
    body = {**HELLO, "temperature": 0.5, "reasoning_effort": "high", "prompt_cache_key": "x", "top_k": 4}
    await ask(client, endpoint_of(server), body, stream=streams, data_collection="deny")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    usage = {"stream_options": {"include_usage": True}} if streams else {}
    assert request.body == {**HELLO, "temperature": 0.5, "model": "a:free", "stream": streams, **usage}
    assert "authorization" not in request.headers
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("testwright/")
    assert not {"referer", "http-referer", "x-title", "cookie"} & request.headers.keys()


@pytest.mark.parametrize(
    ("data_collection", "provider"), [("allow", {}), ("deny", {"provider": {"data_collection": "deny"}})]
)
async def test_openrouter_gets_its_own_fields(
    server: ScriptedProvider, client: ProviderClient, data_collection: Any, provider: dict[str, Any]
) -> None:
    server.play("a:free", answer())
    body = {**HELLO, "reasoning_effort": "high"}
    endpoint = endpoint_of(server, key="sk-or-v1-key", speaks_openrouter=True)
    await ask(client, endpoint, body, data_collection=data_collection)
    (request,) = server.requests
    assert request.body == {**body, "model": "a:free", "stream": True, **provider}
    assert request.headers["authorization"] == "Bearer sk-or-v1-key"


@pytest.mark.parametrize("speaks_openrouter", [True, False])
@pytest.mark.parametrize(
    "field",
    ["model", "models", "stream", "stream_options", "usage", "provider", "plugins", "route", "n", "user", "metadata", "web_search_options", "transforms"],
)  # fmt: skip
async def test_who_asks_cannot_choose_what_is_not_theirs(
    server: ScriptedProvider, client: ProviderClient, field: str, *, speaks_openrouter: bool
) -> None:
    server.play("a:free", answer())
    endpoint = endpoint_of(server, speaks_openrouter=speaks_openrouter)
    await ask(client, endpoint, {**HELLO, field: "mine"}, stream=False)
    assert "mine" not in server.requests[0].body.values()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"tools": [{"type": "openrouter:web_search"}]}, "a tool that is no function"),
        ({"tools": ["terminal"]}, "a tool that is no function"),
        ({"tools": "terminal"}, "its tools are no list"),
        ({"messages": [object()]}, "cannot be written as JSON"),
        ({"temperature": math.nan}, "cannot be written as JSON"),
        ({"messages": ["\ud800"]}, "cannot be written as JSON"),
        ({"messages": ["x" * MAX_REQUEST_BYTES]}, "larger than"),
    ],
)
async def test_what_cannot_be_sent_is_not_sent(
    server: ScriptedProvider, client: ProviderClient, body: dict[str, Any], words: str
) -> None:
    fault = await fault_of(client, endpoint_of(server), body=body)
    assert (fault.kind, fault.was_sent) == ("bad-request", False)
    assert words in fault.words
    assert server.requests == []


async def test_no_time_left_means_no_request(server: ScriptedProvider, client: ProviderClient) -> None:
    fault = await fault_of(client, endpoint_of(server), time_left=0.0)
    assert (fault.kind, fault.was_sent) == ("timed-out", False)
    assert server.connections == 0


async def test_connections_are_kept_and_cookies_are_not(server: ScriptedProvider, client: ProviderClient) -> None:
    whole = completion()
    replies = [answer(), json_reply(whole, headers={"Set-Cookie": "who=you; Path=/"}), answer(), streamed(whole)]
    server.play("a:free", *replies)
    for _ in replies:
        await ask(client, endpoint_of(server))
    assert server.connections == 1
    assert all("cookie" not in request.headers for request in server.requests)


async def test_fifty_at_once_get_their_own_answers(server: ScriptedProvider, client: ProviderClient) -> None:
    endpoint = endpoint_of(server)
    for number in range(50):
        server.play(f"m{number}", answer(f"I am {number}."))
    found = await asyncio.gather(*(ask(client, endpoint, model=entry_of(f"m{number}")) for number in range(50)))
    assert [one.body["choices"][0]["message"]["content"] for one in found] == [
        f"I am {number}." for number in range(50)
    ]
    assert [one.model for one in found] == [f"m{number}" for number in range(50)]


# -- what comes -----------------------------------------------------------------------------------------------------

WHOLE = completion("Here it is.", tool_calls=[tool_call("terminal", {"command": "ls -l"})])


@pytest.mark.parametrize("asked_for_stream", [True, False])
@pytest.mark.parametrize(
    "reply",
    [
        streamed(WHOLE),
        streamed(WHOLE, before=[PROCESSING, PROCESSING]),
        json_reply(WHOLE),
        json_reply(WHOLE, headers={"Content-Type": "application/json; charset=utf-8"}),
        json_reply(WHOLE, headers={"Content-Type": "text/plain"}),
        raw(200, b"\n \n" + b" " * 70_000 + event(WHOLE)[6:], content_type="application/json"),
        raw(200, b"".join(map(event, chunks_of(WHOLE))), content_type="text/event-stream"),
        raw(200, b"".join(map(event, chunks_of(WHOLE))), content_type="application/octet-stream"),
        raw(200, b"".join(map(event, chunks_of(WHOLE))).rstrip(), content_type="text/event-stream"),
        stream(*map(event, chunks_of(WHOLE)), Hang()),
        stream(*map(event, chunks_of(WHOLE)), end=False),
        stream(*map(event, chunks_of(WHOLE)), Close(), end=False),
    ],
    ids=[
        "stream",
        "comments",
        "whole",
        "charset",
        "plain",
        "blanks",
        "no done",
        "octets",
        "no line end",
        "never closed",
        "without an end",
        "closed too early",
    ],
)
async def test_an_answer_is_read_in_any_form(
    server: ScriptedProvider, client: ProviderClient, reply: Any, *, asked_for_stream: bool
) -> None:
    server.play("a:free", reply)
    heard: list[str] = []
    found = await ask(
        client, endpoint_of(server), {**HELLO, "tools": TOOLS}, stream=asked_for_stream, on_text=heard.append
    )
    assert found.body == WHOLE
    assert found.finish_reason == "tool_calls"
    assert "".join(heard) == "Here it is."


async def test_text_is_told_as_it_comes(server: ScriptedProvider, client: ProviderClient, clock: VirtualClock) -> None:
    server.play("a:free", streamed(completion("one two three"), between=4))
    heard: list[tuple[float, str]] = []
    found = await ask(client, endpoint_of(server), on_text=lambda text: heard.append((clock.monotonic(), text)))
    assert heard == [(1008.0, "one"), (1012.0, " two"), (1016.0, " three")]
    assert found.seconds == 24.0


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 1000, "completion_tokens": 500}, (1000, 500, 0.002)),
        ({"prompt_tokens": 1000, "completion_tokens": 500, "cost": 0.5}, (1000, 500, 0.5)),
        ({"prompt_tokens": 1000, "completion_tokens": 500, "cost": 0}, (1000, 500, 0.0)),
        ({"prompt_tokens": 1000, "completion_tokens": 500, "cost": -1}, (1000, 500, 0.002)),
        ({"prompt_tokens": 1000, "completion_tokens": 500, "cost": "free"}, (1000, 500, 0.002)),
        ({"prompt_tokens": -4, "completion_tokens": True, "cost": None}, (0, 0, 0.0)),
    ],
)
@pytest.mark.parametrize("streams", [True, False])
async def test_usage_is_what_the_provider_counts(
    server: ScriptedProvider, client: ProviderClient, usage: Any, expected: Any, *, streams: bool
) -> None:
    server.play("a:free", answer(usage=usage))
    model = entry_of(cost_per_1m_input=1.0, cost_per_1m_output=2.0)
    found = await ask(client, endpoint_of(server), model=model, stream=streams)
    assert (found.usage.prompt_tokens, found.usage.completion_tokens, found.usage.cost) == expected
    assert not found.usage.is_estimated


async def test_usage_is_estimated_where_nobody_counts(server: ScriptedProvider, client: ProviderClient) -> None:
    server.play("a:free", answer("".join(f"{number:4}" for number in range(1000)), usage=None))
    model = entry_of(cost_per_1m_input=1.0, cost_per_1m_output=1.0)
    found = await ask(client, endpoint_of(server), {"messages": [{"role": "user", "content": "y" * 8000}]}, model=model)
    assert found.usage.is_estimated
    assert 2000 <= found.usage.prompt_tokens < 2100
    assert 1000 <= found.usage.completion_tokens < 1100
    assert found.usage.cost == pytest.approx((found.usage.prompt_tokens + found.usage.completion_tokens) / 1e6)


async def test_an_answer_that_is_worth_nothing_has_cost_something(
    server: ScriptedProvider, client: ProviderClient
) -> None:
    server.play("a:free", answer(""))
    fault = await fault_of(client, endpoint_of(server))
    assert fault.kind == "empty"
    assert fault.usage is not None
    assert (fault.usage.prompt_tokens, fault.usage.completion_tokens) == (10, 5)


# -- what a provider says of itself ---------------------------------------------------------------------------------


async def test_pages_of_a_provider_are_read(server: ScriptedProvider, client: ProviderClient) -> None:
    server.serve("/models", json_reply({"data": [{"id": "a:free"}]}))
    assert await client.get(endpoint_of(server, key="k"), "/models") == {"data": [{"id": "a:free"}]}
    assert server.requests[0].headers["authorization"] == "Bearer k"
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (json_reply([1]), "malformed"),
        (json_reply({"error": {"code": 401}}), "bad-key"),
        (json_reply({"error": {"code": 401}}, 401), "bad-key"),
        (raw(200, b"<html>", content_type="text/html"), "malformed"),
        (raw(200, b"", content_type="application/json"), "malformed"),
        (lambda _: [Wait(700)], "timed-out"),
    ],
)
async def test_a_page_that_is_none_is_a_fault(
    server: ScriptedProvider, client: ProviderClient, reply: Any, kind: str
) -> None:
    server.serve("/key", reply)
    with pytest.raises(Fault) as caught:
        await client.get(endpoint_of(server), "/key")
    assert caught.value.kind == kind
