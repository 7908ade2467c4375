"""A whole run with the real SDK in a real box, asked from a model on loopback that plays an agent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scripted_agent import Worker, reply_of
from scripted_provider import ScriptedProvider
from virtual_clock import VirtualClock

from testwright.provisioning.agent_environment import AgentEnvironment
from testwright.service import UnitTestGenerationService, agents

from .test_agent_runs import MODULE, origins

if TYPE_CHECKING:
    from .conftest import Project

AGENTS = Path.home() / ".cache" / "testwright-ci" / "agents"
MODEL = "scripted-coder"

pytestmark = pytest.mark.agent


@pytest.mark.parametrize("sdk", ["1.34", "1.58"])
async def test_a_run_with_the_real_agent(project: Project, monkeypatch: pytest.MonkeyPatch, sdk: str) -> None:
    folder = AGENTS / f"sdk-{sdk}-py3.12"
    python = folder / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no agent's environment in {folder}: testwright setup openhands makes one")
    roots = (folder, python.resolve().parents[1])
    found = AgentEnvironment(folder, python, "3.12.1", sdk, roots, 0)

    def find(*_: Any, **__: Any) -> AgentEnvironment:
        return found

    monkeypatch.setattr(agents, "find", find)
    for name in ("OPENROUTER_API_KEY", "PREFERRED_MODEL", "FALLBACK_MODELS"):
        monkeypatch.delenv(name, raising=False)
    project.write("door.py", MODULE)
    worker = Worker("tests/test_door.py", imports="from door import knock", guesses={"knock('sesame')": "'shut'"})
    async with ScriptedProvider(VirtualClock()) as server:
        monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", server.base_url)
        monkeypatch.setenv("TESTWRIGHT_PREFERRED_MODEL", MODEL)
        server.always(MODEL, reply_of(worker))
        before = project.files()
        request = project.request("door.py", agent_box="bubblewrap", max_iterations=1)
        result = await UnitTestGenerationService().generate(request, project.take)
    report = result.report
    assert report.status == "written", report.error
    assert origins(report) == {"embedded", "openhands"}, report.notes
    assert "sesame" in project.written(result)
    assert report.coverage_after is not None
    assert report.coverage_after.percent == 100.0
    assert sum(use.requests for use in report.models) == len(worker.bodies) > 3
    assert {name: data for name, data in project.files().items() if name in before} == before
    assert project.files().keys() - before.keys() == {"tests/test_door.py"}
    assert any(event.phase == "agent" and "pytest" in event.message for event in project.events)
    assert project.left() == []
