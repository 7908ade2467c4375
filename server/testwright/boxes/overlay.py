"""The overlay: pytest and coverage that a project without them is lent in the box.

It holds copies of our own installed packages, and stands last on ``sys.path`` so that the project's own win. All of
them but coverage are pure Python; coverage falls back to its Python tracer where its compiled one was made for another
interpreter.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from threading import Event

from testwright.errors import BoxFailure

DISTRIBUTIONS = (
    "pytest",
    "coverage",
    "pluggy",
    "iniconfig",
    "packaging",
    "pygments",
    "exceptiongroup",
    "tomli",
    "typing-extensions",
)
"""pytest, coverage and all that they need on Python 3.10 and newer, by name on the package index."""


def make_overlay(cache: Path, stop: Event | None = None) -> Path:
    """Return the overlay's folder under ``cache``, making it when these versions are not there yet.

    Args:
        cache: Our own cache folder; created when missing.
        stop: Once it is set, no further file is copied: nobody wants the overlay any more.

    Raises:
        BoxFailure: One of our own packages is not installed, or it was stopped.
    """
    found = [_distribution(name) for name in DISTRIBUTIONS]
    versions = " ".join(f"{item.name}=={item.version} {item.locate_file('')}" for item in found)
    overlay = cache / "overlay" / hashlib.sha256(versions.encode()).hexdigest()[:16]
    if overlay.is_dir():
        return overlay
    overlay.parent.mkdir(parents=True, exist_ok=True)
    # Made beside it and renamed, so that a crash or a second process never leaves half of one.
    making = Path(tempfile.mkdtemp(prefix="making-", dir=overlay.parent))
    try:
        for item in found:
            _copy(item, making, stop or Event())
        making.chmod(0o755)
        try:
            making.rename(overlay)
        except OSError:
            if not overlay.is_dir():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return overlay


def _distribution(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise BoxFailure(
            f"Testwright's own dependency {name} is not installed.",
            next_step="Install Testwright again: pip install --force-reinstall testwright.",
        ) from None


def _copy(item: Distribution, destination: Path, stop: Event) -> None:
    for file in item.files or ():
        if stop.is_set():
            raise BoxFailure("The overlay was not made, since nobody wants it any more.")
        path = PurePosixPath(file)
        # Scripts lie outside the package folder; nothing but packages is lent.
        if path.parts[0] in ("..", "bin", "/") or path.is_absolute():
            continue
        source = Path(str(item.locate_file(file)))
        if not source.is_file():
            continue
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        # Compiled byte code is only valid for the modification time that it was made from.
        stat = source.stat()
        os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
