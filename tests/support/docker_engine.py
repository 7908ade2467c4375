"""A Docker engine for one test, with folders of its own, that can be stopped, frozen and filled up."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testwright.boxes.docker.client import DockerClient
from testwright.errors import TestwrightError

IMAGE = "testwright-shell:test"
_PROGRAMS = ("sh", "sleep", "cat", "mkdir", "dd", "tail", "head")


def engine_programs() -> str:
    """Why no engine can be started here; empty when one can."""
    if os.geteuid() != 0:
        return "an engine of one's own needs root"
    if "DOCKER_HOST" not in os.environ:
        return "DOCKER_HOST names no engine, so those of tests are not started: run .ci/install-docker"
    missing = [name for name in ("dockerd", "containerd", "runc", "docker") if shutil.which(name) is None]
    return f"not on this machine: {', '.join(missing)}" if missing else ""


def engine_with(image: str) -> DockerClient:
    """A client of the engine that DOCKER_HOST or a context names; skips where none answers or has the image."""

    async def reach() -> DockerClient:
        found = DockerClient.find()
        await found.run("image", "inspect", image, seconds=20)
        return found

    try:
        return asyncio.run(reach())
    except TestwrightError as error:
        pytest.skip(f"no engine with {image}: {error}")


@dataclass
class OwnEngine:
    """A running engine."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        """For DOCKER_HOST."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def data(self) -> Path:
        """Where it keeps images and containers: a small disk of its own."""
        return self.folder / "data"

    def client(self) -> DockerClient:
        """A client that speaks to it."""
        return DockerClient.find(None, {"HOME": str(self.folder), "DOCKER_HOST": self.host})

    def docker(self, *arguments: str, data: bytes | None = None) -> str:
        """Run the docker program against it."""
        done = subprocess.run(
            [_program("docker"), *arguments],
            input=data,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "DOCKER_HOST": self.host},
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout.decode()

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[OwnEngine]:
        """Start one, import the image, and leave nothing of it behind."""
        folder = Path(tempfile.mkdtemp(prefix="testwright-engine-", dir="/tmp"))
        (folder / "data").mkdir()
        subprocess.run([_program("mount"), "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder / "data")], check=True)
        engine = cls(folder, _start(folder))
        try:
            engine.await_answer()
            engine.docker("import", "-", IMAGE, data=shell_image())
            yield engine
        finally:
            engine.end()
            for mounted in _mounts_below(folder):
                subprocess.run([_program("umount"), "--lazy", mounted], check=False)
            shutil.rmtree(folder, ignore_errors=True)

    def await_answer(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.docker("version")
                return
            assert self.process.poll() is None, (self.folder / "log").read_text("utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a crash would; containers are left to the next start."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as an administrator would; it ends its containers."""
        self.process.terminate()
        self.process.wait(30)

    def start(self) -> None:
        """Start it again on the same data."""
        # Whoever took over what a killed engine left may not have taken note of its end, and it would count as running.
        for left in (self.folder / "docker.pid", self.folder / "exec" / "containerd" / "containerd.pid"):
            left.unlink(missing_ok=True)
        self.process = _start(self.folder)
        self.await_answer()

    def end(self) -> None:
        """End it and all that it has started, whatever state it is in."""
        self.process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
            if names := self.docker("ps", "--all", "--quiet").split():
                self.docker("rm", "--force", *names)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        for _ in range(20):
            left = _processes_of(self.folder)
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not left:
                break
            time.sleep(0.1)
        if self.process.poll() is None:
            self.kill()


def _program(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, name
    return path


def _start(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [
                *(
                    _program("dockerd"),
                    "--iptables=false",
                    "--bridge=none",
                    "--shutdown-timeout=2",
                    "--host",
                    f"unix://{folder}/docker.sock",
                ),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *("--pidfile", str(folder / "docker.pid")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _processes_of(folder: Path) -> list[int]:
    """Processes of ours whose command line names the folder: the engine, its containerd and its shims."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if str(folder).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def _mounts_below(folder: Path) -> list[str]:
    places = [line.split()[1] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    return sorted((place for place in places if place.startswith(str(folder))), reverse=True)


def shell_image() -> bytes:
    """A file system of this machine's shell, a few programs and their libraries, as an archive."""
    files: set[str] = set()
    for name in _PROGRAMS:
        linked = subprocess.run([_program("ldd"), _program(name)], capture_output=True, text=True, check=False).stdout
        files |= {f"/bin/{name}", *re.findall(r"(/\S+) \(0x", linked)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("tmp", "proc", "sys", "dev", "etc"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(info)
        for place in sorted(files):
            source = Path(_program(Path(place).name) if place.startswith("/bin/") else place)
            data = source.resolve().read_bytes()
            info = tarfile.TarInfo(place.lstrip("/"))
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
