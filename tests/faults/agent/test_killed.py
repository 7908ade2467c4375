"""``kill -9`` of the command line with an agent at work: what is left goes with the next start, and the run is listed."""

from __future__ import annotations

import ast
import secrets
import time
from pathlib import Path
from typing import Any

import pytest
from agent_site import TEST_PATH, WAIT, Site, door
from docker_engine import OwnEngine
from fake_agent import alive
from scripted_agent import reply_of
from served_provider import served_provider
from shell_agent import ENDS, WORKS

from ..conftest import Bench  # noqa: TID252 - one suite with the folder above
from .conftest import NOWHERE, made_agents
from .test_cancelled import MODEL, Stubborn

BUDGET = 120
WITH_TESTS = ("agent", "verify", "write")


@pytest.fixture
def street(bench: Bench) -> Bench:
    """The command line over a door, with a model that nobody asks."""
    Site.made(bench.workspace)
    bench.environment |= {"TESTWRIGHT_PREFERRED_MODEL": MODEL, "TESTWRIGHT_MODEL_BASE_URL": NOWHERE}
    return bench


def killed_at(bench: Bench, words: str, *arguments: str) -> None:
    """Start a run, and kill it with SIGKILL when one of its events has these words."""
    process = bench.start("door.py", "--events", *arguments, budget=BUDGET)
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            process.kill()
            process.communicate(timeout=30)
            return
    pytest.fail(f"the run ended before {words}: {process.communicate()}")


def is_listed(bench: Bench, phase: str) -> None:
    """The run is told of with what it had proven, and that is a whole file."""
    (run,) = bench.told("runs")["runs"]
    assert (run["phase"], run["path"]) == (phase, str(bench.workspace / "door.py"))
    if phase not in WITH_TESTS:
        assert (run["tests"], run["proposal"]) == (0, None)
        return
    names = [node for node in ast.parse(Path(run["proposal"]).read_text("utf-8")).body if hasattr(node, "name")]
    assert len(names) == run["tests"] > 0


def written_by_the_next_run(bench: Bench) -> None:
    """The next run does its job, tells of the one before, and leaves nothing."""
    ended = bench.generate("door.py", "--engine", "embedded", budget=BUDGET)
    assert ended.code == 0, ended.stderr
    assert any("was cut off" in note for note in ended.report["notes"])
    assert (bench.workspace / TEST_PATH).is_file()
    assert bench.told("runs") == {"runs": []}
    assert bench.scratch() == []


def soon(check: Any) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + WAIT
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.parametrize(
    ("phase", "words", "note"),
    [
        ("explore", '"phase":"explore"', ""),
        ("agent", WORKS, ""),
        ("verify", '"phase":"verify"', f"\n\n{ENDS}\n"),
    ],
    ids=["while it gets ready", "in its round", "after it"],
)
def test_what_a_killed_run_leaves_in_an_engine_the_doctor_removes(
    street: Bench, engine: OwnEngine, phase: str, words: str, note: str
) -> None:
    street.environment["DOCKER_HOST"] = engine.host
    street.write("door.py", door(note))
    before = street.digests()
    killed_at(street, words, "--agent-box", "docker")
    assert street.digests() == before
    assert (len(engine.docker("ps", "--quiet").split()) == 1) or phase != "agent"
    is_listed(street, phase)
    findings = street.told("doctor")["findings"]
    assert any(one["name"] == "docker" and one["state"] == "ok" for one in findings), findings
    assert engine.docker("ps", "--all", "--quiet") == ""
    soon(lambda: street.left_behind() == [])
    assert street.digests() == before
    written_by_the_next_run(street)


@pytest.mark.docker
@pytest.mark.root
def test_what_a_killed_run_leaves_in_an_engine_the_next_run_removes(street: Bench, engine: OwnEngine) -> None:
    street.environment["DOCKER_HOST"] = engine.host
    killed_at(street, WORKS, "--agent-box", "docker", "--engine", "openhands")
    (container,) = engine.docker("ps", "--quiet").split()
    assert container
    written_by_the_next_run(street)
    assert engine.docker("ps", "--all", "--quiet") == ""


@pytest.mark.agent
def test_what_a_killed_run_leaves_in_bubblewrap_ends_with_it(street: Bench) -> None:
    """Whatever it does: a namespace ends with the process that holds it."""
    (Path(street.environment["TESTWRIGHT_CACHE_DIR"])).mkdir()
    agents = Path(street.environment["TESTWRIGHT_CACHE_DIR"], "agents")
    agents.symlink_to(made_agents("pinned") / "agents", target_is_directory=True)
    token = f"98765{secrets.randbelow(10**9):09}"
    before = street.digests()
    with served_provider() as server:
        street.environment["TESTWRIGHT_MODEL_BASE_URL"] = server.base_url
        server.always(MODEL, reply_of(Stubborn(TEST_PATH, token=token)))
        killed_at(street, "step 1: running", "--agent-box", "bubblewrap")
    soon(lambda: alive(token) == [])
    soon(lambda: street.left_behind() == [])
    assert street.digests() == before
    is_listed(street, "agent")
    written_by_the_next_run(street)
