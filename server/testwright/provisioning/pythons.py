"""Find a Python that the agent can be installed for: 3.12 or 3.13, by reading files only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from testwright.analysis.interpreters import find_interpreter
from testwright.errors import InterpreterError
from testwright.model import Interpreter

WANTED: tuple[str, ...] = ("3.12", "3.13")
"""What ``openhands-ai`` 1.11 can be installed for, the version that was tried most first."""

_NEXT_STEP = "Install Python 3.12 or 3.13 (or, with uv: uv python install 3.12), or name one with --python."


def find_python(workspace: Path, named: Path | None, environ: Mapping[str, str]) -> Interpreter:
    """The Python for the agent's environment; nothing is started.

    Args:
        workspace: Nothing in it is taken: what a repository brings would run outside a box.
        named: What the user names: an interpreter's path, an environment's folder, or a version.
        environ: The process's environment; ``PATH``, pyenv's and uv's versions are looked through.

    Raises:
        InterpreterError: There is none, or the one that is named cannot be used.
    """
    if named is not None:
        return _usable(find_interpreter(workspace, explicit=named, environ=environ), workspace, environ)
    for version in WANTED:
        try:
            return _usable(find_interpreter(workspace, explicit=Path(version), environ=environ), workspace, environ)
        except InterpreterError:  # there is none of this version, or it is broken: the next may do
            continue
    raise InterpreterError(
        "The agent needs Python 3.12 or 3.13, and there is neither on PATH nor among the versions of pyenv and uv.",
        next_step=_NEXT_STEP,
    )


def minor(version: str) -> str:
    """``3.12`` of ``3.12.1``."""
    return ".".join(version.split(".")[:2])


def _usable(found: Interpreter, workspace: Path, environ: Mapping[str, str]) -> Interpreter:
    """The installation itself, even where an environment was found: those packages are no business of the agent."""
    if minor(found.version) not in WANTED:
        raise InterpreterError(
            f"{found.executable} is Python {found.version}, and the agent needs 3.12 or 3.13.", next_step=_NEXT_STEP
        )
    if found.environment is not None and not (found.environment / "conda-meta").is_dir():
        real = Path(os.path.realpath(found.executable))
        if real == found.executable or real.is_relative_to(found.environment.resolve()):
            raise InterpreterError(
                f"{found.executable} is of an environment that has a copy of its Python.",
                next_step="Name the Python that the environment was made from with --python.",
            )
        found = find_interpreter(workspace, explicit=real, environ=environ)
    if Path(os.path.realpath(found.executable)).is_relative_to(workspace):
        raise InterpreterError(
            f"{found.executable} lies in the workspace, and nothing that a repository brings is started outside a box.",
            next_step=_NEXT_STEP,
        )
    return found
