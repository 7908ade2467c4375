"""What a crash leaves is found and removed; what living processes hold is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testwright.boxes.reaping import MARKER, Registry, reap_orphans

from .conftest import Rig, alive, until

HOST = """
import asyncio, sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.landlock import LandlockBox
from testwright.boxes.plain import PlainBox
from testwright.boxes.protocol import Command, World
from testwright.boxes.reaping import Registry

async def main():
    kind, state, workspace, token = sys.argv[2:]
    registry = Registry(Path(state))
    box = {"bubblewrap": BubblewrapBox, "landlock": LandlockBox, "none": PlainBox}[kind](registry)
    with registry.private_folder(Path(tempfile.gettempdir()), "snapshot") as folder:
        world = World(Path(workspace), folder, ())
        script = "(setsid sleep 120 $0 || true) & trap '' TERM; echo up; sleep 120; sleep 1 $0"
        async with await box.start(world, Command(("/bin/sh", "-c", script, token))) as process:
            async for line in process.lines():
                print(folder, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def host(rig: Rig, token: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process with a box, and the private folder that it holds."""
    if rig.box.name == "landlock" and rig.contract.hides_processes:
        pytest.fail("the table of contracts changed")
    server = str(Path(__file__).parents[2] / "server")
    command = [sys.executable, "-c", HOST, server, rig.box.name, str(rig.registry.folder), str(tmp_path), token]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


async def test_a_killed_host_takes_its_boxes_along(
    rig: Rig, token: str, host: tuple[subprocess.Popen[str], Path]
) -> None:
    process, folder = host
    assert folder.is_dir()
    assert len(alive(token)) >= 2
    held = reap_orphans(rig.registry)
    assert (held.trees, held.folders) == (0, ())

    process.send_signal(signal.SIGKILL)
    process.wait()
    await until(lambda: not alive(token), 3)

    assert folder.is_dir()
    left = reap_orphans(rig.registry)
    assert folder in left.folders
    assert not folder.exists()
    assert list(rig.registry.folder.iterdir()) == []
    assert not any(path.exists() for path in left.folders)


async def test_marked_processes_of_a_host_that_is_gone_are_killed(tmp_path: Path, token: str) -> None:
    registry = Registry(tmp_path / "state")
    note = registry.note(marker="marker-of-a-box")
    content = json.loads(note.read_text("utf-8"))
    note.write_text(json.dumps({**content, "host_start": content["host_start"] - 1}), "utf-8")
    orphan = subprocess.Popen(  # noqa: ASYNC220 - started at once, and killed
        [sys.executable, "-c", "import time; time.sleep(60)", token], env={MARKER: "marker-of-a-box"}
    )
    try:
        assert reap_orphans(registry).trees == 1
        assert orphan.wait(5) == -signal.SIGKILL
    finally:
        orphan.kill()
        orphan.wait()
    assert list(registry.folder.iterdir()) == []


def test_only_folders_of_ours_are_deleted(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "state")
    precious = tmp_path / "precious"
    precious.mkdir()
    link = tmp_path / "testwright-link"
    link.symlink_to(precious)
    ours = tmp_path / "testwright-ours"
    ours.mkdir()
    (ours / "link").symlink_to(precious)
    (precious / "file").write_text("x", "utf-8")
    note = registry.note(folders=(precious, link, ours))
    content = json.loads(note.read_text("utf-8"))
    note.write_text(json.dumps({**content, "boot": "another"}), "utf-8")

    assert reap_orphans(registry).folders == (ours,)
    assert (precious / "file").read_text("utf-8") == "x"
    assert not ours.exists()


def test_a_torn_note_is_thrown_away(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    (tmp_path / "1-x.json").write_text('{"host": 1', "utf-8")
    assert reap_orphans(registry).trees == 0
    assert list(tmp_path.iterdir()) == []


def test_a_private_folder_is_private_and_goes(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "state")
    with registry.private_folder(tmp_path, "snapshot") as folder:
        assert folder.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
        (folder / "closed").mkdir(mode=0o000)
        assert len(list(registry.folder.iterdir())) == 1
    assert not folder.exists()
    assert list(registry.folder.iterdir()) == []
