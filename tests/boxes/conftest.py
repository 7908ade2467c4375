"""A workspace, its snapshot, and every box that there is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.landlock import LandlockBox
from testwright.boxes.plain import PlainBox
from testwright.boxes.protocol import Box, BoxExit, Command, World
from testwright.boxes.reaping import Registry
from testwright.boxes.snapshot import make_snapshot


@dataclass(frozen=True)
class Contract:
    """What a box holds; where one differs from the others, it stands here and is tested as it stands.

    Attributes:
        files: Files outside its world can neither be read nor changed.
        network: Nothing outside can be reached.
        loopback: A server that a test starts can be reached by the test.
        semaphores: ``multiprocessing`` locks work.
        hides_processes: Processes outside cannot be seen.
        signals: Processes outside cannot be signalled.
    """

    files: bool
    network: bool
    loopback: bool
    semaphores: bool
    hides_processes: bool
    signals: bool


CONTRACTS = {
    "bubblewrap": Contract(
        files=True, network=True, loopback=True, semaphores=True, hides_processes=True, signals=True
    ),
    "landlock": Contract(
        files=True, network=True, loopback=False, semaphores=False, hides_processes=False, signals=True
    ),
    # The Landlock of Ubuntu 24.04 (Linux 6.8), without its rules on signals and local sockets.
    "landlock-4": Contract(
        files=True, network=True, loopback=False, semaphores=False, hides_processes=False, signals=True
    ),
    "none": Contract(files=False, network=False, loopback=True, semaphores=True, hides_processes=False, signals=False),
}


def make_box(kind: str, registry: Registry) -> Box:
    if kind == "bubblewrap":
        return BubblewrapBox(registry)
    if kind == "none":
        return PlainBox(registry)
    return LandlockBox(registry, version=4 if kind == "landlock-4" else None)


@dataclass(frozen=True)
class Rig:
    """A box over a world, and a short way to run Python in it."""

    box: Box
    contract: Contract
    world: World
    python: str
    registry: Registry

    def seen(self, path: Path) -> str:
        return str(self.box.seen(self.world, path))

    def command(self, program: str, *arguments: str, **options: object) -> Command:
        return Command((self.python, "-c", program, *arguments), **options)  # type: ignore[arg-type]

    async def run(self, program: str, *arguments: str, **options: object) -> tuple[list[str], BoxExit]:
        """Run a Python program to its end; its lines and how it ended."""
        process = await self.box.start(self.world, self.command(program, *arguments, **options))
        async with process:
            lines = [line.decode(errors="replace") async for line in process.lines()]
            return lines, await process.wait()

    async def shell(self, script: str, *arguments: str, **options: object) -> tuple[list[str], BoxExit]:
        """Run a shell script to its end."""
        command = Command(("/bin/sh", "-c", script, "sh", *arguments), **options)  # type: ignore[arg-type]
        async with await self.box.start(self.world, command) as process:
            lines = [line.decode(errors="replace") async for line in process.lines()]
            return lines, await process.wait()


@pytest.fixture(scope="session")
def interpreter() -> tuple[str, tuple[Path, ...]]:
    """A Python for the box and the folders that it needs: the system's, else our own."""
    system = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if system:
        return system, ()
    return sys.executable, (Path(sys.base_prefix), Path(sys.prefix))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A small project with all that must not get into a box."""
    root = tmp_path / "project"
    (root / "src" / "shop").mkdir(parents=True)
    (root / "src" / "shop" / "__init__.py").write_text("NAME = 'shop'\n", "utf-8")
    (root / "src" / "shop" / "secrets.py").write_text("def token():\n    return 1\n", "utf-8")
    (root / ".env").write_text("KEY=canary-in-env-file\n", "utf-8")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("url = https://canary-in-git@host\n", "utf-8")
    (root / "id_rsa").write_text("canary-in-key\n", "utf-8")
    (root / "deploy.pem").write_text("canary-in-pem\n", "utf-8")
    return root


@pytest.fixture
def world(tmp_path: Path, workspace: Path, interpreter: tuple[str, tuple[Path, ...]]) -> World:
    private = tmp_path / "private"
    private.mkdir()
    make_snapshot(workspace, private / "snapshot")
    return World(workspace, private / "snapshot", interpreter[1])


# As root a user number of its own does what the older Landlock leaves open, so there is nothing more to see with it.
KINDS = [kind for kind in CONTRACTS if kind != "landlock-4" or os.geteuid() != 0]


@pytest.fixture(params=KINDS)
async def rig(
    request: pytest.FixtureRequest, tmp_path: Path, world: World, interpreter: tuple[str, tuple[Path, ...]]
) -> Rig:
    """Every box in turn."""
    registry = Registry(tmp_path / "state")
    box = make_box(request.param, registry)
    probe = await box.probe()
    if not probe.usable:
        pytest.skip(f"{request.param}: {probe.detail} {probe.next_step}")
    return Rig(box, CONTRACTS[request.param], world, interpreter[0], registry)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder outside every world, with a file in it, that anybody on this host may change."""
    folder = Path(tempfile.mkdtemp(prefix="testwright-outside-"))
    folder.chmod(0o777)
    (folder / "kept.txt").write_text("canary-outside\n", "utf-8")
    (folder / "kept.txt").chmod(0o666)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)  # a test may have had it destroyed


def alive(token: str) -> list[int]:
    """Processes of this host whose command line holds a token, zombies included."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if token.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
    return found


@pytest.fixture
def token() -> Iterator[str]:
    """A word that marks the processes of one test; none may be left."""
    word = f"testwright-token-{secrets.token_hex(8)}"
    yield word
    deadline = time.monotonic() + 1.0
    while alive(word) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert alive(word) == []


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that nobody announces."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
