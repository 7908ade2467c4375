"""A Docker engine of this machine, and small wheels in place of OpenHands."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from docker_engine import engine_with
from image_yard import LABEL, Yard
from wheelhouse import like_openhands

from testwright.boxes.docker.client import DockerClient
from testwright.provisioning.images import agent_images, making
from testwright.provisioning.locks import Lock, read_lock

BASE = os.environ.get("TESTWRIGHT_DOCKER_BASE", "testwright-base:bookworm")
"""Made by .ci/install-docker: Debian with git, tmux, two Pythons."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("docker")


@pytest.fixture(scope="session")
def client() -> DockerClient:
    """The engine that DOCKER_HOST or a context names."""
    return engine_with(BASE)


@pytest.fixture
async def yard(client: DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Yard]:
    """A yard; what a test makes in it is removed."""
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    for name in ("tmp", "workspace", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    house = like_openhands(tmp_path / "wheels", sdk=f"# {tmp_path}\n")

    def lock_of(_: str) -> Lock:
        return read_lock(house.lock)

    for module in (agent_images, making):
        monkeypatch.setattr(module, "lock_of", lock_of)
    environ = {
        "TESTWRIGHT_CACHE_DIR": str(tmp_path / "cache"),
        "TESTWRIGHT_STATE_DIR": str(tmp_path / "state"),
        "HOME": str(tmp_path / "home"),
        "PATH": str(Path(sys.executable).parent),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(house.folder),
    }
    base = f"testwright-yard:{secrets.token_hex(6)}"
    dockerfile = f"FROM {BASE}\nLABEL {LABEL}={base}\n"
    await client.run("build", "--tag", base, "-", stdin=dockerfile.encode(), seconds=120)
    found = Yard(client, base, house, environ, tmp_path / "workspace")
    yield found
    left = sorted(await found.made(), key=lambda name: "project" not in name)
    for name in (*left, base):
        await client.run("image", "rm", "--force", name, seconds=120)
