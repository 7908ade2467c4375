"""Lines in and out: answers find who asked, and a line that cannot be believed ends the program."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.inside.agent import lines
from testwright.inside.agent.pipe import Pipe, Refusal, WrongLine, parsed
from testwright.inside.agent.questions import Questions


class Left(BaseException):
    """The program would have ended."""


class Host:
    """The other end, in the same process."""

    def __init__(self) -> None:
        down, self._to_agent = os.pipe()
        self._from_agent, up = os.pipe()
        self.left: list[int] = []
        self.has_left = threading.Event()
        self.source = os.fdopen(down, "rb")
        self._up = up
        self.pipe = Pipe(self.source, up, self._leave)
        self.reader: IO[bytes] = os.fdopen(self._from_agent, "rb")

    def _leave(self, code: int) -> NoReturn:
        self.left.append(code)
        self.has_left.set()
        raise Left

    def send(self, line: dict[str, Any] | bytes) -> None:
        os.write(self._to_agent, line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        if self._to_agent >= 0:
            os.close(self._to_agent)
            self._to_agent = -1

    def next(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.reader.readline())
        return found


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # the listener ends by an exception of the test's own
    made = Host()
    yield made
    made.close()
    made.has_left.wait(10)
    made.source.close()
    made.reader.close()
    os.close(made._up)


def test_answers_reach_those_who_asked_in_any_order(host: Host) -> None:
    host.pipe.listen()
    with ThreadPoolExecutor(5) as pool:
        asking = [pool.submit(host.pipe.ask, {"number": number}) for number in range(5)]
        asked = [host.next() for _ in range(5)]
        assert sorted(line["id"] for line in asked) == [1, 2, 3, 4, 5]
        for line in reversed(asked):
            host.send({"type": "answer", "id": line["id"], "body": {"echo": line["body"]["number"]}})
        assert [future.result(10) for future in asking] == [{"echo": number} for number in range(5)]


def test_a_refusal_is_raised_where_it_was_asked(host: Host) -> None:
    host.pipe.listen()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(host.pipe.ask, {})
        error = {"slug": "no-model", "message": "None is left.", "status": 503}
        host.send({"type": "refusal", "id": host.next()["id"], "error": error})
        with pytest.raises(Refusal, match="None is left") as caught:
            asking.result(10)
    assert (caught.value.slug, caught.value.status) == ("no-model", 503)


def test_a_request_longer_than_a_line_is_refused_here(host: Host) -> None:
    with pytest.raises(Refusal) as caught:
        host.pipe.ask({"messages": "x" * lines.MAX_LINE})
    assert caught.value.status == 413


def test_rounds_come_in_order_until_the_end(host: Host) -> None:
    host.pipe.listen()
    for line in ({"type": "round", "text": "one"}, {"type": "round", "text": "two"}, {"type": "end"}):
        host.send(line)
    assert [host.pipe.next_round() for _ in range(3)] == ["one", "two", None]


def test_the_end_of_the_input_ends_the_program(host: Host) -> None:
    host.pipe.listen()
    host.close()
    assert host.has_left.wait(10)
    assert host.left == [0]


def test_nobody_to_write_to_ends_the_program() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    left: list[int] = []

    def leave(code: int) -> NoReturn:
        left.append(code)
        raise Left

    with pytest.raises(Left), open(os.devnull, "rb") as source:  # noqa: PTH123 - a stream, not a file
        Pipe(source, writing, leave).send({"type": "said", "text": "x"})
    os.close(writing)
    assert left == [0]


WRONG = [
    b"no json\n",
    b"[]\n",
    b"{}\n",
    b'{"type":[]}\n',
    b'{"type":"order"}\n',
    b'{"type":"round"}\n',
    b'{"type":"round","text":1}\n',
    b'{"type":"answer","id":true,"body":{}}\n',
    b'{"type":"answer","id":1,"body":[]}\n',
    b'{"type":"refusal","id":1,"error":{}}\n',
    b'{"type":"answer","id":99,"body":{}}\n',
    b'{"type":"end"}',
    b"\xff\xfe\n",
    b"[" * 100_000 + b"\n",
]


@pytest.mark.parametrize("line", WRONG, ids=lambda line: repr(line[:40]))
def test_a_wrong_line_ends_the_program_with_words(host: Host, line: bytes) -> None:
    host.pipe.listen()
    host.send(line)
    host.close()
    failed = host.next()
    assert host.has_left.wait(10)
    assert (failed["type"], failed["code"], host.left) == ("failed", "protocol", [1])
    assert failed["words"].startswith("The host has ")


@given(st.binary(max_size=200))
def test_any_line_is_a_message_or_wrong(data: bytes) -> None:
    try:
        message = parsed(data + b"\n")
    except WrongLine:
        return
    assert message["type"] in {"answer", "refusal", "round", "end"}


def test_a_round_asks_no_more_after_a_refusal_or_its_limit() -> None:
    asked: list[dict[str, Any]] = []

    def ask(body: dict[str, Any]) -> dict[str, Any]:
        asked.append(body)
        if body["refuse"]:
            raise Refusal("no-model", "None is left.", 503)
        return {}

    questions = Questions(ask, limit=2, tokens=None)
    assert questions({"refuse": False}) == {}
    with pytest.raises(Refusal, match="None is left"):
        questions({"refuse": True})
    with pytest.raises(Refusal, match="None is left"):
        questions({"refuse": False})
    assert len(asked) == 2
    questions.begin_round()
    questions({"refuse": False})
    questions({"refuse": False})
    assert questions.refusal is None
    with pytest.raises(Refusal, match="all of its requests"):
        questions({"refuse": False})
    assert len(asked) == 4
    assert questions.refusal is not None
