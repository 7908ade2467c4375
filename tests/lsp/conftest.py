"""Editors on a workspace of the test's own; the server keeps what it keeps in private folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsp_client import PROFILES, EditorClient, Profile

PRICING = '''"""Prices of a shop."""

from __future__ import annotations


def add_tax(price: float, percent: float) -> float:
    """The price with tax."""
    if percent < 0:
        raise ValueError("a tax is not negative")
    return round(price * (1 + percent / 100), 2)


def größe(länge: int, *, label: str = "größer") -> str:
    """A size in words."""
    if länge > 10:
        return f"{label} 😀"
    return "klein"


class Cart:
    """What is bought."""

    def __init__(self) -> None:
        self.prices: list[float] = []

    def add(self, price: float) -> int:
        """Put in; how many there are."""
        self.prices.append(price)
        return len(self.prices)

    def total(self, discount: float = 0.0) -> float:
        """What is to be paid."""
        total = sum(self.prices)
        if discount > 0:
            total -= total * discount
        return round(total, 2)
'''

PYPROJECT = '[project]\nname = "shop"\nversion = "0"\n\n[tool.testwright]\nbudget = 30\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A project with one module and no tests."""
    folder = tmp_path / "workspace"
    package = folder / "src" / "shop"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "pricing.py").write_text(PRICING, encoding="utf-8")
    return folder


@pytest.fixture
def pricing(workspace: Path) -> Path:
    """The module."""
    return workspace / "src" / "shop" / "pricing.py"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables of the server: private folders, and the interpreter's own folder on the path."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o711)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "TMPDIR": str(scratch),
        "VIRTUAL_ENV": sys.prefix,
        "TESTWRIGHT_CACHE_DIR": str(tmp_path / "cache"),
        "TESTWRIGHT_STATE_DIR": str(tmp_path / "state"),
    }


EditorFactory = Callable[..., EditorClient]


@pytest.fixture
def editor_for(workspace: Path, environment: dict[str, str]) -> EditorFactory:
    """Makes an editor with a profile; ``async with editor_for(FULL) as editor:``."""

    def make(profile: Profile, **further: Any) -> EditorClient:
        return EditorClient(profile, **{"folders": [workspace], "environment": environment, **further})

    return make


@pytest.fixture(params=PROFILES, ids=lambda profile: profile.name)
def profile(request: pytest.FixtureRequest) -> Profile:
    """Each of the profiles in turn."""
    found: Profile = request.param
    return found
