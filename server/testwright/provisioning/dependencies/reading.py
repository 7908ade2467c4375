"""Which of a project's files says what it depends on, and for which Python it is.

The order is: ``uv.lock``, ``poetry.lock``, ``requirements*.txt``, ``pyproject.toml``. The first that is there is taken
alone, and told.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from testwright.errors import SetupFailure
from testwright.provisioning.dependencies.declared import read_declared
from testwright.provisioning.dependencies.poetry_lock import read_poetry_lock
from testwright.provisioning.dependencies.requirements import find_requirements, read_requirements
from testwright.provisioning.dependencies.uv_lock import read_uv_lock
from testwright.provisioning.dependencies.values import Dependencies, Platform, read_text, table, wrong

_UNREAD = ("Pipfile.lock", "pdm.lock", "pylock.toml", "environment.yml", "setup.py", "setup.cfg")
_DIGEST_LENGTH = 16


def read_dependencies(root: Path, platform: Platform) -> Dependencies:
    """What a project's files say that it and its tests need.

    Args:
        root: Of the project.
        platform: For which.

    Raises:
        SetupFailure: A file is damaged.
    """
    found = _read(root, platform)
    if found.source:
        return found
    others = [name for name in _UNREAD if (root / name).exists()]
    why = (
        f" ({', '.join(others)} cannot be read without running code, or is of no format that is known)"
        if others
        else ""
    )
    note = f"Nothing says what the project depends on{why}, so its image has nothing but Python."
    return dataclasses.replace(found, notes=(*found.notes, note))


def choose_python(root: Path, pythons: Sequence[str], named: str | None = None) -> str:
    """Which of an image's Pythons is the project's: what is named, ``.python-version``, else ``requires-python``.

    Args:
        root: Of the project.
        pythons: Full versions of those that there are.
        named: Version that the user names, as in ``3.12``.

    Returns:
        One of ``pythons``: the newest that may be taken.

    Raises:
        SetupFailure: None of them may be.
    """
    newest_first = sorted(pythons, key=Version, reverse=True)
    if named is not None:
        return _of_minor(newest_first, named, "you name with --python")
    pinned = root / ".python-version"
    if pinned.is_file():
        lines = [line.strip() for line in read_text(root, pinned).splitlines()]
        version = next((line for line in lines if line and not line.startswith("#")), "")
        if re.match(r"^\d+\.\d+", version):
            return _of_minor(newest_first, version, ".python-version names")
    wanted = _requires_python(root)
    if not wanted:
        return newest_first[0]
    try:
        allowed = SpecifierSet(wanted)
    except InvalidSpecifier as error:
        raise wrong("pyproject.toml", f"has a requires-python that cannot be read: {wanted[:80]!r}") from error
    fitting = [version for version in newest_first if allowed.contains(version, prereleases=True)]
    if not fitting:
        raise _no_python(newest_first, f"requires-python is {wanted}")
    return fitting[0]


def dependency_digest(found: Dependencies, python: str) -> str:
    """Names what is to be installed, for which Python: an image with another is made again."""
    content = "\n".join((python, str(found.is_locked), *found.requirements))
    return hashlib.sha256(content.encode()).hexdigest()[:_DIGEST_LENGTH]


def _read(root: Path, platform: Platform) -> Dependencies:
    if (root / "uv.lock").is_file():
        return read_uv_lock(_toml(root, "uv.lock"), platform)
    if (root / "poetry.lock").is_file():
        return read_poetry_lock(_toml(root, "poetry.lock"), _toml(root, "pyproject.toml"), platform)
    taken, others = find_requirements(root)
    if taken:
        found = read_requirements(root, taken)
        note = (f"{', '.join(others)} were left out: only those for tests are taken.",) if others else ()
        return dataclasses.replace(found, notes=(*found.notes, *note))
    pyproject = _toml(root, "pyproject.toml")
    if any(key in pyproject for key in ("project", "dependency-groups")) or "poetry" in table(pyproject.get("tool")):
        return read_declared(pyproject)
    return Dependencies()


def _requires_python(root: Path) -> str:
    pyproject = _toml(root, "pyproject.toml")
    wanted = table(pyproject.get("project")).get("requires-python")
    if isinstance(wanted, str):
        return wanted
    poetry = table(table(table(pyproject.get("tool")).get("poetry")).get("dependencies")).get("python")
    return _of_poetry(poetry) if isinstance(poetry, str) else ""


def _of_poetry(wanted: str) -> str:
    """Poetry's ``^3.10`` and ``~3.10`` as a specifier of the packaging guide; others are the same."""
    found = re.match(r"^([\^~])\s*(\d+)(\.\d+)?", wanted.strip())
    if found is None or wanted.strip().startswith("~="):
        return wanted if re.match(r"^[\s<>=!~,.\d*]+$", wanted) else ""
    minor = found[3] or ""
    if found[1] == "^" or not minor:
        return f">={found[2]}{minor},<{int(found[2]) + 1}"
    return f"=={found[2]}{minor}.*"


def _toml(root: Path, name: str) -> Mapping[str, object]:
    path = root / name
    if not path.exists():
        return {}
    try:
        return tomllib.loads(read_text(root, path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise wrong(name, f"is not valid TOML ({error})", f"Correct {name}, or lock the project again.") from error


def _of_minor(pythons: Sequence[str], wanted: str, who: str) -> str:
    parts = wanted.split(".")[:2]
    for version in pythons:
        if version.split(".")[:2] == parts:
            return version
    raise _no_python(pythons, f"{who} {wanted}")


def _no_python(pythons: Sequence[str], why: str) -> SetupFailure:
    return SetupFailure(
        f"The image to build on has Python {', '.join(pythons)}, and the project cannot use any of them: {why}.",
        next_step="Name an image that has the project's Python beside a 3.12 or 3.13 with --base, or another version "
        "with --python.",
    )
