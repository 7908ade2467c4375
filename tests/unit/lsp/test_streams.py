"""Frames are found in a stream whatever stands between them, and nothing that a client does makes a writer wait."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from testwright.lsp.wire.streams import MAX_HEADER, MAX_WAITING, Garbage, Writer, frames

BODIES = st.binary(max_size=40)
HEADERS = st.sampled_from(
    [
        b"Content-Length: %d\r\n\r\n",
        b"content-length:%d\r\n\r\n",
        b"CONTENT-LENGTH:  %d \r\nContent-Type: x; charset=utf-8\r\n\r\n",
        b"Content-Type: x\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: %d\n\n",
    ]
)
NOISE = st.binary(max_size=60).filter(lambda data: b"\n" not in data).map(lambda data: data + b"\n")


async def read(data: bytes, piece: int = 0) -> list[bytes | Garbage]:
    reader = asyncio.StreamReader(limit=MAX_HEADER)

    async def feed() -> None:
        for start in range(0, len(data), piece or max(len(data), 1)):
            reader.feed_data(data[start : start + (piece or len(data))])
            await asyncio.sleep(0)
        reader.feed_eof()

    feeding = asyncio.create_task(feed())
    try:
        return [frame async for frame in frames(reader)]
    finally:
        await feeding


def found(data: bytes, piece: int = 0) -> list[bytes | Garbage]:
    return asyncio.run(read(data, piece))


@given(st.lists(st.tuples(HEADERS, BODIES), max_size=6), st.integers(1, 50))
def test_all_frames_are_found_however_they_come(sent: list[tuple[bytes, bytes]], piece: int) -> None:
    data = b"".join(header % len(body) + body for header, body in sent)
    assert found(data, piece) == [body for _, body in sent]


@given(st.lists(st.tuples(NOISE, HEADERS, BODIES), min_size=1, max_size=5), st.integers(1, 50))
def test_what_stands_between_frames_costs_none(sent: list[tuple[bytes, bytes, bytes]], piece: int) -> None:
    data = b"".join(noise + header % len(body) + body for noise, header, body in sent)
    frames_found = found(data, piece)
    assert [one for one in frames_found if not isinstance(one, Garbage)] == [body for *_, body in sent]
    assert not any(one.fatal for one in frames_found if isinstance(one, Garbage))


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_come_to_an_end_and_no_byte_is_passed_over_in_silence(data: bytes, piece: int) -> None:
    frames_found = found(data, piece)
    if b"content-length" not in data.lower() and data.strip():
        assert frames_found
        assert all(isinstance(one, Garbage) for one in frames_found)


def test_a_line_longer_than_any_header_is_passed_over() -> None:
    noise = b"a" * (3 * MAX_HEADER + 17) + b"\n"
    garbage, body = found(noise + b"Content-Length: 2\r\n\r\n{}", 1000)
    assert garbage == Garbage(f"{len(noise)} bytes that are no message were passed over")
    assert body == b"{}"


def test_the_last_of_two_lengths_counts() -> None:
    assert found(b"Content-Length: 7\r\nContent-Length: 2\r\n\r\n{}") == [b"{}"]


class Pipe(asyncio.WriteTransport):
    """A pipe that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0
        self.closing = False

    def write(self, data: Any) -> None:
        self.waiting += len(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True


def test_a_client_that_does_not_read_is_given_up_once() -> None:
    lost: list[str] = []
    pipe = Pipe()
    writer = Writer(pipe, lost.append)
    writer.write(b"x" * MAX_WAITING)
    assert lost == []
    writer.write(b"x")
    writer.write(b"x")
    assert lost == [f"the client has not read the last {MAX_WAITING} bytes"]


def test_what_is_written_to_a_closed_pipe_goes_nowhere() -> None:
    lost: list[str] = []
    pipe = Pipe()
    pipe.closing = True
    Writer(pipe, lost.append).write(b"x")
    assert lost == ["the client has closed its end"]
    assert pipe.waiting == 0


def test_an_end_of_ours_is_no_loss() -> None:
    lost: list[str] = []
    pipe = Pipe()
    writer = Writer(pipe, lost.append)
    writer.close()
    writer.write(b"x")
    assert pipe.closing
    assert lost == []
