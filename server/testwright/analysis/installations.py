"""Read a Python installation or a virtual environment from its files; nothing is started.

What is found becomes ``Interpreter.roots``, which every box can read. The files of an environment may come with the
repository, so they are not believed where they point: a prefix counts only when it holds a standard library, the paths
in ``.pth`` files are narrowed to the packages in them, and the home folder, hidden folders below it and the system's
own state are never roots.
"""

from __future__ import annotations

import ast
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from testwright.analysis.walking import SKIPPED_FOLDERS
from testwright.errors import InterpreterError
from testwright.model import Interpreter

OLDEST = (3, 10)
NEWEST_TESTED = (3, 14)

MAX_TEXT_BYTES = 256 * 1024
MAX_PACKAGES = 500  # importable entries of one folder that a .pth file names
MAX_DEPTH = 3  # of namespace packages in it
MAX_LINKS = 40  # as the kernel allows

_SYSTEM = tuple(Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"))
"""In every box anyway."""

_NEVER_BELOW = tuple(
    Path(name)
    for name in ("/etc", "/proc", "/sys", "/dev", "/run", "/boot", "/var/lib", "/var/run", "/var/log", "/var/spool")
)
_NEVER_ITSELF = tuple(Path(name) for name in ("/", "/home", "/root", "/var", "/opt", "/srv", "/mnt", "/media", "/tmp"))  # noqa: S108 - named to be refused

_PROGRAM = re.compile(r"(?P<kind>python|pypy)(?P<version>\d+\.\d+)?\d*[a-z]*(?:-[a-z]+)?(?:\.exe)?")
_LIBRARY = re.compile(r"(?P<kind>python|pypy)(?P<major>\d+)\.(?P<minor>\d+)t?")
_PARTS = ("bin", "lib", "lib64", "include", "pyvenv.cfg", "conda-meta")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an interpreter is looked at for.

    Attributes:
        workspace: Absolute, resolved.
        home: The user's home folder, resolved; None when there is none.
    """

    workspace: Path
    home: Path | None


def environment_python(folder: Path) -> Path | None:
    """The executable of a virtual or conda environment; None when the folder is none.

    The executable may be a link that leads nowhere: ``read_interpreter`` tells so.
    """
    if not (folder / "pyvenv.cfg").is_file() and not (folder / "conda-meta").is_dir():
        return None
    for name in ("python", "python3", "pypy3"):
        executable = folder / "bin" / name
        if os.path.lexists(executable):
            return executable
    return folder / "bin" / "python"


def read_interpreter(executable: Path, *, origin: str, around: Surroundings, notes: Iterable[str] = ()) -> Interpreter:
    """Read what an interpreter is and needs.

    Args:
        executable: Absolute path as the user names it.
        origin: Where it was found, in words.
        around: What it is looked at for.
        notes: Sentences to pass on.

    Raises:
        InterpreterError: It is broken, no Python, or too old.
    """
    reading = _Reading(executable, origin)
    real = reading.follow()
    environment = _environment_of(executable)
    bases = reading.bases(real, environment)
    minor, is_pypy = reading.version(real, bases[-1], environment)
    found = list(notes)
    if is_pypy:
        found.append(f"{executable} is PyPy, which Testwright has not been tried with.")
    if minor > NEWEST_TESTED:
        found.append(f"{executable} is Python {_dotted(minor)}, newer than any that Testwright has been tried with.")
    sites = _site_packages(environment, bases, minor, is_pypy=is_pypy)
    user_site = _user_site(around, minor) if environment is None else None
    if user_site is not None:
        found.append(f"Packages in {user_site} are not seen: use a virtual environment for the project.")
    roots = _Roots(around, environment)
    for base in bases:
        roots.add_prefix(base)
    if environment is not None:
        roots.add_prefix(environment)
        roots.add_prefix(environment.resolve())
    for site in sites:
        for path in _named_paths(site):
            roots.add_packages(path)
    return Interpreter(
        executable=executable,
        origin=origin,
        roots=tuple(roots.found),
        version=_full_version(environment, bases, minor),
        environment=environment,
        site_packages=tuple(sites),
        notes=(*found, *roots.notes),
    )


# ------------------------------------------------------------------------------------------------ the executable


@dataclass(frozen=True, slots=True)
class _Reading:
    executable: Path
    origin: str

    def wrong(self, why: str, next_step: str) -> InterpreterError:
        return InterpreterError(f"{self.executable} (found by {self.origin}) {why}.", next_step=next_step)

    def broken(self, why: str) -> InterpreterError:
        return self.wrong(
            f"is broken: {why}", "Create the environment again, or name another interpreter with --python."
        )

    def follow(self) -> Path:
        """The real file behind the executable's links."""
        if not os.path.lexists(self.executable):
            raise self.broken("there is no such file")
        real = Path(os.path.realpath(self.executable))
        if not real.exists():
            raise self.broken(f"it is a link to {real}, which does not exist")
        if not real.is_file():
            raise self.wrong("is not a program", "Name an interpreter with --python.")
        try:
            with real.open("rb") as file:
                head = file.read(2)
        except OSError as error:
            raise self.wrong(f"cannot be read: {error.strerror or error}", "Check its permissions.") from error
        if head == b"#!":
            raise self.wrong(
                "is a script that starts an interpreter, not the interpreter itself",
                "Name the program that it starts, as in ~/.pyenv/versions/3.12.1/bin/python.",
            )
        if not os.access(real, os.X_OK):
            raise self.wrong("may not be executed", "Check its permissions.")
        return real

    def bases(self, real: Path, environment: Path | None) -> list[Path]:
        """Prefixes of the installation, as links name it and as it is; the real one last."""
        prefixes = [_prefix(hop) for hop in _hops(self.executable)]
        if environment is not None:
            home = _pyvenv(environment).get("home")
            if home:
                prefixes.append(_prefix(Path(home, "python")))
            prefixes = [prefix for prefix in prefixes if prefix != environment or _is_conda(environment)]
        real_prefix = _prefix(real)
        if not _libraries(real_prefix) and environment is not None and not self.executable.is_symlink():
            # a copied executable: the installation is where pyvenv.cfg says
            copied_from = [prefix for prefix in prefixes if _libraries(prefix)]
            if not copied_from:
                raise self.broken(f"the Python that it was made from, in {_pyvenv(environment).get('home')}, is gone")
            real_prefix = copied_from[-1].resolve()
        if not _PROGRAM.fullmatch(real.name):
            raise self.wrong(
                f"is {real.name}, and no Python by its name", "Name the interpreter of the project with --python."
            )
        if not _libraries(real_prefix):
            raise self.wrong(
                f"is no Python: there is no standard library in {real_prefix}",
                "Name the interpreter of the project with --python.",
            )
        named = [prefix for prefix in prefixes if _libraries(prefix) and prefix != real_prefix]
        return [*dict.fromkeys(named), real_prefix]

    def version(self, real: Path, base: Path, environment: Path | None) -> tuple[tuple[int, int], bool]:
        """Major and minor version, and whether it is PyPy.

        Raises:
            InterpreterError: It is too old, cannot be told, or is not the one that the environment was made for.
        """
        libraries = _libraries(base)
        match = _PROGRAM.fullmatch(real.name)
        is_pypy = (match is not None and match["kind"] == "pypy") or all(kind == "pypy" for kind, _ in libraries)
        made_for = _made_for(environment) if environment is not None else None
        minor: tuple[int, int] | None = None
        if match is not None and match["version"] and match["kind"] == "python":
            minor = _minor(match["version"])
        elif len({version for _, version in libraries}) == 1:
            minor = libraries[0][1]
        else:
            minor = made_for
        if minor is None:
            raise self.wrong(
                f"does not say which version it is: {base} holds several",
                "Name the program with its version, as in --python /usr/bin/python3.12.",
            )
        if made_for is not None and made_for != minor:
            raise self.broken(
                f"it was made for Python {_dotted(made_for)}, and its link now leads to Python {_dotted(minor)}"
            )
        if minor < OLDEST:
            raise self.wrong(
                f"is Python {_dotted(minor)}, and tests can be made for {_dotted(OLDEST)} and newer",
                "Name a newer interpreter with --python, or make an environment with one.",
            )
        return minor, is_pypy


def _environment_of(executable: Path) -> Path | None:
    """The environment of an executable, as Python itself finds it: by ``pyvenv.cfg`` one folder up, or beside it."""
    for folder in (executable.parent.parent, executable.parent):
        if (folder / "pyvenv.cfg").is_file():
            return folder
    return executable.parent.parent if _is_conda(executable.parent.parent) else None


def _is_conda(folder: Path) -> bool:
    return (folder / "conda-meta").is_dir()


def _hops(executable: Path) -> Iterator[Path]:
    """Every path on the way of its links, the executable's own first."""
    current = executable
    for _ in range(MAX_LINKS):
        yield current
        if not current.is_symlink():
            return
        target = current.readlink()
        current = target if target.is_absolute() else Path(os.path.normpath(current.parent.resolve() / target))


def _prefix(program: Path) -> Path:
    return program.parent.parent if program.parent.name in ("bin", "Scripts") else program.parent


def _libraries(prefix: Path) -> list[tuple[str, tuple[int, int]]]:
    """Standard libraries below a prefix: kind and version."""
    found: set[tuple[str, tuple[int, int]]] = set()
    for name in ("lib", "lib64"):
        try:
            entries = list((prefix / name).iterdir())
        except OSError:
            continue
        for entry in entries:
            match = _LIBRARY.fullmatch(entry.name)
            if match is not None and (entry / "os.py").is_file():
                found.add((match["kind"], (int(match["major"]), int(match["minor"]))))
    return sorted(found)


def _pyvenv(environment: Path) -> dict[str, str]:
    """``pyvenv.cfg``, keys in lower case."""
    values: dict[str, str] = {}
    for line in _text(environment / "pyvenv.cfg").splitlines():
        key, separator, value = line.partition("=")
        if separator:
            values[key.strip().lower()] = value.strip()
    return values


def _made_for(environment: Path) -> tuple[int, int] | None:
    settings = _pyvenv(environment)
    return _minor(settings.get("version_info", settings.get("version", "")))


def _minor(text: str) -> tuple[int, int] | None:
    match = re.match(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _full_version(environment: Path | None, bases: list[Path], minor: tuple[int, int]) -> str:
    """With the third number where a file tells it: ``patchlevel.h``, conda's record, then ``pyvenv.cfg``."""
    dotted = _dotted(minor)
    for base in reversed(bases):
        header = _text(base / "include" / f"python{dotted}" / "patchlevel.h")
        match = re.search(r'^#define\s+PY_VERSION\s+"([^"]+)"', header, re.MULTILINE)
        if match is not None:
            return match[1]
        records = sorted((base / "conda-meta").glob(f"python-{dotted}.*.json")) if _is_conda(base) else []
        if records:
            return records[-1].name.split("-")[1]
    settings = _pyvenv(environment) if environment is not None else {}
    match = re.match(re.escape(dotted) + r"\.\d+", settings.get("version_info", settings.get("version", "")))
    return match[0] if match else dotted


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


# ------------------------------------------------------------------------------------------------ its packages


def _site_packages(environment: Path | None, bases: list[Path], minor: tuple[int, int], *, is_pypy: bool) -> list[Path]:
    prefixes = [environment] if environment is not None else []
    if environment is None or _pyvenv(environment).get("include-system-site-packages", "").lower() == "true":
        prefixes += bases
    library = f"{'pypy' if is_pypy else 'python'}{_dotted(minor)}"
    found: list[Path] = []
    for prefix in prefixes:
        folders = [
            prefix / lib / library / name for lib in ("lib", "lib64") for name in ("site-packages", "dist-packages")
        ]
        if prefix == Path("/usr"):  # where Debian keeps its own packages and what pip installs beside them
            folders += [Path("/usr/lib/python3/dist-packages"), Path("/usr/local/lib", library, "dist-packages")]
        found += [folder for folder in folders if folder.is_dir()]
    by_file = {os.path.realpath(folder): folder for folder in reversed(found)}  # lib64 is often a link to lib
    return [folder for folder in found if by_file[os.path.realpath(folder)] == folder]


def _user_site(around: Surroundings, minor: tuple[int, int]) -> Path | None:
    if around.home is None:
        return None
    site = around.home / ".local" / "lib" / f"python{_dotted(minor)}" / "site-packages"
    try:
        return site if any(site.iterdir()) else None
    except OSError:
        return None


def _named_paths(site: Path) -> Iterator[Path]:
    """Folders and files that ``.pth`` files and the finders of editable installs add to what can be imported."""
    try:
        names = sorted(entry.name for entry in site.iterdir())
    except OSError:
        return
    for name in names:
        if name.endswith(".pth"):
            for raw in _text(site / name).splitlines():
                line = raw.strip()
                if line and not line.startswith(("#", "import ", "import\t")) and "\0" not in line:
                    yield Path(os.path.normpath(site / line))
        elif name.startswith("__editable__") and name.endswith("_finder.py"):
            yield from _mapped_paths(_text(site / name))


def _mapped_paths(source: str) -> Iterator[Path]:
    """The paths in ``MAPPING`` and ``NAMESPACES`` of setuptools' editable finder, read as text."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for statement in tree.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        if (
            not isinstance(target, ast.Name)
            or target.id not in ("MAPPING", "NAMESPACES")
            or not isinstance(value, ast.Dict)
        ):
            continue
        for node in ast.walk(value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and os.path.isabs(node.value):  # noqa: PTH117 - a text, not yet a path
                path = Path(node.value)
                yield path if path.is_dir() or not path.with_suffix(".py").is_file() else path.with_suffix(".py")


def _text(path: Path) -> str:
    """A small text file; empty when it is none or cannot be read."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(MAX_TEXT_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


# ------------------------------------------------------------------------------------------------ what a box may read


@dataclass(slots=True)
class _Roots:
    """Collects roots, and refuses those that would show more than packages."""

    around: Surroundings
    environment: Path | None
    found: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_prefix(self, prefix: Path) -> None:
        """Add an installation or environment; where it is a folder of other things too, only its parts."""
        if self._is_too_wide(prefix.resolve()):
            for name in _PARTS:
                if (prefix / name).exists():
                    self._add(prefix / name)
        elif prefix.is_relative_to("/nix/store"):
            self._add(Path("/nix/store"))  # a store's entries need each other, and anyone may read it
        else:
            self._add(prefix)

    def add_packages(self, path: Path) -> None:
        """Add what can be imported from a folder that a ``.pth`` file names."""
        resolved = path.resolve()
        workspace = self.around.workspace
        if not resolved.exists() or resolved.is_relative_to(workspace) or self._has(path):
            return  # the workspace is seen through its filtered copy
        if self._is_private(resolved):
            self.notes.append(f"{path}, which a .pth file of the environment names, is private, so it is not seen.")
            return
        for entry in itertools.islice(_importable(path, MAX_DEPTH), MAX_PACKAGES):
            target = entry.resolve()
            if workspace.is_relative_to(target) or target.is_relative_to(workspace):
                continue
            if not self._is_private(target):
                self._add(entry)

    def _add(self, path: Path) -> None:
        if not self._has(path) and not any(path.is_relative_to(system) for system in _SYSTEM):
            self.found.append(path)

    def _has(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self.found)

    def _is_too_wide(self, resolved: Path) -> bool:
        return (
            self.around.workspace.is_relative_to(resolved)
            or resolved in _NEVER_ITSELF
            or (self.around.home is not None and self.around.home.is_relative_to(resolved))
        )

    def _is_private(self, resolved: Path) -> bool:
        if resolved in _NEVER_ITSELF or any(resolved.is_relative_to(folder) for folder in _NEVER_BELOW):
            return True
        home = self.around.home
        if home is None:
            return False
        if home.is_relative_to(resolved):
            return True
        return resolved.is_relative_to(home) and any(part.startswith(".") for part in resolved.relative_to(home).parts)


def _importable(path: Path, depth: int) -> Iterator[Path]:
    """Packages, modules and records of distributions at a path on ``sys.path``.

    A package is taken whole; of a folder that is none, what is importable in it, so that a project's ``.env`` beside
    its packages is not.
    """
    if path.is_file() or (path / "__init__.py").is_file():
        yield path
        return
    try:
        entries = sorted(path.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith((".dist-info", ".egg-info")) or (entry.suffix in (".py", ".so") and entry.is_file()):
            yield entry
        elif entry.name.isidentifier() and entry.is_dir() and not (entry / "pyvenv.cfg").exists():
            if (entry / "__init__.py").is_file():
                yield entry
            elif depth > 1 and entry.name not in SKIPPED_FOLDERS:
                yield from _importable(entry, depth - 1)
