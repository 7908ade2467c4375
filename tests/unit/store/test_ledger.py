"""What runs share about models: it comes back as it was, is never lost to another's crash, and stays small."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testwright.errors import WriteFailure
from testwright.housekeeping import ASIDE, LEDGER
from testwright.model import ModelUse
from testwright.store import Store, database, ledger, requests
from testwright.store.ledger import (
    AccountUsage,
    Full,
    Ledger,
    Reservation,
    StoredConsent,
    StoredStatus,
    StoredUse,
)

NOON = 1_799_971_200.0 + 43_200.0
"""A noon, UTC; the ledger's times are real ones."""
DAY = 86_400.0
WORKSPACE = Path("/work/shop")


@pytest.fixture
def opened(folder: Path) -> Iterator[Ledger]:
    with Ledger.open(folder) as one:
        yield one


def ask(one: Ledger, now: float, *, account: str = "a", minute: int | None = None, day: int | None = None) -> bool:
    return isinstance(one.reserve(account, per_minute=minute, per_day=day, now=lambda: now), Reservation)


def rows(folder: Path, table: str) -> int:
    connection = sqlite3.connect(folder / LEDGER)
    (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - a table of ours
    connection.close()
    return int(number)


# ------------------------------------------------------------------------------------------------ accounts


def test_a_day_is_one_of_utc(opened: Ledger) -> None:
    midnight = NOON + DAY / 2
    assert [ask(opened, midnight - 1, day=2) for _ in range(3)] == [True, True, False]
    full = opened.reserve("a", per_minute=None, per_day=2, now=lambda: midnight - 1)
    assert full == Full("day", midnight, 2, 2)
    assert ask(opened, midnight, day=2)
    assert opened.usage("a", midnight) == AccountUsage(minute=3, day=1)


def test_a_minute_slides(opened: Ledger) -> None:
    assert [ask(opened, NOON + second, minute=2) for second in (0, 30, 59.75)] == [True, True, False]
    assert opened.reserve("a", per_minute=2, per_day=None, now=lambda: NOON + 59.75) == Full("minute", NOON + 60, 2, 2)
    assert [ask(opened, NOON + second, minute=2) for second in (60, 60, 89.75, 90)] == [True, False, False, True]


@pytest.mark.parametrize(("minute", "day", "resets_at"), [(0, None, NOON + 60), (None, 0, NOON + DAY / 2)])
def test_nothing_is_allowed(opened: Ledger, minute: int | None, day: int | None, resets_at: float) -> None:
    full = opened.reserve("a", per_minute=minute, per_day=day, now=lambda: NOON)
    assert isinstance(full, Full)
    assert full.resets_at == resets_at


def test_accounts_have_limits_of_their_own(opened: Ledger) -> None:
    assert [ask(opened, NOON, account=name, day=1) for name in ("a", "a", "b")] == [True, False, True]


def test_what_was_never_sent_can_be_had_again_once(opened: Ledger) -> None:
    reservation = opened.reserve("a", per_minute=None, per_day=1, now=lambda: NOON)
    assert isinstance(reservation, Reservation)
    opened.release(reservation)
    assert ask(opened, NOON, day=1)
    opened.release(reservation)
    assert not ask(opened, NOON, day=1)


def test_what_another_file_has_granted_is_not_given_back(opened: Ledger, folder: Path) -> None:
    """The file was set aside meanwhile: what is reserved in the new one stays."""
    reservation = opened.reserve("a", per_minute=None, per_day=1, now=lambda: NOON)
    assert isinstance(reservation, Reservation)
    (folder / LEDGER).rename(folder / (LEDGER + ASIDE))
    assert ask(opened, NOON, day=1)
    opened.release(reservation)
    assert not ask(opened, NOON, day=1)


def test_a_provider_that_says_no_is_believed_until_then(opened: Ledger, folder: Path) -> None:
    opened.close_account("a", until=NOON + 100, reason="Too many.", now=lambda: NOON)
    opened.close_account("a", until=NOON + 50, reason="Too fast.", now=lambda: NOON)
    with Ledger.open(folder) as other:
        full = other.reserve("a", per_minute=None, per_day=None, now=lambda: NOON + 99)
        assert full == Full("closed", NOON + 100, None, None, "Too many.")
        assert other.usage("a", NOON) == AccountUsage(closed_until=NOON + 100, reason="Too many.")
    assert ask(opened, NOON + 100)


def test_what_the_provider_says_of_a_day_holds(opened: Ledger) -> None:
    for _ in range(3):
        assert ask(opened, NOON, day=50)
    opened.learn_limit("a", per_day=42, used=40, now=NOON + 1)
    assert opened.usage("a", NOON + 1) == AccountUsage(minute=3, day=40, per_day=42)
    assert [ask(opened, NOON + 2, day=50) for _ in range(3)] == [True, True, False]
    assert opened.usage("a", NOON + DAY).day == 0, "what it said of another day"
    assert opened.usage("a", NOON + DAY).per_day == 42


def test_what_comes_after_the_provider_was_asked_counts_when_the_clock_is_set_back(opened: Ledger) -> None:
    opened.learn_limit("a", per_day=5, used=3, now=NOON)
    assert [ask(opened, NOON - second) for second in (100, 50, 40)] == [True, True, False]


def test_a_provider_that_has_counted_less_is_not_believed(opened: Ledger) -> None:
    for _ in range(3):
        assert ask(opened, NOON, day=3)
    opened.learn_limit("a", per_day=3, used=0, now=NOON + 1)
    assert not ask(opened, NOON + 2, day=3)


def test_a_clock_that_was_wrong_for_years_does_not_close_an_account_for_years(opened: Ledger) -> None:
    wrong = NOON + 3650 * DAY
    assert [ask(opened, wrong, minute=2, day=3) for _ in range(2)] == [True, True]
    opened.close_account("b", until=wrong + 3600, reason="Enough.", now=lambda: wrong)
    opened.set_status("p", "m", "gone", reason="404", until=wrong + 3600, now=wrong)
    assert opened.usage("a", NOON).minute == 2, "it counts as of now"
    assert opened.usage("b", NOON).closed_until == NOON + 3600
    assert opened.statuses(NOON) == {("p", "m"): StoredStatus("gone", "404", NOON + 3600)}
    assert not ask(opened, NOON, minute=2, day=3)
    assert [ask(opened, NOON + 60, minute=2, day=3) for _ in range(2)] == [True, False]
    assert ask(opened, NOON + DAY, minute=2, day=3)


def test_the_clock_is_read_when_nobody_else_can_write(opened: Ledger, folder: Path) -> None:
    """Else a process that was stopped in between would count its request, and those of others, as long past."""
    read = threading.Event()

    def now() -> float:
        read.set()
        return NOON

    other = sqlite3.connect(folder / LEDGER, isolation_level=None)
    for call in (
        lambda: opened.reserve("a", per_minute=1, per_day=1, now=now),
        lambda: opened.close_account("a", until=NOON + 1, reason="", now=now),
    ):
        read.clear()
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=call)
        thread.start()
        assert not read.wait(0.1)
        other.execute("ROLLBACK")
        thread.join()
        assert read.is_set()
    other.close()


def test_days_before_are_kept_while_they_may_be_wanted(opened: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(requests, "MOST_PAST_REQUESTS", 5)
    for second in range(8):
        assert ask(opened, NOON + second, day=20)
    assert rows(folder, "request") == 8, "all of today"
    assert ask(opened, NOON + DAY, day=20)
    assert rows(folder, "request") == 5
    assert ask(opened, NOON + 10, day=20), "the clock is set back"
    assert opened.usage("a", NOON + 10).day == 6


def test_accounts_that_are_used_no_more_are_forgotten(opened: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(requests, "MOST_ACCOUNTS", 2)
    for second, account in enumerate(("a", "b", "a", "c")):
        assert ask(opened, NOON + second, account=account)
    assert [opened.usage(account, NOON + 5).day for account in ("a", "b", "c")] == [2, 0, 1]
    assert rows(folder, "account") == 2


# ------------------------------------------------------------------------------------------------ statuses


def test_a_status_is_known_for_as_long_as_it_was_told(opened: Ledger, folder: Path) -> None:
    opened.set_status("p", "m", "rate_limited", reason="upstream", until=NOON + 10, now=NOON)
    opened.set_status("p", "m", "gone", reason="404", until=NOON + 20, now=NOON)
    opened.set_status("q", "m", "active", reason="answered", until=NOON + 5, now=NOON)
    with Ledger.open(folder) as other:
        assert other.statuses(NOON + 4) == {
            ("p", "m"): StoredStatus("gone", "404", NOON + 20),
            ("q", "m"): StoredStatus("active", "answered", NOON + 5),
        }
        assert set(other.statuses(NOON + 5)) == {("p", "m")}
    opened.clear_status("p", "m")
    assert set(opened.statuses(NOON)) == {("q", "m")}
    assert opened.statuses(NOON + 20) == {}


# ------------------------------------------------------------------------------------------------ consent

PATHS = st.binary(min_size=1).filter(lambda name: b"\0" not in name).map(lambda name: Path("/w") / os.fsdecode(name))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PATHS, st.text(st.characters(codec="utf-8")), st.sampled_from(["allow", "deny"]), st.none() | st.just("ab"))
def test_consent_comes_back_as_it_was(
    opened: Ledger, workspace: Path, destination: str, data_collection: str, digest: str | None
) -> None:
    opened.give_consent(
        workspace, destination=destination, data_collection=data_collection, registry_digest=digest, now=NOON
    )
    given_consent = StoredConsent(workspace, destination, data_collection, digest, NOON)
    assert opened.consent(workspace) == given_consent
    assert given_consent in opened.consents()
    opened.withdraw_consent(workspace)
    assert opened.consent(workspace) is None


def test_consent_is_for_one_workspace_and_the_last_counts(opened: Ledger) -> None:
    opened.give_consent(WORKSPACE, destination="a.example", data_collection="deny", now=NOON)
    opened.give_consent(WORKSPACE, destination="b.example", data_collection="allow", now=NOON + 1)
    assert opened.consents() == [StoredConsent(WORKSPACE, "b.example", "allow", None, NOON + 1)]
    for other in (WORKSPACE.parent, WORKSPACE / "inner", Path("/work/shop2")):
        assert opened.consent(other) is None
        opened.withdraw_consent(other)
    assert opened.consent(WORKSPACE) is not None


# ------------------------------------------------------------------------------------------------ uses

COUNTS = st.integers(0, 2**40)
USES = st.builds(
    ModelUse,
    model=st.text(st.characters(codec="utf-8")), provider=st.text(st.characters(codec="utf-8")),
    requests=COUNTS, answers=COUNTS, prompt_tokens=COUNTS, completion_tokens=COUNTS,
    cost=st.floats(0, 1e6), seconds=st.floats(0, 1e6), retries=COUNTS,
    faults=st.dictionaries(st.sampled_from(["down", "gone"]), COUNTS),
    breaker=st.lists(st.sampled_from(["open", "half-open", "closed"])).map(tuple),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.uuids().map(str), USES)
def test_uses_come_back_as_they_were(opened: Ledger, run: str, use: ModelUse) -> None:
    opened.add_use(run, [use], when=NOON)
    assert StoredUse(run, NOON, use) in opened.uses(NOON)


def test_uses_are_told_by_time_and_once_for_each_run_and_model(opened: Ledger) -> None:
    one, other = ModelUse("m", "p", requests=1), ModelUse("m", "q", requests=2)
    opened.add_use("second", [one, other], when=NOON + 1)
    opened.add_use("first", [one], when=NOON)
    opened.add_use("first", [ModelUse("m", "p", requests=9)], when=NOON)
    opened.add_use("none", [], when=NOON)
    assert opened.uses(NOON) == [
        StoredUse("first", NOON, ModelUse("m", "p", requests=9)),
        StoredUse("second", NOON + 1, one),
        StoredUse("second", NOON + 1, other),
    ]
    assert len(opened.uses(NOON + 1)) == 2
    assert opened.uses(NOON + 2) == []


def test_the_oldest_go_when_there_are_too_many(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_STATUSES", "MOST_CONSENTS", "MOST_USES"):
        monkeypatch.setattr(ledger, name, 2)
    for number in range(4):
        when = NOON + number
        opened.set_status("p", str(number), "gone", reason="", until=when + DAY, now=when)
        opened.give_consent(WORKSPACE / str(number), destination="", data_collection="", now=when)
        opened.add_use(str(number), [ModelUse("m", "p")], when=when)
    assert set(opened.statuses(NOON)) == {("p", "2"), ("p", "3")}
    assert [consent.workspace.name for consent in opened.consents()] == ["2", "3"]
    assert [use.run for use in opened.uses(0)] == ["2", "3"]


def test_the_bounds_are_those_that_are_promised() -> None:
    assert (requests.MOST_PAST_REQUESTS, requests.MOST_ACCOUNTS) == (2000, 100)
    assert (ledger.MOST_STATUSES, ledger.MOST_CONSENTS, ledger.MOST_USES) == (1000, 1000, 10_000)


# ------------------------------------------------------------------------------------------------ the file


def test_all_outlives_the_process_and_nobody_else_can_read_it(opened: Ledger, folder: Path) -> None:
    assert ask(opened, NOON)
    opened.give_consent(WORKSPACE, destination="a", data_collection="deny", now=NOON)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {LEDGER: 0o600, f"{LEDGER}-wal": 0o600, f"{LEDGER}-shm": 0o600}
    opened.close()
    opened.close()
    with Ledger.open(folder) as again:
        assert again.usage("a", NOON).day == 1
        assert again.consent(WORKSPACE) is not None
        assert again.notes == ()
    with pytest.raises(ValueError, match="closed"):
        opened.usage("a", NOON)


def test_what_is_granted_is_on_the_disk(opened: Ledger) -> None:
    assert opened._database._connection is not None
    assert opened._database._connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_half_a_character_of_a_provider_is_no_damage(opened: Ledger) -> None:
    opened.give_consent(WORKSPACE, destination="a", data_collection="deny", now=NOON)
    opened.close_account("a", until=NOON + 9, reason="No\ud800.", now=lambda: NOON)
    opened.set_status("p", "m\ud800", "gone", reason="404\ud800", until=NOON + 9, now=NOON)
    use = ModelUse("m\ud800", "p", faults={"\ud800": 1})
    opened.add_use("run", [use], when=NOON)
    assert opened.usage("a", NOON).reason == "No?."
    assert opened.statuses(NOON) == {("p", "m?"): StoredStatus("gone", "404?", NOON + 9)}
    assert opened.uses(NOON) == [StoredUse("run", NOON, use)]
    with pytest.raises(WriteFailure, match="surrogates not allowed"):
        ask(opened, NOON, account="\ud800")
    opened.clear_status("p", "m\ud800")
    assert opened.statuses(NOON) == {}
    assert opened.consent(WORKSPACE) is not None
    assert opened.notes == ()


def test_store_and_ledger_are_files_of_their_own(opened: Ledger, folder: Path) -> None:
    opened.give_consent(WORKSPACE, destination="a", data_collection="deny", now=NOON)
    with Store.open(folder) as store:
        store.save_report(WORKSPACE / "cart.py", None, "{}", None)
        opened.close()
        (folder / LEDGER).write_bytes(b"garbage" * 1000)
        with Ledger.open(folder) as again:
            assert again.consent(WORKSPACE) is None
            assert len(again.notes) == 1
        assert store.last_report() is not None
        assert store.notes == ()


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE consent",
        "ALTER TABLE request RENAME COLUMN at TO other",
        "UPDATE use SET account = '{'",
        "UPDATE use SET account = '{}'",
        "UPDATE use SET account = '[]'",
        """UPDATE use SET account = '{"breaker": [], "colour": 1}'""",
    ],
)
def test_after_damage_consent_is_asked_for_again(opened: Ledger, folder: Path, damage: str) -> None:
    opened.give_consent(WORKSPACE, destination="a", data_collection="deny", now=NOON)
    opened.add_use("run", [ModelUse("m", "p")], when=NOON)
    connection = sqlite3.connect(folder / LEDGER)
    connection.execute(damage)
    connection.commit()
    connection.close()
    opened.uses(0)
    assert ask(opened, NOON)
    assert opened.consent(WORKSPACE) is None
    (note,) = opened.notes
    assert note.startswith("What was known of models and their accounts is damaged (")
    assert note.endswith(f"so it was set aside as {folder / (LEDGER + ASIDE)} and is begun anew.")


def test_a_disk_that_is_full_grants_nothing(opened: Ledger) -> None:
    connection = opened._database._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(2000):
        try:
            assert ask(opened, NOON)
        except WriteFailure as failure:
            assert "What is known of models and their accounts" in failure.message  # noqa: PT017 - after some calls
            assert opened.usage("a", NOON).day == number
            return
    pytest.fail("the disk is not full")


def test_a_ledger_that_another_holds_too_long_grants_nothing(
    opened: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.close()
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(folder / LEDGER)
    other.execute("BEGIN IMMEDIATE")
    with Ledger.open(folder) as again:
        with pytest.raises(WriteFailure, match="database is locked"):
            ask(again, NOON, day=1)
        other.rollback()
        assert [ask(again, NOON, day=1) for _ in range(2)] == [True, False]
    other.close()
