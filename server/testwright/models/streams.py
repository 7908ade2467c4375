"""Server-sent events to chunks, and chunks to one whole ``chat.completion``. Pure; nothing here reads a socket.

``EventReader`` follows the standard (WHATWG HTML, "Server-sent events"): lines end with CR, LF or CRLF, wherever the
bytes are cut; a byte order mark at the beginning, comments (``: OPENROUTER PROCESSING``) and unknown fields are
skipped; several ``data`` lines of one event are joined. It differs in two points: an event that the end of the stream
cuts off is read (llama.cpp sends no blank line after ``[DONE]``), and so is a field ``error``, in which llama.cpp told
of errors until late 2025.

``Completion`` takes each chunk, or a whole object as if it were one, so that an answer is the same whichever way it
came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testwright.models.faults import fault_of_error, has_error
from testwright.models.keys import Secret
from testwright.models.values import Fault

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""Of a line, and of an event: some servers send a whole answer in one."""
MAX_CHUNKS = 1_000_000
"""Of an answer. The largest models write some hundred thousand tokens, one to a chunk."""
MAX_TOOL_CALLS = 128

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_KEPT = ("id", "created", "model", "provider", "system_fingerprint")
"""What is taken of the chunks as it stands, from the first that has it."""
_TEXTS = ("content", "reasoning", "reasoning_content", "refusal")
"""Fields of a message that come in pieces of text."""


class EventReader:
    """Bytes in, data of events out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._seen = 0  # bytes of the buffer in which there is no line end
        self._is_first = True
        self._skips_lf = False
        self._data: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[str]:
        """Take some bytes. Yield the data of each event that they complete.

        Raises:
            Fault: A line or an event is longer than an answer can be.
        """
        if self._skips_lf and data:
            data = data.removeprefix(b"\n")
            self._skips_lf = False
        self._buffer += data
        if self._is_first:
            if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
                return  # a byte order mark may be coming
            self._is_first = False
            if self._buffer.startswith(_BOM):
                del self._buffer[: len(_BOM)]
        while (match := _LINE_END.search(self._buffer, self._seen)) is not None:
            line = bytes(self._buffer[: match.start()])
            self._skips_lf = match.group() == b"\r" and match.end() == len(self._buffer)
            del self._buffer[: match.end()]
            self._seen = 0
            yield from self._line(line)
        self._seen = len(self._buffer)
        _check_size(self._seen)

    def end(self) -> Iterator[str]:
        """The stream has ended: yield what was not complete."""
        if self._buffer:
            line = bytes(self._buffer)
            self._buffer.clear()
            yield from self._line(line)
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[str]:
        if not line:
            data = "\n".join(self._data)
            self._data.clear()
            self._size = 0
            if data:
                yield data
            return
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._size += len(line)
            _check_size(self._size)
            self._data.append(text)
        elif name == b"error":
            yield f'{{"error": {text}}}'


class Completion:
    """An answer that grows.

    Args:
        now: Seconds since 1970 UTC, for times that an error names.
        headers: Of the response, likewise.
        secrets: Keys that must not stand in the words of a fault.
    """

    def __init__(self, *, now: float, headers: Mapping[str, str], secrets: Sequence[Secret] = ()) -> None:
        self._now = now
        self._headers = headers
        self._secrets = secrets
        self._kept: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._reasoning_details: list[Any] = []
        self._calls = _ToolCalls()
        self._chunks = 0
        self._is_done = False
        self._finish_reason: str | None = None
        self.usage: Mapping[str, Any] = {}
        """As the provider counts, from the last chunk that said it; empty when none did."""

    def has_finished(self) -> bool:
        """Whether nothing more of the answer comes, except what was counted."""
        return self._is_done or self._finish_reason is not None

    def add_data(self, data: str) -> str:
        """Take the data of an event. Return the text that it adds to the answer.

        Raises:
            Fault: It is an error, or no chunk.
        """
        if data.strip() == "[DONE]":
            self._is_done = True
            return ""
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise Fault("malformed", "A part of the stream is not JSON.", status=200) from None
        return self.add(chunk)

    def add(self, chunk: Any) -> str:
        """Take a chunk, or a whole ``chat.completion``. Return the text that it adds to the answer.

        Raises:
            Fault: It is an error, or no chunk.
        """
        self._chunks += 1
        if not isinstance(chunk, dict):
            raise Fault("malformed", "What came is JSON, but no object.", status=200)
        if self._chunks > MAX_CHUNKS:
            raise Fault("malformed", f"The stream has more than {MAX_CHUNKS:,} parts.", status=200)
        if isinstance(chunk.get("usage"), dict):
            self.usage = chunk["usage"]
        self._raise_error(chunk)
        for name in _KEPT:
            if chunk.get(name) is not None:
                self._kept.setdefault(name, chunk[name])
        choices = chunk.get("choices")
        first = next((one for one in choices if _is_first_choice(one)), None) if isinstance(choices, list) else None
        return "" if first is None else self._add_choice(first)

    def _raise_error(self, holder: Mapping[str, Any]) -> None:
        if has_error(holder):
            raise fault_of_error(holder, now=self._now, headers=self._headers, secrets=self._secrets)

    def _add_choice(self, choice: Mapping[str, Any]) -> str:
        self._raise_error(choice)
        if choice.get("finish_reason") == "error":
            raise Fault("down", "The provider broke off without a reason.", status=502)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish_reason = reason
        # A server that only plays at streaming sends the whole message in its one chunk.
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            return ""
        for name in _TEXTS:
            piece = _text(delta.get(name))
            if piece:
                self._texts.setdefault(name, []).append(piece)
        if isinstance(delta.get("reasoning_details"), list):
            self._reasoning_details += delta["reasoning_details"]
        self._calls.add(delta.get("tool_calls"))
        return _text(delta.get("content"))

    def whole(self) -> dict[str, Any]:
        """The answer as one ``chat.completion``; ``usage`` is not in it when it was not told.

        Raises:
            Fault: It ended before it was whole.
        """
        if not self._chunks:
            raise Fault("malformed", "The answer has no content at all, not even an empty one.", status=200)
        if self._finish_reason is None:
            # llama-cpp-python ends a stream so, ``[DONE]`` and all, when another request comes.
            raise Fault("malformed", "The answer ends in the middle.", status=200)
        message: dict[str, Any] = {"role": "assistant", "content": None}
        message |= {name: "".join(pieces) for name, pieces in self._texts.items()}
        if self._reasoning_details:
            message["reasoning_details"] = self._reasoning_details
        calls = self._calls.whole()
        if calls:
            message["tool_calls"] = calls
        found: dict[str, Any] = {"object": "chat.completion", **self._kept}
        found["choices"] = [{"index": 0, "message": message, "finish_reason": self._finish_reason}]
        return found | ({"usage": dict(self.usage)} if self.usage else {})


class _ToolCalls:
    """Tool calls whose parts come one after another, for several calls at a time."""

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []
        self._place: dict[int, int] = {}  # of the call that an index means now

    def add(self, deltas: Any) -> None:
        """Take the ``tool_calls`` of a delta or of a message."""
        if not isinstance(deltas, list):
            return
        for delta in deltas:
            if isinstance(delta, dict):
                self._add(delta)

    def whole(self) -> list[dict[str, Any]]:
        """The calls as a message has them; a call that the provider gave no id has an empty one."""
        return [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": "".join(call["arguments"])},
            }
            for call in self._calls
        ]

    def _add(self, delta: Mapping[str, Any]) -> None:
        function = delta.get("function")
        function = function if isinstance(function, dict) else {}
        name, call_id = _text(function.get("name")), _text(delta.get("id"))
        call = self._call(delta.get("index"), call_id, name)
        call["id"] = call["id"] or call_id
        if name != call["name"]:  # some repeat the name in each part
            call["name"] += name
        arguments = function.get("arguments")
        if isinstance(arguments, dict | list):
            arguments = json.dumps(arguments)  # as Ollama's own interface has them
        call["arguments"].append(_text(arguments))

    def _call(self, index: Any, call_id: str, name: str) -> dict[str, Any]:
        """The call that a part belongs to, which may be a new one."""
        last = self._calls[-1] if self._calls else None
        if not isinstance(index, int):
            # Without an index a part with a name begins a call, as each entry of a whole message does.
            if last is not None and (not name or (call_id and call_id == last["id"])):
                return last
            return self._new(len(self._calls))
        place = self._place.get(index)
        # Some give each of several calls the index 0, and tell them apart by their ids alone.
        if place is None or (call_id and name and self._calls[place]["id"] not in {"", call_id}):
            return self._new(index)
        return self._calls[place]

    def _new(self, index: int) -> dict[str, Any]:
        if len(self._calls) >= MAX_TOOL_CALLS:
            raise Fault("malformed", f"The answer has more than {MAX_TOOL_CALLS} tool calls.", status=200)
        self._place[index] = len(self._calls)
        self._calls.append({"id": "", "name": "", "arguments": []})
        return self._calls[-1]


def _is_first_choice(choice: Any) -> bool:
    return isinstance(choice, dict) and (choice.get("index") is None or choice["index"] == 0)


def _text(value: Any) -> str:
    """A text, also where it comes as a list of parts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    return ""


def _check_size(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise Fault("malformed", f"A part of the stream is larger than {MAX_EVENT_BYTES:,} bytes.", status=200)
