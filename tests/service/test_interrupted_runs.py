"""Runs that are killed: nothing half written, nothing left running, and listed with what they had proven."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from acted_agent import ActedAgents

from testwright.boxes.docker.reaping import reap_all
from testwright.boxes.reaping import Registry
from testwright.service import UnitTestGenerationService
from testwright.service.interrupted import InterruptedRun, forget_run, interrupted_runs

from .test_agent_runs import MODULE, OPENS

if TYPE_CHECKING:
    from .conftest import Project

SUPPORT = Path(__file__).parents[1] / "support"
BEFORE_ANY_TEST = ("prepare", "baseline", "explore", "judge")
WITH_TESTS = ("agent", "verify", "write")


@pytest.fixture
def door(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project, and a variable by which all processes of its runs are known."""
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(project.state))
    project.write("door.py", MODULE)
    yield project
    assert processes_of(project) == []
    assert tmp_path.exists()


def processes_of(project: Project) -> list[str]:
    """Command lines of processes that still know the project's state folder, other than this one."""
    marker = str(project.state).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables, command = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if marker in variables or marker in command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def killed_at(project: Project, phase: str) -> None:
    """Begin a run in a process of its own, and kill that with SIGKILL when the phase has begun."""
    (project.state.parent / "agent.py").write_text(OPENS, encoding="utf-8")
    process = subprocess.Popen(
        [
            *(sys.executable, str(SUPPORT / "killed_run.py"), str(project.workspace), "door.py", phase),
            str(project.state.parent / "agent.py"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SUPPORT)},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
    finally:
        process.kill()
        _, errors = process.communicate(timeout=30)
    assert line == f"{phase}\n", errors


def only(runs: tuple[InterruptedRun, ...]) -> InterruptedRun:
    (run,) = runs
    return run


@pytest.mark.parametrize("phase", [*BEFORE_ANY_TEST, *WITH_TESTS])
async def test_a_run_that_is_killed_is_listed_with_what_it_had_proven(door: Project, phase: str) -> None:
    before = door.files()
    killed_at(door, phase)
    assert door.files() == before
    run = only(interrupted_runs())
    assert (run.path, run.symbol, run.test_file) == (
        door.workspace / "door.py",
        None,
        door.workspace / "tests" / "test_door.py",
    )
    if phase != "judge":  # the agent's rounds are judged too
        assert run.phase == phase
    assert time.time() - 600 < run.began < time.time()
    if phase in WITH_TESTS:
        assert run.proposal is not None
        text = run.proposal.read_text(encoding="utf-8")
        names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        assert len(names) == run.tests > 0
        assert ("sesame" in text) is (phase != "agent")
        assert run.covered is not None
        assert str(run.proposal) in run.words
    else:
        assert (run.tests, run.proposal) == (0, None)
        assert "before it had proven a test" in run.words

    # What the next start does.
    await reap_all()
    assert processes_of(door) == []
    assert Registry.default().noted_folders() == (frozenset(), frozenset())
    assert door.files() == before


async def test_the_next_run_tells_of_it_and_takes_it_up(door: Project) -> None:
    killed_at(door, "agent")
    run = only(interrupted_runs())
    service = UnitTestGenerationService(agents=ActedAgents([OPENS] * 3))
    result = await service.generate(door.request("door.py"), door.take)
    assert result.report.status == "written", result.report.error
    assert run.words in result.report.notes
    assert interrupted_runs() == ()
    assert run.proposal is not None
    assert run.proposal.exists()  # the user was told where it is
    assert door.left() == []


def test_a_run_can_be_forgotten(door: Project) -> None:
    killed_at(door, "baseline")
    run = only(interrupted_runs())
    assert forget_run(run.id)
    assert not forget_run(run.id)
    assert interrupted_runs() == ()
