"""A file that is put into the snapshot and taken out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from testwright.boxes.protocol import World
from testwright.judge.placing import placed


@pytest.fixture
def world(tmp_path: Path) -> World:
    for name in ("workspace", "snapshot"):
        (tmp_path / name).mkdir()
    return World(tmp_path / "workspace", tmp_path / "snapshot", ())


def test_a_new_file_and_its_folders_are_gone_afterwards(world: World) -> None:
    with placed(world, world.workspace / "tests" / "unit", "test_a.py", "é = 1\r\n") as path:
        assert path == world.snapshot / "tests" / "unit" / "test_a.py"
        assert path.read_bytes() == "é = 1\r\n".encode()
        assert path.stat().st_mode & 0o777 == 0o644
    assert list(world.snapshot.iterdir()) == []


def test_a_file_that_was_there_comes_back(world: World) -> None:
    there = world.snapshot / "test_a.py"
    there.write_bytes(b"old\r\n")
    with placed(world, world.workspace, "test_a.py", b"new\xff"):
        assert there.read_bytes() == b"new\xff"
    assert there.read_bytes() == b"old\r\n"


def test_folders_that_were_there_or_are_in_use_stay(world: World) -> None:
    (world.snapshot / "tests").mkdir()
    with placed(world, world.workspace / "tests", "test_a.py", ""):
        pass
    assert (world.snapshot / "tests").is_dir()
    with placed(world, world.workspace / "new", "test_a.py", "") as path:
        (path.parent / "other.py").touch()
    assert (world.snapshot / "new" / "other.py").exists()
