from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from testwright.errors import SetupFailure
from testwright.provisioning.dependencies.values import Dependencies
from testwright.provisioning.images.making import ImageRequest, ProjectRequest
from testwright.provisioning.images.names import Contents, MadeImage
from testwright.provisioning.images.progress import told

AGENT = Contents(
    kind="agent",
    base="base:1",
    under="sha256:1",
    machine="x86_64",
    pythons=(),
    sdk="1.34.0",
    agent_python="/opt/a/python",
    python="/usr/bin/python3.12",
    python_version="3.12.1",
)
MADE = MadeImage("testwright-agent:1", AGENT, 1_000_000_000, {})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the command has asked for; images are really made in tests/docker."""
    calls: list[Any] = []
    monkeypatch.chdir(tmp_path)
    for name in ("TESTWRIGHT_AGENT_IMAGE_BASE", "TESTWRIGHT_AGENT_SDK"):
        monkeypatch.delenv(name, raising=False)

    async def agent(_: object, request: ImageRequest) -> MadeImage:
        calls.append(request)
        for line in ("Step 1", "Step 2"):
            request.tell(told("building", line))
        request.tell(told("done"))
        if request.base == "broken":
            raise SetupFailure("It failed.", next_step="Try again.")
        return MADE

    async def project(_: object, request: ImageRequest, project: ProjectRequest) -> tuple[MadeImage, Dependencies]:
        calls.append((request, project))
        contents = Contents(
            **{**{name: getattr(AGENT, name) for name in AGENT.__slots__}, "kind": "project", "source": "uv.lock"}
        )
        return MadeImage("testwright-project:1", contents, 5, {}), Dependencies("uv.lock", notes=("One was left out.",))

    async def remove(_: object) -> tuple[str, ...]:
        calls.append("remove")
        return ("testwright-agent:1",)

    class Client:
        @classmethod
        def find(cls, *_: object) -> Client:
            return cls()

    module = "testwright.cli.setting_up_docker"
    monkeypatch.setattr(f"{module}.DockerClient", Client)
    monkeypatch.setattr(f"{module}.make_agent_image", agent)
    monkeypatch.setattr(f"{module}.make_project_image", project)
    monkeypatch.setattr(f"{module}.remove_images", remove)
    return calls


def test_the_agent_image(testwright: Any, asked: list[Any]) -> None:
    outcome = testwright("setup", "docker")
    assert outcome.code == 0
    assert (asked[0].base, asked[0].sdk) == ("python:3.12-slim-bookworm", "pinned")
    assert (
        "The image testwright-agent:1 has the agent (OpenHands SDK 1.34.0) on Python 3.12.1, 953.7 MiB in all, in 0 s."
        in outcome.stdout
    )
    assert outcome.stderr.splitlines() == ["building the image: Step 1"], "a line for each step, and not too many"


@pytest.mark.parametrize(("arguments", "base"), [((), "other:1"), (("--base", "said:1"), "said:1")])
def test_the_base_is_the_one_that_is_said_or_set(
    testwright: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], base: str
) -> None:
    monkeypatch.setenv("TESTWRIGHT_AGENT_IMAGE_BASE", "other:1")
    testwright("setup", "docker", *arguments)
    assert asked[0].base == base


def test_a_project(testwright: Any, asked: list[Any], tmp_path: Path) -> None:
    outcome = testwright("setup", "docker", "--project", ".", "--python", "3.11", "--allow-sdists")
    assert asked[0][1] == ProjectRequest(tmp_path.resolve(), "3.11", allow_sdists=True)
    assert "and the packages of uv.lock on Python 3.12.1" in outcome.stdout
    assert "One was left out." in outcome.stdout


def test_as_json(testwright: Any, asked: list[Any]) -> None:
    outcome = testwright("setup", "docker", "--project", ".", "--json")
    assert json.loads(outcome.stdout) == {
        "image": "testwright-project:1",
        "base": "base:1",
        "sdk": "1.34.0",
        "agent_interpreter": "/opt/a/python",
        "interpreter": "/usr/bin/python3.12",
        "python": "3.12.1",
        "dependencies": "uv.lock",
        "bytes": 5,
        "notes": ["One was left out."],
    }


def test_removing(testwright: Any, asked: list[Any]) -> None:
    outcome = testwright("setup", "docker", "--remove")
    assert (outcome.code, outcome.stdout, asked) == (0, "Removed testwright-agent:1\n", ["remove"])


def test_a_failure_is_told_with_the_next_step(testwright: Any, asked: list[Any]) -> None:
    outcome = testwright("setup", "docker", "--base", "broken")
    assert outcome.code == 3
    assert "It failed. Try again." in outcome.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--remove", "--base", "x"),
        ("--remove", "--allow-sdists", "--project", "."),
        ("--python", "3.11"),
        ("--allow-sdists",),
        ("--project", "gone"),
        ("--sdk", "odd"),
    ],
)
def test_a_wrong_request(testwright: Any, asked: list[Any], arguments: tuple[str, ...]) -> None:
    assert testwright("setup", "docker", *arguments).code == 2
    assert asked == []
