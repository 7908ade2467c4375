"""Neovim with the agent in Docker: the real SDK in a real container, asked from a model on loopback that plays an agent."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from neovim_driver import Neovim, StartNeovim
from real_project import RealProject, assert_passes
from scripted_agent import Worker, reply_of
from scripted_provider import ScriptedProvider, hanging
from served_provider import served_provider
from surroundings import Surroundings
from waiting import wait_until

MODEL = "scripted-coder"
OWNER = "testwright.pid"

DOOR = f"""\
import hashlib


def knock(code: str) -> str:
    if hashlib.sha256(code.encode()).hexdigest() == "{hashlib.sha256(b"sesame").hexdigest()}":
        return "open"
    return "shut"
"""
"""No search finds the word; whoever is told of the line can know it."""

ASKED = """
vim.ui.select = function(items, options, choose)
  local titles = vim.tbl_map(function(item) return item.title end, items)
  testwright_asked = { prompt = options.prompt, titles = titles }
  choose(nil)
end
"""
"""A user who is asked and makes no choice."""

pytestmark = pytest.mark.docker


def docker(*arguments: str) -> str:
    program = shutil.which("docker")
    assert program is not None
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


def containers(server: int) -> list[str]:
    """Containers of a language server that are there; others may work with the same engine."""
    shown = docker("ps", "--all", "--filter", f"label={OWNER}", "--format", f'{{{{.ID}}}} {{{{.Label "{OWNER}"}}}}')
    rows = [row.split() for row in shown.splitlines()]
    return [name for name, owner in rows if owner.startswith(f"{server}:")]


@pytest.fixture
def engine() -> str:
    """Address of a Docker engine that has the agent's image."""
    host = os.environ.get("DOCKER_HOST")
    if not host or shutil.which("docker") is None:
        pytest.skip("DOCKER_HOST names no engine: run .ci/install-docker")
    if not docker("images", "--quiet", "testwright-agent"):
        pytest.skip("the engine has no image of the agent: run testwright setup docker")
    return host


@pytest.fixture
def model() -> Iterator[ScriptedProvider]:
    with served_provider() as provider:
        yield provider


def settings(model: ScriptedProvider, **more: object) -> str:
    """The user's own settings, as Lua for the documented configuration."""
    given = {"modelBaseUrl": model.base_url, "preferredModel": MODEL, "agentBox": "docker", "budget": 30, **more}
    told = json.dumps(json.dumps({"settings": given}))
    return f"vim.lsp.config('testwright', {{ init_options = vim.json.decode({told}) }})\n"


def begin(editor: Neovim, module: Path, cursor: str, title: str) -> None:
    editor.edit(module)
    editor.place_cursor(cursor)
    assert title in editor.titles()
    editor.choose(title)


def test_the_agent_does_the_whole_job_in_a_container(
    neovim: StartNeovim, project: RealProject, engine: str, model: ScriptedProvider
) -> None:
    """It guesses, reads in the output of pytest what is wrong, mends that, and only then is it written."""
    test_file = project.test_file_of(project.module)
    worker = Worker(
        test_file.relative_to(project.root).as_posix(),
        imports="from mdurl._encode import encode",
        guesses={"encode('a b')": "'a b'", "encode('%41%')": "'%41%'", "encode('\\ud800')": "''"},
    )
    model.always(MODEL, reply_of(worker))
    files = project.files()
    editor = neovim(settings(model, engine="openhands", maxIterations=1), DOCKER_HOST=engine)
    begin(editor, project.module, "cache = get_encode_cache", "Generate tests for module _encode")
    wait_until("container", lambda: containers(editor.server), seconds=60)
    assert "added" in editor.wait_for_end(seconds=240)["message"]
    editor.wait_for_message(r"\btest_encode\.py\b")

    assert_passes(project, test_file, at_least=2)
    text = test_file.read_text(encoding="utf-8")
    assert "a%20b" in text
    assert len(worker.bodies) >= 5
    assert project.files() - files == {"tests/test_encode.py"}
    assert containers(editor.server) == []
    reports = editor.progress("report")
    percentages = [value["percentage"] for value in reports]
    assert percentages == sorted(percentages)
    steps = [value["message"] for value in reports if value["message"].startswith("step ")]
    assert any("pytest" in step for step in steps), steps
    assert any(" requests" in step for step in steps), steps


def test_cancelling_removes_the_container_and_keeps_what_was_proven(
    neovim: StartNeovim, project: RealProject, surroundings: Surroundings, engine: str, model: ScriptedProvider
) -> None:
    model.always(MODEL, hanging())
    module = project.module.with_name("door.py")
    module.write_text(DOOR, encoding="utf-8")
    files = project.files()
    editor = neovim(settings(model, engine="auto") + ASKED, DOCKER_HOST=engine)
    begin(editor, module, "def knock(", "Generate tests for module door")
    wait_until("question to the model", lambda: model.requests, seconds=120)
    server = editor.server
    assert len(containers(server)) == 1
    (token,) = {value["token"] for value in editor.progress()}
    editor.lua(
        "vim.lsp.get_clients({ name = 'testwright' })[1]:notify('window/workDoneProgress/cancel', { token = ... })",
        token,
    )
    # Within two seconds, of which a busy machine may make more.
    wait_until("end of the container", lambda: not containers(server), seconds=6)
    assert "cancelled" in editor.wait_for_end(seconds=6)["message"]
    told = wait_until("question", lambda: editor.lua("return testwright_asked"), seconds=10)
    assert told["prompt"].startswith("The run for door was cancelled. What was proven until then is saved in ")
    assert told["titles"] == ["Show proposal", "Discard"]
    saved = Path(told["prompt"].partition(" is saved in ")[2].rstrip(": ").rstrip("."))
    assert "shut" in saved.read_text(encoding="utf-8")
    assert project.files() == files
    assert surroundings.leftovers() == []
