"""Find the project's Python, by reading files only: the first start of anything is in a box.

The order: what the user names, ``VIRTUAL_ENV``, ``UV_PROJECT_ENVIRONMENT``, ``.venv`` and ``venv`` in the workspace
(and ``.venv`` above it, up to the repository's root, as uv's workspaces have it), Poetry's, conda's, the version that
``.python-version`` asks for, and last the Python that runs Testwright. An environment that is there and broken is an
error, never a reason to take the next.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testwright.analysis.environments import (
    asked_version,
    conda_environments,
    installed_versions,
    poetry_environments,
)
from testwright.analysis.installations import Surroundings, environment_python, read_interpreter
from testwright.errors import InterpreterError
from testwright.model import Interpreter
from testwright.settings import is_python_name


def find_interpreter(
    workspace: Path,
    *,
    explicit: Path | None,
    environ: Mapping[str, str],
    running: Path | None = None,
    running_prefix: Path | None = None,
) -> Interpreter:
    """Find the interpreter that the project's tests run on.

    Args:
        workspace: Root of the project.
        explicit: What the user named: an executable, an environment's folder, or a name (``python3.12``, ``3.12``).
        environ: The process's environment.
        running: The Python that runs Testwright; ``sys.executable`` when None.
        running_prefix: Its environment; ``sys.prefix`` when None.

    Raises:
        InterpreterError: What was named or found cannot be used; what and why is told.
        SettingsError: A settings file that names environments cannot be read.
    """
    finder = _Finder(
        workspace=workspace.resolve(),
        environ=environ,
        home=_home(environ),
        running=Path(sys.executable) if running is None else running,
        running_prefix=Path(sys.prefix) if running_prefix is None else running_prefix,
    )
    if explicit is not None:
        return finder.named(explicit)
    return finder.found()


@dataclass(slots=True)
class _Finder:
    workspace: Path
    environ: Mapping[str, str]
    home: Path | None
    running: Path
    running_prefix: Path
    notes: list[str] = field(default_factory=list)

    def named(self, explicit: Path) -> Interpreter:
        """What the user named."""
        if is_python_name(explicit):
            return self._read(self._on_path(str(explicit)), f"--python {explicit}")
        path = explicit.expanduser()
        if not path.is_absolute():
            path = Path.cwd() / path
        if path.is_dir():
            executable = environment_python(path)
            if executable is None:
                raise InterpreterError(
                    f"{explicit} is a folder and no virtual environment: it has no pyvenv.cfg.",
                    next_step="Name an environment's folder or an interpreter with --python.",
                )
            return self._read(executable, "--python")
        return self._read(Path(os.path.normpath(path)), "--python")

    def found(self) -> Interpreter:
        """The first in the order of the module's docstring."""
        for folder, origin, must_be in self._environments():
            executable = environment_python(folder)
            if executable is not None:
                return self._read(executable, origin)
            if must_be:
                raise InterpreterError(
                    f"{origin} names {folder}, which is no virtual environment.",
                    next_step="Unset the variable or create the environment again, or give --python.",
                )
        asked = asked_version(self.workspace)
        if asked is not None:
            executable = next((path for path in self._installed(asked)), None)
            if executable is not None:
                return self._read(executable, ".python-version")
            self.notes.append(f".python-version asks for {asked}, which was found neither with pyenv nor with uv.")
        return self._read(self.running, "the Python that runs Testwright")

    def _environments(self) -> Iterator[tuple[Path, str, bool]]:
        """Folders that may be environments, where they were found, and whether they must be one."""
        own = list(self._in_workspace())
        active = self.environ.get("VIRTUAL_ENV")
        if active:
            if os.path.realpath(active) != os.path.realpath(self.running_prefix):
                yield Path(active), "VIRTUAL_ENV", True
            elif any(environment_python(folder) and not _same(folder, Path(active)) for folder, _ in own):
                self.notes.append(
                    "VIRTUAL_ENV is the environment that Testwright runs in, so the workspace's own is taken instead."
                )
        uv = self.environ.get("UV_PROJECT_ENVIRONMENT")
        if uv:
            yield self.workspace / uv, "UV_PROJECT_ENVIRONMENT", True
        yield from ((folder, origin, False) for folder, origin in own)
        for folder in poetry_environments(self.workspace, self.environ, self.home):
            yield folder, "Poetry", False
        for folder in conda_environments(self.workspace, self.environ, self.home):
            yield folder, "environment.yml", False
        conda = self.environ.get("CONDA_PREFIX")
        if conda and (self.environ.get("CONDA_DEFAULT_ENV") != "base" or asked_version(self.workspace) is None):
            yield Path(conda), "CONDA_PREFIX", True

    def _in_workspace(self) -> Iterator[tuple[Path, str]]:
        for name in (".venv", "venv"):
            yield self._linked(self.workspace / name), name
        for folder in self._above():
            yield folder / ".venv", f".venv in {folder}"

    def _above(self) -> Iterator[Path]:
        """Folders above the workspace, up to the root of the repository it is in; none outside a repository."""
        if (self.workspace / ".git").exists():
            return
        above = [folder for folder in self.workspace.parents if folder not in (self.home, folder.parent)]
        root = next((folder for folder in above if (folder / ".git").exists()), None)
        if root is not None:
            yield from above[: above.index(root) + 1]

    def _linked(self, path: Path) -> Path:
        """The folder that a ``.venv`` file names, as Pipenv has it: a path, or a name among its environments."""
        try:
            if not path.is_file() or path.stat().st_size > 4096:
                return path
            line = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return path
        if not line or "\0" in line or "\n" in line:
            return path
        if "/" in line:
            return path.parent / line
        usual = self.home / ".local" / "share" / "virtualenvs" if self.home is not None else path.parent
        return Path(self.environ.get("WORKON_HOME") or usual, line)

    def _on_path(self, name: str) -> Path:
        """An interpreter by its name, from absolute entries of PATH that are outside the workspace."""
        program = name if name[0].isalpha() else f"python{name}"
        for entry in self.environ.get("PATH", "").split(os.pathsep):
            folder = Path(entry)
            if not folder.is_absolute() or folder.resolve().is_relative_to(self.workspace):
                continue
            candidate = folder / program
            if candidate.is_file() and os.access(candidate, os.X_OK) and not is_script(candidate):
                return candidate
        executable = next(self._installed(program.removeprefix("python")), None) if program != "python" else None
        if executable is not None:
            return executable
        raise InterpreterError(
            f"There is no {program} on PATH, nor among the versions of pyenv and uv.",
            next_step="Install it, or give the path of an interpreter with --python.",
        )

    def _installed(self, version: str) -> Iterator[Path]:
        for executable in installed_versions(version, self.environ, self.home):
            if executable.is_file():
                yield executable

    def _read(self, executable: Path, origin: str) -> Interpreter:
        around = Surroundings(self.workspace, self.home.resolve() if self.home is not None else None)
        return read_interpreter(executable, origin=origin, around=around, notes=self.notes)


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def is_script(path: Path) -> bool:
    """Whether it is a script, as pyenv's shims are: what it starts could be anywhere."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True


def _home(environ: Mapping[str, str]) -> Path | None:
    home = environ.get("HOME")
    if home and Path(home).is_absolute():
        return Path(home)
    try:
        return Path.home()
    except RuntimeError:  # a user without a home folder
        return None
