from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from setting_up import here
from wheelhouse import Wheelhouse, like_openhands

from testwright.provisioning import pythons
from testwright.provisioning.agent_environment import FOLDER, AgentEnvironment, set_up_lock
from testwright.provisioning.locks import read_lock
from testwright.provisioning.making import Circumstances
from testwright.provisioning.progress import SetupProgress

OWN_PROGRAMS = str(Path(sys.executable).parent)
"""Where uv is, of the tests' own environment."""


@dataclass
class Stage:
    """A cache folder, and a house of wheels as the only source of packages."""

    house: Wheelhouse
    environ: dict[str, str]
    workspace: Path
    told: list[SetupProgress] = field(default_factory=list)

    @property
    def agents(self) -> Path:
        return Path(self.environ["TESTWRIGHT_CACHE_DIR"]) / FOLDER

    @property
    def steps(self) -> list[str]:
        """What was told, each step once."""
        return list(dict.fromkeys(event.step for event in self.told))

    def left(self) -> set[str]:
        """What lies in the folder for agents, beside the lock, the settings and the cache of uv."""
        kept = {".lock", "uv.toml", ".uv-cache"}
        return {path.name for path in self.agents.iterdir()} - kept if self.agents.is_dir() else set()

    async def set_up(self, tell: Callable[[SetupProgress], None] | None = None, *, needed: int = 0) -> AgentEnvironment:
        def both(event: SetupProgress) -> None:
            self.told.append(event)
            if tell is not None:
                tell(event)

        around = Circumstances(self.workspace, self.environ, both)
        lock = read_lock(self.house.lock)
        return await set_up_lock(lock, around, python=Path(sys.executable), needed=needed)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The agent is set up for the Python that runs the tests, so that these run wherever the others do."""
    monkeypatch.setattr(pythons, "WANTED", (here(),))
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    for name in ("tmp", "workspace", "home"):
        (tmp_path / name).mkdir()
    # Root's boxes run as a user who must be able to pass through to the environment.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        if os.geteuid() == 0:
            folder.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    house = like_openhands(tmp_path / "wheels")
    environ = {
        "TESTWRIGHT_CACHE_DIR": str(tmp_path / "cache"),
        "TESTWRIGHT_STATE_DIR": str(tmp_path / "state"),
        "HOME": str(tmp_path / "home"),
        "PATH": OWN_PROGRAMS,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(house.folder),
    }
    return Stage(house, environ, tmp_path / "workspace")
