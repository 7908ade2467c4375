"""The only provider that the SDK knows: a small HTTP server on the box's own loopback, which asks the host.

It speaks as much of OpenAI's chat completions as a client needs. What runs in the agent's terminal can reach it too,
but not without the token, which only this process has.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import chunks
from .pipe import Refusal

MODEL = "testwright"
MAX_BODY = 64 * 1024 * 1024
Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Gives a whole answer, or raises ``Refusal``. Called from many threads."""


class Endpoint:
    """The server, from ``start`` to the end of the process.

    Attributes:
        token: What must stand in ``Authorization``.
    """

    def __init__(self, ask: Ask) -> None:
        self.token = secrets.token_urlsafe(24)
        self._server = _Server(ask, self.token)

    @property
    def base_url(self) -> str:
        """Where the API begins."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def start(self) -> None:
        """Serve, in threads."""
        threading.Thread(target=self._server.serve_forever, name="endpoint", daemon=True).start()

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ask: Ask, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ask = ask
        self.token = token


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """The list of models."""
        if not self._allowed():
            return
        if self.path != "/v1/models":
            self._refuse(Refusal("not-found", "There is no such page.", 404))
            return
        self._json(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "testwright"}]})

    def do_POST(self) -> None:
        """A question to a model."""
        if not self._allowed():
            return
        if self.path != "/v1/chat/completions":
            self.close_connection = True  # its body was not read
            self._refuse(Refusal("not-found", "There is no such page.", 404))
            return
        try:
            body = self._body()
            streamed = body.pop("stream", False) is True
            options = body.pop("stream_options", None)
            answer = self.server.ask(body)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        if streamed:
            self._stream(answer, with_usage=isinstance(options, dict) and options.get("include_usage") is True)
        else:
            self._json(200, answer)

    def _allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            return True
        self.close_connection = True  # its body was not read
        self._refuse(Refusal("not-allowed", "Only the agent's own program may ask.", 401))
        return False

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY:
            self.close_connection = True
            raise Refusal("bad-request", "The request has no length that can be taken.", 400)
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Refusal("bad-request", "The request is no JSON object.", 400)
        return body

    def _refuse(self, refusal: Refusal) -> None:
        error = {"message": refusal.message, "type": refusal.slug, "code": refusal.slug, "param": None}
        # A status that clients take for success, or for a redirection, would hide that there is no answer.
        status = refusal.status if 400 <= refusal.status <= 599 else 503
        self._json(status, {"error": error})

    def _json(self, status: int, payload: dict[str, Any]) -> None:
        self._head(status, "application/json")
        data = json.dumps(payload).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, answer: dict[str, Any], *, with_usage: bool) -> None:
        self._head(200, "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in chunks.events(answer, with_usage=with_usage):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("x-should-retry", "false")  # OpenAI's client obeys it; the host's router has tried already
        if self.close_connection:
            self.send_header("Connection", "close")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
