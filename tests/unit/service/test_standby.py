"""An agent that is made ready: its box goes whatever comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from acted_agent import ActedAgents

from testwright.engines.openhands.values import AgentProgress, AgentTask
from testwright.engines.protocol import Ask
from testwright.service.agent import standby as standby_module
from testwright.service.agent.sources import Look, ReadyAgent
from testwright.service.agent.standby import Standby
from testwright.service.job import GenerateRequest, Job
from testwright.service.workshop import Workshop


class SlowAgents(ActedAgents):
    """Agents whose start does not end as soon as it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.held, self.released = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def look(self, job: Job, request: GenerateRequest, environ: Mapping[str, str]) -> Look:
        return await super().look(job, request, environ)

    def open(
        self, agent: ReadyAgent, workshop: Workshop, ask: Ask, on_progress: Callable[[AgentProgress], None]
    ) -> Any:
        session = super().open(agent, workshop, ask, on_progress)
        return SlowSession(self, session)


class SlowSession:
    """Its beginning waits until it is released."""

    def __init__(self, agents: SlowAgents, session: Any) -> None:
        self.agents, self.session = agents, session

    async def __aenter__(self) -> Any:
        await self.session.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.session.__aexit__(*exc_info)

    async def begin(self, task: AgentTask) -> None:
        del task
        self.agents.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.agents.held.set()
            await self.agents.released.wait()
            raise


def opened(agents: SlowAgents) -> bool:
    return agents.is_open


async def test_cancelled_twice_its_box_goes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby_module, "task_of", lambda *_: AgentTask("tests/test_x.py", "python", ()))
    agents = SlowAgents()

    async def work() -> None:
        nothing = cast("Any", None)
        async with Standby(agents, nothing, nothing, nothing, {}, nothing, lambda _: None) as standby:
            standby.begin()
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await agents.begun.wait()
    assert opened(agents)
    working.cancel()  # by the user
    await agents.held.wait()
    working.cancel()  # by the end of the session
    with pytest.raises(asyncio.CancelledError):
        await working
    assert not opened(agents)
    agents.released.set()
    await asyncio.sleep(0)
