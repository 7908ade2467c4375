"""The packages of an image: fetched on this machine, where the user's indexes are known, and packed for the build.

Nothing of them is run here: wheels are unpacked, and the build of an image has no network, so that no password of an
index comes near a container. What has no wheel is built in a container by itself (``image_sdists.py``).
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testwright.errors import SetupFailure
from testwright.provisioning.dependencies.values import Platform
from testwright.provisioning.images.progress import ImageStep, TellImage, told
from testwright.provisioning.installer import Elsewhere, Installer
from testwright.provisioning.progress import SetupProgress, watched
from testwright.provisioning.setup_words import setup_failure

DOCKERFILES = Path(__file__).parent / "dockerfiles"

# Those that uv knows (its documentation, "--python-platform").
_GLIBC_MINORS = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
_AGAIN = "What was fetched is kept: run `testwright setup docker` again to go on."
_SDISTS = (
    "A package that has only a source distribution is taken with --allow-sdists: that runs its code, in a container "
    "that has a network."
)
_MAX_SCRIPT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Packages:
    """What is to be fetched.

    Attributes:
        lines: Of a requirements file.
        count: How many packages that is, as far as it is known.
        is_locked: Each has its hashes, and all are named.
        platform: For which.
        glibc: The oldest C library that they must run with.
        may_be_built: The user may consent to source distributions, so it is told how.
    """

    lines: Sequence[str]
    count: int
    is_locked: bool
    platform: Platform
    glibc: tuple[int, int]
    may_be_built: bool


async def fetch(installer: Installer, packages: Packages, folder: Path, tell: TellImage) -> Path:
    """Fetch packages and unpack them into a folder.

    Args:
        installer: uv.
        packages: Which.
        folder: An empty one of ours.
        tell: Is told how far it is.

    Returns:
        The folder with the packages.

    Raises:
        SetupFailure: They cannot be had.
    """
    site = folder / "site"
    site.mkdir()
    if not packages.lines:
        return site
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in packages.lines), encoding="utf-8")

    def failure(program: str, code: int, output: str) -> SetupFailure:
        error = setup_failure(program, code, output, undone="The image was not built", again=_AGAIN)
        if packages.may_be_built and any(word in output for word in ("no usable wheels", "no wheels", "--only-binary")):
            return SetupFailure(error.message, next_step=f"{_SDISTS} Or: {error.next_step}")
        return error

    def tell_of(event: SetupProgress) -> None:
        step: ImageStep = "installing" if event.step == "installing" else "fetching"
        tell(told(step, event.words.partition(": ")[2]))

    async with watched(installer.cache, site, None, packages.count, tell_of):
        await installer.install_for(
            site,
            requirements,
            Elsewhere(platform_name(packages.platform.machine, packages.glibc), packages.platform.python),
            is_locked=packages.is_locked,
            failure=failure,
        )
    return site


def platform_name(machine: str, glibc: tuple[int, int]) -> str:
    """A platform as uv names it."""
    fitting = [minor for minor in _GLIBC_MINORS if (2, minor) <= glibc]
    return f"{machine}-manylinux_2_{fitting[-1] if fitting else _GLIBC_MINORS[0]}"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a build makes of what it gets.

    Attributes:
        dockerfile: Name of the one to build by.
        token: Label of every step of the build, from the first on, so that what a broken one has left is found.
        prefix: Where the environment will be in the image.
        minor: Its Python, as in ``3.12``.
    """

    dockerfile: str
    token: str
    prefix: str = ""
    minor: str = ""


def pack(site: Path | None, layout: Layout, archive: Path) -> None:
    """Write what a build gets: the Dockerfile and the packages, and nothing else.

    Args:
        site: Folder of the packages; None for none.
        layout: Where they go.
        archive: Is written.

    Raises:
        SetupFailure: The disk refuses.
    """
    try:
        with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
            text = (DOCKERFILES / layout.dockerfile).read_text("utf-8")
            _add(tar, "Dockerfile", 0o644, text.replace("@TOKEN@", layout.token).encode())
            if site is None:
                return
            packages = f"environment/lib/python{layout.minor}/site-packages"
            for name in ("environment", "environment/lib", f"environment/lib/python{layout.minor}", packages):
                _add_folder(tar, name)
            for path in _walk(site):
                inside = path.relative_to(site)
                if inside.parts[0] == "bin":
                    _add_script(tar, path, f"environment/{inside.as_posix()}", f"{layout.prefix}/bin/python")
                elif path.is_dir():
                    _add_folder(tar, f"{packages}/{inside.as_posix()}")
                else:
                    _add_file(tar, path, f"{packages}/{inside.as_posix()}")
    except OSError as error:
        raise SetupFailure(
            f"What goes into the image could not be packed: {error.strerror or error}.",
            next_step="Make room on the disk, or name another folder in TESTWRIGHT_CACHE_DIR.",
        ) from error


def _walk(folder: Path) -> Iterator[Path]:
    """Folders and regular files below, a folder before what is in it; links are left out."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            yield path
            yield from _walk(path)
        elif path.is_file():
            yield path


def _add(tar: tarfile.TarFile, name: str, mode: int, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(entry)


def _add_file(tar: tarfile.TarFile, path: Path, name: str) -> None:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = status.st_size, 0o755 if status.st_mode & 0o100 else 0o644
        tar.addfile(entry, file)


def _add_script(tar: tarfile.TarFile, path: Path, name: str, python: str) -> None:
    """A program of a package: its first line names the Python that unpacked it, and must name the image's."""
    if not path.is_file():
        return
    if path.stat().st_size > _MAX_SCRIPT:
        _add_file(tar, path, name)
        return
    content = path.read_bytes()
    first, _, rest = content.partition(b"\n")
    if first.startswith(b"#!") and b"python" in first:
        content = f"#!{python}\n".encode() + rest
    elif first == b"#!/bin/sh" and rest.startswith(b"'''exec'"):
        # Where the path was too long for a first line, a shell starts Python by the second and third.
        content = f"#!{python}\n".encode() + rest.split(b"\n", 2)[-1]
    _add(tar, name, 0o755, content)
