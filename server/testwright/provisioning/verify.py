"""Whether an environment holds what its lock names, by the records of its packages; nothing of it is run."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from testwright.provisioning.locks import Lock


def site_packages(folder: Path, python: str) -> Path:
    """Where an environment has its packages.

    Args:
        folder: The environment.
        python: Version of its Python, as in ``3.12``.
    """
    return folder / "lib" / f"python{python}" / "site-packages"


def count_packages(site: Path) -> int:
    """How many packages are installed."""
    return len(list(site.glob("*.dist-info")))


def first_flaw(site: Path, lock: Lock, python: str) -> str | None:
    """What is wrong with what was installed, in words; None when it is whole.

    Every file in every package's ``RECORD`` is there, in its size; and the packages are as many as the lock names for
    this platform. Reads some ten thousand entries, so it goes to a thread.

    Args:
        site: The environment's ``site-packages``.
        lock: What was to be installed.
        python: Full version of the environment's Python.
    """
    records = sorted(site.glob("*.dist-info"))
    wanted = lock.packages(python)
    if len(records) != wanted:
        return f"{len(records)} packages are installed, and the lock names {wanted}"
    if not (site / f"openhands_sdk-{lock.sdk}.dist-info").is_dir():
        return f"openhands-sdk {lock.sdk} is not among them"
    for folder in records:
        for name, size in _recorded(folder):
            try:
                found = os.lstat(os.path.join(site, name)).st_size  # noqa: PTH118 - tens of thousands of files
            except OSError:
                return f"{name} is missing"
            if size is not None and found != size:
                return f"{name} has {found} bytes instead of {size}"
    return None


def _recorded(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Files of a package and their sizes, as ``RECORD`` has them ("Recording installed projects")."""
    try:
        with (folder / "RECORD").open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                if row:
                    yield row[0], int(row[2]) if len(row) > 2 and row[2].isdecimal() else None
    except OSError:
        yield f"{folder.name}/RECORD", None
