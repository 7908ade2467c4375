"""What is kept of earlier runs: it comes back as it was, stays small, and is never the reason that something fails."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testwright.errors import WriteFailure
from testwright.housekeeping import ASIDE, DATABASE_PARTS, STORE
from testwright.model import CoverageSets
from testwright.store import CoverageRecord, Store, StoredReport, database, results

STORE_ASIDE = STORE + ASIDE
MODULE = Path("/work/shop/cart.py")
SETS = CoverageSets(frozenset({1, 2, 3}), frozenset({1, 3}), frozenset({(2, 3), (2, -1)}), frozenset({(2, 3)}))


def record(path: Path = MODULE, *, source: str = "x = 1\n", when: float = 5.0, tests: int = 3) -> CoverageRecord:
    return CoverageRecord(path=path, source=source, sets=SETS, tests=tests, failed=1, when=when, test_digest="ab")


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder) as opened:
        yield opened


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


LINES = st.frozensets(st.integers(1, 10_000))
BRANCHES = st.frozensets(st.tuples(st.integers(-500, 500), st.integers(-500, 500)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(CoverageSets, LINES, LINES, BRANCHES, BRANCHES),
    st.text(st.characters(codec=None)),  # half characters too
    st.binary(min_size=1).filter(lambda name: b"\0" not in name),
    st.one_of(st.none(), st.just(""), st.text("0123456789abcdef", min_size=64, max_size=64)),
)
def test_coverage_comes_back_as_it_was(
    store: Store, sets: CoverageSets, source: str, name: bytes, test_digest: str | None
) -> None:
    path = Path("/work") / os.fsdecode(name)
    saved = CoverageRecord(
        path=path, source=source, sets=sets, tests=7, failed=2, when=1764262007.25, test_digest=test_digest
    )
    store.save_coverage(saved)
    assert store.coverage(path) == saved
    assert saved.digest == hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def test_what_is_not_known_is_none(store: Store) -> None:
    assert store.coverage(MODULE) is None
    assert store.last_report() is None
    assert store.last_report(MODULE) is None


def test_what_is_forgotten_is_gone_and_nothing_else(store: Store) -> None:
    other = MODULE.with_name("tax.py")
    store.save_coverage(record(tests=3))
    store.save_coverage(record(other, tests=5))
    store.forget_coverage(MODULE)
    store.forget_coverage(MODULE)
    assert store.coverage(MODULE) is None
    assert store.coverage(other) is not None


def test_what_was_measured_after_a_time(store: Store) -> None:
    first, second, odd = Path("/w/a.py"), Path("/w/b.py"), Path("/w/\udcff.py")
    assert store.coverage_times() == {}
    for path, when in ((first, 5.0), (second, 6.5), (odd, 7.0)):
        store.save_coverage(record(path, when=when))
    assert store.coverage_times() == {first: 5.0, second: 6.5, odd: 7.0}
    assert store.coverage_times(5.0) == {second: 6.5, odd: 7.0}
    assert store.coverage_times(7.0) == {}
    store.save_coverage(record(first, when=8.0))
    assert store.coverage_times(7.0) == {first: 8.0}


def test_the_last_of_a_module_counts_and_outlives_the_process(store: Store, folder: Path) -> None:
    store.save_coverage(record(tests=3))
    store.save_coverage(record(tests=4))
    store.save_coverage(record(MODULE.with_name("tax.py"), tests=5))
    store.close()
    with Store.open(folder) as again:
        assert again.coverage(MODULE) == record(tests=4)
        assert again.notes == ()


def test_reports_are_found_by_module_and_by_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 20.0, 30.0])
    monkeypatch.setattr("testwright.store.results.time.time", lambda: next(clock))
    other = MODULE.with_name("tax.py")
    tests = Path("/work/tests/test_cart.py")
    store.save_report(MODULE, None, '{"status": "written"}', tests)
    store.save_report(other, "rate", '{"status": "failed", "word": "\ud800"}', None)
    cart = StoredReport(path=MODULE, symbol=None, report='{"status": "written"}', test_file=tests, when=10.0)
    tax = StoredReport(
        path=other, symbol="rate", report='{"status": "failed", "word": "\ud800"}', test_file=None, when=20.0
    )
    assert store.last_report(MODULE) == cart
    assert store.last_report(other) == tax
    assert store.last_report(tests) == cart
    assert store.last_report() == tax
    store.save_report(MODULE, "Cart", "{}", tests)
    newest = StoredReport(path=MODULE, symbol="Cart", report="{}", test_file=tests, when=30.0)
    assert store.last_report(MODULE) == newest
    assert store.last_report() == newest


def test_of_two_reports_at_the_same_time_the_second_is_the_last(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("testwright.store.results.time.time", lambda: 1.0)
    for name in ("b.py", "c.py", "a.py"):
        store.save_report(MODULE.with_name(name), None, name, None)
    last = store.last_report()
    assert last is not None
    assert last.report == "a.py"


def test_the_oldest_go_when_there_are_too_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MOST_MODULES", 3)
    monkeypatch.setattr(results, "MOST_REPORTS", 2)
    paths = [MODULE.with_name(f"m{number}.py") for number in range(5)]
    for number, path in enumerate(paths):
        store.save_coverage(record(path, when=100.0 - number if number < 2 else 200.0))
        store.save_report(path, None, str(number), None)
    assert [store.coverage(path) is not None for path in paths] == [False, False, True, True, True]
    assert [store.last_report(path) is not None for path in paths] == [False, False, False, True, True]


def test_the_bounds_are_those_that_are_promised() -> None:
    assert (results.MOST_MODULES, results.MOST_REPORTS) == (2000, 500)


def test_sources_are_kept_compressed(store: Store, folder: Path) -> None:
    source = "def run(text):\n    return text\n" * 10_000
    store.save_coverage(record(source=source))
    store.close()
    assert (folder / STORE).stat().st_size < len(source) / 3


def test_nobody_else_can_read_it(folder: Path) -> None:
    before = os.umask(0)
    try:
        with Store.open(folder) as store:
            store.save_coverage(record())
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert modes == {STORE: 0o600, f"{STORE}-wal": 0o600, f"{STORE}-shm": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / STORE).chmod(0o644)
    with Store.open(folder):
        assert stat.S_IMODE((folder / STORE).stat().st_mode) == 0o600


# ------------------------------------------------------------------------------------------------ damage


def test_a_store_of_another_version_is_set_aside_whole(store: Store, folder: Path) -> None:
    store.save_coverage(record())
    store.close()
    with sqlite3.connect(folder / STORE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with Store.open(folder) as fresh:
        assert fresh.coverage(MODULE) is None
        (note,) = fresh.notes
        assert "is of another version of Testwright (99), so it was set aside" in note
        assert str(folder / STORE_ASIDE) in note
        fresh.save_coverage(record(tests=9))
    aside = sqlite3.connect(folder / STORE_ASIDE)
    assert aside.execute("SELECT count(*) FROM coverage").fetchone() == (1,)
    aside.close()
    with Store.open(folder) as again:
        assert again.coverage(MODULE) == record(tests=9)
        assert again.notes == ()


def test_a_database_of_somebody_else_is_set_aside(folder: Path) -> None:
    folder.mkdir()
    with sqlite3.connect(folder / STORE) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with Store.open(folder) as store:
        assert len(store.notes) == 1
        store.save_coverage(record())
        assert store.coverage(MODULE) == record()


def test_something_that_is_no_database_is_set_aside(folder: Path) -> None:
    folder.mkdir()
    (folder / STORE).write_bytes(b"not a database at all, " * 100)
    (folder / f"{STORE}-wal").write_bytes(b"nor this")
    for part in DATABASE_PARTS:
        (folder / (STORE_ASIDE + part)).write_bytes(b"of an earlier time")
    with Store.open(folder) as store:
        assert "is damaged (file is not a database)" in store.notes[0]
        store.save_coverage(record())
        assert store.coverage(MODULE) == record()
        assert names(folder) <= {name + part for name in (STORE, STORE_ASIDE) for part in DATABASE_PARTS}
    assert (folder / STORE_ASIDE).read_bytes().startswith(b"not a database")
    assert not [name for name in names(folder) if (folder / name).read_bytes() == b"of an earlier time"]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_something_that_is_no_file_is_set_aside(folder: Path, tmp_path: Path, kind: str) -> None:
    folder.mkdir()
    precious = tmp_path / "precious"
    precious.write_bytes(b"")
    if kind == "link":
        (folder / STORE).symlink_to(precious)
    elif kind == "folder":
        (folder / STORE).mkdir()
    else:
        os.mkfifo(folder / STORE)
    with Store.open(folder) as store:
        assert "is no regular file" in store.notes[0]
        store.save_coverage(record())
        assert store.coverage(MODULE) == record()
    assert precious.read_bytes() == b""


def test_an_empty_file_is_a_new_store(folder: Path) -> None:
    folder.mkdir()
    (folder / STORE).touch()
    with Store.open(folder) as store:
        assert store.notes == ()


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE coverage",
        "ALTER TABLE coverage RENAME COLUMN sets TO other",
        "UPDATE coverage SET sets = x'00'",
        "UPDATE coverage SET source = x'789c03000000000001'",
        "UPDATE coverage SET digest = 'other'",
        "UPDATE coverage SET sets = (SELECT report FROM report)",
    ],
)
def test_what_does_not_come_back_as_it_was_is_damage(store: Store, folder: Path, damage: str) -> None:
    store.save_coverage(record())
    store.save_report(MODULE, None, "{}", None)
    with sqlite3.connect(folder / STORE) as connection:
        connection.execute(damage)
    connection.close()
    assert store.coverage(MODULE) is None
    (note,) = store.notes
    assert "is damaged (" in note
    store.save_coverage(record())
    assert store.coverage(MODULE) == record()
    assert len(store.notes) == 1


def test_pages_that_are_overwritten_are_damage(store: Store, folder: Path) -> None:
    for number in range(200):
        store.save_coverage(record(MODULE.with_name(f"m{number}.py"), source=os.urandom(2000).hex()))
    store.close()
    data = bytearray((folder / STORE).read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    (folder / STORE).write_bytes(data)
    with Store.open(folder) as again:
        assert again.coverage(MODULE.with_name("m7.py")) is None
        again.save_coverage(record())
        assert again.coverage(MODULE) == record()
        assert "is damaged" in again.notes[0]


# ------------------------------------------------------------------------------------------------ failures


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailure, match=r"What is kept of earlier runs, .*store\.sqlite3, could not") as caught:
        Store.open(tmp_path / "file" / "state")
    assert caught.value.message.endswith(": Not a directory.")
    assert "TESTWRIGHT_STATE_DIR" in caught.value.next_step


def test_a_store_that_another_holds_too_long_is_told_and_kept(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_coverage(record())
    store.close()
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(folder / STORE)
    other.execute("BEGIN IMMEDIATE")
    with Store.open(folder) as again:
        assert again.coverage(MODULE) == record()  # who reads waits for nobody
        with pytest.raises(WriteFailure, match="database is locked"):
            again.save_coverage(record(tests=8))
        other.rollback()
        again.save_coverage(record(tests=8))
        assert again.coverage(MODULE) == record(tests=8)
        assert again.notes == ()
    other.close()


def test_a_store_that_others_make_all_the_time_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    folder.mkdir()
    with database.held(folder), pytest.raises(WriteFailure, match="another process holds it"):
        Store.open(folder)
    Store.open(folder).close()


def test_a_full_disk_is_told_and_what_was_there_stays(store: Store, folder: Path) -> None:
    store.save_coverage(record())
    assert store._database._connection is not None
    (pages,) = store._database._connection.execute("PRAGMA page_count").fetchone()
    store._database._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(WriteFailure, match="full"):
        store.save_coverage(record(MODULE.with_name("large.py"), source=os.urandom(100_000).hex()))
    assert store.coverage(MODULE) == record()
    assert store.notes == ()


def test_a_closed_store_is_not_opened_again(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(ValueError, match="closed"):
        store.coverage(MODULE)


# ------------------------------------------------------------------------------------------------ several at once


@pytest.mark.parametrize("how", ["the file", "the folder"])
def test_a_store_that_is_removed_meanwhile_begins_anew(store: Store, folder: Path, how: str) -> None:
    store.save_coverage(record())
    for name in names(folder):
        (folder / name).unlink()
    if how == "the folder":
        folder.rmdir()
    assert store.coverage(MODULE) is None
    store.save_coverage(record(tests=2))
    with Store.open(folder) as other:
        assert other.coverage(MODULE) == record(tests=2)
    assert store.notes == ()


def test_a_store_that_another_process_set_aside_is_left(store: Store, folder: Path) -> None:
    store.save_coverage(record())
    (folder / STORE).rename(folder / STORE_ASIDE)
    with Store.open(folder) as other:
        other.save_coverage(record(tests=6))
        assert store.coverage(MODULE) == record(tests=6)


def test_a_damaged_store_is_set_aside_once(store: Store, folder: Path) -> None:
    """Two processes meet the damage; the second finds what the first has begun."""
    with Store.open(folder) as other:
        for one in (store, other):
            one.save_coverage(record())
        with sqlite3.connect(folder / STORE) as connection:
            connection.execute("UPDATE coverage SET digest = 'other'")
        connection.close()
        assert store.coverage(MODULE) is None
        store.save_coverage(record(tests=6))
        assert other.coverage(MODULE) == record(tests=6)
        assert (len(store.notes), len(other.notes)) == (1, 0)


def test_a_store_that_another_process_renewed_in_the_same_moment_is_not_set_aside(store: Store, folder: Path) -> None:
    calls: list[sqlite3.Connection] = []

    def work(connection: sqlite3.Connection) -> None:
        calls.append(connection)
        if len(calls) == 1:
            (folder / STORE).rename(folder / STORE_ASIDE)
            with Store.open(folder) as other:
                other.save_coverage(record(tests=6))
            raise ValueError("damaged")

    store._database.write(work)
    assert len(calls) == 2
    assert store.coverage(MODULE) == record(tests=6)
    assert store.notes == ()


def test_what_is_damaged_again_and_again_is_told(store: Store) -> None:
    def work(_connection: sqlite3.Connection) -> None:
        raise ValueError("no good")

    with pytest.raises(WriteFailure, match=r"could not be read or written: no good\."):
        store._database.write(work)


def test_threads_share_a_store(store: Store) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(15):
                path = MODULE.with_name(f"m{number}.py")
                store.save_coverage(record(path, tests=turn))
                store.save_report(path, None, str(turn), None)
                found = store.coverage(path)
                assert found is not None
                assert found.tests == turn
        except BaseException as failure:  # noqa: BLE001 - told below
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(store.last_report(MODULE.with_name(f"m{number}.py")) is not None for number in range(8))


PROGRAM = """
import sys
from pathlib import Path
from testwright.model import CoverageSets
from testwright.store import CoverageRecord, Store

folder, name = Path(sys.argv[1]), sys.argv[2]
with Store.open(folder) as store:
    for number in range(25):
        path = Path(f"/work/{name}_{number}.py")
        store.save_coverage(
            CoverageRecord(path=path, source="x", sets=CoverageSets(), tests=number, failed=0, when=1.0)
        )
        store.save_report(path, None, "{}", None)
    print(len(store.notes))
"""


@pytest.mark.parametrize("found", ["nothing", "another version", "garbage"])
def test_processes_share_a_store(folder: Path, found: str) -> None:
    folder.mkdir()
    if found == "another version":
        with sqlite3.connect(folder / STORE) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    elif found == "garbage":
        (folder / STORE).write_bytes(b"garbage" * 1000)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), f"p{number}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    ended = [(process.communicate(timeout=60), process.returncode) for process in running]
    assert [(error, code) for (_, error), code in ended] == [("", 0)] * 4
    assert sum(int(output) for (output, _), _ in ended) == (found != "nothing")  # set aside once
    with Store.open(folder) as store:
        for number in range(4):
            for turn in range(25):
                path = Path(f"/work/p{number}_{turn}.py")
                coverage = store.coverage(path)
                assert coverage is not None
                assert coverage.tests == turn
                assert store.last_report(path) is not None


KILLED = """
import os, sys
from pathlib import Path
from testwright.store import Store

store = Store.open(Path(sys.argv[1]))
def work(connection):
    connection.execute("UPDATE coverage SET tests = 1000")
    os._exit(9)
store._database.write(work)
"""


def test_a_process_that_is_killed_in_the_middle_leaves_what_was_there(store: Store, folder: Path) -> None:
    store.save_coverage(record())
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert done.returncode == 9
    assert store.coverage(MODULE) == record()
    store.save_coverage(record(tests=4))
    assert store.notes == ()
