"""Leave for each request: no limit is passed, none is lost, nobody waits in vain, and the user reads until when."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_provider import ScriptedProvider, hanging, html, http_error, json_reply
from virtual_clock import VirtualClock

from testwright.errors import AccountLimit, WriteFailure
from testwright.models.client import Endpoint, ProviderClient
from testwright.models.keys import Secret
from testwright.models.quota import Quota, _daily_requests
from testwright.models.quota_words import limit_error, reset_words, wait_words
from testwright.models.values import Fault, FaultKind, ModelEntry, Provider
from testwright.store.ledger import Full, Ledger

KEY = "sk-or-v1-canary0123456789"
OPENROUTER = Provider(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    key_variable="OPENROUTER_API_KEY",
    free_requests_per_minute=20,
    free_requests_per_day=50,
    speaks_openrouter=True,
)
ENDPOINT = Endpoint(provider=OPENROUTER, key=Secret(KEY))
LOCAL = Endpoint(provider=Provider(name="ollama", base_url="http://localhost:11434/v1"))
FREE = ModelEntry(
    name="a:free", provider="openrouter", cost_per_1m_input=0, cost_per_1m_output=0, priority=1, status="active", free=True
)  # fmt: skip
PAID = replace(FREE, name="a", free=False, cost_per_1m_input=1.0, cost_per_1m_output=2.0)
MINUTE, DAY = 60.0, 86_400.0
MIDNIGHT = 1_800_057_600.0
"""UTC, as all days of accounts."""
LONG = 10 * DAY


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(MIDNIGHT - DAY / 2)


@pytest.fixture
def quota(ledger: Ledger, clock: VirtualClock) -> Quota:
    return Quota(ledger, clock)


def limited(minute: int | None, day: int | None) -> Endpoint:
    return replace(ENDPOINT, provider=replace(OPENROUTER, free_requests_per_minute=minute, free_requests_per_day=day))


async def day_used(quota: Quota, endpoint: Endpoint = ENDPOINT, entry: ModelEntry = FREE) -> int:
    return (await quota.usage(endpoint, entry)).day


# ------------------------------------------------------------------------------------------------ accounts


def test_an_account_is_a_provider_a_key_and_whether_it_costs(quota: Quota) -> None:
    other_key = replace(ENDPOINT, key=Secret(KEY + "x"))
    elsewhere = replace(LOCAL, provider=replace(LOCAL.provider, base_url="http://localhost:8000/v1"))
    named = replace(ENDPOINT, provider=replace(OPENROUTER, name="mirror"))
    accounts = [quota.account_of(endpoint, FREE) for endpoint in (ENDPOINT, other_key, LOCAL, elsewhere, named)]
    accounts.append(quota.account_of(ENDPOINT, PAID))
    assert len(set(accounts)) == 6
    assert quota.account_of(ENDPOINT, replace(FREE, name="b:free")) == accounts[0]
    assert accounts[0] == "openrouter/2fc8aaf2358c3b05/free", "the same in each process and each version"


async def test_no_part_of_a_key_is_kept(quota: Quota, tmp_path: Path, clock: VirtualClock) -> None:
    await quota.admit(ENDPOINT, FREE, deadline=clock.monotonic() + 1)
    await quota.learn(ENDPOINT, FREE, Fault("account-day-limit", "No more."))
    data = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert b"openrouter/" in data
    assert b"canary" not in data
    assert b"sk-or" not in data


@pytest.mark.parametrize(("endpoint", "entry"), [(LOCAL, FREE), (ENDPOINT, PAID)], ids=["local", "paid"])
async def test_what_has_no_limit_is_counted_all_the_same(
    quota: Quota, clock: VirtualClock, endpoint: Endpoint, entry: ModelEntry
) -> None:
    for _ in range(60):
        await quota.admit(endpoint, entry, deadline=clock.monotonic() + 1)
    assert await day_used(quota, endpoint, entry) == 60
    assert clock.slept == []


# ------------------------------------------------------------------------------------------------ leave


async def test_a_slot_of_the_minute_is_waited_for(quota: Quota, clock: VirtualClock) -> None:
    endpoint = limited(2, None)
    told: list[tuple[float, str]] = []
    began = clock.monotonic()
    times = []
    for pause in (0.0, 45.0, 0.0, 0.0):
        await clock.sleep(pause)
        admission = await quota.admit(
            endpoint, FREE, deadline=clock.monotonic() + LONG, on_wait=lambda until, words: told.append((until, words))
        )
        assert admission.account == quota.account_of(endpoint, FREE)
        times.append(clock.monotonic() - began)
    assert times == [0.0, 45.0, 60.0, 105.0]
    wall = MIDNIGHT - DAY / 2
    assert told == [
        (wall + 60, "openrouter takes no more requests for 15 seconds (2 a minute)"),
        (wall + 105, "openrouter takes no more requests for 45 seconds (2 a minute)"),
    ]


@pytest.mark.parametrize(("left", "is_granted"), [(30.0, False), (60.0, False), (60.5, True)])
async def test_no_wait_is_begun_that_would_pass_the_deadline(
    quota: Quota, clock: VirtualClock, *, left: float, is_granted: bool
) -> None:
    endpoint = limited(1, None)
    await quota.admit(endpoint, FREE, deadline=clock.monotonic() + 1)
    began, deadline = clock.monotonic(), clock.monotonic() + left
    if is_granted:
        await quota.admit(endpoint, FREE, deadline=deadline)
        assert clock.monotonic() == began + 60
    else:
        with pytest.raises(AccountLimit) as caught:
            await quota.admit(endpoint, FREE, deadline=deadline)
        assert caught.value.resets_at == clock.time() + 60
        assert clock.monotonic() == began
        assert await day_used(quota, endpoint) == 1


async def test_a_day_that_is_used_up_ends_at_midnight_utc(quota: Quota, clock: VirtualClock) -> None:
    endpoint = limited(None, 1)
    await quota.admit(endpoint, FREE, deadline=clock.monotonic() + 1)
    with pytest.raises(AccountLimit) as caught:
        await quota.admit(endpoint, FREE, deadline=clock.monotonic() + DAY / 2)
    assert caught.value.resets_at == MIDNIGHT
    assert caught.value.message.startswith(
        "openrouter takes 1 request a day of one account to free models, and no more is left. It takes some again at "
    )
    assert caught.value.message.endswith(", in 12 hours.")
    assert caught.value.next_step.startswith("Wait until then, or name a model of another account in preferred-model.")
    await quota.admit(endpoint, FREE, deadline=clock.monotonic() + DAY / 2 + 1)
    assert clock.time() == MIDNIGHT


async def test_a_clock_that_is_set_while_it_is_waited_for_is_noticed(quota: Quota, clock: VirtualClock) -> None:
    endpoint = limited(None, 1)
    await quota.admit(endpoint, FREE, deadline=clock.monotonic() + 1)
    told: list[float] = []
    waiting = asyncio.ensure_future(
        quota.admit(endpoint, FREE, deadline=clock.monotonic() + LONG, on_wait=lambda until, _: told.append(until))
    )
    await clock.sleep(90)
    clock.set_wall(MIDNIGHT + 5)
    await waiting
    assert clock.time() == MIDNIGHT + 35
    assert told == [MIDNIGHT], "once"


async def test_fifty_at_once_get_what_a_minute_has(ledger: Ledger, clock: VirtualClock) -> None:
    quotas = [Quota(ledger, clock), Quota(ledger, clock)]
    times: list[float] = []
    began = clock.monotonic()

    async def one(number: int) -> None:
        await quotas[number % 2].admit(limited(20, None), FREE, deadline=began + LONG)
        times.append(clock.monotonic() - began)

    await asyncio.gather(*(one(number) for number in range(50)))
    assert [times.count(second) for second in (0, 60, 120)] == [20, 20, 10]


async def test_what_was_not_sent_is_given_back_once(quota: Quota, clock: VirtualClock) -> None:
    endpoint = limited(None, 1)
    admission = await quota.admit(endpoint, FREE, deadline=clock.monotonic() + 1)
    await admission.not_sent()
    await quota.admit(endpoint, FREE, deadline=clock.monotonic() + 1)
    await admission.not_sent()
    assert await day_used(quota, endpoint) == 1


async def test_when_requests_cannot_be_counted_none_is_sent(
    quota: Quota, ledger: Ledger, clock: VirtualClock, tmp_path: Path
) -> None:
    admission = await quota.admit(ENDPOINT, FREE, deadline=clock.monotonic() + 1)
    state = tmp_path / "state"
    state.rename(tmp_path / "gone")
    state.write_text("no folder", encoding="ascii")
    await admission.not_sent()  # counts, then
    with pytest.raises(WriteFailure):
        await quota.admit(ENDPOINT, FREE, deadline=clock.monotonic() + 1)
    with pytest.raises(WriteFailure):
        await quota.learn(ENDPOINT, FREE, Fault("account-day-limit", "No more."))


# ------------------------------------------------------------------------------------------------ cancelling


class SlowLedger:
    """A ledger whose calls end when they are let go, as when another process holds the file."""

    def __init__(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        for name in names:
            monkeypatch.setattr(ledger, name, self._slow(getattr(ledger, name)))

    def _slow(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*arguments: Any, **named: Any) -> Any:
            self.begun.set()
            assert self.let_go.wait(30)
            return call(*arguments, **named)

        return slow

    async def cancel(self, task: asyncio.Future[Any], *, times: int) -> None:
        """Cancel while the call is under way, so often, and let the call end then."""
        await asyncio.to_thread(self.begun.wait, 30)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert not task.done()
        self.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("times", [1, 3])
async def test_who_is_cancelled_while_it_is_counted_takes_nothing(
    quota: Quota, ledger: Ledger, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    slow = SlowLedger(ledger, monkeypatch, "reserve")
    task = asyncio.ensure_future(quota.admit(ENDPOINT, FREE, deadline=clock.monotonic() + 1))
    await slow.cancel(task, times=times)
    assert await day_used(quota) == 0


async def test_who_is_cancelled_while_it_gives_back_has_given_back(
    quota: Quota, ledger: Ledger, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    admission = await quota.admit(ENDPOINT, FREE, deadline=clock.monotonic() + 1)
    slow = SlowLedger(ledger, monkeypatch, "release")
    await slow.cancel(asyncio.ensure_future(admission.not_sent()), times=2)
    assert await day_used(quota) == 0


async def test_who_is_cancelled_while_an_account_is_closed_has_closed_it(
    quota: Quota, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowLedger(ledger, monkeypatch, "close_account")
    task = asyncio.ensure_future(quota.learn(ENDPOINT, FREE, Fault("account-day-limit", "No more.")))
    await slow.cancel(task, times=1)
    assert (await quota.usage(ENDPOINT, FREE)).closed_until == MIDNIGHT


async def test_who_is_cancelled_while_it_waits_takes_nothing(quota: Quota, clock: VirtualClock) -> None:
    endpoint = limited(1, None)
    await quota.admit(endpoint, FREE, deadline=clock.monotonic() + 1)
    task = asyncio.ensure_future(quota.admit(endpoint, FREE, deadline=clock.monotonic() + LONG))
    await clock.sleep(30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await day_used(quota, endpoint) == 1


# ------------------------------------------------------------------------------------------------ what faults teach

NOW = MIDNIGHT - DAY / 2


@pytest.mark.parametrize(
    ("kind", "fields", "until"),
    [
        ("account-day-limit", {}, MIDNIGHT),
        ("account-day-limit", {"resets_at": NOW + 100}, NOW + 100),
        ("account-day-limit", {"retry_after": 50.0}, NOW + 50),
        ("account-day-limit", {"resets_at": NOW + 100, "retry_after": 50.0}, NOW + 100),
        ("account-day-limit", {"resets_at": NOW - 1, "retry_after": 50.0}, NOW + 50),
        ("account-day-limit", {"resets_at": NOW, "retry_after": 0.0}, MIDNIGHT),
        ("account-day-limit", {"resets_at": NOW + 24.5 * 3600}, NOW + 24.5 * 3600),
        ("account-day-limit", {"resets_at": NOW * 1000, "retry_after": float("inf")}, MIDNIGHT),
        ("account-minute-limit", {}, NOW + 60),
        ("account-minute-limit", {"resets_at": NOW + 12}, NOW + 12),
        ("account-minute-limit", {"retry_after": 7.0}, NOW + 7),
        ("account-minute-limit", {"retry_after": float("nan")}, NOW + 60),
        ("upstream-limit", {"retry_after": 7.0}, None),
        ("no-credits", {"retry_after": 7.0}, None),
        ("down", {}, None),
    ],
)
async def test_a_limit_that_the_provider_tells_of_holds_for_all_processes(
    quota: Quota, clock: VirtualClock, tmp_path: Path, *, kind: FaultKind, fields: dict[str, float], until: float | None
) -> None:
    assert await quota.learn(ENDPOINT, FREE, Fault(kind, "Rate limit exceeded.", **fields)) == until  # type: ignore[arg-type]
    with Ledger.open(tmp_path / "state") as other_process:
        other = Quota(other_process, clock)
        assert (await other.usage(ENDPOINT, FREE)).closed_until == until
        await other.admit(ENDPOINT, PAID, deadline=clock.monotonic() + 1)
        if until is None:
            await other.admit(ENDPOINT, FREE, deadline=clock.monotonic() + 1)
            return
        with pytest.raises(AccountLimit) as caught:
            await other.admit(ENDPOINT, FREE, deadline=clock.monotonic() + until - NOW)
        assert caught.value.resets_at == until
        assert "takes no more requests of this account for now: Rate limit exceeded. It takes" in caught.value.message
        await other.admit(ENDPOINT, FREE, deadline=clock.monotonic() + until - NOW + 1)
        assert clock.time() == pytest.approx(until)


# ------------------------------------------------------------------------------------------------ what /key says


def key_says(limit: Any, used: Any) -> dict[str, Any]:
    return {"data": {"label": "k", "free_model_daily_requests": {"limit": limit, "used": used, "remaining": 0}}}


class Account:
    """A provider's ``/key`` on loopback."""

    def __init__(self, server: ScriptedProvider, client: ProviderClient) -> None:
        self.server, self.client = server, client
        self.endpoint = replace(ENDPOINT, provider=replace(OPENROUTER, base_url=server.base_url))

    @property
    def looks(self) -> int:
        return len([request for request in self.server.requests if request.path.endswith("/key")])


@pytest.fixture
async def account(clock: VirtualClock) -> Any:
    async with ScriptedProvider(clock) as server, ProviderClient(clock=clock) as client:
        yield Account(server, client)


async def test_requests_from_elsewhere_count(account: Account, ledger: Ledger, clock: VirtualClock) -> None:
    account.server.serve("/key", json_reply(key_says(50, 48)))
    quota = Quota(ledger, clock, ask=account.client.get)
    for _ in range(2):
        await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)
    with pytest.raises(AccountLimit, match="takes 50 requests a day"):
        await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)
    assert account.looks == 1


async def test_an_account_that_is_allowed_more_gets_more(account: Account, ledger: Ledger, clock: VirtualClock) -> None:
    account.server.serve("/key", json_reply(key_says(1000, 0)))
    quota = Quota(ledger, clock, ask=account.client.get)
    for _ in range(70):
        await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + LONG)
    assert await day_used(quota, account.endpoint) == 70


async def test_fifty_at_once_look_once(account: Account, ledger: Ledger, clock: VirtualClock) -> None:
    account.server.serve("/key", json_reply(key_says(50, 10)))
    quota = Quota(ledger, clock, ask=account.client.get)
    outcomes = await asyncio.gather(
        *(quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + LONG / 100) for _ in range(50)),
        return_exceptions=True,
    )
    assert len([outcome for outcome in outcomes if isinstance(outcome, AccountLimit)]) == 10
    assert account.looks == 1


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [(http_error(500), 0.0), (html(), 0.0), (json_reply({"data": []}), 0.0), (hanging(), 10.0)],
    ids=["down", "a page", "another form", "hanging"],
)
async def test_a_provider_that_does_not_say_is_no_obstacle(
    account: Account, ledger: Ledger, clock: VirtualClock, reply: Any, seconds: float
) -> None:
    account.server.serve("/key", reply)
    quota = Quota(ledger, clock, ask=account.client.get)
    began = clock.monotonic()
    for _ in range(2):
        await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 100)
    assert clock.monotonic() - began == pytest.approx(seconds, abs=0.5)
    assert account.looks == 1


@pytest.mark.parametrize(
    ("endpoint", "entry"),
    [
        (ENDPOINT, PAID),
        (replace(ENDPOINT, key=None), FREE),
        (replace(ENDPOINT, provider=replace(OPENROUTER, speaks_openrouter=False)), FREE),
    ],
    ids=["paid", "without a key", "another provider"],
)
async def test_who_has_nothing_to_say_is_not_asked(
    account: Account, ledger: Ledger, clock: VirtualClock, endpoint: Endpoint, entry: ModelEntry
) -> None:
    provider = replace(endpoint.provider, base_url=account.server.base_url)
    quota = Quota(ledger, clock, ask=account.client.get)
    await quota.admit(replace(endpoint, provider=provider), entry, deadline=clock.monotonic() + 1)
    assert account.server.requests == []


async def test_credits_that_are_bought_in_the_middle_of_a_day_open_an_account(
    account: Account, ledger: Ledger, clock: VirtualClock
) -> None:
    account.server.serve("/key", json_reply(key_says(50, 50)))
    quota = Quota(ledger, clock, ask=account.client.get)

    async def admit() -> None:
        await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)

    with pytest.raises(AccountLimit):
        await admit()
    await quota.learn(account.endpoint, FREE, Fault("account-day-limit", "No more today."))
    account.server.serve("/key", json_reply(key_says(1000, 50)))
    with pytest.raises(AccountLimit):
        await admit()
    assert account.looks == 1, "it was asked a moment ago"
    await clock.sleep(600)
    await admit()
    assert account.looks == 2
    await Quota(ledger, clock, ask=account.client.get).admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)


async def test_a_new_run_finds_that_credits_were_bought(account: Account, ledger: Ledger, clock: VirtualClock) -> None:
    account.server.serve("/key", json_reply(key_says(50, 49)))
    quota = Quota(ledger, clock, ask=account.client.get)
    await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)
    await quota.learn(account.endpoint, FREE, Fault("account-day-limit", "No more today."))
    account.server.serve("/key", json_reply(key_says(1000, 50)))
    await Quota(ledger, clock, ask=account.client.get).admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)


async def test_an_account_of_which_nothing_was_known_opens_when_more_is_allowed_than_the_registry_says(
    account: Account, ledger: Ledger, clock: VirtualClock
) -> None:
    account.server.serve("/key", http_error(500))
    quota = Quota(ledger, clock, ask=account.client.get)
    await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)
    await quota.learn(account.endpoint, FREE, Fault("account-day-limit", "No more today."))
    await clock.sleep(600)
    account.server.serve("/key", json_reply(key_says(1000, 50)))
    await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)


async def test_an_account_that_is_allowed_more_and_has_used_it_up_stays_closed(
    account: Account, ledger: Ledger, clock: VirtualClock
) -> None:
    account.server.serve("/key", json_reply(key_says(50, 3)))
    quota = Quota(ledger, clock, ask=account.client.get)
    await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)
    await quota.learn(account.endpoint, FREE, Fault("account-day-limit", "No more today."))
    await clock.sleep(600)
    account.server.serve("/key", json_reply(key_says(1000, 1000)))
    with pytest.raises(AccountLimit, match="No more today"):
        await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)
    assert (await quota.usage(account.endpoint, FREE)).closed_until == MIDNIGHT


async def test_a_provider_that_says_no_is_believed_against_its_own_count(
    account: Account, ledger: Ledger, clock: VirtualClock
) -> None:
    account.server.serve("/key", json_reply(key_says(50, 3)))
    quota = Quota(ledger, clock, ask=account.client.get)
    await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)
    await quota.learn(account.endpoint, FREE, Fault("account-day-limit", "No more today."))
    await clock.sleep(600)
    with pytest.raises(AccountLimit, match="No more today"):
        await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)


async def test_a_minute_is_no_reason_to_look(account: Account, ledger: Ledger, clock: VirtualClock) -> None:
    account.server.serve("/key", json_reply(key_says(1000, 0)))
    quota = Quota(ledger, clock, ask=account.client.get)
    await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 1)
    await clock.sleep(600)
    await quota.learn(account.endpoint, FREE, Fault("account-minute-limit", "Slower.", retry_after=30.0))
    await quota.admit(account.endpoint, FREE, deadline=clock.monotonic() + 31)
    assert account.looks == 1


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["limit", "used", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(JSON)
def test_what_key_says_is_a_limit_or_nothing(value: Any) -> None:
    payloads = [value, {"data": value}, {"data": {"free_model_daily_requests": value}}]
    for payload in payloads:
        if isinstance(payload, dict):
            said = _daily_requests(payload)
            assert said is None or all(type(number) is int and 0 <= number < 2**53 for number in said)


@pytest.mark.parametrize(
    ("limit", "used", "said"),
    [(50, 3, (50, 3)), (50.0, 3.0, (50, 3)), ("50", 3, None), (True, 3, None), (50, -1, None)],
)
def test_what_key_says_is_read_as_it_is_documented(limit: Any, used: Any, said: tuple[int, int] | None) -> None:
    assert _daily_requests(key_says(limit, used)) == said


# ------------------------------------------------------------------------------------------------ words

BERLIN, NEPAL = timezone(timedelta(hours=1)), timezone(timedelta(hours=5, minutes=45))


@pytest.mark.parametrize(
    ("resets_at", "now", "zone", "words"),
    [
        (MIDNIGHT, MIDNIGHT - 4320, UTC, "at 00:00 UTC on 2027-01-16, in 1 hour 12 minutes"),
        (MIDNIGHT, MIDNIGHT - 4320, BERLIN, "at 01:00 (00:00 UTC) on 2027-01-16, in 1 hour 12 minutes"),
        (MIDNIGHT, MIDNIGHT - 1800, BERLIN, "at 01:00 (00:00 UTC), in 30 minutes"),
        (MIDNIGHT, MIDNIGHT - 1800, NEPAL, "at 05:45 (00:00 UTC), in 30 minutes"),
        (MIDNIGHT, MIDNIGHT - 3600, UTC, "at 00:00 UTC on 2027-01-16, in 1 hour"),
        (MIDNIGHT, MIDNIGHT - 86_341, UTC, "at 00:00 UTC on 2027-01-16, in 24 hours"),
        (MIDNIGHT + 90, MIDNIGHT + 30.5, UTC, "at 00:01 UTC, in 1 minute"),
        (MIDNIGHT + 90, MIDNIGHT + 31.5, UTC, "at 00:01 UTC, in 59 seconds"),
        (MIDNIGHT + 90, MIDNIGHT + 89.1, UTC, "at 00:01 UTC, in 1 second"),
        (MIDNIGHT, MIDNIGHT + 7, UTC, "at 00:00 UTC, in 1 second"),
    ],
)
def test_when_it_resets_is_told_in_both_times_and_in_how_long(
    resets_at: float, now: float, zone: tzinfo, words: str
) -> None:
    assert reset_words(resets_at, now, zone) == words


def test_what_a_minute_and_a_closed_account_read_like() -> None:
    minute = Full("minute", MIDNIGHT + 30, 20, 20)
    closed = Full("closed", MIDNIGHT + 30, None, None, "Slow down")
    assert (
        "takes 20 requests a minute of one account to free models" in limit_error(OPENROUTER, minute, MIDNIGHT).message
    )
    assert "ten credits" not in limit_error(OPENROUTER, minute, MIDNIGHT).next_step
    assert "ten credits" in limit_error(OPENROUTER, closed, MIDNIGHT).next_step
    assert "ten credits" not in limit_error(LOCAL.provider, closed, MIDNIGHT).next_step
    assert wait_words(OPENROUTER, closed, MIDNIGHT) == "openrouter takes no more requests for 30 seconds (Slow down)"
