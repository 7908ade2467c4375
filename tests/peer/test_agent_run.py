"""A whole run with the real SDK and a real model that is too small for it: the user ends with the embedded engine's tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from agent_site import TEST_PATH, Site, differences
from peer_server import MODEL, PeerServer
from real_agents import lend_agents

pytestmark = pytest.mark.agent


def test_a_small_model_costs_nothing_that_was_proven(peer: PeerServer, environ: dict[str, str], tmp_path: Path) -> None:
    lend_agents(Path(environ["TESTWRIGHT_CACHE_DIR"]), "newest")
    site = Site.made(tmp_path / "workspace")
    before = site.digests()
    options = ("--engine", "auto", "--agent-box", "bubblewrap", "--model-deadline", "120", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "testwright.cli", "generate", "door.py", *options],
        check=False,
        cwd=site.workspace,
        env={
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TESTWRIGHT_MODEL_BASE_URL": peer.base_url,
            "TESTWRIGHT_PREFERRED_MODEL": MODEL,
            **environ,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == "written", report["error"]
    assert report["tests"]["by_engine"].get("openhands", 0) == 0
    assert report["tests"]["by_engine"]["embedded"] >= 1
    assert differences(before, site.digests()) == {TEST_PATH}
    assert [note for note in report["notes"] if "agent" in note], report["notes"]
