"""A real model behind a real server, asked as a run asks: what it answers, what it cannot do, and how it breaks off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from peer_server import CONTEXT, MODEL, Open, PeerServer, Start

from testwright.errors import KeyRefused, ModelsExhausted
from testwright.model import ModelUse
from testwright.models.values import ChatAnswer, ChatRequest, RouterEvent

TOOL = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Read a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
}
READ = "Read the file setup.py with the tool read_file."
THE_TOOL = {"type": "function", "function": {"name": "read_file"}}
CALL_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"const": "read_file"},
        "arguments": {"type": "object", "properties": {"path": {"enum": ["setup.py"]}}, "required": ["path"]},
    },
    "required": ["name", "arguments"],
}
END_OF_ANSWER = 2
"""The token with which SmolLM2 ends an answer."""
A_WORD = 1000
"""Any other one. A bias of 100 is more than all else that speaks for a token, so that one comes each time."""
WAITS = 30.0
"""Seconds of a run in whose time no round of questions follows on the first, or not many do."""

ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def question(text: str, *, stream: bool = True, **fields: Any) -> ChatRequest:
    """A question whose answer is the same each time, on one machine."""
    body = {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 60, **fields}
    return ChatRequest(body=body, stream=stream)


def text_of(answer: ChatAnswer) -> str:
    return str(answer.body["choices"][0]["message"]["content"])


def counted(server: PeerServer, request: ChatRequest) -> int:
    """Tokens of a prompt as the server says them to anyone."""
    answer = httpx.post(
        f"{server.base_url}/chat/completions",
        json={**request.body, "model": MODEL, "max_tokens": 1},
        timeout=60,
        trust_env=False,
    )
    return int(answer.raise_for_status().json()["usage"]["prompt_tokens"])


def only(uses: Sequence[ModelUse]) -> ModelUse:
    (use,) = uses
    return use


@ways
async def test_an_answer_comes_to_its_end(peer: PeerServer, opened: Open, *, stream: bool) -> None:
    request = question("Say hello.", stream=stream)
    async with opened(peer) as models:
        answer = await models.complete(request)
    assert text_of(answer).strip()
    assert answer.finish_reason == "stop"
    use = only(models.uses())
    assert (use.requests, use.answers, use.faults, use.cost) == (1, 1, {}, 0.0)
    assert (use.prompt_tokens, use.completion_tokens) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    real = counted(peer, request)
    if stream:  # this server counts no tokens of a stream, whatever it is asked for
        assert answer.usage.is_estimated
        assert real / 2 < use.prompt_tokens < real * 2
    else:
        assert not answer.usage.is_estimated
        assert use.prompt_tokens == real


@ways
async def test_an_answer_is_cut_off_at_its_limit(peer: PeerServer, opened: Open, *, stream: bool) -> None:
    async with opened(peer) as models:
        answer = await models.complete(question("Tell me a long story.", stream=stream, max_tokens=7))
    assert answer.finish_reason == "length"
    if not stream:
        assert answer.usage.completion_tokens == 7


async def test_the_text_of_a_stream_is_told_as_it_comes(peer: PeerServer, opened: Open) -> None:
    told: list[str] = []
    async with opened(peer) as models:
        answer = await models.complete(question("Say hello.", max_tokens=12), on_text=told.append)
    assert len(told) > 5
    assert "".join(told) == text_of(answer)


@ways
async def test_a_tool_is_called(peer: PeerServer, opened: Open, *, stream: bool) -> None:
    async with opened(peer) as models:
        answer = await models.complete(question(READ, stream=stream, tools=[TOOL], tool_choice=THE_TOOL))
    (call,) = answer.body["choices"][0]["message"]["tool_calls"]
    assert answer.finish_reason == "tool_calls"
    assert call["function"]["name"] == "read_file"
    assert isinstance(json.loads(call["function"]["arguments"])["path"], str)


@pytest.mark.parametrize(
    ("text", "fields", "fault", "words"),
    [
        (READ, {"logit_bias": {str(END_OF_ANSWER): 100}}, "empty", "empty"),
        (READ, {"logit_bias": {str(A_WORD): 100}, "max_tokens": 200}, "looping", "again and again"),
        (
            READ,
            {"tools": [TOOL], "response_format": {"type": "json_object", "schema": CALL_SCHEMA}},
            "tool-call-as-text",
            "as text",
        ),
        (READ, {"tools": [TOOL], "tool_choice": THE_TOOL, "max_tokens": 4}, "bad-tool-call", "arguments"),
    ],
    ids=["empty", "looping", "tool call as text", "arguments cut off"],
)
@ways
async def test_nonsense_is_no_answer_and_the_next_model_is_asked(
    peer: PeerServer, opened: Open, *, text: str, fields: dict[str, Any], fault: str, words: str, stream: bool
) -> None:
    request = question(text, stream=stream, **fields)
    async with opened(peer, fallback_models=("the-same-by-another-name",)) as models:
        with pytest.raises(ModelsExhausted, match=words) as raised:
            await models.complete(request)
    assert [use.model for use in models.uses()] == [MODEL, "the-same-by-another-name"]
    assert [(use.requests, use.answers, use.faults) for use in models.uses()] == [(1, 0, {fault: 1})] * 2
    assert "the-same-by-another-name" in str(raised.value)


async def test_what_is_longer_than_the_context_is_asked_once(peer: PeerServer, opened: Open) -> None:
    async with opened(peer) as models:
        with pytest.raises(ModelsExhausted, match=f"{CONTEXT}"):
            await models.complete(question("word " * 2 * CONTEXT, stream=False))
    use = only(models.uses())
    assert (use.requests, use.retries, use.faults) == (1, 0, {"context-exceeded": 1})


async def test_a_stream_of_nothing_spoils_neither_the_next_nor_its_connection(peer: PeerServer, opened: Open) -> None:
    """What this server does with a stream whose prompt is too long: status 200, no data, and it hangs up."""
    async with opened(peer, model_deadline=WAITS) as models:
        with pytest.raises(ModelsExhausted):
            await models.complete(question("word " * 2 * CONTEXT))
        use = only(models.uses())
        assert use.answers == 0
        assert set(use.faults) <= {"malformed", "network"}
    async with opened(peer) as models:
        assert text_of(await models.complete(question("Say hello.")))


async def test_a_key_is_sent_where_one_is_wanted(start: Start, opened: Open, environ: dict[str, str]) -> None:
    server = start(key="of-this-test")
    environ["TESTWRIGHT_MODEL_KEY"] = "of-another-test"
    async with opened(server) as models:
        with pytest.raises(KeyRefused):
            await models.complete(question("Say hello."))
    environ["TESTWRIGHT_MODEL_KEY"] = "of-this-test"
    async with opened(server) as models:
        assert text_of(await models.complete(question("Say hello.", max_tokens=5)))


async def test_two_at_once_are_both_answered(peer: PeerServer, opened: Open) -> None:
    async with opened(peer) as models:
        answers = await asyncio.gather(
            models.complete(question("Tell me a long story.", max_tokens=80)),
            models.complete(question("Say hello.", max_tokens=5)),
        )
    assert [answer.finish_reason for answer in answers] == ["length", "length"]
    use = only(models.uses())
    assert (use.requests, use.answers, use.faults) == (2, 2, {})


async def test_a_stream_that_another_request_cuts_off_is_not_taken_for_whole(
    start: Start, opened: Open, events: list[RouterEvent]
) -> None:
    """What this server does when nobody says otherwise: it ends the first stream in order, but without a reason."""
    server = start(interrupts=True)
    begun = asyncio.Event()
    async with opened(server) as models:
        story = question("Tell me a long story.", max_tokens=900)
        first = asyncio.create_task(models.complete(story, on_text=lambda _: begun.set()))
        await begun.wait()
        second = await models.complete(question("Say hello.", stream=False, max_tokens=5))
        assert second.finish_reason == "length"
        failed: list[RouterEvent] = []
        while not failed and not first.done():
            await asyncio.sleep(0.01)
            failed = [event for event in events if event.kind == "failed"]
        assert [event.data["fault"] for event in failed] == ["malformed"]
        assert not first.done()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    use = only(models.uses())
    assert (use.answers, use.faults) == (1, {"malformed": 1})


async def test_cancelling_in_mid_stream_frees_the_server(start: Start, opened: Open) -> None:
    server = start()
    begun = asyncio.Event()
    async with opened(server) as models:
        story = question("Tell me a long story.", max_tokens=900)
        asked = asyncio.create_task(models.complete(story, on_text=lambda _: begun.set()))
        await begun.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        # It answers one after the other, so it has stopped the first when the second is there.
        await models.complete(question("Say hello.", max_tokens=5))
    assert "Disconnected from client" in server.log.read_text()
    use = only(models.uses())
    assert (use.requests, use.answers) == (2, 1)


async def test_a_server_that_is_killed_in_mid_answer(start: Start, opened: Open, events: list[RouterEvent]) -> None:
    server = start()
    async with opened(server) as models:  # it is up, so that the time of the next is not spent on that
        await models.complete(question("Say hello.", max_tokens=1))
    events.clear()
    async with opened(server, model_deadline=WAITS) as models:
        with pytest.raises(ModelsExhausted):
            await models.complete(question("Tell me a long story.", max_tokens=900), on_text=lambda _: server.kill())
    use = only(models.uses())
    assert use.answers == 0
    assert set(use.faults) == {"network"}
    # What found nobody there was not sent, and does not count.
    assert use.requests == 1
    assert {event.data["fault"] for event in events if event.kind == "failed"} == {"network"}


async def test_another_server_goes_on_when_one_is_killed(start: Start, opened: Open, tmp_path: Path) -> None:
    first, second = start(), start()
    registry = tmp_path / "models.yaml"
    registry.write_text(
        "version: 1\nproviders:\n"
        + "".join(f"  {name}:\n    base_url: {one.base_url}\n" for name, one in (("a", first), ("b", second)))
        + "models:\n"
        + "".join(
            f"  - {{name: of-{name}, provider: {name}, cost_per_1m_input: 0, cost_per_1m_output: 0, priority: 1, status: active}}\n"
            for name in ("a", "b")
        )
    )
    chosen: dict[str, Any] = {"preferred_model": "of-a", "fallback_models": ("of-b",), "model_registry": registry}
    told: list[str] = []

    def listen(text: str) -> None:
        told.append(text)
        first.kill()

    async with opened(None, **chosen) as models:
        answer = await models.complete(question("Say hello."), on_text=listen)
    assert (answer.model, answer.finish_reason) == ("of-b", "stop")
    uses = {use.model: use for use in models.uses()}
    assert (uses["of-a"].answers, set(uses["of-a"].faults)) == (0, {"network"})
    assert (uses["of-b"].requests, uses["of-b"].answers) == (1, 1)
    # The text began anew.
    assert "".join(told).endswith(text_of(answer))
    assert len("".join(told)) > len(text_of(answer))


@ways
async def test_a_real_answer_is_replayed_without_its_server(
    peer: PeerServer, opened: Open, tmp_path: Path, *, stream: bool
) -> None:
    tape = tmp_path / "tape.jsonl"
    request = question(READ, stream=stream, tools=[TOOL], tool_choice=THE_TOOL)
    async with opened(peer, record=tape) as models:
        recorded = await models.complete(request)
    async with opened(None, replay=tape) as models:  # which knows no address but the record's
        replayed = await models.complete(request)
    assert replayed.body == recorded.body
    assert replayed.usage == recorded.usage
    assert peer.base_url not in tape.read_text(encoding="utf-8")


async def test_it_is_asked_which_models_it_has(peer: PeerServer, opened: Open) -> None:
    async with opened(peer) as models:
        (endpoint,) = models.endpoints.values()
        listed = await models.client.get(endpoint, "/models")
    assert [model["id"] for model in listed["data"]] == [MODEL]
