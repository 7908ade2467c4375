from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from testwright.boxes.protocol import Probe
from testwright.housekeeping import state_dir
from testwright.provisioning.agent_environment import AgentEnvironment

from .test_cli_runs import noted

THERE = AgentEnvironment(Path("/cache/a"), Path("/cache/a/bin/python"), "3.12.1", "1.34.0", (), 0)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, nothing of the user's own around it, and no Docker engine; a real one: tests/docker."""
    for name in [name for name in os.environ if name.startswith("TESTWRIGHT_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    folder = tmp_path / "shop"
    (folder / "tests").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    return folder


def examined(testwright: Any, *arguments: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    outcome = testwright("doctor", "--json", *arguments)
    answer = json.loads(outcome.stdout)
    assert answer["ok"] is (outcome.code == 0)
    findings: dict[str, list[dict[str, str]]] = {}
    for finding in answer["findings"]:
        findings.setdefault(finding["name"], []).append(finding)
    return outcome.code, findings


def test_a_healthy_host_and_project(testwright: Any, workspace: Path) -> None:
    code, findings = examined(testwright, "--workspace", str(workspace))
    if all(finding["state"] == "missing" for name in findings if name.startswith("box") for finding in findings[name]):
        pytest.skip("no box can be had here")
    assert code == 0
    assert findings["workspace"][0]["detail"].startswith(str(workspace))
    assert findings["tests"][0]["detail"] == "tests"
    version = ".".join(str(part) for part in sys.version_info[:3])
    assert findings["interpreter"][-1]["detail"].startswith(f"Python {version}, ")
    assert findings["pytest"][0]["state"] == "ok"
    assert findings["cache"][0]["detail"].startswith(str(workspace.parent / "cache"))
    assert {path.name for path in workspace.iterdir()} == {"tests", "pyproject.toml"}, "nothing was changed"


def test_no_box_is_missing_with_a_next_step(testwright: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none() -> dict[str, Probe]:
        return {
            "bubblewrap": Probe(usable=False, detail="Forbidden here.", next_step="Allow it."),
            "none": Probe(usable=True, detail="Works without isolation."),
        }

    monkeypatch.setattr("testwright.doctor.examining.probe_all", none)
    code, findings = examined(testwright, "--workspace", str(workspace))
    assert code == 1
    assert findings["box bubblewrap"] == [
        {"name": "box bubblewrap", "state": "missing", "detail": "Forbidden here.", "next_step": "Allow it."}
    ]
    assert "box none" not in findings


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("[tool.testwright]\nbudgett = 3\n", "settings", "budgett"),
        ("[tool.testwright\n", "settings", "not valid TOML"),
    ],
)
def test_wrong_settings_are_missing(testwright: Any, workspace: Path, content: str, name: str, words: str) -> None:
    (workspace / "pyproject.toml").write_text(content)
    code, findings = examined(testwright, "--workspace", str(workspace))
    assert code == 1
    assert findings[name][0]["state"] == "missing"
    assert words in findings[name][0]["detail"]
    assert findings[name][0]["next_step"]


def test_a_broken_environment_is_missing(testwright: Any, workspace: Path) -> None:
    (workspace / ".venv" / "bin").mkdir(parents=True)
    (workspace / ".venv" / "pyvenv.cfg").write_text("home = /nowhere\nversion = 3.12.1\n")
    (workspace / ".venv" / "bin" / "python").symlink_to("/nowhere/python3.12")
    code, findings = examined(testwright, "--workspace", str(workspace))
    assert code == 1
    assert findings["interpreter"][0]["state"] == "missing"
    assert ".venv" in findings["interpreter"][0]["detail"]


def test_a_folder_of_somebody_else_as_cache_is_missing(
    testwright: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(workspace))
    code, findings = examined(testwright, "--workspace", str(workspace))
    assert code == 1
    assert "not Testwright's" in findings["cache"][0]["detail"]


def test_for_a_person_it_is_a_table(testwright: Any, workspace: Path) -> None:
    text = testwright("doctor", "--workspace", str(workspace)).stdout
    assert "\x1b" not in text
    assert any(line.split()[:2] == ["ok", "testwright"] for line in text.splitlines())
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_docker_that_cannot_be_used_is_a_note_with_a_next_step(
    testwright: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(workspace))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{workspace}/none.sock")
    _, findings = examined(testwright, "--workspace", str(workspace))
    [finding] = findings["docker"]
    assert finding["state"] == "note"
    assert "Docker engine does not answer" in finding["detail"] or "Docker is not installed" in finding["detail"]
    assert "--agent-box bubblewrap" in finding["next_step"]


def test_the_agent_is_a_note_until_it_is_set_up(
    testwright: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("--workspace", str(workspace))
    _, findings = examined(testwright, *asked)
    [finding] = findings["agent"]
    assert (finding["state"], finding["detail"]) == ("note", "OpenHands is not set up")
    assert "testwright setup openhands" in finding["next_step"]

    monkeypatch.setattr("testwright.doctor.agent.setup_is_running", lambda _: True)
    _, findings = examined(testwright, *asked)
    assert findings["agent"][0]["detail"] == "it is being set up just now"

    monkeypatch.setattr("testwright.doctor.agent.find", lambda *_, **__: THERE)
    _, findings = examined(testwright, *asked)
    assert findings["agent"] == [
        {
            "name": "agent",
            "state": "ok",
            "detail": "OpenHands SDK 1.34.0 on Python 3.12.1, /cache/a",
            "next_step": "",
        }
    ]


def test_the_box_of_the_agent_is_tried_out(testwright: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("--workspace", str(workspace))
    assert "agent box" not in examined(testwright, *asked)[1], "there is nothing to put into it"
    monkeypatch.setattr("testwright.doctor.agent.find", lambda *_, **__: THERE)
    _, findings = examined(testwright, *asked)
    [finding] = findings["agent box"]
    if findings["box bubblewrap"][0]["state"] != "ok":
        pytest.skip("bubblewrap cannot be had here")
    assert finding["state"] == "ok"
    assert finding["detail"].startswith("bubblewrap. The agent runs in local mode")

    monkeypatch.setenv("TESTWRIGHT_AGENT_BOX", "docker")
    code, findings = examined(testwright, *asked)
    [finding] = findings["agent box"]
    assert finding["state"] == "note"
    assert "Docker" in finding["detail"] or "image" in finding["detail"]
    assert "testwright setup docker" in finding["next_step"] or "--agent-box bubblewrap" in finding["next_step"]
    assert code == 0, "tests can be generated without an agent"

    monkeypatch.setenv("TESTWRIGHT_AGENT_BOX", "none")
    [finding] = examined(testwright, *asked)[1]["agent box"]
    assert finding["state"] == "note"
    assert "without isolation" in finding["detail"]


def test_a_model_and_consent_are_looked_up_and_nothing_is_sent(
    testwright: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(this: socket.socket, address: object) -> None:
        if this.family != socket.AF_UNIX:
            raise AssertionError(f"{address} was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    asked = ("--workspace", str(workspace))
    _, findings = examined(testwright, *asked)
    [finding] = findings["model"]
    assert (finding["state"], finding["detail"]) == ("note", "what is missing is a key")
    assert finding["next_step"].startswith("Set OPENROUTER_API_KEY")
    assert "consent" not in findings

    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-canary-of-this-test-alone")
    _, findings = examined(testwright, *asked)
    assert findings["model"][0]["state"] == "ok"
    assert "of openrouter would be asked first" in findings["model"][0]["detail"]
    [finding] = findings["consent"]
    assert finding["state"] == "note"
    assert finding["next_step"] == "`testwright consent`."

    assert testwright("consent", "--give", str(workspace)).code == 0
    outcome = testwright("doctor", "--json", *asked)
    [finding] = [one for one in json.loads(outcome.stdout)["findings"] if one["name"] == "consent"]
    assert (finding["state"], finding["detail"]) == ("ok", "given for openrouter.ai")
    assert "sk-canary" not in outcome.stdout + outcome.stderr


def test_a_model_of_this_machine_needs_no_consent(
    testwright: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("TESTWRIGHT_PREFERRED_MODEL", "small")
    _, findings = examined(testwright, "--workspace", str(workspace))
    assert "small" in findings["model"][0]["detail"]
    assert findings["consent"][0] == {
        "name": "consent",
        "state": "ok",
        "detail": "not needed, since no code leaves this machine",
        "next_step": "",
    }


def test_who_wants_no_agent_is_told_of_nothing_that_it_lacks(
    testwright: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTWRIGHT_ENGINE", "embedded")
    _, findings = examined(testwright, "--workspace", str(workspace))
    assert findings["agent"][0]["state"] == "ok"
    assert not findings.keys() & {"agent box", "model", "consent"}


def test_runs_that_were_cut_off_are_a_note(testwright: Any, workspace: Path) -> None:
    asked = ("--workspace", str(workspace))
    assert "runs" not in examined(testwright, *asked)[1]
    noted(state_dir())
    [finding] = examined(testwright, *asked)[1]["runs"]
    assert (finding["state"], finding["detail"]) == ("note", "1 run was cut off")
    assert "testwright runs" in finding["next_step"]
