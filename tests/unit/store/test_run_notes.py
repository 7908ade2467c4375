"""Notes of runs that go on: they come back as they were, whatever process wrote them."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testwright.errors import WriteFailure
from testwright.housekeeping import RUNS
from testwright.store import runs
from testwright.store.runs import RunNote, RunNotes

NOTE = RunNote(
    id="a1",
    process="12:345",
    host="here",
    boot="now",
    began=1764262007.25,
    workspace=Path("/work"),
    path=Path("/work/shop.py"),
    symbol=None,
    test_file=Path("/work/tests/test_shop.py"),
    phase="baseline",
)
PATHS = st.binary(min_size=1).filter(lambda name: b"\0" not in name).map(lambda name: Path("/w") / os.fsdecode(name))
NOTES = st.builds(
    RunNote,
    id=st.text("0123456789abcdef", min_size=1),
    process=st.just("1:2"),
    host=st.just("h"),
    boot=st.just("b"),
    began=st.floats(0, 4e9),
    workspace=PATHS,
    path=PATHS,
    symbol=st.none() | st.just("Cart.total"),
    test_file=PATHS,
    phase=st.sampled_from(["explore", "agent"]),
    tests=st.integers(0, 400),
    covered=st.none() | st.floats(0, 100),
    proposal=st.none() | PATHS,
    told=st.booleans(),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NOTES)
def test_a_note_comes_back_as_it_was(folder: Path, note: RunNote) -> None:
    with RunNotes(folder) as notes:
        notes.put(note)
    with RunNotes(folder) as notes:
        assert note in notes.all()
        assert notes.remove(note.id)
        assert notes.all() == ()


def test_a_run_has_one_note_and_the_newest_comes_first(folder: Path) -> None:
    later = replace(NOTE, id="b2", began=NOTE.began + 1)
    further = replace(NOTE, phase="agent", tests=4, covered=87.5, proposal=Path("/state/p.py"))
    with RunNotes(folder) as mine, RunNotes(folder) as others:
        mine.put(NOTE)
        others.put(later)
        mine.put(further)
        assert others.all() == (later, further)
        assert not mine.remove("zz")
        assert mine.remove(later.id)
        assert others.all() == (further,)
    assert stat.S_IMODE((folder / RUNS).stat().st_mode) == 0o600


def test_what_was_told_is_kept_until_the_run_is_noted_anew(folder: Path) -> None:
    other = replace(NOTE, id="b2")
    with RunNotes(folder) as notes:
        notes.put(NOTE)
        notes.put(other)
        notes.tell(NOTE.id)
        notes.tell("zz")
    with RunNotes(folder) as notes:
        assert {note.id: note.told for note in notes.all()} == {NOTE.id: True, other.id: False}


def test_there_are_never_more_than_so_many(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_RUNS", 3)
    with RunNotes(folder) as notes:
        for number in range(5):
            notes.put(replace(NOTE, id=str(number), began=float(number)))
        assert [note.id for note in notes.all()] == ["4", "3", "2"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with RunNotes(tmp_path / "file" / "state") as notes, pytest.raises(WriteFailure, match=r"runs\.sqlite3"):
        notes.put(NOTE)
