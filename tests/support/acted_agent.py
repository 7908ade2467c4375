"""An agent that a test plays: it hands out files, fails, or waits, and keeps what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

from testwright.engines.openhands.values import AgentProgress, AgentRound, AgentTask, Launcher
from testwright.engines.protocol import Ask
from testwright.errors import TestwrightError
from testwright.models.values import ChatRequest
from testwright.service.agent.plan import Obstacle
from testwright.service.agent.sources import Look, ReadyAgent
from testwright.service.job import GenerateRequest, Job
from testwright.service.workshop import Workshop

QUESTION = ChatRequest(body={"messages": [{"role": "user", "content": "Which tests are missing?"}]})


@dataclass(slots=True)
class ActedAgents:
    """Gives a run an agent that acts as the test says.

    Attributes:
        plays: What each round gives: the file, None for none, or an error; ``...`` waits for ever.
        obstacles: What stands in its way.
        asks: Questions to a model in each round.
        looked: How often somebody has looked for it.
        told: What it was told, round by round.
        task: What it was started with.
        waiting: Set while a round waits for ever.
        is_open: Whether it lives.
    """

    plays: list[Any] = field(default_factory=list)
    obstacles: tuple[Obstacle, ...] = ()
    asks: int = 0
    looked: int = 0
    told: list[str] = field(default_factory=list)
    task: AgentTask | None = None
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    is_open: bool = False

    async def look(self, job: Job, request: GenerateRequest, environ: Mapping[str, str]) -> Look:
        del job, request, environ
        self.looked += 1
        ready = ReadyAgent(cast("Launcher", None), "python", notes=("The agent is played by a test.",))
        return Look(self.obstacles, None if self.obstacles else ready)

    def open(
        self, agent: ReadyAgent, workshop: Workshop, ask: Ask, on_progress: Callable[[AgentProgress], None]
    ) -> ActedSession:
        del agent, workshop
        return ActedSession(self, ask, on_progress)


@dataclass(slots=True)
class ActedSession:
    """One conversation with it."""

    agents: ActedAgents
    ask: Ask
    on_progress: Callable[[AgentProgress], None]

    async def __aenter__(self) -> Self:
        self.agents.is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.agents.is_open = False

    async def begin(self, task: AgentTask) -> None:
        self.agents.task = task

    async def round(self, text: str, *, deadline: float) -> AgentRound:
        del deadline
        assert self.agents.is_open
        self.agents.told.append(text)
        number = len(self.agents.told)
        self.on_progress(AgentProgress(f"step {number}: writing the file", number, self.agents.asks, 10, 0.0))
        for _ in range(self.agents.asks):
            await self.ask(QUESTION)
        play = self.agents.plays[number - 1]
        if play is ...:
            self.agents.waiting.set()
            await asyncio.Event().wait()
        if isinstance(play, TestwrightError):
            raise play
        notes = () if play is not None else ("The agent did not write the file.",)
        return AgentRound(play, "finished", "The agent says that it has finished.", steps=2, notes=notes)
