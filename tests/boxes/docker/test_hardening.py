"""What a running container is, as its engine tells it, and what hostile code meets in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from testwright.boxes.docker.box import DockerBox
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.labels import NAMES, Owner
from testwright.boxes.docker.reaping import Containers, find_containers
from testwright.boxes.protocol import MIB, BoxProcess, Command, Limits, World
from testwright.errors import BoxFailure

from ..conftest import Rig, alive, until  # noqa: TID252 - one suite with the folder above
from .conftest import NOTHING, inspected

CANARY = "canary-in-the-servers-environment"
LIMITS = Limits(memory=300 * MIB, processes=40, file=32 * MIB)


async def running(rig: Rig, world: World | None = None, **options: object) -> tuple[BoxProcess, str]:
    """A program that waits, and the name of its container."""
    before = set((await find_containers(client_of(rig))).held)
    program = "print('up', flush=True); import time; time.sleep(60)"
    process = await rig.box.start(world or rig.world, rig.command(program, limits=LIMITS, **options))
    assert await anext(process.lines()) == b"up"
    (name,) = set((await find_containers(client_of(rig))).held) - before
    return process, name


def client_of(rig: Rig) -> DockerClient:
    assert isinstance(rig.box, DockerBox)
    return rig.box.client


async def test_the_running_container_is_closed_on_all_sides(rig: Rig) -> None:
    process, name = await running(rig)
    async with process:
        seen = await inspected(client_of(rig), name)
    host = seen["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert (host["PidMode"], host["UTSMode"], host["UsernsMode"]) == ("", "", "")
    assert host["IpcMode"] == "private"
    assert host["Init"] is True
    assert host["LogConfig"]["Type"] == "none"
    assert host["RestartPolicy"]["Name"] in {"", "no"}
    assert (host["Memory"], host["MemorySwap"]) == (LIMITS.memory, LIMITS.memory)
    assert host["PidsLimit"] == LIMITS.processes
    assert 0 < host["NanoCpus"] <= 2_000_000_000
    limits = {limit["Name"]: (limit["Soft"], limit["Hard"]) for limit in host["Ulimits"]}
    assert limits == {
        "cpu": (120, 121),
        "data": (LIMITS.memory, LIMITS.memory),
        "fsize": (LIMITS.file, LIMITS.file),
        "core": (0, 0),
        "nofile": (1024, 1024),
    }
    assert seen["Config"]["User"] == "64000:64000"
    assert seen["Config"]["Tty"] is False


async def test_nothing_of_the_host_is_in_it(rig: Rig) -> None:
    process, name = await running(rig)
    async with process:
        seen = await inspected(client_of(rig), name)
    assert seen["Mounts"] == []
    host = seen["HostConfig"]
    assert not host["Binds"]
    assert not host["VolumesFrom"]
    assert not host["Devices"]
    assert not host["PortBindings"]
    assert list(host["Tmpfs"]) == ["/tmp"]
    assert "sock" not in json.dumps(host)


async def test_its_labels_name_the_run_and_its_owner(rig: Rig) -> None:
    process, name = await running(rig)
    async with process:
        labels = (await inspected(client_of(rig), name))["Config"]["Labels"]
        owner = Owner.of([labels[label] for label in NAMES])
    assert owner is not None
    assert owner.run == name
    assert owner.process.startswith(f"{os.getpid()}:")
    assert not owner.is_gone()


async def test_a_key_of_ours_is_nowhere(
    box: DockerBox, rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", CANARY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{CANARY}@127.0.0.1:1")
    configuration = tmp_path / "docker"
    configuration.mkdir()
    proxies = {"httpProxy": f"http://user:{CANARY}@127.0.0.1:1", "noProxy": CANARY}
    (configuration / "config.json").write_text(json.dumps({"proxies": {"default": proxies}}), "utf-8")
    client = DockerClient.find(None, {**os.environ, "DOCKER_CONFIG": str(configuration)})
    world = World(NOTHING, NOTHING, (), environment={"PASSED": "with-a-secret-of-the-user"})
    program = "import os; print('up', flush=True); print(dict(os.environ), flush=True); import time; time.sleep(60)"
    own = DockerBox(client, box.image, rig.registry)
    async with await own.start(world, rig.command(program, token)) as process:
        lines = process.lines()
        await anext(lines)
        environment = (await anext(lines)).decode()
        (name,) = (await find_containers(client)).held
        seen = json.dumps(await inspected(client, name))
        processes = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in alive("testwright")]
    assert CANARY not in seen + environment
    assert "with-a-secret-of-the-user" in environment
    assert all(CANARY.encode() not in line and b"with-a-secret" not in line for line in processes)
    assert not any(CANARY in path.read_text("utf-8") for path in rig.registry.folder.glob("*"))


async def test_hostile_code_finds_no_way_out(rig: Rig) -> None:
    program = """
import os, socket, shutil
def attempt(name, action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return
    print("done:", name)
attempt("write", open, "/usr/bin/new", "w")
attempt("anybody's", open, "/var/tmp/new", "w")
attempt("replace", os.rename, "/etc/passwd", "/etc/gone")
attempt("root", os.setuid, 0)
attempt("mount", os.mkdir, "/mnt/x")
attempt("device", os.mknod, "/tmp/device", 0o666 | 0o060000, os.makedev(8, 0))
attempt("proc", open, "/proc/sys/kernel/core_pattern", "w")
attempt("sys", open, "/sys/kernel/mm/ksm/run", "w")
attempt("socket", lambda: socket.create_connection(("1.1.1.1", 53), 2))
attempt("name", lambda: socket.getaddrinfo("pypi.org", 443))
attempt("host", lambda: socket.create_connection(("172.17.0.1", 22), 2))
for place in ("/", "/usr", "/etc", "/home"):
    shutil.rmtree(place, ignore_errors=True)
print(os.path.exists("/usr/bin/env"), os.path.exists("/etc/passwd"))
print([name for name in ("/var/run/docker.sock", "/run/docker.sock", "/.dockerenv.sock") if os.path.exists(name)])
print(sorted(name for _, name in socket.if_nameindex()))
"""
    lines, ended = await rig.run(program)
    assert lines == ["True True", "[]", "['lo']"], ended.stderr


async def test_memory_of_the_tree_ends_it(rig: Rig) -> None:
    program = """
import os, time
children = []
for _ in range(4):
    if (child := os.fork()) == 0:
        data = bytearray(os.urandom(4096) * (60 << 8))
        time.sleep(3)
        os._exit(0)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
print(-9 in codes)
"""
    lines, ended = await rig.run(program, limits=Limits(memory=150 * MIB))
    assert lines == ["True"], ended


async def test_out_of_memory_is_told(rig: Rig) -> None:
    # Shared memory escapes the limit of one process.
    program = "import mmap; m = mmap.mmap(-1, 400 << 20)\nfor at in range(0, 400 << 20, 4096): m[at] = 1"
    _, ended = await rig.run(program, limits=Limits(memory=100 * MIB))
    assert ended.cause == "memory"
    assert "more memory than it may" in ended.stderr


async def test_processes_are_limited(rig: Rig) -> None:
    program = """
import os, time
count = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        count += 1
except BlockingIOError:
    print("refused", count < 40)
"""
    lines, _ = await rig.run(program, limits=LIMITS)
    assert lines == ["refused True"]


async def test_the_scratch_is_limited(rig: Rig) -> None:
    program = """
import os
try:
    for number in range(40):
        with open(f"/tmp/{number}", "wb") as file:
            file.write(os.urandom(1 << 20))
except OSError as error:
    print(error.strerror)
"""
    lines, _ = await rig.run(program, limits=Limits(file=8 * MIB))
    assert lines == ["No space left on device"]


async def test_a_start_in_the_workspace_is_refused(rig: Rig, tmp_path: Path) -> None:
    world = World(tmp_path, NOTHING, ())
    with pytest.raises(BoxFailure, match="nothing of the workspace is in it yet"):
        await rig.box.start(world, Command(("/bin/sh",), cwd=tmp_path / "src"))
    assert rig.box.seen(world, tmp_path / "src") == Path("/tmp/workspace/src")
    assert rig.box.seen(world, NOTHING / "src") == Path("/tmp/workspace/src")
    assert rig.box.seen(world, Path("/usr/bin/python3")) == Path("/usr/bin/python3")


async def test_a_variable_of_several_lines_is_refused(rig: Rig) -> None:
    world = World(NOTHING, NOTHING, (), environment={"LINES": "one\nTWO=2"})
    with pytest.raises(BoxFailure, match="more than one line"):
        await rig.box.start(world, Command(("/bin/sh",)))


async def test_cancelling_kills_the_whole_tree_within_two_seconds(rig: Rig, token: str) -> None:
    program = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        time.sleep(60)
time.sleep(60)
"""
    task = asyncio.create_task(rig.run(program, token))
    # The docker program, whose arguments hold no token, is not among them: the program, its children and their init.
    await until(lambda: len(alive(token)) >= 4)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 2
    assert alive(token) == []


@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.05, 0.1, 0.2])
async def test_a_cancelled_start_leaves_no_container(rig: Rig, after: float) -> None:
    task = asyncio.create_task(rig.run("import time; time.sleep(60)"))
    await asyncio.sleep(after)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    # What the engine was still making then is removed when it is made.
    async with asyncio.timeout(20):
        while await find_containers(client_of(rig), living=frozenset()) != Containers((), ()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)
    assert list(rig.registry.folder.glob("*.json")) == []
