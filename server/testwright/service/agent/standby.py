"""An agent that is made ready while there is other work: looked for, then started, so that its start costs no time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from testwright.engines.openhands.values import AgentProgress, AgentSession
from testwright.engines.protocol import Ask
from testwright.service.agent.rounds import task_of
from testwright.service.agent.sources import Agents, Look
from testwright.service.job import GenerateRequest, Job
from testwright.service.workshop import Workshop


class Standby:
    """The agent of one run. Leaving the block ends it, whatever it does.

    Args:
        agents: Where it comes from.
        job: What is to be tested.
        request: Names the file that models are recorded to, or answered from.
        workshop: What the agent gets a copy of.
        environ: Where keys and the agent are looked for.
        ask: Answers its questions to a model.
        on_progress: Is told each of its steps.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what an agent is given, each once
        self,
        agents: Agents,
        job: Job,
        request: GenerateRequest,
        workshop: Workshop,
        environ: Mapping[str, str],
        ask: Ask,
        on_progress: Callable[[AgentProgress], None],
    ) -> None:
        self._agents = agents
        self._job = job
        self._request = request
        self._workshop = workshop
        self._environ = environ
        self._ask = ask
        self._on_progress = on_progress
        self._stack = AsyncExitStack()
        self._starting: asyncio.Task[tuple[Look, AgentSession | None]] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._starting is not None:
                self._starting.cancel()
                await asyncio.gather(self._starting, return_exceptions=True)
        finally:  # cancelled again while that is waited for, its box must go all the same
            await self._stack.__aexit__(kind, error, traceback)

    def begin(self) -> None:
        """Begin to look for the agent, and start it when nothing stands in its way; returns at once."""
        self._starting = asyncio.create_task(self._start())

    async def ready(self) -> tuple[Look, AgentSession | None]:
        """What was found, and the agent when there is one. ``begin`` has been called before."""
        if self._starting is None:
            raise RuntimeError("nobody has begun to look for the agent")
        return await asyncio.shield(self._starting)

    async def _start(self) -> tuple[Look, AgentSession | None]:
        look = await self._agents.look(self._job, self._request, self._environ)
        if look.agent is None:
            return look, None
        session = self._agents.open(look.agent, self._workshop, self._ask, self._on_progress)
        await self._stack.enter_async_context(session)
        await session.begin(task_of(self._job, look.agent))
        return look, session
