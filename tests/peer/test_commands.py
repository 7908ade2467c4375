"""``testwright models`` about a real server on this machine, which needs neither a key nor consent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peer_server import MODEL, PeerServer, Start

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say(peer: PeerServer, environ: dict[str, str], tmp_path: Path) -> Say:
    """Run ``testwright``; gives its exit code and what it prints."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "pyproject.toml").touch()
    variables = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TESTWRIGHT_MODEL_BASE_URL": peer.base_url,
        "TESTWRIGHT_PREFERRED_MODEL": MODEL,
        **environ,
    }

    def run(*words: str, **said: str) -> tuple[int, str]:
        argv = [sys.executable, "-m", "testwright.cli", *words]
        done = subprocess.run(
            argv,
            check=False,
            cwd=workspace,
            env=variables | said,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, done.stdout.decode()

    return run


def json_of(printed: str) -> Any:
    return json.loads(printed)


def test_a_server_of_ones_own_is_explained_and_asked(say: Say, peer: PeerServer) -> None:
    address = peer.base_url.removeprefix("http://").removesuffix("/v1")
    code, printed = say("models", "explain")
    assert code == 0
    assert f"1. {MODEL} at {address}" in printed
    assert "nothing would leave this machine" in printed

    code, printed = say("models", "check", MODEL, "--json")
    (checked,) = json_of(printed)["models"]
    # Whether 135 million parameters suffice for a tool call is the model's own affair; the exit code must agree with it.
    assert (checked["model"], checked["provider"]) == (MODEL, address)
    assert (checked["outcome"], code) in {("works", 0), ("cannot", 1)}, checked
    assert checked["use"]["requests"] == 1
    assert checked["use"]["prompt_tokens"] > 0
    assert checked["use"]["completion_tokens"] > 0

    code, printed = say("models", "stats", "--json")
    assert code == 0
    assert MODEL in printed

    # What the check has found is known from now on. It keeps no model of this machine out: it may be another one by then.
    code, printed = say("models", "explain", "--json")
    choice = next(choice for choice in json_of(printed)["choices"] if choice["name"] == MODEL)
    assert (code, choice["asked"]) == (0, True)
    assert choice["status_reason"]
    assert checked["outcome"] == "works" or checked["why"].rstrip(".") in choice["why"]


def test_it_is_asked_which_models_it_has(say: Say) -> None:
    code, printed = say("models", "refresh", "--dry-run")
    assert code == 0
    assert f"new   {MODEL} (free" in printed


def test_a_server_that_is_gone_is_no_error_of_ours(say: Say, start: Start) -> None:
    gone = start()
    gone.kill()
    code, printed = say("models", "refresh", TESTWRIGHT_MODEL_BASE_URL=gone.base_url)
    assert (code, "does not run here" in printed) == (3, True), printed
    code, printed = say("models", "check", MODEL, "--json", TESTWRIGHT_MODEL_BASE_URL=gone.base_url)
    (checked,) = json_of(printed)["models"]
    assert (code, checked["outcome"]) == (3, "not-asked"), checked
    assert "no connection" in checked["why"]
