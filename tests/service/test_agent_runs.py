"""Runs with an agent: what it is told, what becomes of its files, and that it never costs what was proven without it."""

from __future__ import annotations

import ast
import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from acted_agent import ActedAgents

from testwright.engines.protocol import Proposal
from testwright.errors import AgentFailure, BoxUnavailable, NoModels, WriteFailure
from testwright.model import RunReport
from testwright.models.values import Need
from testwright.service import RunResult, UnitTestGenerationService
from testwright.service.agent.plan import Obstacle
from testwright.service.interrupted import interrupted_runs

if TYPE_CHECKING:
    from .conftest import Project

DIGEST = hashlib.sha256(b"sesame").hexdigest()
MODULE = f"""\
import hashlib


def knock(code: str) -> str:
    if hashlib.sha256(code.encode()).hexdigest() == "{DIGEST}":
        return "open"
    return "shut"
"""
"""No search finds the word; whoever is told of the line can know it."""
OPENS = "from door import knock\n\n\ndef test_the_right_word_opens():\n    assert knock('sesame') == 'open'\n"
FAILS = "\n\ndef test_any_word_opens():\n    assert knock('abracadabra') == 'open'\n"
KEY = Obstacle("a key", "set OPENROUTER_API_KEY", NoModels("There is no key.", next_step="Set one."))
TAKEN = {"steps", "requests", "tokens", "cost"}
SET_UP = Obstacle("its set-up", "`testwright setup openhands`", BoxUnavailable("The agent is not set up."))


class NoEngine:
    """The engine of runs in which only the agent may work."""

    need = Need()

    async def propose(self, *_: Any, **__: Any) -> Proposal:
        raise AssertionError("the embedded engine was run")


@pytest.fixture
def door(project: Project) -> Project:
    project.write("door.py", MODULE)
    return project


async def run(
    project: Project, agents: ActedAgents, name: str = "auto", *, embedded: Any = None, **options: Any
) -> RunResult:
    service = UnitTestGenerationService(engine=embedded, agents=agents)
    return await service.generate(project.request("door.py", engine=name, **options), project.take)


def origins(report: RunReport) -> set[str]:
    return {test.origin.partition(":")[0] for test in report.kept}


def the_line(words: str) -> int:
    return next(number for number, line in enumerate(MODULE.splitlines(), 1) if words in line)


async def test_the_agent_takes_on_what_the_search_has_left(door: Project) -> None:
    agents = ActedAgents([OPENS + FAILS, OPENS, OPENS])
    result = await run(door, agents)
    report = result.report
    assert report.status == "written", report.error
    assert origins(report) == {"embedded", "openhands"}
    text = door.written(result)
    assert "knock('sesame')" in text.replace('"', "'")
    assert "abracadabra" not in text
    assert report.coverage_after is not None
    assert report.coverage_after.percent == 100.0
    (mine,) = [test for test in report.kept if test.origin == "openhands"]
    assert the_line('"open"') in mine.lines_added

    # Before the first round it was told the line; after it, what has failed.
    assert agents.task is not None
    assert agents.task.test_path == "tests/test_door.py"
    assert str(the_line('return "open"')) in agents.told[0]
    assert "shut" in agents.told[0]  # of the test that is proven already
    if len(agents.told) > 1:
        assert "test_any_word_opens" in agents.told[1]
    assert any("abracadabra" in one.source for one in report.discarded)
    assert not agents.is_open
    assert door.left() == []
    assert interrupted_runs() == ()
    assert list((door.state / "proposals").iterdir()) == []


async def test_a_run_with_an_agent_can_be_followed(door: Project) -> None:
    agents = ActedAgents([OPENS, OPENS])
    result = await run(door, agents, budget=50.0)
    assert result.report.status == "written", result.report.error
    events = [event for event in door.events if event.phase == "agent"]
    assert events[0].kind == "phase"
    assert "1 line" in events[0].message
    assert 50 < int(events[0].data["left"]) <= 1800  # of the models' time, not of the budget
    (step,) = [event for event in events if event.message == "step 1: writing the file"]
    assert {name: step.data[name] for name in TAKEN} == {"steps": 1, "requests": 0, "tokens": 10, "cost": 0.0}
    judged = [event for event in door.events if event.phase == "judge" and event.elapsed > events[0].elapsed]
    assert judged
    steps = [event for event in (*events, *judged) if event.kind != "note"]  # what it came to is told afterwards
    assert all(event.data.keys() >= TAKEN for event in steps), "so long as its part goes on"
    assert not any(event.data.keys() & TAKEN for event in door.events if event.elapsed < events[0].elapsed)
    phases = [event.phase for event in door.events if event.kind == "phase"]
    assert phases == ["analyse", "prepare", "baseline", "explore", "judge", "agent", "judge", "verify", "write"]
    verify = next(event for event in door.events if event.phase == "verify")
    assert 0 < int(verify.data["left"]) <= 50
    assert set(result.report.seconds) == set(phases)
    assert any(note.startswith("The agent worked 1 round of 2 steps: 1 line") for note in result.report.notes)
    assert "The agent is played by a test." in result.report.notes


@pytest.mark.parametrize(
    "plays",
    [
        [AgentFailure("The agent broke off.")],
        [None, AgentFailure("The agent broke off.")],
        ["def test_nothing(:\n", AgentFailure("The agent broke off.")],
        [FAILS.lstrip(), AgentFailure("The agent broke off.")],
    ],
    ids=["at once", "after prose", "after what is no Python", "after a failing test"],
)
async def test_an_agent_that_fails_costs_nothing_that_was_proven(door: Project, plays: list[Any]) -> None:
    agents = ActedAgents(plays)
    result = await run(door, agents)
    assert result.report.status == "written", result.report.error
    assert origins(result.report) == {"embedded"}
    assert len(agents.told) == len(plays)
    assert any("The agent broke off." in note for note in result.report.notes)
    assert "shut" in door.written(result)
    assert not agents.is_open


async def test_what_was_proven_in_one_round_is_kept_whatever_the_next_gives(door: Project) -> None:
    agents = ActedAgents([OPENS, AgentFailure("The agent broke off.")])
    # A mutant or a line must be left after the first round, or there is no second one.
    door.write(
        "door.py",
        MODULE
        + "\n\ndef bell(code: str) -> str:\n    if knock(code + '!') == 'open':\n        return 'r'\n    return ''\n",
    )
    result = await run(door, agents)
    assert result.report.status == "written", result.report.error
    assert len(agents.told) == 2
    assert origins(result.report) == {"embedded", "openhands"}
    assert "sesame" in door.written(result)


async def test_an_agents_test_that_breaks_one_that_was_there_is_left_out(door: Project) -> None:
    shelf = "\n\nSHELF = []\n\n\ndef put(item: str) -> int:\n    SHELF.append(item)\n    return len(SHELF)\n"
    door.write("door.py", MODULE + shelf)
    existing = (
        "import door\n\n\ndef test_the_shelf_is_empty():\n    assert door.SHELF == []\n"
        "\n\ndef test_knock():\n    assert door.knock('x') == 'shut'\n"
    )
    door.write("tests/test_door.py", existing)
    # By itself it passes; in the shuffled order it runs before the one that was there.
    leaves = "\n\ndef test_a_word_is_put():\n    door.SHELF.append('x')\n    assert door.knock('sesame') == 'open'\n"
    agents = ActedAgents([existing + leaves] * 2)
    result = await run(door, agents, "openhands", embedded=NoEngine())
    report = result.report
    assert report.status == "nothing-to-add", report.error
    assert any("test_the_shelf_is_empty, which was there before, fails" in note for note in report.notes)
    assert door.files()["tests/test_door.py"] == existing.encode()


async def test_the_agent_alone(door: Project) -> None:
    result = await run(door, ActedAgents([OPENS, OPENS]), "openhands", embedded=NoEngine())
    assert result.report.status == "written", result.report.error
    assert origins(result.report) == {"openhands"}


@pytest.mark.parametrize(
    ("agents", "slug", "told"),
    [
        (ActedAgents([AgentFailure("The agent broke off.")]), "agent", "broke off"),
        (ActedAgents([None, None]), "nothing-proven", "wrote no test"),
        (ActedAgents(["x = 1\n", "x = 1\n"]), "nothing-proven", "holds no test function"),
        (ActedAgents(obstacles=(KEY, SET_UP)), "no-models", "There is no key"),
        (ActedAgents(obstacles=(SET_UP,)), "box-unavailable", "not set up"),
    ],
    ids=["broke off", "prose", "no test", "no key", "not set up"],
)
async def test_the_agent_alone_that_gives_nothing_is_an_error(
    door: Project, agents: ActedAgents, slug: str, told: str
) -> None:
    before = door.files()
    result = await run(door, agents, "openhands", embedded=NoEngine())
    assert (result.report.status, result.report.error_slug) == ("failed", slug), result.report.error
    assert told in str(result.report.error)
    assert door.files() == before
    assert not agents.is_open
    assert door.left() == []


async def test_without_an_agent_one_line_says_what_it_would_have_taken_on(door: Project) -> None:
    agents = ActedAgents(obstacles=(KEY, SET_UP))
    result = await run(door, agents)
    assert result.report.status == "written", result.report.error
    (line,) = [note for note in result.report.notes if "an agent would take on" in note]
    assert line.startswith("1 line")
    assert "a key (set OPENROUTER_API_KEY); its set-up (`testwright setup openhands`)" in line
    assert agents.told == []


async def test_nothing_is_said_and_nobody_called_when_nothing_is_left(door: Project) -> None:
    door.write("door.py", "def one() -> int:\n    return 1\n")
    agents = ActedAgents(obstacles=(KEY,))
    result = await run(door, agents)
    assert result.report.status == "written", result.report.error
    assert not any("an agent would" in note for note in result.report.notes)


async def test_who_takes_the_embedded_engine_gets_it_alone(door: Project) -> None:
    agents = ActedAgents(obstacles=(KEY,))
    result = await run(door, agents, "embedded")
    assert result.report.status == "written", result.report.error
    assert agents.looked == 0
    assert not any("an agent would" in note for note in result.report.notes)


async def cancelled(project: Project, agents: ActedAgents) -> None:
    task = asyncio.create_task(run(project, agents))
    async with asyncio.timeout(120):
        await agents.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancel_keeps_what_was_proven_as_a_proposal(door: Project) -> None:
    before = door.files()
    agents = ActedAgents([...])
    await cancelled(door, agents)
    assert not agents.is_open
    assert door.files() == before
    assert door.left() == []
    (note,) = [event for event in door.events if event.kind == "note" and "is saved in" in event.message]
    saved = Path(note.message.partition("is saved in ")[2].rstrip("."))
    assert saved.is_relative_to(door.state)
    # Nobody need have seen the note, so the run is listed until it is forgotten or the module has had a whole run.
    (listed,) = interrupted_runs()
    assert (listed.id, listed.phase, listed.proposal) == (note.data["interrupted"], "agent", saved)
    assert note.data["proposal"] == str(saved)
    text = saved.read_text(encoding="utf-8")
    ast.parse(text)
    assert "shut" in text
    # The next run takes its own proposal away again, and not the one that the user was told of.
    result = await run(door, ActedAgents(obstacles=(KEY,)))
    assert result.report.status == "written", result.report.error
    assert saved.exists()
    assert interrupted_runs() == ()


async def test_a_write_that_the_disk_refuses_leaves_the_proposal(door: Project, editor: Callable[..., Any]) -> None:
    editor.answer = WriteFailure("The disk is full.")  # type: ignore[attr-defined]
    result = await door.generate("door.py", deliver=editor, engine="embedded")
    assert result.report.error_slug == "write-failure"
    (note,) = [note for note in result.report.notes if "is saved in" in note]
    assert Path(note.partition("is saved in ")[2].rstrip(".")).read_bytes() == editor.taken[0][1]  # type: ignore[attr-defined]
