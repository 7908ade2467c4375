"""What an engine does to a run: it stops, hangs, fills up; somebody kills, pauses or removes the container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from docker_engine import IMAGE, OwnEngine

from testwright.boxes.docker.box import DockerBox
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.docker.labels import PID
from testwright.boxes.docker.reaping import find_containers, reap_all, reap_containers
from testwright.boxes.launcher import processes
from testwright.boxes.protocol import BoxProcess, Command, World
from testwright.boxes.reaping import Registry
from testwright.errors import DockerFailure, DockerUnavailable

from ..conftest import Rig, alive, until  # noqa: TID252 - one suite with the folder above
from .conftest import BASE, NOTHING

WAITS = Command(("/bin/sh", "-c", "trap '' TERM; echo up; sleep 60; sleep 60"))
WORLD = World(NOTHING, NOTHING, ())


async def containers_of(client: DockerClient, pid: int | None = None) -> list[str]:
    """Names of the containers of one process, this one by default: others may use the same engine."""
    process = os.getpid() if pid is None else pid
    label = f"{PID}={process}:{processes.start_time(process)}"
    return (await client.run("ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}")).split()


@contextlib.asynccontextmanager
async def waiting(box: DockerBox) -> AsyncIterator[tuple[BoxProcess, str]]:
    """A program that waits, and the name of its container."""
    async with await box.start(WORLD, WAITS) as process:
        assert await anext(process.lines()) == b"up"
        (name,) = await containers_of(box.client)
        yield process, name


def attached(name: str) -> int:
    """The docker program that is attached to a container."""
    (pid,) = (pid for pid in alive(name) if b"--attach" in Path(f"/proc/{pid}/cmdline").read_bytes())
    return pid


async def kill_quickly(process: BoxProcess) -> None:
    started = time.monotonic()
    await process.kill()
    assert time.monotonic() - started < 2


# --- what somebody else does to a container


async def test_a_container_that_is_killed_from_outside(box: DockerBox) -> None:
    async with waiting(box) as (process, name):
        await box.client.run("kill", name)
        ended = await process.wait()
    assert (ended.cause, ended.code) == ("signalled", -signal.SIGKILL)
    assert "killed, by itself or from outside" in ended.stderr


async def test_a_container_that_is_removed_from_outside(box: DockerBox) -> None:
    async with waiting(box) as (process, name):
        await box.client.run("rm", "--force", name)
        with pytest.raises(DockerFailure, match=r"removed from outside.*Run again"):
            await process.wait()


async def test_a_container_that_is_paused_from_outside(box: DockerBox) -> None:
    async with waiting(box) as (process, name):
        await box.client.run("pause", name)
        with pytest.raises(DockerFailure, match=r"paused from outside"):
            await asyncio.wait_for(process.wait(), 30)


async def test_a_paused_container_is_killed_within_two_seconds(box: DockerBox) -> None:
    async with waiting(box) as (process, name):
        await box.client.run("pause", name)
        await kill_quickly(process)
        assert (await process.wait()).cause == "killed"
    assert await containers_of(box.client) == []


async def test_a_container_is_killed_though_its_client_hangs(box: DockerBox) -> None:
    async with waiting(box) as (process, name):
        client = attached(name)
        os.kill(client, signal.SIGSTOP)
        await kill_quickly(process)
        assert alive(name) == []
        assert (await process.wait()).cause == "killed"
    assert await containers_of(box.client) == []


async def test_a_client_that_is_killed_takes_the_container_along(box: DockerBox) -> None:
    async with waiting(box) as (process, name):
        os.kill(attached(name), signal.SIGKILL)
        with pytest.raises(DockerFailure, match="went away"):
            await process.wait()
    assert await containers_of(box.client) == []


# --- what a crash leaves

HOST = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from testwright.boxes.docker.box import DockerBox
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.protocol import Command, World
from testwright.boxes.reaping import Registry

async def main():
    image, state, token = sys.argv[2:]
    box = DockerBox(DockerClient.find(), image, Registry(Path(state)))
    world = World(Path("/nonexistent"), Path("/nonexistent"), ())
    command = Command(("/bin/sh", "-c", "trap '' TERM; echo up; sleep 120; sleep 120", token))
    async with await box.start(world, command) as process:
        async for line in process.lines():
            print("up", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("way", ["the next start", "the next box", "the doctor"])
async def test_a_killed_owner_leaves_a_container_that_is_reaped(
    client: DockerClient, tmp_path: Path, token: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = str(Path(__file__).parents[3] / "server")
    state = tmp_path / "state"
    command = [sys.executable, "-c", HOST, server, BASE, str(state), token]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:  # noqa: ASYNC220 - waits for its line
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        (name,) = await containers_of(client, owner.pid)
        assert name not in await reap_containers(client)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert name in (await find_containers(client)).left
    registry = Registry(state)
    if way == "the next start":
        assert (await reap_all(registry)).containers == (name,)
        assert list(registry.folder.glob("*.json")) == []
        await until(lambda: alive(name) == [])
    elif way == "the next box":
        assert (await DockerBox(client, BASE, registry).probe()).usable
    else:
        monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(state))
        from testwright.doctor.examining import examine  # noqa: PLC0415 - the only one that needs it

        (finding,) = [found for found in await examine(tmp_path) if found.name == "docker"]
        assert finding.state == "ok"
        assert finding.detail.endswith("1 container that a crash had left removed")
    found = await find_containers(client)
    assert name not in found.left + found.held
    await reap_all(registry)  # the docker program that was attached


async def test_without_a_note_docker_is_not_even_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        pytest.fail("docker was looked for")

    monkeypatch.setattr(DockerClient, "find", never)
    assert (await reap_all(Registry(tmp_path / "state"))).containers == ()


# --- what the engine does


async def test_an_image_that_is_not_there(client: DockerClient, tmp_path: Path) -> None:
    box = DockerBox(client, "testwright-agent:of-no-build", Registry(tmp_path / "state"))
    with pytest.raises(DockerUnavailable, match=r"image is not there.*testwright setup docker.*--agent-box bubblewrap"):
        await box.start(WORLD, WAITS)


async def test_an_engine_that_is_not_running(tmp_path: Path) -> None:
    client = DockerClient.find(None, {"HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    with pytest.raises(DockerUnavailable, match=r"does not answer.*Start it.*--agent-box bubblewrap"):
        await DockerBox(client, BASE, Registry(tmp_path / "state")).start(WORLD, WAITS)


async def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    client = DockerClient.find(None, {"HOME": str(tmp_path), "DOCKER_CONTEXT": "of-somebody"})
    probe = await DockerBox(client, BASE, Registry(tmp_path / "state")).probe()
    assert not probe.usable
    assert "name an engine that cannot be found" in probe.detail


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_an_engine_that_ends_in_the_middle_and_comes_back(
    own_engine: OwnEngine, tmp_path: Path, way: str
) -> None:
    box = DockerBox(own_engine.client(), IMAGE, Registry(tmp_path / "state"))
    async with waiting(box) as (process, name):
        await asyncio.to_thread(own_engine.stop if way == "stop" else own_engine.kill)
        with pytest.raises(DockerFailure, match=r"went away.*Start it and run again"):
            await process.wait()
    assert list((tmp_path / "state" / "boxes").glob("*.json")) == []
    await asyncio.to_thread(own_engine.start)
    again = DockerBox(own_engine.client(), IMAGE, Registry(tmp_path / "state"))
    async with waiting(again) as (process, other):
        assert other != name
        assert (await find_containers(own_engine.client())).held == (other,)


async def test_an_engine_that_hangs_holds_no_kill_up(own_engine: OwnEngine, tmp_path: Path) -> None:
    box = DockerBox(own_engine.client(), IMAGE, Registry(tmp_path / "state"))
    async with waiting(box) as (process, name):
        own_engine.process.send_signal(signal.SIGSTOP)
        await kill_quickly(process)
        own_engine.process.send_signal(signal.SIGCONT)
    await DockerBox(own_engine.client(), IMAGE, Registry(tmp_path / "state")).probe()
    found = await find_containers(own_engine.client(), living=frozenset())
    assert name not in found.left + found.held


async def test_an_engine_that_hangs_gets_its_limit_of_time(own_engine: OwnEngine) -> None:
    own_engine.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(DockerUnavailable, match="not answered for 1 seconds"):
            await own_engine.client().run("version", seconds=1)
    finally:
        own_engine.process.send_signal(signal.SIGCONT)


async def test_an_engine_whose_disk_is_full(own_engine: OwnEngine, tmp_path: Path) -> None:
    box = DockerBox(own_engine.client(), IMAGE, Registry(tmp_path / "state"))
    assert (await box.probe()).usable
    with contextlib.suppress(OSError), (own_engine.data / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    with pytest.raises(DockerFailure, match=r"disk of the Docker engine is full.*docker system df"):
        await box.start(WORLD, WAITS)
    (own_engine.data / "ballast").unlink()
    async with waiting(box):
        pass


async def test_permission_is_missing(own_engine: OwnEngine, tmp_path: Path) -> None:
    """As a user who is not in the group docker; the engine's socket is closed to all but root."""
    (own_engine.folder).chmod(0o755)
    (own_engine.folder / "docker.sock").chmod(0o600)
    client = own_engine.client()
    wrapper = tmp_path / "docker"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups {client.program} "$@"\n')
    wrapper.chmod(0o755)
    client.program = wrapper
    with pytest.raises(DockerUnavailable, match=r"not allowed.*group docker.*rootless.*--agent-box bubblewrap"):
        await client.run("ps")


# --- the docker program itself


async def test_lines_come_while_a_command_runs(rig: Rig, client: DockerClient) -> None:
    del rig  # the image is there
    script = "echo one; echo two >&2; printf 'bar 1\\rbar 2\\r'; sleep 30"
    stream = client.stream("run", "--rm", "--network", "none", BASE, "sh", "-c", script, seconds=60)
    lines = [await anext(stream) for _ in range(4)]
    assert sorted(lines) == ["bar 1", "bar 2", "one", "two"]
    await stream.aclose()  # type: ignore[attr-defined]
    await client.run("ps")


async def test_a_stream_that_fails_tells_its_last_words(client: DockerClient) -> None:
    with pytest.raises(DockerUnavailable, match="image is not there"):
        async for _ in client.stream("run", "--pull", "never", "no-such-image", seconds=30):
            pass
