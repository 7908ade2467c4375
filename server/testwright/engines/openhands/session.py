"""An agent in a box: started while there is other work, spoken to in rounds, ended whatever it does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from typing import IO, Self

from testwright.boxes.protocol import MIB, Command, Limits, World
from testwright.boxes.reaping import Registry
from testwright.engines.openhands.freight import Freight, packed
from testwright.engines.openhands.link import Link, OutOfTime, Patience
from testwright.engines.openhands.messages import MAX_ROUND, File, Problem, RoundEnd, Said, Start, Step
from testwright.engines.openhands.values import AgentProgress, AgentRound, AgentTask, Launcher, RoundStatus
from testwright.engines.openhands.words import plain, step_words
from testwright.engines.protocol import Ask
from testwright.errors import AgentFailure, BoxFailure, TestwrightError
from testwright.housekeeping import scratch_parent
from testwright.models.values import Usage

LIMITS = Limits(wall=3600.0, cpu=3600.0, memory=2048 * MIB, processes=256, output=64 * MIB, file=1024 * MIB)
"""Of the box: an hour as for any run; 64 MiB of lines; room for the workspace and what the agent makes of it."""
SAME_STEPS = 6
"""The same step with the same outcome so often in a row, and the agent goes round in circles. The SDK ends at four."""

TOOLS_A_REQUEST = 4
"""The program counts requests; a model may ask for several tools in one."""
SAID = 120
"""Characters of the agent's prose that are told as it goes."""

_PROBLEMS = {
    "missing": "The agent did not write {path}.",
    "link": "The agent made {path} a link, which is not followed.",
    "not-a-file": "The agent made {path} something other than a file.",
    "too-large": "The agent's {path} is too large to be read.",
    "unreadable": "The agent's {path} cannot be read.",
}
_ENDINGS: dict[RoundStatus, str] = {
    "finished": "The agent says that it has finished",
    "stuck": "The agent went round in circles and was stopped",
    "max-steps": "The agent has used its steps",
    "refused": "The agent was stopped, since its model gave no answer",
    "error": "The agent was stopped by an error of its own",
    "out-of-time": "The agent was stopped, since its time was over",
}


class BoxedAgent:
    """An ``AgentSession``.

    Args:
        launcher: The box, and the agent's interpreter in it.
        freight: What is copied into it.
        ask: Answers the agent's questions to a model.
        on_progress: Called with each step, as it comes.
        limits: Of the box.
        patience: How long it is waited for.
    """

    def __init__(  # noqa: PLR0913 - four parts, and two limits by name
        self,
        launcher: Launcher,
        freight: Freight,
        ask: Ask,
        on_progress: Callable[[AgentProgress], None],
        *,
        limits: Limits = LIMITS,
        patience: Patience | None = None,
    ) -> None:
        self._launcher = launcher
        self._freight = freight
        self._ask = ask
        self._on_progress = on_progress
        self._limits = limits
        self._patience = patience or Patience()
        self._stack = contextlib.AsyncExitStack()
        self._starting: asyncio.Task[Link] | None = None
        self._stop_packing = threading.Event()
        self._task: AgentTask | None = None
        self._link: Link | None = None
        self._step = 0
        self._last_step = 0
        self._last: tuple[object, ...] = ()
        self._repeated = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._stop_packing.set()
        async with self._stack:  # it goes whatever comes, a cancel while the rest is waited for included
            try:
                if self._is_started and self._link is not None and not any(exc_info):
                    await self._link.end()
            finally:
                if self._starting is not None:
                    self._starting.cancel()
                    await asyncio.gather(self._starting, return_exceptions=True)

    @property
    def _is_started(self) -> bool:
        """Whether the start is over; before, the pipe is taken by what goes in."""
        return self._starting is not None and self._starting.done()

    async def begin(self, task: AgentTask) -> None:
        """Begin to start it; a failure is told by the first round."""
        self._task = task
        self._starting = asyncio.create_task(self._start(task))

    async def round(self, text: str, *, deadline: float) -> AgentRound:
        """Tell the agent what to do, and wait for its file.

        Raises:
            AgentFailure: The program in the box broke off, hung, or said what is no message.
            BoxUnavailable: There is no box.
            BoxFailure: The box did not start.
        """
        if self._starting is None or self._task is None:
            raise AgentFailure("The agent was given a round before it was started.", next_step="Report this.")
        await asyncio.wait({self._starting}, timeout=max(0.0, deadline - time.monotonic()))
        if not self._starting.done():
            return AgentRound(None, "out-of-time", "The time was over before the agent was ready.")
        link = self._starting.result()
        first, asked, usage = self._step, link.requests, link.usage
        self._last_step = first + TOOLS_A_REQUEST * self._task.limits.steps
        self._repeated = 0
        file: File | None = None
        end: RoundEnd | None = None
        with contextlib.suppress(OutOfTime):
            file, end = await link.round(text[:MAX_ROUND], deadline=deadline)
        status = _status(link.stopped, end)
        content, problem = _content(file, self._task.test_path)
        return AgentRound(
            file=content,
            status=status,
            words=_words(status, self._step - first, end, link.error),
            steps=self._step - first,
            requests=link.requests - asked,
            tokens=link.usage.prompt_tokens
            + link.usage.completion_tokens
            - usage.prompt_tokens
            - usage.completion_tokens,
            cost=link.usage.cost - usage.cost,
            notes=(problem,) if problem else (),
            error=link.error if status == "refused" else None,
        )

    async def _start(self, task: AgentTask) -> Link:
        """Start the program, and wait until it is ready.

        Raises:
            AgentFailure: It broke off, or was not ready in time.
            BoxUnavailable: There is no box.
            BoxFailure: The box did not start, or the disk refuses what it needs.
        """
        try:
            return await self._started(task)
        except OSError as error:
            raise BoxFailure(
                f"The agent's box could not be made ready: {error.strerror or error}.",
                next_step="Free some space in the temporary folder, or name another one in TMPDIR.",
            ) from error

    async def _started(self, task: AgentTask) -> Link:
        freight = await self._packed(task.test_path)
        self._stack.callback(freight.close)
        folder = self._stack.enter_context(Registry.default().private_folder(scratch_parent(), "agent"))
        empty = folder / "empty"
        empty.mkdir()
        empty.chmod(0o755)  # the box has another user
        world = World(workspace=empty, snapshot=empty, read_only=self._launcher.read_only)
        command = Command(argv=(self._launcher.python, "-I", "-c", _bootstrap()), interactive=True, limits=self._limits)
        process = await self._launcher.box.start(world, command)
        await self._stack.enter_async_context(process)
        link = Link(process, self._ask, self._told, requests=task.limits.requests, patience=self._patience)
        self._stack.push_async_callback(link.close)
        self._link = link
        ready = await link.begin(_header(task, freight), freight)
        self._tell(f"the agent is ready (SDK {plain(ready.sdk, 20)}, {ready.seconds:.1f} s)")
        return link

    async def _packed(self, test_path: str) -> IO[bytes]:
        packing = asyncio.create_task(asyncio.to_thread(packed, self._freight, test_path, self._stop_packing))
        try:
            return await asyncio.shield(packing)
        except asyncio.CancelledError:
            self._stop_packing.set()
            for left in await asyncio.gather(packing, return_exceptions=True):
                if not isinstance(left, BaseException):
                    left.close()
            raise

    def _told(self, message: Step | Said) -> None:
        if isinstance(message, Said):
            self._tell(f"the agent says: {plain(message.text, SAID)}")
            return
        self._step = max(self._step, message.number)
        self._tell(step_words(message))
        if self._link is None:
            return
        if self._step > self._last_step:
            self._link.stop(Problem(slug="max-steps", message="The agent has used its steps.", status=429))
        if message.is_error is not None:
            seen = (message.tool, message.words, message.output, message.exit_code)
            self._repeated = self._repeated + 1 if seen == self._last else 1
            self._last = seen
            if self._repeated >= SAME_STEPS:
                self._link.stop(Problem(slug="stuck", message="The agent goes round in circles.", status=429))

    def _tell(self, words: str) -> None:
        link = self._link
        usage = link.usage if link is not None else Usage()
        tokens = usage.prompt_tokens + usage.completion_tokens
        requests = link.requests if link is not None else 0
        self._on_progress(AgentProgress(words, self._step, requests, tokens, usage.cost))


def _bootstrap() -> str:
    return files("testwright.inside").joinpath("agent", "bootstrap.py").read_text("utf-8")


def _header(task: AgentTask, freight: IO[bytes]) -> Start:
    size = freight.seek(0, os.SEEK_END)
    freight.seek(0)
    return Start(
        workspace_bytes=size,
        test_path=task.test_path,
        model=task.model,
        tool_calling=task.tool_calling,
        max_steps=task.limits.steps,
        max_input_tokens=task.max_input_tokens,
        max_output_tokens=task.max_output_tokens,
        python=task.python,
        import_roots=task.import_roots,
    )


_STOPPED: dict[str, RoundStatus] = {"out-of-time": "out-of-time", "max-steps": "max-steps", "stuck": "stuck"}


def _status(stopped: Problem | None, end: RoundEnd | None) -> RoundStatus:
    """How a round ended: what we stopped it for comes before what its program makes of that."""
    if stopped is not None:
        return _STOPPED.get(stopped.slug, "refused")
    return end.status if end is not None else "out-of-time"


def _content(file: File | None, path: str) -> tuple[str | None, str]:
    """The file's text, or a sentence about why there is none."""
    if file is None:
        return None, "The agent's box was ended before it could hand its file over."
    if file.problem is not None:
        return None, _PROBLEMS[file.problem].format(path=path)
    return (file.text, "") if file.text is not None else (None, f"The agent's {path} is no text in UTF-8.")


def _words(status: RoundStatus, steps: int, end: RoundEnd | None, error: TestwrightError | None) -> str:
    told = f"{_ENDINGS[status]}, after {steps} {'step' if steps == 1 else 'steps'}"
    detail = error.message if error is not None and status == "refused" else end.detail if end is not None else ""
    return f"{told}: {plain(detail)}" if detail and status in ("refused", "error") else f"{told}."
