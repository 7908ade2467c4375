"""Runs that were cut off are listed with what they had proven, and can be forgotten."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from testwright.boxes.docker.labels import boot, host_name
from testwright.boxes.launcher import processes
from testwright.store.runs import RunNote, RunNotes

GONE, CRASHED = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def noted(state: Path, run: str = GONE, *, process: str = "1:1", boot_id: str | None = None, **values: Any) -> RunNote:
    """A note of a run whose process has gone, unless it says otherwise: no process has this number and start."""
    workspace = state.parent / "shop"
    note = RunNote(
        **{
            "id": run,
            "process": process,
            "host": host_name(),
            "boot": boot() if boot_id is None else boot_id,
            "began": 1_000_000_000.0,
            "workspace": workspace,
            "path": workspace / "cart.py",
            "symbol": None,
            "test_file": workspace / "tests" / "test_cart.py",
            "phase": "explore",
            **values,
        }
    )
    state.mkdir(exist_ok=True)
    with RunNotes(state) as notes:
        notes.put(note)
    return note


def proposal(state: Path) -> Path:
    path = state / "proposals" / "ab-test_cart.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("def test_total():\n    assert True\n")
    return path


def test_there_is_none(testwright: Any, state: Path) -> None:
    outcome = testwright("runs")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "No run was cut off.\n", "")
    assert json.loads(testwright("runs", "--json").stdout) == {"runs": []}
    assert testwright("runs", "--forget", "all").stdout == "No run was cut off, so there is nothing to forget.\n"


def test_what_a_person_sees(testwright: Any, state: Path) -> None:
    saved = proposal(state)
    noted(state, symbol="Cart.total", phase="agent", tests=12, covered=78.57, proposal=saved)
    outcome = testwright("runs")
    assert outcome.code == 0
    lines = [line.strip() for line in outcome.stdout.splitlines()]
    assert lines[0] == f"shop/cart.py::Cart.total  cut off  {GONE}"
    told = {line[:12].strip(): line[12:] for line in lines[1:6]}
    assert told["Began"].endswith("cut off in the phase agent")
    assert told["Proven"] == "12 tests, 78.6 % covered with them"
    assert told["Saved in"] == str(saved)
    assert told["Again"] == "testwright generate shop/cart.py::Cart.total"
    assert "as it was, or whole" in told["Test file"]
    assert "--forget ID" in lines[-1]
    assert "\x1b" not in outcome.stdout


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"tests": 0}, "no test yet"),
        ({"tests": 1, "covered": None}, "1 test"),
        ({"tests": 1, "covered": 50.0}, "1 test, 50.0 % covered with it"),
    ],
)
def test_how_much_it_had_proven(testwright: Any, state: Path, values: dict[str, Any], words: str) -> None:
    noted(state, **values)
    (line,) = [line for line in testwright("runs").stdout.splitlines() if line.strip().startswith("Proven")]
    assert line.split(maxsplit=1)[1] == words


def test_as_json(testwright: Any, state: Path) -> None:
    saved = proposal(state)
    note = noted(state, phase="verify", tests=3, covered=90.0, proposal=saved)
    (run,) = json.loads(testwright("runs", "--json").stdout)["runs"]
    assert run == {
        "id": GONE,
        "began": 1_000_000_000.0,
        "workspace": str(note.workspace),
        "path": str(note.path),
        "symbol": None,
        "test_file": str(note.test_file),
        "phase": "verify",
        "tests": 3,
        "covered": 90.0,
        "proposal": str(saved),
    }


def test_a_file_that_has_gone_is_not_promised(testwright: Any, state: Path) -> None:
    saved = proposal(state)
    noted(state, tests=3, proposal=saved)
    saved.unlink()
    assert f"{saved}, which has gone since" in testwright("runs").stdout
    (run,) = json.loads(testwright("runs", "--json").stdout)["runs"]
    assert run["proposal"] is None


def test_a_run_that_goes_on_is_not_among_them_and_cannot_be_forgotten(testwright: Any, state: Path) -> None:
    mine = f"{os.getpid()}:{processes.start_time(os.getpid())}"
    noted(state, process=mine)
    noted(state, CRASHED, process=mine, boot_id="another", began=1.0)
    assert [run["id"] for run in json.loads(testwright("runs", "--json").stdout)["runs"]] == [CRASHED]
    assert testwright("runs", "--forget", GONE).code == 2
    testwright("runs", "--forget", "all")
    with RunNotes(state) as notes:
        assert [note.id for note in notes.all()] == [GONE]


@pytest.mark.parametrize(("named", "left"), [(GONE, [CRASHED]), ("all", [])])
def test_forgetting(testwright: Any, state: Path, named: str, left: list[str]) -> None:
    saved = proposal(state)
    noted(state, tests=3, proposal=saved)
    noted(state, CRASHED, began=1.0)
    outcome = testwright("runs", "--forget", named)
    assert outcome.code == 0
    first, *rest = outcome.stdout.splitlines()
    assert first == f"Forgotten: {GONE}, shop/cart.py; what it had proven stays in {saved}"
    assert rest == ([f"Forgotten: {CRASHED}, shop/cart.py"] if named == "all" else [])
    assert [run["id"] for run in json.loads(testwright("runs", "--json").stdout)["runs"]] == left
    assert saved.exists()


def test_forgetting_as_json(testwright: Any, state: Path) -> None:
    noted(state)
    forgotten = json.loads(testwright("runs", "--forget", GONE, "--json").stdout)["forgotten"]
    assert [run["id"] for run in forgotten] == [GONE]


def test_a_run_that_is_not_there(testwright: Any, state: Path) -> None:
    noted(state)
    outcome = testwright("runs", "--forget", "abc")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert "No run that was cut off has the id abc." in outcome.stderr
    assert "testwright runs" in outcome.stderr


def test_a_state_folder_that_cannot_be_used_is_a_sentence(testwright: Any, state: Path) -> None:
    state.write_text("no folder")
    outcome = testwright("runs")
    assert outcome.code == 3
    assert str(state) in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_the_command_is_in_the_help(testwright: Any) -> None:
    assert "Tell which runs were cut off" in testwright("--help").stdout
    assert "--forget ID|all" in testwright("runs", "--help").stdout
