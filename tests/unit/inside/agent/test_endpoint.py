"""The endpoint as a client sees it, over real connections."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from testwright.inside.agent.endpoint import Endpoint
from testwright.inside.agent.pipe import Refusal

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello.",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}


class Asked(list[dict[str, Any]]):
    """A model that answers, or refuses with the status that the request names."""

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        self.append(body)
        if "refuse" in body:
            raise Refusal("model-quota", "No more today.", body["refuse"])
        return ANSWER


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def endpoint(asked: Asked) -> Iterator[Endpoint]:
    made = Endpoint(asked)
    made.start()
    yield made
    made.stop()


def fetch(
    endpoint: Endpoint, method: str, path: str, body: bytes = b"", *, token: str | None = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    port = int(endpoint.base_url.split(":")[2].split("/")[0])
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        given = {"Authorization": f"Bearer {endpoint.token if token is None else token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        link.request(method, path, body, given)
        response = link.getresponse()
        return response.status, response.headers, response.read()
    finally:
        link.close()


def post(endpoint: Endpoint, payload: Any, **options: Any) -> tuple[int, http.client.HTTPMessage, bytes]:
    return fetch(endpoint, "POST", "/v1/chat/completions", json.dumps(payload).encode(), **options)


def test_a_question_is_answered_whole(endpoint: Endpoint, asked: Asked) -> None:
    status, _, data = post(endpoint, {"messages": [], "stream": False})
    assert (status, json.loads(data)) == (200, ANSWER)
    assert asked == [{"messages": []}]


def test_a_stream_is_answered_as_a_stream(endpoint: Endpoint) -> None:
    status, headers, data = post(endpoint, {"stream": True, "stream_options": {"include_usage": True}})
    assert (status, headers["Content-Type"]) == (200, "text/event-stream")
    *events, last = [part.removeprefix(b"data: ") for part in data.strip().split(b"\n\n")]
    assert last == b"[DONE]"
    chunks = [json.loads(event) for event in events]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    delta = chunks[0]["choices"][0]["delta"]
    assert (delta["content"], delta["tool_calls"][0]["index"]) == ("Hello.", 0)
    assert chunks[1]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[2]["usage"] == ANSWER["usage"]


def test_usage_is_streamed_only_when_it_is_asked_for(endpoint: Endpoint) -> None:
    assert b"usage" not in post(endpoint, {"stream": True})[2]


@pytest.mark.parametrize(("given", "told"), [(401, 401), (429, 429), (599, 599), (200, 503), (302, 503), (0, 503)])
def test_a_refusal_is_an_error_that_asks_for_no_retry(endpoint: Endpoint, given: int, told: int) -> None:
    status, headers, data = post(endpoint, {"refuse": given})
    assert (status, headers["x-should-retry"]) == (told, "false")
    assert json.loads(data)["error"] == {
        "message": "No more today.",
        "type": "model-quota",
        "code": "model-quota",
        "param": None,
    }


@pytest.mark.parametrize("token", ["", "wrong", "é"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("POST", "/v1/chat/completions")])
def test_nobody_asks_without_the_token(endpoint: Endpoint, asked: Asked, method: str, path: str, token: str) -> None:
    status, _, data = fetch(endpoint, method, path, b"{}", token=token)
    assert (status, asked) == (401, [])
    assert endpoint.token.encode() not in data


def test_the_models_are_listed(endpoint: Endpoint) -> None:
    status, _, data = fetch(endpoint, "GET", "/v1/models")
    assert (status, [model["id"] for model in json.loads(data)["data"]]) == (200, ["testwright"])


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/v1/responses"), ("POST", "/v1/embeddings")])
def test_there_is_nothing_else(endpoint: Endpoint, asked: Asked, method: str, path: str) -> None:
    assert fetch(endpoint, method, path, b"{}")[0] == 404
    assert asked == []


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"[" * 100_000, b"\xff"])
def test_a_request_that_is_none_is_told_so(endpoint: Endpoint, asked: Asked, body: bytes) -> None:
    status, _, data = fetch(endpoint, "POST", "/v1/chat/completions", body)
    assert (status, json.loads(data)["error"]["code"], asked) == (400, "bad-request", [])


@pytest.mark.parametrize("length", ["-1", "x", "99999999999", "²"])
def test_a_length_that_cannot_be_taken_is_told_so(endpoint: Endpoint, asked: Asked, length: str) -> None:
    length = length.encode().decode("latin-1")
    assert fetch(endpoint, "POST", "/v1/chat/completions", b"", Content_Length=length)[0] == 400
    assert asked == []


def test_a_connection_serves_several_questions(endpoint: Endpoint, asked: Asked) -> None:
    port = int(endpoint.base_url.split(":")[2].split("/")[0])
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(3):
        link.request("POST", "/v1/chat/completions", b"{}", {"Authorization": f"Bearer {endpoint.token}"})
        assert link.getresponse().read()
        socket = link.sock
    assert socket is link.sock
    link.close()
    assert len(asked) == 3
