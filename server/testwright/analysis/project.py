"""What a project's files say about its tests: pytest's settings, import roots, where tests live, how code looks."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from testwright.analysis.ini import read_ini
from testwright.analysis.style import read_style
from testwright.errors import SettingsError
from testwright.model import Project
from testwright.settings import read_toml

PYTEST_FILES = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
"""Where pytest looks for its settings, in its order (pytest 9's documentation, "Configuration file formats")."""

_USUAL_TEST_FOLDERS = ("tests", "test", "testing")
_MAX_TEST_FOLDERS = 200  # that a pattern in testpaths may match
_ImportMode = Literal["prepend", "append", "importlib"]
_IMPORT_MODES: dict[str, _ImportMode] = {"prepend": "prepend", "append": "append", "importlib": "importlib"}


def read_project(workspace: Path) -> Project:
    """Read a project's settings.

    Args:
        workspace: Absolute, resolved root.

    Raises:
        SettingsError: A settings file that cannot be read; its line is named.
    """
    path = workspace / "pyproject.toml"
    pyproject = read_toml(path) if path.exists() else {}
    pytest = _pytest_settings(workspace, pyproject)
    notes: list[str] = []
    declared = [
        *_inside(workspace, pytest.words("pythonpath"), "pythonpath of pytest's settings", notes),
        *_inside(workspace, _package_folders(workspace, pyproject), "a package folder of the build's settings", notes),
    ]
    declared = [root for root in _unique(declared) if root.is_dir()]
    usual = [workspace / "src"] if (workspace / "src").is_dir() and not (workspace / "src").is_symlink() else []
    test_words = pytest.words("testpaths")
    return Project(
        workspace=workspace,
        import_roots=tuple(_unique([*declared, *usual, workspace])),
        test_paths=tuple(_test_paths(workspace, test_words)),
        pytest_ini=pytest.file,
        style=read_style(workspace, pyproject),
        declared_roots=tuple(declared),
        declared_test_paths=tuple(test_words),
        python_files=tuple(pytest.words("python_files")) or ("test_*.py", "*_test.py"),
        python_classes=tuple(pytest.words("python_classes")) or ("Test",),
        python_functions=tuple(pytest.words("python_functions")) or ("test",),
        import_mode=_import_mode(pytest.words("addopts")),
        addopts=tuple(pytest.words("addopts")),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _PytestSettings:
    file: Path | None
    values: Mapping[str, Any]

    def words(self, key: str) -> list[str]:
        """A setting that is a list in TOML and words of a shell in an ini file."""
        value = self.values.get(key)
        if value is None:
            return []
        if isinstance(value, str):
            try:
                return shlex.split(value, comments=False)
            except ValueError as error:
                raise self._wrong(key, value, str(error)) from error
        if isinstance(value, list) and all(isinstance(word, str) for word in value):
            return list(value)
        raise self._wrong(key, value, "text or a list of texts is allowed")

    def _wrong(self, key: str, value: object, why: str) -> SettingsError:
        name = self.file.name if self.file is not None else "pytest's settings"
        return SettingsError(
            f"{key} in {name} is {value!r}, which pytest cannot read: {why}.", next_step=f"Correct {self.file}."
        )


def _pytest_settings(workspace: Path, pyproject: Mapping[str, Any]) -> _PytestSettings:
    for name in PYTEST_FILES:
        path = workspace / name
        if not path.is_file():
            continue
        values = _pytest_table(path, pyproject)
        if values is not None:
            return _PytestSettings(path, values)
    return _PytestSettings(None, {})


def _pytest_table(path: Path, pyproject: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Pytest's settings in a file; None when pytest would pass it over."""
    match path.name:
        case "pytest.toml" | ".pytest.toml":
            return _mapping(read_toml(path).get("pytest")) or {}
        case "pytest.ini" | ".pytest.ini":
            return read_ini(path).get("pytest", {})  # counts even when it is empty
        case "pyproject.toml":
            table = _mapping(_mapping(pyproject.get("tool")).get("pytest"))
            native = {key: value for key, value in table.items() if key != "ini_options"}
            return native or _mapping(table.get("ini_options")) or ({} if "ini_options" in table else None)
        case "tox.ini":
            return read_ini(path).get("pytest")
        case _:
            return read_ini(path).get("tool:pytest")


def _import_mode(addopts: list[str]) -> _ImportMode:
    mode: _ImportMode = "prepend"
    for word, following in itertools.pairwise([*addopts, ""]):
        value = following if word == "--import-mode" else word.partition("--import-mode=")[2]
        mode = _IMPORT_MODES.get(value, mode)
    return mode


def _test_paths(workspace: Path, words: list[str]) -> Iterator[Path]:
    found: list[Path] = []
    for word in words:
        if word and ".." not in Path(word).parts and not Path(word).is_absolute():
            found += sorted(itertools.islice(workspace.glob(word), _MAX_TEST_FOLDERS))
    if not found:
        found = [workspace / name for name in _USUAL_TEST_FOLDERS]
    for path in _unique(found):
        if path.is_dir() and path.resolve().is_relative_to(workspace):
            yield path


def _inside(workspace: Path, folders: Iterable[str], what: str, notes: list[str]) -> list[Path]:
    """Folders of a setting that are in the workspace; a note for each that is not."""
    inside: list[Path] = []
    for folder in folders:
        path = Path(workspace, folder) if "\0" not in folder else workspace.parent
        resolved = path.resolve()
        if resolved.is_relative_to(workspace):
            inside.append(resolved)
        else:
            notes.append(f"{folder!r}, {what}, is outside the workspace, so it is not used.")
    return inside


# ------------------------------------------------------------------------------------------------ build backends


def _package_folders(workspace: Path, pyproject: Mapping[str, Any]) -> list[str]:
    """Folders, relative to the root, in which the build finds packages."""
    tool = _mapping(pyproject.get("tool"))
    return [
        *_setuptools(_mapping(tool.get("setuptools"))),
        *_hatch(_mapping(tool.get("hatch"))),
        *_poetry(_mapping(tool.get("poetry"))),
        *_texts(_mapping(tool.get("pdm"), "build").get("package-dir")),
        *_texts(_mapping(tool.get("uv"), "build-backend").get("module-root")),
        *_texts(_mapping(tool.get("maturin")).get("python-source")),
        *_setup_cfg(workspace / "setup.cfg"),
    ]


def _setuptools(table: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(_mapping(table.get("package-dir")).get(""))
    for package, folder in _mapping(table.get("package-dir")).items():
        # {"acme" = "lib/acme"} says that lib is a root; a package that is renamed on the way has no root here
        if package and isinstance(folder, str) and Path(folder).name == package.rpartition(".")[2]:
            yield Path(folder, *[".."] * len(package.split("."))).as_posix()
    yield from _texts(_mapping(table.get("packages"), "find").get("where"))


def _hatch(table: Mapping[str, Any]) -> Iterator[str]:
    build = _mapping(table.get("build"))
    for part in (build, _mapping(build.get("targets"), "wheel")):
        for package in _texts(part.get("packages")):
            yield str(Path(package).parent)
        sources = part.get("sources")
        if isinstance(sources, list):
            yield from _texts(sources)
        else:
            yield from (folder for folder, renamed in _mapping(sources).items() if renamed == "")


def _poetry(table: Mapping[str, Any]) -> Iterator[str]:
    packages = table.get("packages")
    for package in packages if isinstance(packages, list) else []:
        yield from _texts(_mapping(package).get("from"))


def _setup_cfg(path: Path) -> Iterator[str]:
    if not path.is_file():
        return
    content = read_ini(path)
    for line in content.get("options", {}).get("package_dir", "").splitlines():
        package, separator, folder = line.partition("=")
        if separator and not package.strip() and folder.strip():
            yield folder.strip()
    yield from content.get("options.packages.find", {}).get("where", "").split()


def _mapping(value: object, key: str | None = None) -> dict[str, Any]:
    """A table, or an empty one where a file holds something else; with a key, the table below it."""
    table = value if isinstance(value, dict) else {}
    return table if key is None else _mapping(table.get(key))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _unique(paths: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys(paths))
