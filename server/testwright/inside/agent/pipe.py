"""The pipe to the host: lines out from any thread, lines in to whoever waits for them."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable
from typing import IO, Any, NoReturn

from . import lines


class Refusal(Exception):
    """The host has no answer of a model.

    Attributes:
        slug: Which error it is.
        message: A sentence.
        status: HTTP status that says it to the SDK.
    """

    def __init__(self, slug: str, message: str, status: int) -> None:
        super().__init__(message)
        self.slug = slug
        self.message = message
        self.status = status


class WrongLine(Exception):
    """The host has sent something that is none of its lines."""


class Pipe:
    """Both directions. A line that cannot be believed ends the program: the host is then not what we think it is."""

    def __init__(self, source: IO[bytes], descriptor: int, leave: Callable[[int], NoReturn] = os._exit) -> None:
        """Nothing is read before ``listen``.

        Args:
            source: Standard input after the workspace.
            descriptor: Standard output.
            leave: Ends the program at once with a code, whatever its threads do.
        """
        self._source = source
        self._descriptor = descriptor
        self._leave = leave
        self._writing = threading.Lock()
        self._asking = threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._rounds: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._asked = 0

    def send(self, line: dict[str, Any]) -> None:
        """Send a line; the program ends when nobody takes it."""
        data = lines.encoded(line)
        with self._writing:
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                self._leave(0)

    def fail(self, code: str, words: str) -> NoReturn:
        """Say why the program cannot go on, and end it."""
        self.send(lines.failed(code, words))
        self._leave(1)

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """Put a request to a model and wait for its answer; any number of threads at once.

        Raises:
            Refusal: There is no answer, or the request is longer than a line may be.
        """
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._asking:
            self._asked += 1
            number = self._asked
            self._waiting[number] = answers
        line = lines.ask(number, body)
        if len(lines.encoded(line)) > lines.MAX_LINE:
            with self._asking:
                del self._waiting[number]
            raise Refusal("request-too-large", "The conversation has become longer than any model reads.", 413)
        self.send(line)
        answer = answers.get()
        if answer["type"] == "refusal":
            error = answer["error"]
            raise Refusal(error["slug"], error["message"], error["status"])
        found: dict[str, Any] = answer["body"]
        return found

    def next_round(self) -> str | None:
        """Wait for the next round's message; None when there is none any more."""
        return self._rounds.get()

    def listen(self) -> None:
        """Read lines in a thread of its own, until the end of the input, which ends the program."""
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()

    def _listen(self) -> None:
        while True:
            line = self._source.readline(lines.MAX_LINE + 1)
            if not line:
                self._leave(0)
            try:
                self._take(line)
            except WrongLine as error:
                self.fail("protocol", str(error))

    def _take(self, line: bytes) -> None:
        message = parsed(line)
        kind = message["type"]
        if kind == "round":
            self._rounds.put(message["text"])
        elif kind == "end":
            self._rounds.put(None)
        else:
            with self._asking:
                waiting = self._waiting.pop(message["id"], None)
            if waiting is None:
                raise WrongLine(f"The host has answered the request {message['id']}, which is not open.")
            waiting.put(message)


_FIELDS: dict[str, dict[str, type]] = {
    "answer": {"id": int, "body": dict},
    "refusal": {"id": int, "error": dict},
    "round": {"text": str},
    "end": {},
}
_ERROR_FIELDS: dict[str, type] = {"slug": str, "message": str, "status": int}


def parsed(line: bytes) -> dict[str, Any]:
    """A line of the host.

    Raises:
        WrongLine: It is none.
    """
    if not line.endswith(b"\n"):
        raise WrongLine("The host has sent a line that is too long, or has ended in the middle of one.")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise WrongLine("The host has sent a line that is no JSON.") from None
    fields = _FIELDS.get(str(message.get("type"))) if isinstance(message, dict) else None
    if fields is None:
        raise WrongLine("The host has sent a line of no kind that is known here.")
    _check(message, fields)
    if message["type"] == "refusal":
        _check(message["error"], _ERROR_FIELDS)
    return message  # type: ignore[no-any-return]  # it was looked at


def _check(message: dict[str, Any], fields: dict[str, type]) -> None:
    for name, kind in fields.items():
        if type(message.get(name)) is not kind:
            raise WrongLine(f"The host has sent a line without a {name} of the right kind.")
