"""A project in a real box for the engine to search."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.protocol import World
from testwright.boxes.session import Session, install_inside
from testwright.boxes.snapshot import make_snapshot
from testwright.engines.embedded import EmbeddedEngine
from testwright.engines.protocol import Proposal
from testwright.judge.importing import check_import
from testwright.model import CoverageSets, Target

Propose = Callable[..., "Searching"]


class Searching:
    """One module in a workspace of its own, and what the engine proposes for it."""

    def __init__(self, root: Path, overlay: Path, files: Mapping[str, str], python: Path) -> None:
        root.chmod(0o755)
        self.workspace = root / "workspace"
        for name, text in files.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        snapshot, library = root / "snapshot", root / "library"
        make_snapshot(self.workspace, snapshot)
        install_inside(library)
        prefixes = dict.fromkeys((python.parent.parent, python.resolve().parent.parent))
        world = World(self.workspace, snapshot, (*prefixes, library, overlay))
        self.session = Session(BubblewrapBox(), world, python, library, overlay, (self.workspace,))

    def target(self, name: str, symbol: str | None = None, lines: tuple[int, int] | None = None) -> Target:
        path = self.workspace / f"{name}.py"
        text = path.read_text(encoding="utf-8")
        first, last = lines or (1, text.count("\n") + 1)
        return Target(self.workspace, path, name, self.workspace, symbol, first, last, text)

    async def goals(self, name: str) -> CoverageSets:
        return (await check_import(self.session, self.target(name), seconds=60.0)).coverage

    async def propose(self, name: str, *, seed: int = 0, seconds: float = 120.0, **target: object) -> Proposal:
        asked = self.target(name, **target)  # type: ignore[arg-type]
        return await EmbeddedEngine().propose(
            self.session, asked, await self.goals(name), seed=seed, deadline_seconds=seconds
        )


@pytest.fixture
def search(tmp_path: Path, overlay: Path) -> Callable[[Mapping[str, str]], Searching]:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)

    def make(files: Mapping[str, str], python: Path = Path(sys.executable)) -> Searching:
        return Searching(tmp_path, overlay, files, python)

    return make
