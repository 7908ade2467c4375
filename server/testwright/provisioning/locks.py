"""The lock files that come with the package: what the agent's environment is made of, to the byte.

They are universal: one file for all platforms and Pythons, with markers. Every package is a wheel; two that have none
(``pylatexenc``, ``func-timeout``) are left out, since a build would run foreign code and the agent needs neither.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.markers import InvalidMarker, Marker

from testwright.errors import SetupFailure

SdkName = Literal["pinned", "newest"]
"""``pinned``: the SDK that the locked ``openhands-ai`` wants. ``newest``: the newest one that was tried."""

LOCKS = Path(__file__).parent / "locks"
UV_LOCK = LOCKS / "uv.txt"

_FILES: dict[SdkName, str] = {"pinned": "openhands-ai-1.11.txt", "newest": "openhands-sdk-1.58.txt"}
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w,-]*\])?==(?P<version>[^\s;\\]+)[ \t]*(?:;(?P<marker>[^\\\n]*))?"
)
_DIGEST_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock file.

    Attributes:
        name: As the lock has it (lower case, dashes).
        version: Exact.
        marker: For which platforms and Pythons; None for all.
    """

    name: str
    version: str
    marker: Marker | None


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file.

    Attributes:
        path: The file.
        digest: First twelve hexadecimal digits of its SHA-256.
        pins: All that it names, for whatever platform.
    """

    path: Path
    digest: str
    pins: tuple[Pin, ...]

    @property
    def sdk(self) -> str:
        """Version of ``openhands-sdk``.

        Raises:
            SetupFailure: It names none.
        """
        found = next((pin.version for pin in self.pins if pin.name == "openhands-sdk"), None)
        if found is None:
            raise _damaged(self.path, "names no openhands-sdk")
        return found

    def packages(self, python: str) -> int:
        """How many packages are installed on this platform.

        Args:
            python: Version of the interpreter, as in ``3.12.1``.
        """
        minor = ".".join(python.split(".")[:2])
        on = {"python_version": minor, "python_full_version": python if python.count(".") > 1 else f"{python}.0"}
        return sum(pin.marker is None or pin.marker.evaluate(on) for pin in self.pins)


def lock_of(sdk: SdkName) -> Lock:
    """The lock of an SDK.

    Raises:
        SetupFailure: The file is gone or damaged.
    """
    return read_lock(LOCKS / _FILES[sdk])


def read_lock(path: Path) -> Lock:
    """Read a lock file.

    Raises:
        SetupFailure: It cannot be read, has a wrong marker, or names no package.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, f"cannot be read: {error.strerror or error}") from error
    found = (_PIN.match(line) for line in content.decode("utf-8", "replace").splitlines())
    try:
        pins = tuple(
            Pin(match["name"], match["version"], Marker(match["marker"]) if match["marker"] else None)
            for match in found
            if match is not None
        )
    except InvalidMarker as error:
        raise _damaged(path, "has a marker that cannot be read") from error
    if not pins:
        raise _damaged(path, "names no package")
    return Lock(path, hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH], pins)


def _damaged(path: Path, why: str) -> SetupFailure:
    return SetupFailure(
        f"The lock file {path.name}, which comes with Testwright, {why}.",
        next_step="Install Testwright again: pip install --force-reinstall testwright.",
    )
