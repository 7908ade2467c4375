"""Each way in which a request can fail, against a real server on loopback that fails in that way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asking import ask, endpoint_of, fault_of
from scripted_provider import (
    Close,
    Drop,
    Hang,
    Reply,
    ScriptedProvider,
    Send,
    after,
    answer,
    bomb,
    chunks_of,
    completion,
    dropped,
    error_in_200,
    error_in_stream,
    error_object,
    event,
    garbage,
    half_body,
    half_stream,
    hanging,
    html,
    http_error,
    huge,
    json_reply,
    raw,
    redirect,
    stream,
    streamed,
    unfinished_stream,
)
from virtual_clock import VirtualClock

from testwright.models.client import Endpoint, ProviderClient
from testwright.models.reading import MAX_BODY_BYTES
from testwright.models.streams import MAX_EVENT_BYTES
from testwright.models.values import FaultKind, Provider

DAY_RESET = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800057600000"}
UPSTREAM = {"provider_name": "Venice", "raw": "busy", "retry_after_seconds": 17}
LIMITED_ANSWER = completion(None, finish_reason="length")


@pytest.fixture
async def client(clock: VirtualClock) -> AsyncIterator[ProviderClient]:
    async with ProviderClient(clock=clock) as client:
        yield client


ROWS: dict[str, tuple[Reply, FaultKind, str]] = {
    # Each row of the table of OpenRouter's errors, with the status, in a 200 and in a stream.
    "400": (http_error(400, "bad parameter"), "bad-request", "400: bad parameter"),
    "401": (http_error(401, "No auth credentials found"), "bad-key", "401: No auth credentials found"),
    "402": (http_error(402, "Insufficient credits"), "no-credits", "402: Insufficient credits"),
    "402, wait": (http_error(402, "in flight", headers={"Retry-After": "9"}), "no-credits", "402: in flight"),
    "403": (http_error(403, "Request blocked"), "forbidden", "403: Request blocked"),
    "404": (http_error(404, "No endpoints found for a:free"), "gone", "404: No endpoints found for a:free"),
    "404, page": (html(404), "gone", "404: an HTML page instead of an answer"),
    "408": (http_error(408, "timed out"), "timed-out", "408: timed out"),
    "413": (http_error(413, "too large"), "context-exceeded", "413: too large"),
    "429, day": (http_error(429, "free-models-per-day", metadata={"headers": DAY_RESET}), "account-day-limit", "429: free-models-per-day"),
    "429, day, headers": (http_error(429, "per day", headers=DAY_RESET), "account-day-limit", "429: per day"),
    "429, minute": (
        http_error(429, "per minute", headers={**DAY_RESET, "X-RateLimit-Reset": "1800000040000"}),
        "account-minute-limit",
        "429: per minute",
    ),
    "429, upstream": (
        http_error(429, "Provider returned error", metadata=UPSTREAM),
        "upstream-limit",
        "429: Provider returned error: busy",
    ),
    "500": (http_error(500, "oh"), "down", "500: oh"),
    "502": (http_error(502, "down"), "down", "502: down"),
    "502, page": (html(502), "down", "502: an HTML page instead of an answer"),
    "502, hangs": (
        lambda _: [Send(b"HTTP/1.1 502 Bad\r\nContent-Length: 99\r\n\r\nupstream"), Hang()],
        "down",
        "502: upstream",
    ),
    "401, cut off": (
        lambda _: [Send(b"HTTP/1.1 401 No\r\nContent-Length: 99\r\n\r\nwho"), Close()],
        "bad-key",
        "401: who",
    ),
    "401, packed": (raw(401, b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "bad-key", "401: the key is missing, wrong or revoked"),
    "500, huge": (raw(500, b"oh no " * 100_000, content_type="text/plain"), "down", "500: oh no oh no"),
    "503": (http_error(503, "no provider", headers={"Retry-After": "9"}), "no-provider", "503: no provider"),
    "504": (http_error(504, "slow"), "timed-out", "504: slow"),
    "error in a 200": (error_in_200(502, "oh"), "down", "502: oh"),
    "error in a 200, text": (error_in_200("429", "oh"), "upstream-limit", "429: oh"),
    "error in a 200, Ollama": (json_reply({"error": "out of memory"}), "down", "502: out of memory"),
    "error in a choice": (
        json_reply({"choices": [{"error": {"code": 429, "message": "oh", "metadata": UPSTREAM}, "finish_reason": "error"}]}),
        "upstream-limit",
        "429: oh: busy",
    ),
    "error in a stream": (error_in_stream(502, "disconnected"), "down", "502: disconnected"),
    "error in a stream, name": (error_in_stream("server_error", "oh"), "down", "500: oh"),
    "error in a stream, 429": (error_in_stream(429, "oh", metadata=UPSTREAM), "upstream-limit", "429: oh: busy"),
    "error first in a stream": (stream(event(error_object(429, "oh"))), "upstream-limit", "429: oh"),
    "error as LM Studio sends it": (stream(b'event: error\ndata: {"error":{"message":"oh"}}\n\n'), "down", "502: oh"),
    "error as llama.cpp sent it": (
        stream(b'error: {"code":400,"message":"oh","type":"exceed_context_size_error"}\n\n', b"data: [DONE]\n\n"),
        "context-exceeded",
        "400: oh",
    ),
    "finish reason error": (stream(event({"choices": [{"delta": {}, "finish_reason": "error"}]})), "down", "The provider broke off"),
    "error after the end": (
        stream(event({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}), event(error_object(502, "oh"))),
        "down",
        "502: oh",
    ),
    # Answers that are worth nothing.
    "empty": (answer(""), "empty", "The answer is empty"),
    "empty stream": (stream(), "malformed", "no content at all"),
    "empty body": (raw(200, b""), "malformed", "no content at all"),
    "a loop": (answer("again and " * 100, finish_reason="length"), "looping", "It says the same again and again: 'again and'"),
    "an unknown tool": (answer(tool_calls=[{"function": {"name": "rm", "arguments": "{}"}}]), "bad-tool-call", "a tool that nobody offered: 'rm'"),
    "cut off before it began": (json_reply(LIMITED_ANSWER), "empty", "The answer is empty"),
    # The network, and what is no answer at all.
    "dropped": (dropped(), "network", "The connection broke"),
    "closed": (lambda _: [Close()], "network", "The connection broke"),
    "half a body": (half_body(), "network", "The connection broke"),
    "half a stream": (half_stream(), "network", "The connection broke"),
    "half a stream, reset": (stream(*map(event, chunks_of(completion("x"))[:2]), Drop(), end=False), "network", "The connection broke"),
    "unfinished": (unfinished_stream(), "malformed", "The answer ends in the middle"),
    "garbage": (garbage(), "network", "The connection broke"),
    "a page": (html(), "malformed", "The answer is an HTML page instead of JSON; is the address right?"),
    "wrong type": (raw(200, b"{}", content_type="image/png"), "malformed", "The answer is image/png instead of JSON"),
    "JSON in a page": (raw(200, json.dumps(completion()).encode(), content_type="text/html"), "malformed", "an HTML page"),
    "no JSON": (raw(200, b"{oh no"), "malformed", "The answer is no JSON: '{oh no'"),
    "a list": (json_reply([1, 2]), "malformed", "The answer is JSON, but no object."),
    "no choices": (json_reply({"id": "x"}), "malformed", "The answer ends in the middle"),
    "an odd stream": (stream(b"data: {oh no\n\n"), "malformed", "A part of the stream is not JSON"),
    "redirect": (redirect("https://elsewhere.invalid/"), "malformed", "307: the address redirects to another one"),
    "no content": (raw(204, b""), "malformed", "204: a status that says nothing"),
    "packed": (bomb(50_000_000), "malformed", "compressed, which was not asked for"),
    "huge": (raw(200, b'{"a":"' + b"x" * MAX_BODY_BYTES), "malformed", "larger than 33,554,432 bytes"),
    "huge blanks": (huge(MAX_BODY_BYTES * 5), "malformed", "larger than 134,217,728 bytes"),
    "huge line": (stream(b"data: " + b"x" * MAX_EVENT_BYTES), "malformed", "A part of the stream is larger"),
    "huge head": (lambda _: [Send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), Hang()], "network", "The connection broke"),
    # Time.
    "never": (hanging(), "timed-out", "There was no answer within 120 seconds."),
    "late": (after(121, answer()), "timed-out", "There was no answer within 120 seconds."),
    "half a stream, then nothing": (
        stream(event(chunks_of(completion("x"))[1]), Hang(), end=False),
        "timed-out",
        "Nothing more of the answer came within 60 seconds.",
    ),
    "slow": (streamed(completion("x"), between=61), "timed-out", "Nothing more of the answer came within 60 seconds."),
    "without an end": (
        streamed(completion(" ".join(map(str, range(100)))), between=10),
        "timed-out",
        "The answer was not whole within 600 seconds.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.keys())
@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
async def test_each_way_to_fail_is_one_fault_and_one_request(
    server: ScriptedProvider, client: ProviderClient, row: str, *, streams: bool
) -> None:
    reply, kind, words = ROWS[row]
    server.play("a:free", reply, answer("And now it works."))
    endpoint = endpoint_of(server)
    fault = await fault_of(client, endpoint, stream=streams)
    assert fault.kind == kind
    assert words in fault.words
    assert fault.was_sent
    assert len(server.requests) == 1, "nothing below the router tries again"
    again = await ask(client, endpoint, stream=streams)
    assert again.body["choices"][0]["message"]["content"] == "And now it works.", "the next request is not disturbed"


@pytest.mark.parametrize(
    "reply",
    [hanging(), after(31, answer()), streamed(completion("one two three four"), between=8)],
    ids=["never", "late", "slow"],
)
async def test_no_request_outlives_the_run(
    server: ScriptedProvider, client: ProviderClient, clock: VirtualClock, reply: Reply
) -> None:
    server.play("a:free", reply)
    fault = await fault_of(client, endpoint_of(server), time_left=30.0)
    assert (fault.kind, fault.was_sent) == ("timed-out", True)
    assert fault.words == "The run's time was over before the answer was whole."
    assert clock.monotonic() == 1030.0


async def test_a_redirect_is_not_followed(
    server: ScriptedProvider, client: ProviderClient, clock: VirtualClock
) -> None:
    async with ScriptedProvider(clock) as other:
        for status in (301, 302, 303, 307, 308):
            server.play("a:free", redirect(f"{other.base_url}/chat/completions", status))
            assert (await fault_of(client, endpoint_of(server, key="k"))).kind == "malformed"
        assert other.connections == 0


async def test_numbers_and_names_of_a_refusal_are_kept(server: ScriptedProvider, client: ProviderClient) -> None:
    server.play("a:free", http_error(429, metadata=UPSTREAM), http_error(429, headers=DAY_RESET))
    upstream = await fault_of(client, endpoint_of(server))
    assert (upstream.status, upstream.retry_after, upstream.provider_name) == (429, 17, "Venice")
    day = await fault_of(client, endpoint_of(server))
    assert (day.status, day.resets_at) == (429, 1_800_057_600)


async def test_what_an_error_in_a_stream_has_cost_is_kept(server: ScriptedProvider, client: ProviderClient) -> None:
    server.play("a:free", stream(event({**error_object(502), "usage": {"prompt_tokens": 7, "cost": 0.25}})))
    fault = await fault_of(client, endpoint_of(server))
    assert fault.usage is not None
    assert (fault.usage.prompt_tokens, fault.usage.cost) == (7, 0.25)


# -- before anything is sent ----------------------------------------------------------------------------------------


async def test_nobody_listens(server: ScriptedProvider, client: ProviderClient) -> None:
    endpoint = endpoint_of(server)
    await server.stop()
    fault = await fault_of(client, endpoint)
    assert (fault.kind, fault.was_sent) == ("network", False)
    assert fault.words.startswith("There is no connection: ")


async def test_a_server_without_tls_is_no_https(client: ProviderClient) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as plain:
        url = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/v1"
        fault = await fault_of(client, Endpoint(provider=Provider(name="plain", base_url=url)))
    assert (fault.kind, fault.was_sent) == ("network", False)


async def test_a_handshake_that_nobody_answers_is_given_up_and_closed(
    server: ScriptedProvider, client: ProviderClient, clock: VirtualClock
) -> None:
    endpoint = Endpoint(provider=Provider(name="mute", base_url=server.base_url.replace("http:", "https:")))
    fault = await fault_of(client, endpoint)
    assert (fault.kind, fault.was_sent) == ("timed-out", False)
    assert fault.words == "There was no connection within 10 seconds."
    await clock.sleep(0)
    assert (server.connections, server.open) == (1, 0)


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1/v1", "http://127.0.0.1:99999/v1", "http://a b/v1", ""])
async def test_an_address_that_is_none(client: ProviderClient, url: str) -> None:
    fault = await fault_of(client, Endpoint(provider=Provider(name="scripted", base_url=url)))
    assert (fault.kind, fault.was_sent) == ("bad-request", False)
    assert fault.words.startswith("The provider's address ")


# -- proxies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_this_machine_is_asked_without_a_proxy(
    server: ScriptedProvider,
    client: ProviderClient,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    server.play("a:free", answer())
    async with ScriptedProvider(clock) as proxy:
        monkeypatch.setenv(variable, proxy.base_url.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        await ask(client, endpoint_of(server))
        assert proxy.connections == 0


async def test_others_are_asked_through_the_proxy_of_the_environment(
    server: ScriptedProvider, client: ProviderClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.play("a:free", answer())
    monkeypatch.setenv("HTTP_PROXY", server.base_url.removesuffix("/v1"))
    await ask(client, Endpoint(provider=Provider(name="scripted", base_url="http://models.example/v1")))
    assert server.requests[0].path == "http://models.example/v1/chat/completions"


async def test_a_proxy_that_refuses_has_sent_nothing(
    server: ScriptedProvider, client: ProviderClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.always("", http_error(403, "not through here"))
    monkeypatch.setenv("HTTPS_PROXY", server.base_url.removesuffix("/v1"))
    fault = await fault_of(client, Endpoint(provider=Provider(name="scripted", base_url="https://models.example/v1")))
    assert server.requests[0].method == "CONNECT"
    assert (fault.kind, fault.was_sent) == ("network", False)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://user:hunter2@127.0.0.1:9"),
        ("HTTP_PROXY", "odd://user:hunter2@127.0.0.1:9"),
        ("HTTP_PROXY", "http://user:hunter2@[::1"),
        ("SSL_CERT_FILE", "hunter2.pem"),
    ],
)
async def test_an_environment_that_cannot_be_used_is_told_without_its_passwords(
    client: ProviderClient, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    fault = await fault_of(client, Endpoint(provider=Provider(name="scripted", base_url="http://models.example/v1")))
    assert (fault.kind, fault.was_sent) == ("bad-request", False)
    assert variable in fault.words
    assert "hunter2" not in fault.words


# -- cancelling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [hanging(), stream(event(chunks_of(completion("x"))[1]), Hang(), end=False), after(50, answer())],
    ids=["before the answer", "in the answer", "late answer"],
)
async def test_cancelling_closes_the_connection_at_once(
    server: ScriptedProvider, client: ProviderClient, clock: VirtualClock, reply: Any
) -> None:
    server.play("a:free", reply)
    task = asyncio.create_task(ask(client, endpoint_of(server)))
    await clock.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await clock.sleep(0)
    assert server.gone == 1
    assert clock.monotonic() == 1001.0, "nobody has waited"


async def test_an_answer_that_is_too_late_frees_the_server(
    server: ScriptedProvider, client: ProviderClient, clock: VirtualClock
) -> None:
    server.play("a:free", hanging())
    await fault_of(client, endpoint_of(server))
    await clock.sleep(0)
    assert server.gone == 1
