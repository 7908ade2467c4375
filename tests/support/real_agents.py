"""The agent's own environments, with the real SDK, as ``testwright setup openhands`` makes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SDKS = ("pinned", "newest")


def agent_python(sdk: str) -> Path | None:
    """Interpreter of the environment with one of the SDKs; None when none is named.

    The variable ``AGENTS`` names them, by the lines that .ci/install-agents prints.
    """
    named = dict(line.split("=", 1) for line in os.environ.get("AGENTS", "").splitlines() if "=" in line)
    return Path(named[sdk]) if sdk in named else None


def agent_environment(sdk: str) -> Path:
    """Folder of the environment with one of the SDKs; skips when none is named."""
    python = agent_python(sdk)
    if python is None:
        pytest.skip('the agent is not there: AGENTS="$(.ci/install-agents)" names it')
    return python.parents[1]


def lend_agents(cache: Path, sdk: str) -> None:
    """Give a cache folder of a test's own the environments that were made before, as if they had been set up there."""
    cache.mkdir(exist_ok=True)
    (cache / "agents").symlink_to(agent_environment(sdk).parent, target_is_directory=True)
