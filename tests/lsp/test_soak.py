"""Many actions and cancelled runs leave the server as it was: memory, tasks, tokens, requests, files, processes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from editor import Server

ROUNDS = 1000 if os.environ.get("TESTWRIGHT_E2E") == "1" else 60
DEEP_EVERY = 50
"""Each so many rounds a run is left alone until its box is at work."""
WARM_UP = 3 * DEEP_EVERY
"""With some of those: they load what looks for an agent, one goes further than the other before it is cancelled."""
ALLOWED_GROWTH = 2 * 1024
"""KiB for all rounds after the warm-up: what an allocator may keep; a leak of one small object for each round shows."""

MODULE = """
def clamp(value: int, low: int, high: int) -> int:
    if value < low:
        return low
    return high if value > high else value


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int) -> int:
        self.count += number
        return self.count
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "soak"\nversion = "0"\n', encoding="utf-8")
    (folder / "clamp.py").write_text(MODULE, encoding="utf-8")
    return folder


@pytest.fixture
def server(tmp_path: Path, folder: Path) -> Iterator[Server]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "1",  # else glibc keeps some megabytes for each thread, by chance sooner or later
        "TMPDIR": str(tmp_path / "scratch"),
        "TESTWRIGHT_CACHE_DIR": str(tmp_path / "cache"),
        "TESTWRIGHT_STATE_DIR": str(tmp_path / "state"),
    }
    (tmp_path / "scratch").mkdir()
    with Server([sys.executable, "-m", "testwright.cli", "lsp"], environment) as started:
        started.initialize(folder)
        yield started


def test_a_thousand_cancelled_runs_leave_nothing(server: Server, folder: Path, tmp_path: Path) -> None:
    module = folder / "clamp.py"
    server.open(module)
    for number in range(WARM_UP):
        one_round(server, module, number)
    before, memory = settled(server), server.resident()
    for number in range(ROUNDS):
        one_round(server, module, number)
    after = settled(server)

    counted = ("tasks", "requests", "progressTokens", "documents")
    assert {name: after[name] for name in counted} == {name: before[name] for name in counted}
    assert server.resident() - memory < ALLOWED_GROWTH
    assert descriptors(server) <= 24
    assert children(server) == []
    assert list((tmp_path / "scratch").iterdir()) == []
    assert list(folder.rglob("test_*")) == []


def one_round(server: Server, module: Path, number: int) -> None:
    """Ask for actions, start a run and cancel it, in one of the three ways in which a client can."""
    uri = module.as_uri()
    position = {"line": 2 + number % 10, "character": 4}
    actions = server.request(
        "textDocument/codeAction",
        {
            "textDocument": {"uri": uri},
            "range": {"start": position, "end": position},
            "context": {"diagnostics": [], "triggerKind": 1},
        },
    )
    assert actions
    server.token = None
    started = execute(server, "testwright.generateTests", {"uri": uri})
    if number % DEEP_EVERY == DEEP_EVERY - 1:
        server.wait(lambda message: "searching" in str(message.get("params")) or is_end(message))
    match number % 3:
        case 0:
            execute(server, "testwright.cancelRun", {"run": started["run"]})
        case 1:
            if server.token is None:
                server.wait(lambda message: message.get("method") == "window/workDoneProgress/create")
            server.notify("window/workDoneProgress/cancel", {"token": server.token})
        case _:
            execute(server, "testwright.cancelRun", {})
    wait_until_idle(server)


def execute(server: Server, command: str, argument: dict[str, Any]) -> Any:
    return server.request("workspace/executeCommand", {"command": command, "arguments": [argument]})


def is_end(message: dict[str, Any]) -> bool:
    return message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "end"


def wait_until_idle(server: Server) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        status: dict[str, Any] = server.request("testwright/status", None)
        if not status["runs"]:
            return status
        time.sleep(0.002)
    pytest.fail(f"a cancelled run did not end: {status['runs']}")


def settled(server: Server) -> dict[str, Any]:
    """The status when what follows a run is done, too."""
    time.sleep(1.5)
    return wait_until_idle(server)


def descriptors(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def children(server: Server) -> list[str]:
    return Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text(encoding="ascii").split()
