"""What a bubblewrap box shows of the host: an allow-list, written as bubblewrap's options."""

from __future__ import annotations

import os
from pathlib import Path

from testwright.boxes.paths import existing_roots, folders_above
from testwright.boxes.protocol import World
from testwright.errors import BoxFailure

SCRATCH = Path("/tmp")  # noqa: S108 - the box's own /tmp

_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# Settings of the system without anything personal; most Pythons and C libraries look into some of them.
_ETC = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "localtime",
    "mime.types",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "ca-certificates",
    "pki/tls/certs",
    "pki/ca-trust/extracted",
)


def generated_files(user: int) -> dict[str, str]:
    """Files of /etc that are made for the box, so that it learns no user or host name; text by place."""
    return {
        "/etc/passwd": f"root:x:0:0::/:/bin/sh\nbox:x:{user}:{user}::{SCRATCH}/home:/bin/sh\n",
        "/etc/group": f"root:x:0:\nbox:x:{user}:\n",
        "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
    }


def system_mounts() -> list[str]:
    """/usr and what belongs to it, as the host has it (folders or links), and the harmless part of /etc."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM:
        path = Path("/") / name
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    options += ["--perms", "0755", "--dir", "/etc"]
    etc = [Path("/etc") / name for name in _ETC]
    etc += sorted(Path("/etc").glob("python3*"))  # sitecustomize and debian_config of the system's Python
    for path in etc:
        if os.access(path, os.R_OK):
            options += _folders(path)
            options += ["--ro-bind", str(path), str(path)]
    return options


def scratch_mounts(size: int) -> list[str]:
    """The one place that can be written, the home in it, and shared memory for semaphores; bytes each."""
    return [
        *("--proc", "/proc"),
        *("--dev", "/dev"),
        *("--perms", "1777", "--size", str(size), "--tmpfs", "/dev/shm"),  # noqa: S108 - inside the box
        *("--perms", "1777", "--size", str(size), "--tmpfs", str(SCRATCH)),
        *("--perms", "0777", "--dir", str(SCRATCH / "home")),
    ]


def world_mounts(world: World, *, foreign_user: bool) -> list[str]:
    """The snapshot in the workspace's place and the read-only roots, outer ones first.

    Makes empty mount points in the snapshot where a root lies in the workspace, because the box cannot.

    Args:
        world: What is to be seen.
        foreign_user: The program runs under a user that owns nothing here, so all must be readable for everybody.

    Raises:
        BoxFailure: A root that the program could not read.
    """
    options: list[str] = []
    shown: list[tuple[Path, Path]] = [(world.snapshot, world.workspace)]
    for root in existing_roots(world):
        if root.is_relative_to("/usr"):
            continue
        if foreign_user:
            _check_readable(root)
        if root.is_relative_to(world.workspace):
            _make_mount_point(world, root)
        shown.append((root, root))
    for source, place in sorted(shown, key=lambda pair: (len(pair[1].parts), str(pair[1]))):
        options += _folders(place)
        options += ["--ro-bind", str(source), str(place)]
    return options


def _folders(place: Path) -> list[str]:
    """The parents of a mount point: made open to all, even where the host's are private (a home folder)."""
    options: list[str] = []
    for folder in folders_above(place):
        if folder != SCRATCH:
            options += ["--perms", "0755", "--dir", str(folder)]
    return options


def _make_mount_point(world: World, root: Path) -> None:
    """Make an empty folder or file in the snapshot, and its parents as open as the rest of it, whatever the umask."""
    relative = root.relative_to(world.workspace)
    try:
        for parent in reversed(relative.parents[:-1]):
            folder = world.snapshot / parent
            if not folder.is_dir():
                folder.mkdir()
                folder.chmod(0o755)
        place = world.snapshot / relative
        if root.is_dir():
            place.mkdir(exist_ok=True)
        else:
            place.touch()
    except OSError as error:
        raise BoxFailure(
            f"The copy of the workspace cannot take {relative} in: {error.strerror or error}.", next_step="Run again."
        ) from error


def _check_readable(root: Path) -> None:
    mode = os.stat(root).st_mode  # noqa: PTH116 - follows links on purpose, as the mount does
    wanted = 0o005 if root.is_dir() else 0o004
    if mode & wanted != wanted:
        raise BoxFailure(
            f"{root} is readable for root alone, and a box never runs as root.",
            next_step=f"Run Testwright as a plain user, or allow others to read it: chmod -R o+rX {root}",
        )
