"""Sends one request to one model, once, and reads its answer; whatever goes wrong is a ``Fault``.

There is no retry below this (the transport's is off), no redirect is followed (it would carry the key and the code to
another address), no cookie is kept, and each size and each time has a limit. How long something may take goes by the
clock that is given, so that a test can let it pass.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx

from testwright import __version__
from testwright.models.answers import check
from testwright.models.clock import Clock
from testwright.models.fault_words import words_of
from testwright.models.faults import fault_of_error, fault_of_response, has_error
from testwright.models.keys import Secret
from testwright.models.reading import AnswerReader, check_type, joined, json_object
from testwright.models.request_body import request_body
from testwright.models.usage_told import usage_estimated, usage_told
from testwright.models.values import ChatAnswer, ChatRequest, Fault, JsonObject, ModelEntry, Provider
from testwright.models.watch import Watch
from testwright.settings.addresses import read_address

MAX_ERROR_BYTES = 64 * 1024
MAX_STREAM_BYTES = 128 * 1024 * 1024
"""Of a stream: a token takes some 300 bytes there, and the largest models write some hundred thousand."""

# At DEBUG they write each header, at INFO the status line: a server that repeats the key would put it into a log.
for _name in ("httpcore", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long a request may take, in seconds.

    Attributes:
        connect: Until it can be sent.
        first_byte: From then until the status is there; a model may be loaded first, or queued.
        between: From bytes to the next ones; OpenRouter sends comments while a model is slow.
        whole: All of it.
    """

    connect: float = 10.0
    first_byte: float = 120.0
    between: float = 60.0
    whole: float = 600.0


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where to ask, and with which key.

    Attributes:
        provider: Its base URL was checked (``keys.check_address``) when there is a key.
        key: None where none is needed.
    """

    provider: Provider
    key: Secret | None = None


class ProviderClient:
    """Connections to providers, as an async context manager. It belongs to one event loop.

    Args:
        clock: For all limits of time.
        timeouts: Those limits.
        transport: In the place of the network, for a test.
    """

    def __init__(
        self, *, clock: Clock, timeouts: Timeouts = Timeouts(), transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._clock = clock
        self._timeouts = timeouts
        self._transport = transport
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def chat(  # noqa: PLR0913 - what a request is made of
        self,
        endpoint: Endpoint,
        entry: ModelEntry,
        request: ChatRequest,
        *,
        data_collection: Literal["allow", "deny"],
        time_left: float,
        on_text: Callable[[str], None] | None = None,
    ) -> ChatAnswer:
        """Ask a model once.

        Args:
            endpoint: Whom to send it to.
            entry: Which model of theirs.
            request: What to ask.
            data_collection: Whether providers behind OpenRouter may keep and train on what is sent.
            time_left: Seconds that the run has.
            on_text: Told the text of the answer as it comes.

        Raises:
            Fault: There is no answer that is worth anything.
        """
        sent = request_body(endpoint.provider, entry, request, data_collection=data_collection)
        exchange = _Exchange(self._clock, self._timeouts, endpoint, "POST", "/chat/completions", sent, time_left)
        reader = AnswerReader(self._clock, exchange.secrets, on_text)
        started = self._clock.monotonic()

        async def read(response: httpx.Response) -> dict[str, Any]:
            async with aclosing(exchange.pieces(response)) as pieces:
                return await reader.read(pieces, exchange.headers)

        try:
            whole = await self._run(exchange, read)
            body = check(whole, request)
        except Fault as fault:
            if reader.usage:
                fault.usage = usage_told(reader.usage, entry)
            raise
        choice = body["choices"][0]
        usage = usage_told(reader.usage, entry) if reader.usage else usage_estimated(sent, choice["message"], entry)
        return ChatAnswer(
            model=entry.name,
            body=body,
            finish_reason=choice["finish_reason"],
            usage=usage,
            seconds=self._clock.monotonic() - started,
        )

    async def get(self, endpoint: Endpoint, path: str) -> JsonObject:
        """What a provider says of itself.

        Args:
            endpoint: Whom to ask.
            path: ``/models``, ``/key``.

        Raises:
            Fault: It says nothing that can be read.
        """
        exchange = _Exchange(self._clock, self._timeouts, endpoint, "GET", path, None, self._timeouts.whole)

        async def read(response: httpx.Response) -> JsonObject:
            check_type(exchange.headers)
            async with aclosing(exchange.pieces(response)) as pieces:
                found = json_object(await joined(pieces), exchange.secrets)
            if has_error(found):
                now = self._clock.time()
                raise fault_of_error(found, now=now, headers=exchange.headers, secrets=exchange.secrets)
            return found

        return await self._run(exchange, read)

    async def _run(self, exchange: _Exchange, read: Callable[[httpx.Response], Awaitable[_T]]) -> _T:
        """Send a request and read what comes.

        Every fault is raised from here, and with no other exception behind it: those of the transport lead to frames
        whose variables hold the header with the key.
        """
        if exchange.time_left <= 0:
            raise Fault("timed-out", "The run's time is over, so it was not asked.", was_sent=False)
        try:
            async with Watch(self._clock, min(exchange.time_left, self._timeouts.whole)) as watch:
                exchange.begins(watch)
                async with self._client(exchange).stream(
                    exchange.method,
                    exchange.endpoint.provider.base_url + exchange.path,
                    content=exchange.content,
                    headers={"Content-Type": "application/json"} if exchange.content is not None else None,
                    auth=_Bearer(exchange.endpoint.key),
                    extensions={"trace": exchange.trace},
                ) as response:
                    exchange.answers(response)
                    if response.status_code != 200:
                        raise await exchange.refused(response)
                    return await read(response)
        except Fault as fault:
            problem = fault
        except TimeoutError:
            problem = exchange.timed_out()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            problem = exchange.broken(error)
        finally:
            await exchange.ends()
        problem.__context__ = problem.__cause__ = None
        raise problem.with_traceback(None)

    def _client(self, exchange: _Exchange) -> httpx.AsyncClient:
        """The connections to use. Those of this machine go through no proxy: nobody agreed that anything leaves it."""
        try:
            is_loopback = read_address(exchange.endpoint.provider.base_url).is_loopback
        except ValueError as error:
            raise Fault("bad-request", f"The provider's address {error}.", was_sent=False) from None
        if is_loopback not in self._clients:
            try:
                self._clients[is_loopback] = self._new_client(trust_env=not is_loopback)
            except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
                # Its words may hold the password of a proxy.
                raise Fault(
                    "bad-request",
                    f"The environment's proxy or certificates cannot be used ({type(error).__name__}): "
                    "look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
                    was_sent=False,
                ) from None
        return self._clients[is_loopback]

    def _new_client(self, *, trust_env: bool) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self._transport,
            trust_env=trust_env,
            timeout=None,  # noqa: S113 - the limits are those of the clock
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": f"testwright/{__version__}", "Accept-Encoding": "identity"},
        )


class _Bearer(httpx.Auth):
    """Puts the key into the header, without a variable that a traceback would show."""

    def __init__(self, key: Secret | None) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


@dataclass(eq=False)
class _Exchange:
    """One request and what is known of its answer."""

    clock: Clock
    timeouts: Timeouts
    endpoint: Endpoint
    method: str
    path: str
    content: bytes | None = field(repr=False)
    time_left: float
    was_sent: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)  # a server may repeat the key, so none is shown
    _refusal: bytearray = field(default_factory=bytearray, repr=False)
    _opened: Any = None
    _watch: Watch | None = None
    _waits_for: str = ""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Keys that must not stand in words."""
        return () if self.endpoint.key is None else (self.endpoint.key,)

    def begins(self, watch: Watch) -> None:
        """It will be sent now."""
        self._watch = watch
        self._allow(self.timeouts.connect, "There was no connection")

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """The transport tells what it does. A proxy's tunnel is no request to the provider."""
        if name == "connection.connect_tcp.complete":
            self._opened = info["return_value"]
        elif name == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
            self._opened = None
            self.was_sent = True
            self._allow(self.timeouts.first_byte, "There was no answer")

    async def ends(self) -> None:
        """It is over. A connection whose handshake was cut short is closed here: httpcore 1.0 forgets it."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    def answers(self, response: httpx.Response) -> None:
        """Its status is there."""
        self.was_sent = True
        self.status = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}

    async def pieces(self, response: httpx.Response, limit: int = MAX_STREAM_BYTES) -> AsyncGenerator[bytes, None]:
        """The bytes of its body as they come.

        Raises:
            Fault: There are too many; or they are packed, which was not asked for: a small body may unpack to any size;
                or the connection broke.
        """
        if self.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            raise Fault("malformed", "The answer is compressed, which was not asked for.", status=self.status)
        size = 0
        self._allow(self.timeouts.between, "Nothing more of the answer came")
        try:
            async for piece in response.aiter_raw():
                size += len(piece)
                if size > limit:
                    raise Fault("malformed", f"The answer is larger than {limit:,} bytes.", status=self.status)
                yield piece
                self._allow(self.timeouts.between, "Nothing more of the answer came")
        except httpx.HTTPError as error:
            raise self.broken(error) from None

    async def refused(self, response: httpx.Response) -> Fault:
        """The fault of a response whose status is no good, which counts for more than how its body ends."""
        with suppress(Fault):
            async with aclosing(self.pieces(response, MAX_ERROR_BYTES)) as pieces:
                async for piece in pieces:
                    self._refusal += piece
        return self._refused()

    def timed_out(self) -> Fault:
        """The fault of a request whose time is over."""
        if self._has_refused:
            return self._refused()
        assert self._watch is not None  # noqa: S101 - it has ended this
        if not self._watch.is_at_end:
            words = f"{self._waits_for}."
        elif self.time_left < self.timeouts.whole:
            words = "The run's time was over before the answer was whole."
        else:
            words = f"The answer was not whole within {self.timeouts.whole:g} seconds."
        return Fault("timed-out", words, was_sent=self.was_sent)

    def broken(self, error: Exception) -> Fault:
        """The fault of a transport that failed. What it says of a request that cannot be sent may hold the key."""
        if self._has_refused:
            return self._refused()
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.InvalidURL):
            words = f"The request cannot be sent ({type(error).__name__})."
            return Fault("bad-request", words, was_sent=False)
        told = words_of(str(error), None, self.secrets)
        what = "The connection broke" if self.was_sent else "There is no connection"
        return Fault("network", f"{what}: {told}" if told else f"{what}.", was_sent=self.was_sent)

    @property
    def _has_refused(self) -> bool:
        """Whether its status was no good, which counts for more than how its body ended."""
        return self.status is not None and self.status != 200

    def _refused(self) -> Fault:
        assert self.status is not None  # noqa: S101 - as ``_has_refused`` says
        now = self.clock.time()
        return fault_of_response(self.status, self.headers, bytes(self._refusal), now=now, secrets=self.secrets)

    def _allow(self, seconds: float, waits_for: str) -> None:
        self._waits_for = f"{waits_for} within {seconds:g} seconds"
        if self._watch is not None:
            self._watch.allow(seconds)
