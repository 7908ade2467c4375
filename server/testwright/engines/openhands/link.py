"""The pipe to one agent program: freight and rounds in, lines out, and its questions answered meanwhile.

Whatever the program does, each wait ends: with what was waited for, when the time is over, or with an ``AgentFailure``
because it broke off, fell silent, or said what cannot be believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from testwright.boxes.protocol import BoxExit, BoxProcess
from testwright.engines.openhands.messages import (
    MAX_LINE,
    NO_MESSAGE,
    Answer,
    End,
    Failed,
    File,
    Problem,
    Question,
    Ready,
    Refusal,
    Round,
    RoundEnd,
    Said,
    Start,
    Step,
    encoded,
    parse_line,
)
from testwright.engines.openhands.questions import problem_of, request_of
from testwright.engines.openhands.words import plain
from testwright.engines.protocol import Ask
from testwright.errors import AgentFailure, BoxFailure, TestwrightError
from testwright.models.values import ChatAnswer, Usage

ENDING_SECONDS = 1.0
"""What it has to end by itself after the last round, before its box is killed."""
OF_A_ROUND = frozenset({"max-steps", "stuck"})
"""Reasons to stop that are about one round; after the others there is no further one."""
MAX_OPEN = 16
"""Questions that are open at once; an agent asks one after another, a condenser beside it."""
MAX_REFUSED = 64
"""Questions that are refused after the conversation was stopped, until the program is taken for one that runs wild."""
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a program is waited for, in seconds.

    Attributes:
        start: Until it is ready: 9 s as measured, twice that without byte code, and the machine may be busy.
        silence: Without a word while no question is open: longer than the SDK lets a command run on silently.
        stopping: To end its round after all further questions are refused.
    """

    start: float = 180.0
    silence: float = 300.0
    stopping: float = 15.0


class OutOfTime(Exception):
    """A round's time is over, and its program did not end it when asked to."""


class Link:
    """One started program. Not for several waits at once.

    Attributes:
        requests: Questions that came, refused ones included.
        usage: What the answers took, together.
        error: Why the last question that got no answer got none, when models were the reason.
    """

    def __init__(
        self,
        process: BoxProcess,
        ask: Ask,
        on_told: Callable[[Step | Said], None],
        *,
        requests: int,
        patience: Patience,
    ) -> None:
        """Begin to listen.

        Args:
            process: Started with ``interactive``.
            ask: Answers the program's questions.
            on_told: Called with what it tells of its work, as it comes.
            requests: Questions that are answered at most.
            patience: How long it is waited for.
        """
        self.requests = 0
        self.usage = Usage()
        self.error: TestwrightError | None = None
        self._process = process
        self._ask = ask
        self._on_told = on_told
        self._most = requests
        self._patience = patience
        self._refused = 0
        self._ids: set[int] = set()
        self._heard = time.monotonic()
        self._is_in_round = False
        self._is_ready = False
        self._files: list[File] = []  # of this round, one at most
        self._stop: asyncio.Future[Problem] = asyncio.get_running_loop().create_future()
        self._said: asyncio.Queue[Ready | RoundEnd] = asyncio.Queue()
        self._answering: set[asyncio.Task[None]] = set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())

    async def begin(self, start: Start, freight: IO[bytes]) -> Ready:
        """Hand over the header and the freight, and wait until the program is ready.

        Raises:
            AgentFailure: It broke off, or was not ready in time.
            OSError: The freight could not be read.
        """
        handing = asyncio.create_task(self._hand_over(start, freight))
        handing.add_done_callback(self._handed)
        try:
            ready = await self._next(time.monotonic() + self._patience.start, silence=None)
            if not isinstance(ready, Ready) or not handing.done():
                raise _wrong_order()
        except OutOfTime:
            raise AgentFailure(
                "The agent's program was not ready in time.",
                next_step="Run again when the machine is less busy; see testwright doctor.",
            ) from None
        finally:
            handing.cancel()
            with contextlib.suppress(asyncio.CancelledError, BoxFailure):
                await handing
        return ready

    async def round(self, text: str, *, deadline: float) -> tuple[File, RoundEnd]:
        """Begin a round, and wait for its end.

        When the deadline comes, the program is asked to end by refusing all of its questions.

        Raises:
            OutOfTime: It did not end then either.
            AgentFailure: It broke off.
        """
        self._is_in_round, self.error = True, None
        if self.stopped is not None and self.stopped.slug in OF_A_ROUND:
            self._stop = asyncio.get_running_loop().create_future()
        self._files.clear()
        self._heard = time.monotonic()
        with contextlib.suppress(BoxFailure):  # it has ended, and listening tells how
            await self._process.send(encoded(Round(text=text)))
        try:
            ended = await self._next(deadline, silence=self._patience.silence)
        except OutOfTime:
            self.stop(Problem(slug="out-of-time", message="The time of this run is over.", status=429))
            ended = await self._next(time.monotonic() + self._patience.stopping, silence=None)
        if isinstance(ended, Ready):
            raise _wrong_order()
        return self._files[0], ended

    def stop(self, why: Problem) -> None:
        """Answer no further question: the program ends its round then.

        The first reason stays; one ``OF_A_ROUND`` until the next.
        """
        if not self._stop.done():
            self._stop.set_result(why)

    @property
    def stopped(self) -> Problem | None:
        """Why no further question is answered; None as long as they are."""
        return self._stop.result() if self._stop.done() else None

    async def end(self) -> None:
        """Say that there is no further round, and give the program a moment to end by itself."""
        if self._is_in_round or self._listening.done():
            return
        with contextlib.suppress(BoxFailure, TimeoutError):
            async with asyncio.timeout(ENDING_SECONDS):
                await self._process.send(encoded(End()))
                await self._process.close_input()
                await asyncio.wait({self._listening})

    async def close(self) -> None:
        """Stop listening and answering; whoever started the program ends it."""
        tasks = (self._listening, *self._answering)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---------------------------------------------------------------------------------------------- what comes

    async def _listen(self) -> None:
        async for line in self._process.lines():
            self._heard = time.monotonic()
            self._take(parse_line(line))
        raise AgentFailure(_ending(await self._process.wait()), next_step="Run again, or take --engine embedded.")

    def _take(self, message: Ready | Question | Step | Said | File | RoundEnd | Failed) -> None:
        if isinstance(message, Failed):
            raise AgentFailure(
                f"The agent's program gave up ({plain(message.code)}): {plain(message.words)}",
                next_step="See testwright doctor, or take --engine embedded.",
            )
        is_expected = {
            Ready: not self._is_ready,
            File: self._is_in_round and not self._files,
            RoundEnd: self._is_in_round and bool(self._files),
        }.get(type(message), self._is_ready)
        if not is_expected:
            raise _wrong_order()
        match message:
            case Ready():
                self._is_ready = True
                self._said.put_nowait(message)
            case Question():
                self._take_question(message)
            case File():
                self._files.append(message)
            case RoundEnd():
                self._is_in_round = False
                self._said.put_nowait(message)
            case _:
                self._on_told(message)

    def _take_question(self, question: Question) -> None:
        if question.id in self._ids:
            raise AgentFailure("The agent's program asked two questions by one number.", next_step=NO_MESSAGE)
        self._ids.add(question.id)
        self.requests += 1
        if len(self._answering) >= MAX_OPEN:
            raise AgentFailure(
                f"The agent's program asked more than {MAX_OPEN} questions at once.", next_step=NO_MESSAGE
            )
        if self.requests > self._most:
            self.stop(Problem(slug="requests", message=f"The agent has asked its {self._most} questions.", status=429))
        if self._stop.done() or not self._is_in_round:
            self._refused += 1
            if self._refused > MAX_REFUSED:
                raise AgentFailure("The agent's program asks on although it is refused.", next_step=NO_MESSAGE)
        task = asyncio.create_task(self._answer(question))
        self._answering.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._heard = time.monotonic()
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not self._broken.done():
            self._broken.set_exception(fault)

    # --------------------------------------------------------------------------------------------- what is sent

    async def _answer(self, question: Question) -> None:
        reply = await self._reply(question)
        with contextlib.suppress(BoxFailure):  # it has ended, which is told elsewhere
            await self._process.send(reply)

    async def _reply(self, question: Question) -> bytes:
        """The line that answers a question, as soon as there is an answer, or none will be given any more."""
        if not self._is_in_round:  # what an agent does after its round is not paid for
            late = Problem(slug="no-round", message="There is no round, so no question is answered.", status=409)
            return encoded(Refusal(id=question.id, error=late))
        asking = asyncio.ensure_future(self._asked(question))
        stop = self._stop
        try:
            if not stop.done():
                either: set[asyncio.Future[Any]] = {asking, stop}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return encoded(Refusal(id=question.id, error=stop.result()))
            answer = asking.result()
        except TestwrightError as error:
            self.error = error
            return encoded(Refusal(id=question.id, error=problem_of(error)))
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        self.usage = Usage(
            prompt_tokens=self.usage.prompt_tokens + answer.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens + answer.usage.completion_tokens,
            cost=self.usage.cost + answer.usage.cost,
            is_estimated=self.usage.is_estimated or answer.usage.is_estimated,
        )
        line = encoded(Answer(id=question.id, body=answer.body))
        if len(line) > MAX_LINE:
            too_large = Problem(slug="answer", message="The model's answer is too large to be passed on.", status=502)
            return encoded(Refusal(id=question.id, error=too_large))
        return line

    async def _asked(self, question: Question) -> ChatAnswer:
        return await self._ask(request_of(question.body))

    async def _hand_over(self, start: Start, freight: IO[bytes]) -> None:
        await self._process.send(encoded(start))
        while chunk := await asyncio.to_thread(freight.read, _CHUNK):
            await self._process.send(chunk)

    def _handed(self, task: asyncio.Task[None]) -> None:
        """End the wait when the freight cannot be handed over; that the program has ended is told elsewhere."""
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not isinstance(fault, BoxFailure) and not self._broken.done():
            self._broken.set_exception(fault)

    # ------------------------------------------------------------------------------------------------- waiting

    async def _next(self, deadline: float, *, silence: float | None) -> Ready | RoundEnd:
        """Wait for what ends a wait.

        Raises:
            OutOfTime: The deadline came first.
            AgentFailure: The program broke off, or nothing came for ``silence`` seconds.
        """
        getting = asyncio.create_task(self._said.get())
        try:
            while (left := deadline - time.monotonic()) > 0:
                if silence is not None:
                    quiet = self._heard + silence - time.monotonic()
                    if quiet <= 0 and not self._answering:
                        raise AgentFailure(
                            f"The agent's program has said nothing for {silence:g} seconds, so it was ended.",
                            next_step="Run again, or take --engine embedded.",
                        )
                    # As long as a question is open, the time of silence has not even begun.
                    left = min(left, silence if self._answering else quiet)
                waited: set[asyncio.Future[Any]] = {getting, self._listening, self._broken}
                done, _ = await asyncio.wait(waited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if getting in done:
                    return getting.result()
                for broken in done:
                    broken.result()  # it ends by an error alone
            raise OutOfTime
        finally:
            getting.cancel()


def _wrong_order() -> AgentFailure:
    return AgentFailure(
        "The agent's program wrote its messages in an order that makes no sense, so nothing that it says is believed.",
        next_step=NO_MESSAGE,
    )


def _ending(ended: BoxExit) -> str:
    cause = {
        "wall": "did not end in time",
        "memory": "needed more memory than its box may have",
        "output": "wrote more output than its box may",
        "killed": "was ended from outside",
        "signalled": f"was ended by signal {-ended.code}",
        "exited": f"ended in the middle of its work with exit code {ended.code}",
    }[ended.cause]
    said = [line for line in ended.stderr.splitlines() if line.strip()]
    return f"The agent's program {cause}" + (f": {plain(said[-1])}" if said else ".")
