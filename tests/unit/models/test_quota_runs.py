"""Many who ask at once, of two processes, and are cancelled: what the provider sees, and what the ledger says of it."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from virtual_clock import VirtualClock

from testwright.errors import AccountLimit
from testwright.housekeeping import LEDGER
from testwright.models.client import Endpoint
from testwright.models.quota import Quota
from testwright.models.values import ModelEntry, Provider
from testwright.store.ledger import Ledger

MIDNIGHT = 1_800_057_600.0
DAY = 86_400.0
MEMORY = Path("/dev/shm")
FREE = ModelEntry(
    name="a:free", provider="p", cost_per_1m_input=0, cost_per_1m_output=0, priority=1, status="active", free=True
)  # fmt: skip


@dataclass(frozen=True)
class Asker:
    """Somebody who wants to send one request.

    Attributes:
        begins: Seconds after the start.
        patience: Seconds for which it waits at most.
        cancelled: Seconds after it began; None when it is not.
        sends: Whether it sends when it may, or finds that it cannot.
        process: Which of two.
    """

    begins: int
    patience: int
    cancelled: int | None
    sends: bool
    process: int


ASKERS = st.lists(
    st.builds(
        Asker,
        begins=st.integers(0, 200),
        patience=st.integers(0, 400),
        cancelled=st.none() | st.integers(0, 200),
        sends=st.sampled_from([True, True, True, False]),
        process=st.integers(0, 1),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class Account:
    """What the provider sees: the wall clock's times of all requests."""

    minute: int | None
    day: int | None
    sent: list[float] = field(default_factory=list)

    def take(self, now: float) -> None:
        self.sent.append(now)
        assert self.minute is None or len([when for when in self.sent if when > now - 60]) <= self.minute
        assert self.day is None or len([when for when in self.sent if when // DAY == now // DAY]) <= self.day


@dataclass
class World:
    """Who asks, over which ledgers."""

    account: Account
    clock: VirtualClock
    quotas: list[Quota]
    endpoint: Endpoint
    began: float
    ends: list[str] = field(default_factory=list)

    async def ask(self, asker: Asker) -> None:
        deadline = self.clock.monotonic() + asker.patience
        try:
            admission = await self.quotas[asker.process].admit(self.endpoint, FREE, deadline=deadline)
        except AccountLimit as limit:
            resets_in = (limit.resets_at or 0) - self.clock.time()
            is_right = self.clock.monotonic() + resets_in >= deadline
            self.ends.append("refused" if is_right else "given up too early")
            return
        assert self.clock.monotonic() <= deadline
        if asker.sends:
            self.account.take(self.clock.time())
            self.ends.append("sent")
        else:
            await admission.not_sent()
            self.ends.append("not sent")

    async def come_and_go(self, asker: Asker) -> None:
        await self.clock.sleep(asker.begins)
        asking = asyncio.ensure_future(self.ask(asker))
        if asker.cancelled is not None:
            await self.clock.sleep(asker.cancelled)
            asking.cancel()
        try:
            await asking
        except asyncio.CancelledError:
            self.ends.append("cancelled")


async def run(folder: Path, account: Account, before_midnight: int, askers: list[Asker]) -> World:
    provider = Provider(
        name="p", base_url="http://p.example/v1", free_requests_per_minute=account.minute, free_requests_per_day=account.day
    )  # fmt: skip
    with Ledger.open(folder) as one, Ledger.open(folder) as other:
        clock = VirtualClock(MIDNIGHT - before_midnight)
        clock.attach()
        quotas = [Quota(one, clock), Quota(other, clock)]
        world = World(account, clock, quotas, Endpoint(provider=provider), clock.monotonic())
        await asyncio.gather(*(world.come_and_go(asker) for asker in askers))
        assert one.notes == other.notes == ()
    return world


@settings(max_examples=60, deadline=None)
@given(st.none() | st.integers(1, 3), st.none() | st.integers(1, 6), st.integers(0, 300), ASKERS)
@example(1, None, 300, [Asker(0, 400, None, sends=True, process=number % 2) for number in range(8)])
@example(None, 2, 100, [Asker(0, 200, None, sends=True, process=number % 2) for number in range(5)])
def test_no_limit_is_passed_and_no_request_lost(
    minute: int | None, day: int | None, before_midnight: int, askers: list[Asker]
) -> None:
    account = Account(minute, day)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        world = asyncio.run(run(Path(folder), account, before_midnight, askers))
        connection = sqlite3.connect(Path(folder) / LEDGER)
        (counted,) = connection.execute("SELECT count(*) FROM request").fetchone()
        connection.close()
    assert len(world.ends) == len(askers), "each has one end"
    assert "given up too early" not in world.ends
    assert world.ends.count("sent") == len(account.sent) == counted, "what counts is what was sent"


def test_those_who_wait_are_served_when_there_is_room() -> None:
    askers = [Asker(0, 400, None, sends=True, process=number % 2) for number in range(10)]
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        world = asyncio.run(run(Path(folder), Account(2, 5), 130, askers))
    sent = sorted(when - (MIDNIGHT - 130) for when in world.account.sent)
    assert sent == [0, 0, 60, 60, 120, 130, 180, 190, 240, 250], "five before midnight, at 130, and five after"
