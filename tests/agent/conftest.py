"""The real SDK, once for each environment that is there, in bubblewrap."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from agent_host import AgentHost, AgentPython
from real_agents import SDKS, agent_environment

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.overlay import make_overlay
from testwright.boxes.reaping import Registry

SHOP = {
    "shop/__init__.py": "",
    "shop/prices.py": '''"""Prices."""


def total(prices, discount=0):
    """The sum, less a discount in percent."""
    if not 0 <= discount <= 100:
        raise ValueError("a discount is between 0 and 100")
    return round(sum(prices) * (100 - discount) / 100, 2)


def label(name, price):
    """What stands at the shelf."""
    return f"{name.title()}: {price:.2f}"
''',
    "shop/stock.py": '''"""Stock."""


class Stock:
    """How many there are of what."""

    def __init__(self):
        self.items = {}

    def add(self, name, count=1):
        """Put some in."""
        self.items[name] = self.items.get(name, 0) + count
        return self

    def take(self, name, count=1):
        """Take some out; what is empty is forgotten."""
        left = self.items[name] - count
        if left < 0:
            raise KeyError(name)
        if left == 0:
            del self.items[name]
        else:
            self.items[name] = left
        return left
''',
    "tests/test_old.py": "from shop.prices import total\n\n\ndef test_old():\n    assert total([1]) == 1\n",
}


def environment_of(sdk: str) -> AgentPython:
    """The environment with one SDK; skips when there is none."""
    folder = agent_environment(sdk)
    python = folder / "bin" / "python"
    return AgentPython(python, (folder, python.resolve().parents[1]))


@pytest.fixture(params=SDKS)
def agent(request: pytest.FixtureRequest) -> AgentPython:
    return environment_of(request.param)


@pytest.fixture
def one_agent() -> AgentPython:
    """For what does not depend on the SDK."""
    return environment_of(SDKS[0])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in SHOP.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


@pytest.fixture(scope="session")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_overlay(tmp_path_factory.mktemp("cache"))


async def make_host(agent: AgentPython, workspace: Path, tmp_path: Path, overlay: Path) -> AgentHost:
    box = BubblewrapBox(Registry(tmp_path / "state"))
    probe = await box.probe()
    if not probe.usable:
        pytest.skip(f"{probe.detail} {probe.next_step}")
    private = tmp_path / "private"
    private.mkdir(exist_ok=True)
    python = Path(sys.executable).resolve()  # the project's: one without pytest of its own, which is lent
    return AgentHost(box, agent, workspace, private, python, (python.parents[1],), overlay)


@pytest.fixture
async def host(agent: AgentPython, workspace: Path, tmp_path: Path, overlay: Path) -> AgentHost:
    return await make_host(agent, workspace, tmp_path, overlay)


@pytest.fixture
async def one_host(one_agent: AgentPython, workspace: Path, tmp_path: Path, overlay: Path) -> AgentHost:
    return await make_host(one_agent, workspace, tmp_path, overlay)
