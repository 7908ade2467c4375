"""A module of our own, as the explorer sees it; nothing foreign is imported here."""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testwright.inside.explore.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """Make a program of a source."""
    made: list[str] = []

    def make(source: str) -> Program:
        name = f"sample_{len(made)}"
        path = tmp_path / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        module = types.ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module
        made.append(name)
        exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))  # noqa: S102 - a source of these tests
        return Program(module, str(path), source, random.Random(0))

    yield make
    for name in made:
        del sys.modules[name]
