"""Two workspaces for the two ways to have an agent, an engine of the tests' own, and the real agent where it is set up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent_site import ENGINES, Site
from docker_engine import OwnEngine, engine_programs
from real_agents import agent_environment
from shell_agent import make_agent_image

SDKS = ("pinned", "newest")
PROVIDERS = ("OPENROUTER_API_KEY", "PREFERRED_MODEL", "FALLBACK_MODELS")
NOWHERE = "http://127.0.0.1:9/v1"
"""A model that nobody asks."""


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where all lies that is not the workspace; runs see no model but what a test names."""
    folder = tmp_path / "private"
    for name in ("state", "cache", "tmp"):
        (folder / name).mkdir(parents=True)
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(folder / "state"))
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(folder / "cache"))
    for name in PROVIDERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TESTWRIGHT_PREFERRED_MODEL", "scripted-coder")
    monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", NOWHERE)
    return folder


@pytest.fixture
def sites(private: Path) -> dict[str, Site]:
    """One for each engine; a test that needs another module makes them anew."""
    return sites_with("", private.parent)


def sites_with(note: str, folder: Path) -> dict[str, Site]:
    """One for each engine, with a note in the module's docstring."""
    return {engine: Site.made(folder / f"{engine} site é", note) for engine in ENGINES}


@pytest.fixture(scope="module")
def one_engine() -> Iterator[OwnEngine]:
    """An engine with the small agent's image, for all tests of a module: each leaves it as it was."""
    reason = engine_programs()
    if reason:
        pytest.skip(reason)
    with OwnEngine.running() as engine:
        make_agent_image(engine)
        yield engine


@pytest.fixture
def engine(one_engine: OwnEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    """The same, as the one that the docker program finds; no container may be left on it."""
    monkeypatch.setenv("DOCKER_HOST", one_engine.host)
    yield one_engine
    assert one_engine.docker("ps", "--all", "--quiet") == ""


def made_agents(sdk: str) -> Path:
    """A cache folder with an agent's environment, as .ci/install-agents makes it; skips when there is none."""
    return agent_environment(sdk).parents[1]


@pytest.fixture
def set_up(private: Path) -> Callable[[str], None]:
    """Gives runs an agent's environment that was made before, as if it lay in their own cache."""

    def lend(sdk: str) -> None:
        (private / "cache" / "agents").symlink_to(made_agents(sdk) / "agents", target_is_directory=True)

    return lend
