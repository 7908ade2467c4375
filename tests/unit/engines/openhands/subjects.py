"""Modules of the example project, as targets."""

from __future__ import annotations

from pathlib import Path

from testwright.model import CoverageSets, Target

ROOT = Path(__file__).parents[4] / "examples" / "invoicing"


def target_of(name: str, symbol: str | None = None, lines: tuple[int, int] | None = None) -> Target:
    """A module of ``invoicing``."""
    path = ROOT / "src" / "invoicing" / f"{name}.py"
    source = path.read_text("utf-8")
    first, last = lines or (1, source.count("\n"))
    return Target(ROOT, path, f"invoicing.{name}", ROOT / "src", symbol, first, last, source)


def a_target(source: str) -> Target:
    """A module with this text."""
    root = Path("/project")
    return Target(root, root / "shop.py", "shop", root, None, 1, source.count("\n") + 1, source)


RATES = CoverageSets(
    statements=frozenset(
        {3, 5, 6, 8, 10, 13, 17, 20, 23, 24, 25, 27, 35, 36, 34, 37, 38, 39, 40, 41, 42, 45, 47, 48, 49, 50}
    ),
    executed=frozenset({3, 5, 6, 8, 10, 13, 17, 20, 23, 24, 25, 27, 45, 47, 48}),
    branches=frozenset({(35, 36), (35, 37), (37, 38), (37, 42), (38, 39), (38, 40), (47, 48), (47, 49)}),
    executed_branches=frozenset({(47, 48)}),
)
"""What one test that converts euros to euros covers of ``invoicing.rates``."""
