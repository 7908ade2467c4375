"""Bytes of a body to one whole ``chat.completion``, as a stream or whole, whichever came."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from testwright.models.clock import Clock
from testwright.models.fault_words import parsed, words_of
from testwright.models.keys import Secret
from testwright.models.streams import Completion, EventReader
from testwright.models.values import Fault
from testwright.models.watch import Watch

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Of an answer that is no stream; a list of models has less than one."""
AFTER_END_SECONDS = 5.0
"""How long a stream is waited for that has said its finish reason: for the usage, which comes last. A server that
then keeps the connection open, or drops it, takes no answer away."""

_TYPES = frozenset({"", "application/json", "text/event-stream", "text/plain", "application/octet-stream"})
_BLANKS = b" \t\r\n\xef\xbb\xbf"


class AnswerReader:
    """Reads the answer to one chat-completions request.

    Args:
        clock: For the wait after the end, and for times that an error names.
        secrets: Keys that must not stand in the words of a fault.
        on_text: Told the text of the answer as it comes.
    """

    def __init__(self, clock: Clock, secrets: Sequence[Secret], on_text: Callable[[str], None] | None) -> None:
        self._clock = clock
        self._secrets = secrets
        self._on_text = on_text
        self._completion: Completion | None = None

    @property
    def usage(self) -> Mapping[str, Any]:
        """What the provider has counted up to now; empty when it has said nothing."""
        return {} if self._completion is None else self._completion.usage

    async def read(self, pieces: AsyncGenerator[bytes, None], headers: Mapping[str, str]) -> dict[str, Any]:
        """The whole answer.

        Args:
            pieces: The bytes as they come.
            headers: Of the response, names in small letters.

        Raises:
            Fault: There is none, or it ended in the middle.
        """
        check_type(headers)
        completion = Completion(now=self._clock.time(), headers=headers, secrets=self._secrets)
        self._completion = completion
        beginning = await _beginning(pieces)
        if beginning[:1] in {b"{", b"["}:
            self._tell(completion.add(json_object(await joined(pieces, beginning), self._secrets)))
        else:
            await self._stream(pieces, beginning, completion)
        return completion.whole()

    async def _stream(self, pieces: AsyncGenerator[bytes, None], beginning: bytes, completion: Completion) -> None:
        reader = EventReader()
        self._take(reader.feed(beginning), completion)
        if not completion.has_finished():
            async for piece in pieces:
                self._take(reader.feed(piece), completion)
                if completion.has_finished():
                    break
        if completion.has_finished():
            try:
                with suppress(TimeoutError):
                    async with Watch(self._clock, AFTER_END_SECONDS):
                        async for piece in pieces:
                            self._take(reader.feed(piece), completion)
            except Fault as fault:
                if fault.kind != "network":
                    raise
        self._take(reader.end(), completion)

    def _take(self, events: Iterable[str], completion: Completion) -> None:
        for data in events:
            self._tell(completion.add_data(data))

    def _tell(self, text: str) -> None:
        if text and self._on_text is not None:
            self._on_text(text)


def check_type(headers: Mapping[str, str]) -> None:
    """Refuse a body whose content type is not that of any answer, whatever it looks like.

    Raises:
        Fault: It is a page for people, say.
    """
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media in _TYPES or media.endswith("+json"):
        return
    what = "an HTML page" if media == "text/html" else words_of(media, None, ())
    raise Fault("malformed", f"The answer is {what} instead of JSON; is the address right?", status=200)


async def _beginning(pieces: AsyncGenerator[bytes, None]) -> bytes:
    """The first piece that is not blank, without the blanks before it, which keep a connection alive."""
    async for piece in pieces:
        if found := piece.lstrip(_BLANKS):
            return found
    return b""


async def joined(pieces: AsyncGenerator[bytes, None], beginning: bytes = b"") -> bytes:
    """A whole body.

    Raises:
        Fault: It is too large.
    """
    found = [beginning]
    size = len(beginning)
    async for piece in pieces:
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise Fault("malformed", f"The answer is larger than {MAX_BODY_BYTES:,} bytes.", status=200)
        found.append(piece)
    return b"".join(found)


def json_object(body: bytes, secrets: Sequence[Secret]) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        Fault: It is none.
    """
    found = parsed(body)
    if isinstance(found, dict):
        return found
    if found is not None:
        raise Fault("malformed", "The answer is JSON, but no object.", status=200)
    told = words_of(body[:200], None, secrets)
    raise Fault("malformed", f"The answer is no JSON: {told!r}", status=200)
