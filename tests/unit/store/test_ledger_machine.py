"""The ledger against a model of it in plain Python: two of them on one file, that crash, while the clock is set."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from testwright.store import requests
from testwright.store.ledger import AccountUsage, Full, Ledger, Reservation

DAY = 86_400.0
START = 1_800_000_000.0
MEMORY = Path("/dev/shm")
ACCOUNTS = ("a", "b")


@dataclass
class Account:
    """What the ledger has to say of an account, without a database."""

    per_minute: int | None
    per_day: int | None
    times: dict[int, float] = field(default_factory=dict)
    closed: tuple[float, float, str] | None = None
    closed_limit: int | None = None
    learnt: tuple[float, int, int] | None = None

    def bring_back(self, now: float) -> None:
        """The clock was wrong when what is still to come was noted, or it is now."""
        self.times = {key: min(at, now) for key, at in self.times.items()}
        if self.closed is not None and self.closed[0] > now:
            at, until, reason = self.closed
            self.closed = (now, until - (at - now), reason)
        if self.learnt is not None:
            self.learnt = (min(self.learnt[0], now), *self.learnt[1:])

    def usage(self, now: float) -> AccountUsage:
        midnight = now // DAY * DAY
        minute = [at for at in self.times.values() if at + 60 > now]
        today = len([at for at in self.times.values() if at >= midnight])
        if self.learnt is not None and self.learnt[0] >= midnight:
            since = min(self.learnt[0], now)
            today = max(today, self.learnt[2] + len([at for at in self.times.values() if at >= since]))
        until, reason = None, ""
        if self.closed is not None and self.closed[1] - max(0.0, self.closed[0] - now) > now:
            until, reason = self.closed[1] - max(0.0, self.closed[0] - now), self.closed[2]
        per_day = None if self.learnt is None else self.learnt[1]
        return AccountUsage(minute=len(minute), day=today, per_day=per_day, closed_until=until, reason=reason)

    def limit(self) -> int | None:
        return self.per_day if self.learnt is None else self.learnt[1]

    def full(self, now: float) -> Full | None:
        self.bring_back(now)
        used = self.usage(now)
        if used.closed_until is not None:
            return Full("closed", used.closed_until, None, self.closed_limit, used.reason)
        limit = self.limit()
        if limit is not None and used.day >= limit:
            return Full("day", now // DAY * DAY + DAY, used.day, limit)
        if self.per_minute is not None and used.minute >= self.per_minute:
            newest = sorted(self.times.values(), reverse=True)
            return Full("minute", newest[self.per_minute - 1] + 60, used.minute, self.per_minute)
        return None


@dataclass
class Granted:
    """A request that counts, by true time, which nobody sets."""

    account: str
    when: float
    day: float
    era: int


@dataclass
class Closed:
    """What a provider has said, by true time; it holds for as long, unless the clock is set forward meanwhile."""

    account: str
    when: float
    seconds: float
    forward: int


STEPS = st.sampled_from([0.0, 0.5, 1.0, 29.5, 59.5, 60.0, 60.5, 3600.0, DAY - 1, DAY])
JUMPS = st.sampled_from([0.5, 30.0, 60.0, 60.5, 3600.0, DAY, 10 * 365 * DAY])


class LedgerMachine(RuleBasedStateMachine):
    reservations: Bundle[Reservation] = Bundle("reservations")
    released: Bundle[Reservation] = Bundle("released")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.ledgers = [Ledger.open(self.folder), Ledger.open(self.folder)]
        self.dropped: list[Ledger] = []
        self.true = 0.0
        self.wall = START
        self.forward_jump = 0.0
        self.forward = 0  # how often it was set forward
        self.closures: list[Closed] = []
        self.era = 0  # ends when the clock is set back
        self.granted: dict[int, Granted] = {}
        self.ids: set[int] = set()
        self.accounts: dict[str, Account] = {}

    def teardown(self) -> None:
        for ledger in (*self.ledgers, *self.dropped):
            ledger.close()
        shutil.rmtree(self.folder)

    @initialize(
        minutes=st.tuples(*[st.one_of(st.none(), st.integers(1, 4))] * 2),
        days=st.tuples(*[st.one_of(st.none(), st.integers(1, 6))] * 2),
    )
    def begin(self, minutes: tuple[int | None, ...], days: tuple[int | None, ...]) -> None:
        self.accounts = {name: Account(minute, day) for name, minute, day in zip(ACCOUNTS, minutes, days, strict=True)}

    # -- requests ---------------------------------------------------------------------------------------------------

    @rule(target=reservations, which=st.integers(0, 1), name=st.sampled_from(ACCOUNTS))
    def reserve(self, which: int, name: str) -> Reservation | MultipleResults[Reservation]:
        account = self.accounts[name]
        outcome = self.ledgers[which].reserve(
            name, per_minute=account.per_minute, per_day=account.per_day, now=lambda: self.wall
        )
        full = account.full(self.wall)
        if isinstance(outcome, Full):
            assert outcome == full
            assert outcome.resets_at > self.wall
            return multiple()
        assert full is None
        assert outcome.id not in self.ids, "the same twice"
        assert outcome == Reservation(outcome.id, name, self.wall)
        account.times[outcome.id] = self.wall
        self.ids.add(outcome.id)
        self.granted[outcome.id] = Granted(name, self.true, outcome.at // DAY, self.era)
        self.check_minute(name)
        self.check_day(name)
        return outcome

    @rule(which=st.integers(0, 1), reservation=consumes(reservations), target=released)
    def release(self, which: int, reservation: Reservation) -> Reservation:
        self.ledgers[which].release(reservation)
        del self.accounts[reservation.account].times[reservation.id]
        del self.granted[reservation.id]
        return reservation

    @rule(which=st.integers(0, 1), reservation=released)
    def release_again(self, which: int, reservation: Reservation) -> None:
        self.ledgers[which].release(reservation)

    # -- crashes ----------------------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 1))
    def crash(self, which: int) -> None:
        """Between two calls: what was granted stays granted, sent or not."""
        self.dropped.append(self.ledgers[which])
        self.ledgers[which] = Ledger.open(self.folder)

    @rule(which=st.integers(0, 1), name=st.sampled_from(ACCOUNTS))
    def crash_in_a_call(self, which: int, name: str) -> None:
        """Before the disk has it: nobody was told, so nothing is granted."""
        account = self.accounts[name]

        def work(connection: object) -> None:
            requests.reserve(connection, name, per_minute=account.per_minute, per_day=account.per_day, now=self.wall)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.ledgers[which]._database.write(work)
        self.crash(which)

    # -- what the provider says -------------------------------------------------------------------------------------

    @rule(which=st.integers(0, 1), name=st.sampled_from(ACCOUNTS), seconds=STEPS)
    def close(self, which: int, name: str, seconds: float) -> None:
        account, now = self.accounts[name], self.wall
        self.ledgers[which].close_account(name, until=now + seconds, reason=f"for {seconds}", now=lambda: now)
        self.closures.append(Closed(name, self.true, seconds, self.forward))
        account.bring_back(now)
        _, until, reason = account.closed or (0.0, 0.0, "")
        if until <= now + seconds:
            until, reason = now + seconds, f"for {seconds}"
        account.closed = (now, until, reason)
        account.closed_limit = None if account.learnt is None else account.learnt[1]

    @rule(which=st.integers(0, 1), name=st.sampled_from(ACCOUNTS), is_of_another=st.booleans())
    def open(self, which: int, name: str, *, is_of_another: bool) -> None:
        account = self.accounts[name]
        closed_until = None if account.closed is None else account.closed[1]
        if closed_until is None:
            return
        self.ledgers[which].open_account(name, until=closed_until + 1 if is_of_another else closed_until)
        if not is_of_another:
            account.closed = None
            self.closures = [closed for closed in self.closures if closed.account != name]

    @rule(which=st.integers(0, 1), name=st.sampled_from(ACCOUNTS), per_day=st.integers(1, 8), used=st.integers(0, 8))
    def learn(self, which: int, name: str, per_day: int, used: int) -> None:
        self.ledgers[which].learn_limit(name, per_day=per_day, used=used, now=self.wall)
        self.accounts[name].learnt = (self.wall, per_day, used)

    # -- time -------------------------------------------------------------------------------------------------------

    @rule(seconds=STEPS)
    def pass_time(self, seconds: float) -> None:
        self.true += seconds
        self.wall += seconds

    @rule(seconds=JUMPS)
    def set_forward(self, seconds: float) -> None:
        self.wall += seconds
        self.forward_jump = self.true
        self.forward += 1

    @precondition(lambda self: self.wall > START - DAY)
    @rule(seconds=JUMPS, name=st.sampled_from(ACCOUNTS))
    def set_back(self, seconds: float, name: str) -> None:
        """No request is forgotten."""
        before = self.ledgers[0].usage(name, self.wall)
        self.wall -= seconds
        self.era += 1
        after = self.ledgers[0].usage(name, self.wall)
        assert after.minute >= before.minute
        assert after.day >= before.day

    @invariant()
    def an_account_is_closed_for_as_long_as_the_provider_said(self) -> None:
        for closed in self.closures:
            if closed.forward == self.forward and self.true < closed.when + closed.seconds:
                assert self.ledgers[0].usage(closed.account, self.wall).closed_until is not None

    # -- what always holds ------------------------------------------------------------------------------------------

    def check_minute(self, name: str) -> None:
        """No 60 seconds of true time have more than they may, unless the clock was set forward within them."""
        limit = self.accounts[name].per_minute
        if limit is None:
            return
        times = [one.when for one in self.granted.values() if one.account == name and one.when > self.forward_jump]
        for end in times:
            assert len([when for when in times if end - 60 < when <= end]) <= limit

    def check_day(self, name: str) -> None:
        """No day has more than it may, those counted that were granted since the clock was last set back."""
        limit = self.accounts[name].limit()
        if limit is None:
            return
        days = [one.day for one in self.granted.values() if one.account == name and one.era == self.era]
        assert days.count(max(days)) <= limit

    @invariant()
    def both_agree_with_the_model(self) -> None:
        for name, account in self.accounts.items():
            expected = account.usage(self.wall)
            assert [ledger.usage(name, self.wall) for ledger in self.ledgers] == [expected, expected]
        assert [ledger.notes for ledger in self.ledgers] == [(), ()]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_no_interleaving_passes_a_limit() -> None:
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
