"""A router in a scene of its own: a clock that waits for nobody, a ledger in a folder, and what was told on the way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, cast

from virtual_clock import VirtualClock

from testwright.models.breaker import Breakers
from testwright.models.budget import RunLimits
from testwright.models.client import Endpoint, ProviderClient
from testwright.models.keys import Secret
from testwright.models.router import Router
from testwright.models.values import (
    Chain,
    ChatAnswer,
    ChatRequest,
    Choice,
    Fault,
    FaultKind,
    JsonObject,
    ModelEntry,
    Provider,
    RouterEvent,
    Usage,
)
from testwright.store.ledger import Ledger

KEY = "sk-or-v1-canary-9f3a"
"""The key of every provider that has one."""


def entry(name: str, provider: str = "scripted", **fields: Any) -> ModelEntry:
    """A model that is free unless ``fields`` say what it costs."""
    costs = {"cost_per_1m_input": 0.0, "cost_per_1m_output": 0.0, "free": "cost_per_1m_input" not in fields}
    return ModelEntry(name=name, provider=provider, priority=1, status="active", **(costs | fields))


def question(text: str = "Hello?", **fields: Any) -> ChatRequest:
    """A short question; ``fields`` are those of its body."""
    return ChatRequest(body={"messages": [{"role": "user", "content": text}], "max_tokens": 100, **fields})


@dataclass
class Scene:
    """What routers of one test share.

    Attributes:
        providers: By name.
        events: All that was told, in order.
    """

    folder: Path
    client: ProviderClient
    providers: Mapping[str, Provider]
    clock: VirtualClock
    keys: Mapping[str, str] = field(default_factory=dict)
    events: list[RouterEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger.open(self.folder)
        self.breakers = Breakers(self.clock)

    def router(
        self,
        *models: ModelEntry | str,
        seed: int = 1,
        data_collection: Literal["allow", "deny"] = "allow",
        **limits: Any,
    ) -> Router:
        """A router over models in this order; a name alone is a free model of the provider ``scripted``."""
        given = {"requests": 60, "tokens": 2_000_000, "cost": 0.0, "seconds": 1_800.0} | limits
        entries = [entry(model) if isinstance(model, str) else model for model in models]
        choices = [
            Choice(entry=one, provider=self.providers[one.provider], is_taken=True, why="the test says so")
            for one in entries
        ]
        endpoints = {
            name: Endpoint(provider=provider, key=Secret(self.keys.get(name, KEY)))
            for name, provider in self.providers.items()
        }
        return Router(
            chain=Chain(tuple(choices)),
            endpoints=endpoints,
            client=self.client,
            ledger=self.ledger,
            limits=RunLimits(**given),
            breakers=self.breakers,
            clock=self.clock,
            random=Random(seed),
            data_collection=data_collection,
            on_event=self.events.append,
        )

    def told(self, *kinds: str) -> list[str]:
        """What a person reads of events of some kinds."""
        return [event.message for event in self.events if event.kind in kinds]

    def statuses(self) -> dict[str, tuple[str, float]]:
        """What was learnt of models: status, and for how many seconds from now."""
        now = self.clock.time()
        return {model: (stored.status, stored.until - now) for (_, model), stored in self.ledger.statuses(now).items()}

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that the player has seen.

    Attributes:
        text: What was asked: the first message's content.
        came_to: The fault's kind, ``answer``, or ``cancelled``.
        was_sent: Whether a provider would have seen it.
        when, wall: Both times at which it was sent.
        ended: The monotonic time at which it ended.
    """

    number: int
    text: str
    provider: str
    model: str
    when: float
    wall: float
    ended: float
    came_to: FaultKind | Literal["answer", "cancelled"]
    was_sent: bool


Play = tuple[float, Fault | None]
"""How long a request takes, and the fault it ends in; None for an answer."""


class Player:
    """A client without a network that plays faults and answers, for tests that ask thousands of times.

    Args:
        clock: Passes while a request is under way.
        play: Says what comes of a request to a model.
    """

    def __init__(self, clock: VirtualClock, play: Callable[[str], Play]) -> None:
        self.clock = clock
        self.play = play
        self.sent: list[Sent] = []
        self.under_way = 0
        self.most_under_way = 0
        self._numbers = itertools.count()

    async def chat(
        self, _: Endpoint, entry: ModelEntry, request: ChatRequest, *, time_left: float, **__: object
    ) -> ChatAnswer:
        """As ``ProviderClient.chat``."""
        number, when, wall = next(self._numbers), self.clock.monotonic(), self.clock.time()
        text = cast("str", request.body["messages"][0]["content"])
        seconds, fault = self.play(entry.name)
        if seconds > time_left:
            seconds, fault = time_left, Fault("timed-out", "the run's time was over")
        came_to: FaultKind | Literal["answer", "cancelled"] = "cancelled"
        was_sent = True
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.clock.sleep(seconds)
            came_to = "answer" if fault is None else fault.kind
            was_sent = fault is None or fault.was_sent
        finally:
            self.under_way -= 1
            self.sent.append(
                Sent(number, text, entry.provider, entry.name, when, wall, self.clock.monotonic(), came_to, was_sent)
            )
        if fault is not None:
            raise Fault(
                fault.kind,
                fault.words,
                status=fault.status,
                retry_after=fault.retry_after,
                resets_at=fault.resets_at,
                usage=fault.usage,
                was_sent=fault.was_sent,
            )
        usage = Usage(prompt_tokens=10, completion_tokens=5)
        return ChatAnswer(model=entry.name, body={}, finish_reason="stop", usage=usage, seconds=seconds)

    async def get(self, _: Endpoint, __: str) -> JsonObject:
        """As ``ProviderClient.get`` of a provider that has no such page."""
        raise Fault("gone", "404: no such page", status=404)

    @property
    def as_client(self) -> ProviderClient:
        """It, as a router wants it."""
        return cast("ProviderClient", self)


async def all_of(calls: Sequence[asyncio.Task[ChatAnswer]]) -> list[ChatAnswer | BaseException]:
    """What came of calls, in order."""
    return await asyncio.gather(*calls, return_exceptions=True)
