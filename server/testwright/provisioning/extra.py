"""The environment that Testwright itself runs in, where it was installed as ``testwright[openhands]``.

Only its files are read: nothing of OpenHands is imported by the process that runs Testwright.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from testwright.analysis.installations import Surroundings, read_interpreter
from testwright.errors import InterpreterError
from testwright.provisioning.pythons import WANTED, minor

_PACKAGES = ("openhands-sdk", "openhands-tools")


def installed_sdk(path: Sequence[str] | None = None) -> str | None:
    """Version of the SDK, where the tools are there in the same one.

    Args:
        path: Folders of packages; those of this process when None.
    """
    searched = sys.path if path is None else path
    versions = {
        next((found.version for found in distributions(name=name, path=list(searched))), None) for name in _PACKAGES
    }
    return versions.pop() if len(versions) == 1 else None


def own_interpreter(executable: Path | None = None) -> tuple[str, tuple[Path, ...]] | None:
    """Version and roots of the Python that runs Testwright, where the agent can run on it.

    Args:
        executable: ``sys.executable`` when None.
    """
    program = Path(sys.executable) if executable is None else executable
    around = Surroundings(workspace=Path("/nonexistent"), home=None)
    try:
        found = read_interpreter(program, origin="the Python that runs Testwright", around=around)
    except InterpreterError:
        return None
    return (found.version, found.roots) if minor(found.version) in WANTED else None
