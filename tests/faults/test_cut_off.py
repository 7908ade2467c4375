"""A run that is cut off while an agent works: nothing is lost that was proven, and the user is told where it is."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Bench

SUPPORT = Path(__file__).parents[1] / "support"


def digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


MODULE = f"""\
import hashlib


def knock(code: str) -> str:
    word = hashlib.sha256(code.encode()).hexdigest()
    if word == "{digest("sesame")}":
        return "open"
    if word == "{digest("nobody knows this one")}":
        return "ajar"
    return "shut"
"""
"""No search finds the words; the agent knows one of them, so that a line is left for its second round."""
OPENS = "from door import knock\n\n\ndef test_the_right_word_opens():\n    assert knock('sesame') == 'open'\n"


@pytest.fixture
def door(bench: Bench) -> Bench:
    bench.write("door.py", MODULE)
    (bench.private / "agent.py").write_text(OPENS, encoding="utf-8")
    return bench


def begun(door: Bench, *arguments: str) -> subprocess.Popen[str]:
    """A run that has judged its agent's first file, and waits for the second."""
    process = subprocess.Popen(
        [
            *(sys.executable, str(SUPPORT / "acting_cli.py"), str(door.private / "agent.py")),
            *("generate", "door.py", "--budget", "30", *arguments),
        ],
        cwd=door.workspace,
        env={**door.environment, "PYTHONPATH": str(SUPPORT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    door.started.append(process)
    deadline = time.monotonic() + 90
    while not any("sesame" in path.read_text(encoding="utf-8") for path in saved(door)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def saved(door: Bench) -> list[Path]:
    return list((door.private / "state" / "proposals").glob("*-test_door.py"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_cancels_is_told_where_that_is_which_was_proven(door: Bench, number: signal.Signals) -> None:
    before = door.digests()
    process = begun(door)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, "")
    first, *notes = stderr.splitlines()
    assert first == "testwright: Cancelled: nothing was written for door.py."
    (told,) = [note for note in notes if "What was proven until then is saved in" in note]
    assert told.startswith("note  ")
    path = Path(told.partition(" saved in ")[2].removesuffix("."))
    assert "sesame" in path.read_text(encoding="utf-8")
    assert door.digests() == before


def test_a_cancelled_run_says_so_in_its_report(door: Bench) -> None:
    process = begun(door, "--json")
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=30)
    report = json.loads(stdout)
    assert report["status"] == "cancelled"
    (path,) = saved(door)
    assert f"What was proven until then is saved in {path}." in report["notes"]
    assert len(report["notes"]) == len(set(report["notes"]))


def test_a_run_that_is_killed_is_listed_until_it_is_forgotten(door: Bench) -> None:
    before = door.digests()
    process = begun(door)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert door.digests() == before
    (run,) = door.told("runs")["runs"]
    assert run["path"] == str(door.workspace / "door.py")
    assert run["phase"] == "agent"
    assert run["tests"] > 0
    assert "sesame" in Path(run["proposal"]).read_text(encoding="utf-8")
    assert door.told("runs", "--forget", run["id"])["forgotten"] == [run]
    assert door.told("runs")["runs"] == []
    assert Path(run["proposal"]).exists()
    # What the crash has left goes with the next start, as of this command.
    subprocess.run(
        [sys.executable, "-m", "testwright.cli", "clean"],
        cwd=door.workspace,
        env=door.environment,
        capture_output=True,
        check=True,
    )
    assert saved(door) == []
