"""A provider of models on loopback that plays a script, as well or as badly as it is told to.

It is a real HTTP/1.1 server with bytes of its own, so that it can misbehave in ways that no library would. Each model
has a script of replies, one for each request; what was asked is kept in ``requests``, with the clock's times. A request
that no script foresees fails the test when the server is closed.

::

    async with ScriptedProvider(clock) as server:
        server.play("a:free", http_error(429, headers={"Retry-After": "7"}), answer("hello"))
        ...
        assert [request.model for request in server.requests] == ["a:free", "a:free"]
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from virtual_clock import VirtualClock

from testwright.models.values import Provider


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request that came whole.

    Attributes:
        when: The clock's monotonic time at which it was there.
        headers: With names in small letters.
        body: Parsed; empty for a GET.
    """

    method: str
    path: str
    when: float
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes that go out at once."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing happens for some seconds of the clock."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is reset."""


@dataclass(frozen=True, slots=True)
class Close:
    """The connection is closed in order, whatever was promised."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing happens until the client goes away."""


Step = Send | Wait | Drop | Close | Hang
Reply = Callable[[SeenRequest], Sequence[Step]]
"""What is done about a request. A reply that sends a whole answer keeps the connection open for the next one."""


@dataclass
class ScriptedProvider:
    """The server, as an async context manager.

    Attributes:
        requests: All that came, in order.
        unforeseen: Those of them that no script was for.
        connections: How many were opened.
        gone: How many clients went away while a reply was being played.
    """

    clock: VirtualClock
    requests: list[SeenRequest] = field(default_factory=list)
    unforeseen: list[SeenRequest] = field(default_factory=list)
    connections: int = 0
    gone: int = 0
    _scripts: dict[str, deque[Reply]] = field(default_factory=dict)
    _always: dict[str, Reply] = field(default_factory=dict)
    _pages: dict[str, Reply] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def play(self, model: str, *replies: Reply) -> None:
        """Add to the script of a model: a reply for each of its next requests."""
        self._scripts.setdefault(model, deque()).extend(replies)

    def always(self, model: str, reply: Reply) -> None:
        """What a model replies when its script has come to its end."""
        self._always[model] = reply

    def serve(self, path: str, reply: Reply) -> None:
        """What GET of a path below the base URL gets: ``/models``, ``/key``."""
        self._pages[path] = reply

    @property
    def left(self) -> dict[str, int]:
        """Replies that nobody has asked for yet, by model."""
        return {model: len(script) for model, script in self._scripts.items() if script}

    @property
    def base_url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/v1"

    def provider(self, name: str = "scripted", **fields: Any) -> Provider:
        """It as the registry would name it; ``fields`` are those of ``Provider``."""
        return Provider(name=name, base_url=self.base_url, **fields)

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    def asked(self) -> list[str]:
        """Models in the order in which they were asked."""
        return [request.model for request in self.requests if request.method == "POST"]

    async def __aenter__(self) -> Self:
        self.clock.attach()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=64 * 1024 * 1024)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.stop()
        if kind is None:
            assert self.unforeseen == [], f"no script for {[(one.path, one.model) for one in self.unforeseen]}"

    async def stop(self) -> None:
        """Listen no more and close all connections; who asks afterwards is refused."""
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (request := await self._read(reader)) is not None:
                self.requests.append(request)
                if not await self._reply(request, reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone += 1
        except asyncio.CancelledError:
            writer.transport.abort()  # a cancelled handler must not be reported by asyncio.streams
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> SeenRequest | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return SeenRequest(method, path, self.clock.monotonic(), headers, json.loads(body) if body else {})

    def _reply_to(self, request: SeenRequest) -> Reply:
        if request.method == "GET":
            page = self._pages.get(request.path.removeprefix("/v1"))
            return page if page is not None else http_error(404, "no such page")
        script = self._scripts.get(request.model)
        if script:
            return script.popleft()
        if request.model in self._always:
            return self._always[request.model]
        self.unforeseen.append(request)
        return http_error(418, "no script for this request")

    async def _reply(self, request: SeenRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Play a reply. Return whether the connection can serve another request."""
        for step in self._reply_to(request)(request):
            match step:
                case Send(data):
                    writer.write(data)
                    await writer.drain()
                case Wait(seconds):
                    if await self._client_left(reader, self.clock.sleep(seconds)):
                        return False
                case Hang():
                    await self._client_left(reader, asyncio.Event().wait())
                    return False
                case Drop():
                    linger = struct.pack("ii", 1, 0)  # on, without seconds: a reset instead of an orderly end
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                    return False
                case Close():
                    return False
        return True

    async def _client_left(self, reader: asyncio.StreamReader, what: Any) -> bool:
        """Wait for something. Return whether the client went away meanwhile, which is counted."""
        waiting = asyncio.ensure_future(what)
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            left = leaving.done()
            self.gone += left
            return left
        finally:
            for future in (waiting, leaving):
                future.cancel()
            await asyncio.gather(waiting, leaving, return_exceptions=True)


# -- replies that are in order --------------------------------------------------------------------------------------


def raw(status: int, body: bytes, *, content_type: str = "application/json", headers: Mapping[str, str] = {}) -> Reply:
    """A whole reply of any bytes."""
    return lambda _: [
        Send(_head(status, {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}) + body)
    ]


def json_reply(payload: Any, status: int = 200, *, headers: Mapping[str, str] = {}) -> Reply:
    """A whole JSON reply."""
    return raw(status, json.dumps(payload).encode(), headers=headers)


def completion(
    content: str | None = "Hello.",
    *,
    tool_calls: Sequence[Mapping[str, Any]] = (),
    finish_reason: str | None = None,
    usage: Mapping[str, Any] | None = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    model: str = "scripted",
    **message: Any,
) -> dict[str, Any]:
    """A ``chat.completion`` object; further arguments are fields of its message."""
    said = {"role": "assistant", "content": content, **message}
    if tool_calls:
        said["tool_calls"] = [dict(call) for call in tool_calls]
    reason = finish_reason or ("tool_calls" if tool_calls else "stop")
    found: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": said, "finish_reason": reason}],
    }
    return found | ({"usage": dict(usage)} if usage is not None else {})


def tool_call(name: str, arguments: Any, *, call_id: str = "call_1") -> dict[str, Any]:
    """One tool call of a message; arguments that are no text are written as JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def chunks_of(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A completion as the chunks of a stream: role, text word by word, calls, the end, and usage in a last chunk."""
    choice = whole["choices"][0]
    message = choice["message"]
    base = {"id": whole["id"], "object": "chat.completion.chunk", "created": 1, "model": whole["model"]}

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**base, "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}]}

    found = [chunk({"role": "assistant", "content": ""})]
    found += [chunk({"content": piece}) for piece in (message["content"] or "").split(" ")]
    # The first piece has no blank before it, the others get theirs back.
    for one in found[2:]:
        one["choices"][0]["delta"]["content"] = " " + one["choices"][0]["delta"]["content"]
    for number, call in enumerate(message.get("tool_calls", ())):
        text = call["function"]["arguments"]
        found.append(
            chunk({"tool_calls": [{"index": number, **call, "function": {**call["function"], "arguments": ""}}]})
        )
        found += [
            chunk({"tool_calls": [{"index": number, "function": {"arguments": text[at : at + 7]}}]})
            for at in range(0, len(text), 7)
        ]
    found.append(chunk({}, choice["finish_reason"]))
    if "usage" in whole:
        found.append({**base, "choices": [], "usage": whole["usage"]})
    return found


def event(payload: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
PROCESSING = b": OPENROUTER PROCESSING\n\n"


def stream(*parts: bytes | Wait | Drop | Close | Hang, status: int = 200, end: bool = True) -> Reply:
    """An event stream in chunked transfer coding; ``end`` says whether the body is ended as HTTP wants it."""
    steps: list[Step] = [Send(_head(status, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}))]
    steps += [Send(_chunked(part)) if isinstance(part, bytes) else part for part in parts]
    return lambda _: [*steps, Send(b"0\r\n\r\n")] if end else steps


def streamed(whole: Mapping[str, Any], *, before: Sequence[bytes | Wait] = (), between: float = 0.0) -> Reply:
    """A completion as a stream, with something before it, and with seconds between its chunks."""
    parts: list[bytes | Wait | Drop | Close | Hang] = [*before]
    for chunk in chunks_of(whole):
        parts += [Wait(between)] if between else []
        parts.append(event(chunk))
    return stream(*parts, DONE)


def answer(content: str | None = "Hello.", **fields: Any) -> Reply:
    """A good answer, as a stream or whole, as it was asked for; ``fields`` are those of ``completion``."""
    whole = completion(content, **fields)
    return lambda request: (streamed(whole) if request.body.get("stream") else json_reply(whole))(request)


def after(seconds: float, reply: Reply) -> Reply:
    """A reply that begins late."""
    return lambda request: [Wait(seconds), *reply(request)]


# -- replies that are not -------------------------------------------------------------------------------------------


def error_object(code: Any, message: str = "no", **fields: Any) -> dict[str, Any]:
    """What OpenRouter and others say of an error: ``metadata``, ``type`` and others are further fields."""
    return {"error": {"code": code, "message": message, **fields}}


def http_error(
    status: int, message: str = "no", *, headers: Mapping[str, str] = {}, code: Any = None, **fields: Any
) -> Reply:
    """An error with its status."""
    return json_reply(error_object(status if code is None else code, message, **fields), status, headers=headers)


def error_in_200(code: Any, message: str = "no", **fields: Any) -> Reply:
    """An error in a body that says 200."""
    return json_reply(error_object(code, message, **fields))


def error_in_stream(code: Any, message: str = "no", *, text: str = "It begins", **fields: Any) -> Reply:
    """An error in a chunk, after some text, as OpenRouter documents it."""
    first = chunks_of(completion(text))[:2]
    last = {**first[0], **error_object(code, message, **fields)}
    last["choices"] = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
    return stream(PROCESSING, *(event(chunk) for chunk in first), event(last), DONE)


def dropped() -> Reply:
    """The connection is reset before a byte of a reply."""
    return lambda _: [Drop()]


def hanging() -> Reply:
    """Nothing comes, ever."""
    return lambda _: [Hang()]


def half_body() -> Reply:
    """The connection ends in the middle of a JSON body."""
    body = json.dumps(completion()).encode()
    head = _head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))})
    return lambda _: [Send(head + body[: len(body) // 2]), Close()]


def half_stream(text: str = "It begins and") -> Reply:
    """The connection ends after some chunks of a stream."""
    return stream(*(event(chunk) for chunk in chunks_of(completion(text))[:3]), Close(), end=False)


def unfinished_stream(text: str = "It begins and") -> Reply:
    """A stream whose body ends in order, but without a finish reason and ``[DONE]``."""
    return stream(*(event(chunk) for chunk in chunks_of(completion(text))[:3]))


def html(status: int = 200) -> Reply:
    """A page for people, as a proxy shows it."""
    return raw(
        status,
        b"<!doctype html><html><head><title>Oh</title></head><body>Oh no</body></html>",
        content_type="text/html",
    )


def garbage() -> Reply:
    """Bytes that are no HTTP."""
    return lambda _: [Send(b"\x00\xff\xfe not http at all\r\n\r\n" * 3), Close()]


def redirect(to: str, status: int = 307) -> Reply:
    """A redirect."""
    return raw(status, b"", headers={"Location": to})


def huge(size: int) -> Reply:
    """A JSON body of so many bytes, which comes in pieces."""
    piece = b" " * 65_536
    head = _head(200, {"Content-Type": "application/json", "Content-Length": str(size)})
    return lambda _: [Send(head), *(Send(piece[: size - at]) for at in range(0, size, len(piece))), Close()]


def bomb(size: int) -> Reply:
    """A small body that is so many bytes when it is unpacked."""
    return raw(200, gzip.compress(b" " * size), headers={"Content-Encoding": "gzip"})


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
