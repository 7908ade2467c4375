"""Record and replay: a run's requests and answers in a file, and a run that is answered from it.

The router asks a ``Tape`` in place of the client. ``RecordingTape`` lets the request go out and writes down what came,
faults included. ``ReplayTape`` answers what was recorded, to the same request, in the same order, over a clock of its
own: it needs neither network nor key nor consent, and no wait takes time.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from io import FileIO
from pathlib import Path
from typing import Protocol

from testwright.errors import ReplayMismatch, UsageError
from testwright.models.clock import Clock
from testwright.models.tape_difference import first_difference
from testwright.models.tape_format import (
    MAX_TAPE_BYTES,
    Header,
    Recorded,
    digest,
    header_line,
    plain,
    replayed_chain,
    request_line,
)
from testwright.models.tape_reading import read_record, reason_of
from testwright.models.values import Chain, ChatAnswer, ChatRequest, Fault, JsonObject, ModelEntry
from testwright.models.words import printable

OnText = Callable[[str], None]


class Tape(Protocol):
    """What stands between the router and the client."""

    def begin(self) -> None:
        """Note that a question begins, before it is decided whom to ask."""
        ...

    async def chat(
        self,
        entry: ModelEntry,
        request: ChatRequest,
        ask: Callable[[], Awaitable[ChatAnswer]],
        *,
        on_text: OnText | None = None,
    ) -> ChatAnswer:
        """What the model says.

        Args:
            entry: Who is asked.
            request: What is asked.
            ask: Asks in earnest, and tells ``on_text`` itself.
            on_text: Gets the text of an answer that does not come from ``ask``.

        Raises:
            Fault: As ``ask`` raises it, or as it was recorded.
            ReplayMismatch: This was not recorded.
        """
        ...


class RecordingTape:
    """Writes down what is asked and what comes. ``open`` makes one.

    A record that cannot be gone on with (a full disk) costs no answer: ``notes`` says so.
    """

    def __init__(self, path: Path, file: FileIO, clock: Clock, clean: Callable[[str], str]) -> None:
        self._path = path
        self._file = file
        self._clock = clock
        self._clean = clean
        self._lock = threading.Lock()
        self._size = 0
        self._lines = 0
        self._problem: str | None = None

    @classmethod
    def open(cls, path: Path, *, chain: Chain, clock: Clock, clean: Callable[[str], str], seed: int) -> RecordingTape:
        """Make the file, which only its owner can read, since source code is in it.

        Args:
            path: The file; it must not exist.
            chain: Models that may be asked.
            clock: The router's.
            clean: Takes the keys of this run out of a text.
            seed: Of the router's chance.

        Raises:
            UsageError: The file exists, or cannot be made there.
        """
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError as error:
            raise _taken(path) from error
        except (OSError, ValueError) as error:
            raise UsageError(
                f"A record cannot be made at {path}: {reason_of(error)}.",
                next_step="Name a file in a folder that can be written.",
            ) from error
        tape = cls(path, FileIO(descriptor, "w"), clock, clean)
        tape._write(header_line(chain, made=clock.time(), begun=clock.monotonic(), seed=seed))
        return tape

    @property
    def count(self) -> int:
        """Requests that are in the record."""
        return max(0, self._lines - 1)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user: that the record is not whole, and why."""
        return () if self._problem is None else (self._problem,)

    def begin(self) -> None:
        """Nothing is written of that; see ``Tape``."""

    async def chat(
        self,
        entry: ModelEntry,
        request: ChatRequest,
        ask: Callable[[], Awaitable[ChatAnswer]],
        *,
        on_text: OnText | None = None,  # noqa: ARG002 - ``ask`` tells it
    ) -> ChatAnswer:
        """Ask, and write down what came; see ``Tape``."""
        sent = self._clock.monotonic()
        outcome: ChatAnswer | Fault
        try:
            outcome = await ask()
        except Fault as fault:
            outcome = fault
        until = self._clock.monotonic()
        await asyncio.to_thread(self._keep, entry, request.body, outcome, sent, until)
        if isinstance(outcome, Fault):
            raise outcome
        return outcome

    def close(self) -> None:
        """Close the file, and remove it when nothing was asked; a second time does nothing."""
        with self._lock:
            if self._file.closed:
                return
            self._file.close()
            if self.count == 0 and self._problem is None:
                self._path.unlink(missing_ok=True)

    def _keep(self, entry: ModelEntry, body: JsonObject, outcome: ChatAnswer | Fault, at: float, until: float) -> None:
        cleaned = plain(body, self._clean)
        self._write(request_line(entry, cleaned, outcome, at=at, until=until, clean=self._clean))

    def _write(self, line: bytes) -> None:
        with self._lock:
            if self._problem is not None or self._file.closed:
                return
            if self._size + len(line) > MAX_TAPE_BYTES:
                self._problem = (
                    f"The record in {self._path} ends before the run does: "
                    f"it would be larger than {MAX_TAPE_BYTES // 1024**2} MiB."
                )
                return
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[self._file.write(rest) or 0 :]
            except OSError as error:
                self._problem = f"The record in {self._path} is not whole: {reason_of(error)}."
                return
            self._size += len(line)
            self._lines += 1


class ReplayTape:
    """Answers what was recorded. ``open`` makes one.

    Attributes:
        chain: The models that could be asked when the record was made.
        asked: Names of the models that were asked, in the order in which each was first.
        clock: For the router: its waits end at once.
        seed: For the router's chance, which is as it was.
        notes: Sentences for the user: that the record is cut off at its end.
    """

    def __init__(self, header: Header, lines: list[Recorded], notes: tuple[str, ...]) -> None:
        self.chain = replayed_chain(header)
        self.asked = tuple(dict.fromkeys(line.model for line in sorted(lines, key=lambda line: line.at)))
        self.clock = ReplayClock(header, self._next_time)
        self.seed = header.seed
        self.notes = notes
        self._left: dict[tuple[str, str], deque[Recorded]] = defaultdict(deque)
        self._by_body: dict[tuple[str, str, str], deque[Recorded]] = defaultdict(deque)
        for line in lines:
            self._left[line.provider, line.model].append(line)
            self._by_body[line.provider, line.model, digest(line.body)].append(line)

    @classmethod
    def open(cls, path: Path) -> ReplayTape:
        """Read a record.

        Raises:
            UsageError: It cannot be read, is no record, or one of another version; the line is named.
        """
        header, recorded, is_cut_off = read_record(path)
        notes = (f"{path} is cut off in its last line; it is replayed up to there.",) if is_cut_off else ()
        return cls(header, recorded, notes)

    @property
    def left(self) -> int:
        """Requests of the record that were not asked so far."""
        return sum(map(len, self._left.values()))

    def begin(self) -> None:
        """Let the time pass that passed between questions when it was recorded; see ``Tape``.

        Whom a question is asked of hangs on it: a model that was left alone for a while may be asked again.
        """
        self.clock.pass_to(self._next_time())

    async def chat(
        self,
        entry: ModelEntry,
        request: ChatRequest,
        ask: Callable[[], Awaitable[ChatAnswer]],  # noqa: ARG002 - nobody is asked
        *,
        on_text: OnText | None = None,
    ) -> ChatAnswer:
        """What was recorded for this request; see ``Tape``."""
        line = self._next(entry, plain(request.body, str))
        await asyncio.sleep(0)  # as everything that asks: others get their turn
        self.clock.pass_to(line.until)
        outcome = line.outcome()
        if isinstance(outcome, Fault):
            raise outcome
        if on_text is not None and (text := _text_of(outcome.body)):
            on_text(text)
        return outcome

    def _next_time(self) -> float:
        """When the next of the requests that were not asked yet was sent; 0 when there is none."""
        return min((line.at for lines in self._left.values() for line in lines), default=self.clock.monotonic())

    def _next(self, entry: ModelEntry, body: JsonObject) -> Recorded:
        model = (entry.provider, entry.name)
        queue = self._by_body.get((*model, digest(body)))
        if queue:
            line = queue.popleft()
            self._left[model].remove(line)
            return line
        why = self._why(model, body, is_known=queue is not None)
        raise ReplayMismatch(
            f"The record has no answer to this request to {entry.name}: {printable(why)}.",
            next_step="Replay it with the version, the settings and the code it was recorded with, or record it anew.",
        )

    def _why(self, model: tuple[str, str], body: JsonObject, *, is_known: bool) -> str:
        if is_known:
            return "the same was asked before, and less often when it was recorded"
        if left := self._left.get(model):
            return first_difference(left[0].body, body) or "its requests come in another order"
        others = sorted({name for (_, name), lines in self._left.items() if lines})
        return f"what is left of it was asked of {', '.join(others)}" if others else "all of it was asked already"


class ReplayClock:
    """The time of a record: it moves with what was recorded, so that whoever reads it decides as was decided then.

    Args:
        header: Its beginning.
        next_time: When the next request was sent.
    """

    def __init__(self, header: Header, next_time: Callable[[], float]) -> None:
        self._header = header
        self._next_time = next_time
        self._now = header.begun

    def monotonic(self) -> float:
        """Seconds, as the router's clock showed them then."""
        return self._now

    def time(self) -> float:
        """Seconds since 1970 UTC."""
        return self._header.made + (self._now - self._header.begun)

    def pass_to(self, when: float) -> None:
        """Let time pass, never back."""
        self._now = max(self._now, when)

    async def sleep(self, seconds: float) -> None:
        """Let the time pass that is waited for, but not beyond the next request: it was another's turn then.

        Those who wait at the same time wait together.
        """
        until, due = self._now + max(0.0, seconds), self._next_time()
        await asyncio.sleep(0)
        self.pass_to(min(until, due) if due > self._now else until)


def check_files(record: Path | None, replay: Path | None) -> None:
    """Refuse at the start of a long run what it could not record into, or be answered from, when it asks a model.

    Raises:
        UsageError: As ``RecordingTape.open`` and ``ReplayTape.open`` raise it.
    """
    if record is not None and os.path.lexists(record):
        raise _taken(record)
    if record is not None and not record.absolute().parent.is_dir():
        raise UsageError(
            f"A record cannot be made at {record}: there is no such folder.",
            next_step="Name a file in a folder that can be written.",
        )
    if replay is not None:
        ReplayTape.open(replay)


def _taken(path: Path) -> UsageError:
    return UsageError(
        f"{path} exists already, and a record is never written over a file.",
        next_step="Name a new file, or remove that one.",
    )


def _text_of(body: JsonObject) -> str:
    try:
        text = body["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        return ""
    return text if isinstance(text, str) else ""
