from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testwright.errors import SetupFailure
from testwright.provisioning.agent_environment import AgentEnvironment
from testwright.provisioning.progress import SetupProgress, Step

MADE = AgentEnvironment(
    folder=Path("/cache/agents/one"),
    python=Path("/cache/agents/one/bin/python"),
    python_version="3.12.1",
    sdk="1.34.0",
    roots=(),
    size=1_300_000_000,
    notes=("It was not tried.",),
)
STEPS: tuple[Step, ...] = ("planning", "fetching", "fetching", "done")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the command has asked for; the set-up itself is tested with the real uv in tests/provisioning."""
    calls: list[dict[str, Any]] = []

    async def set_up(tell: Callable[[SetupProgress], None], **named: Any) -> AgentEnvironment:
        calls.append(named)
        for number, step in enumerate(STEPS):
            tell(SetupProgress(step, number, 9 if step == "fetching" else None))
        if named["sdk"] == "newest":
            raise SetupFailure("It failed.", next_step="Try again.")
        return MADE

    async def remove(sdk: str | None, **_: Any) -> tuple[Path, ...]:
        calls.append({"remove": sdk})
        return () if sdk == "newest" else (MADE.folder,)

    monkeypatch.setattr("testwright.service.agent.setup.set_up_agent", set_up)
    monkeypatch.setattr("testwright.cli.setting_up.remove", remove)
    return calls


def test_what_was_made_is_told(testwright: Any, asked: list[dict[str, Any]]) -> None:
    outcome = testwright("setup", "openhands", "--python", "3.12")
    assert outcome.code == 0
    assert asked == [{"sdk": "pinned", "python": Path("3.12")}]
    assert "OpenHands SDK 1.34.0 on Python 3.12.1 in /cache/agents/one, 1.2 GiB" in outcome.stdout
    assert "It was not tried." in outcome.stdout
    told = outcome.stderr.splitlines()
    assert told == ["looking up what is missing", "fetching packages: 1 of 9"], "a line for each step"


def test_as_json(testwright: Any, asked: list[dict[str, Any]]) -> None:
    outcome = testwright("setup", "openhands", "--json")
    assert json.loads(outcome.stdout) == {
        "folder": "/cache/agents/one",
        "interpreter": "/cache/agents/one/bin/python",
        "python": "3.12.1",
        "sdk": "1.34.0",
        "bytes": 1_300_000_000,
        "notes": ["It was not tried."],
    }


def test_a_failure_is_told_with_the_next_step(testwright: Any, asked: list[dict[str, Any]]) -> None:
    outcome = testwright("setup", "openhands", "--sdk", "newest")
    assert outcome.code == 3
    assert "It failed. Try again." in outcome.stderr
    assert outcome.stdout == ""


def test_removing(testwright: Any, asked: list[dict[str, Any]]) -> None:
    outcome = testwright("setup", "openhands", "--remove")
    assert (outcome.code, outcome.stdout) == (0, "Removed /cache/agents/one\n")
    assert asked == [{"remove": None}]
    assert "nothing to remove" in testwright("setup", "openhands", "--remove", "--sdk", "newest").stdout
    as_json = testwright("setup", "openhands", "--remove", "--json")
    assert json.loads(as_json.stdout) == {"removed": ["/cache/agents/one"]}


def test_a_python_does_not_go_with_removing(testwright: Any, asked: list[dict[str, Any]]) -> None:
    outcome = testwright("setup", "openhands", "--remove", "--python", "3.12")
    assert outcome.code == 2
    assert "--python does not go with --remove" in outcome.stderr
    assert asked == []


def test_cancelling(testwright: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancelled(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr("testwright.service.agent.setup.set_up_agent", cancelled)
    assert testwright("setup", "openhands").code == 130
