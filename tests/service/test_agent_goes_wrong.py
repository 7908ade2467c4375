"""What goes wrong around an agent, and not in it: the judge's box, the disk, a fault of ours, a lack of time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from acted_agent import ActedAgents

from testwright.errors import BoxFailure, WriteFailure
from testwright.judge.stability import NOT_JUDGED
from testwright.model import Verdict
from testwright.service import UnitTestGenerationService
from testwright.service import run as run_module
from testwright.service.agent import rounds as rounds_module
from testwright.service.finishing import finish
from testwright.service.proving import Proven, prove

from .test_agent_runs import MODULE, OPENS, origins, run

if TYPE_CHECKING:
    from .conftest import Project

Prove = Callable[..., Awaitable[Proven]]


@pytest.fixture
def door(project: Project) -> Project:
    project.write("door.py", MODULE)
    return project


def failing(error: BaseException) -> Prove:
    async def prove(*_: Any) -> Proven:
        raise error

    return prove


async def test_the_judges_box_fails_by_what_an_agent_wrote(door: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_module, "prove", failing(BoxFailure("pytest could not collect the candidates.")))
    result = await run(door, ActedAgents([OPENS]))
    assert result.report.status == "written", result.report.error
    assert origins(result.report) == {"embedded"}
    assert any("pytest could not collect the candidates. What was proven" in note for note in result.report.notes)


async def test_an_agent_alone_whose_tests_cannot_be_judged(door: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_module, "prove", failing(BoxFailure("pytest could not collect the candidates.")))
    result = await run(door, ActedAgents([OPENS]), "openhands")
    assert result.report.error_slug == "box-failure"


async def test_the_file_cannot_be_written_with_an_agents_tests(door: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refusing(*arguments: Any) -> Any:
        proven: Proven = arguments[4]
        if any(verdict.candidate.source is not None for verdict in proven.passed):
            raise WriteFailure("The file cannot take them.")
        return await finish(*arguments)

    monkeypatch.setattr(run_module, "finish", refusing)
    result = await run(door, ActedAgents([OPENS, OPENS]))
    assert result.report.status == "written", result.report.error
    assert origins(result.report) == {"embedded"}
    assert any("with them the file does not stand: The file cannot take them." in note for note in result.report.notes)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("a fault of ours")], ids=type)
async def test_what_was_proven_outlives_what_nobody_expects(
    door: Project, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(rounds_module, "prove", failing(error))
    service = UnitTestGenerationService(agents=ActedAgents([OPENS]))
    try:
        await service.generate(door.request("door.py", engine="auto"), door.take)
    except RuntimeError as raised:
        assert raised is error  # noqa: PT017 - the other one is told in the report
    (note,) = [event for event in door.events if event.kind == "note" and "is saved in" in event.message]
    saved = Path(str(note.data["proposal"]))
    assert "knock(" in saved.read_text("utf-8")
    assert "tests/test_door.py" not in door.files()


async def test_who_was_not_judged_for_lack_of_time_is_judged_in_the_next_round(
    door: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[int] = []

    async def late(*arguments: Any) -> Proven:
        candidates = arguments[4]
        judged.append(len(candidates))
        if len(judged) == 1:
            return Proven(tuple(Verdict(candidate, "error", NOT_JUDGED, None) for candidate in candidates))
        return await prove(*arguments)

    monkeypatch.setattr(rounds_module, "prove", late)
    agents = ActedAgents([OPENS, OPENS + "\n\n# The same once more.\n"])
    result = await run(door, agents)
    assert judged == [1, 1]
    assert origins(result.report) == {"embedded", "openhands"}
    assert "sesame" in door.written(result)
    assert not any(one.reason == NOT_JUDGED for one in result.report.discarded)
