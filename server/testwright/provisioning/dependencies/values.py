"""What is known of a project's dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name

from testwright.errors import SetupFailure

TEST_GROUPS = frozenset({"test", "tests", "testing", "dev", "develop", "development"})
"""Extras and groups that are taken beside what the project itself needs: in them stands what its tests need."""

MAX_BYTES = 16 * 1024 * 1024
"""Of a file; the largest ``uv.lock`` files in the wild have some 5 MB."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What packages are chosen for.

    Attributes:
        python: Full version, as in ``3.12.1``.
        machine: ``x86_64`` or ``aarch64``.
    """

    python: str
    machine: str

    @property
    def minor(self) -> str:
        """``3.12`` of ``3.12.1``."""
        return ".".join(self.python.split(".")[:2])

    def markers(self) -> dict[str, str]:
        """Values of environment markers (the packaging guide, "Dependency specifiers"), without an extra."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.python,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.python,
            "python_version": self.minor,
            "sys_platform": "linux",
            "extra": "",
        }


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What is to be installed for a project.

    Attributes:
        source: Names of the files that were read, for a person; empty when there is none.
        requirements: Lines as uv and pip read them.
        is_locked: Each has its exact version and hashes, and all are named.
        unbuilt: Names of those that there are source distributions of, and no wheels, as far as the files tell.
        notes: Sentences for the user: what was left out, and why.
    """

    source: str = ""
    requirements: tuple[str, ...] = ()
    is_locked: bool = False
    unbuilt: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Notes:
    """Sentences for the user, each once."""

    kept: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """Add one, unless it is there."""
        if sentence not in self.kept:
            self.kept.append(sentence)

    def left_out(self, kind: str, names: Iterable[str]) -> None:
        """Say which extras or groups were not taken."""
        found = sorted(name for name in names if not is_for_tests(name))
        if found:
            self.add(f"The {kind} {', '.join(found)} were left out: only those for tests are taken.")


def is_for_tests(name: str) -> bool:
    """Whether an extra or a group is one that tests need."""
    return canonicalize_name(name) in TEST_GROUPS


def read_bytes(root: Path, path: Path) -> bytes:
    """A dependency file's content; a link that leads out of the project is not followed.

    Raises:
        SetupFailure: It cannot be read, is too large, or lies outside.
    """
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            raise wrong(path.name, "leads out of the project")
        if not path.is_file():
            raise wrong(path.name, "is not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise wrong(path.name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MAX_BYTES:
        raise wrong(path.name, f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return content


def read_text(root: Path, path: Path) -> str:
    """The same as text.

    Raises:
        SetupFailure: As ``read_bytes``, or it is not UTF-8.
    """
    try:
        return read_bytes(root, path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise wrong(path.name, "is not UTF-8") from error


def wrong(name: str, why: str, next_step: str = "") -> SetupFailure:
    """The error about a file that cannot be used."""
    return SetupFailure(
        f"The project's dependencies cannot be read: {name} {why}.", next_step=next_step or f"Correct {name}."
    )


def table(value: object) -> Mapping[str, object]:
    """A table of TOML; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def tables(value: object) -> list[Mapping[str, object]]:
    """The tables of an array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """The texts of an array."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
