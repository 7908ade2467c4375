"""Environments that stand outside the workspace and are found by a rule of the tool that made them."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from testwright.settings import read_toml

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_CONDA_FILES = ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml")
_CONDA_HOMES = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda")


def poetry_environments(workspace: Path, environ: Mapping[str, str], home: Path | None) -> Iterator[Path]:
    """Folders where Poetry keeps this project's environments, the active one first.

    The name is made of the project's name, a hash of its path and the Python version: ``acme-1aB2cD3e-py3.12``
    (Poetry's documentation, "Managing environments").
    """
    path = workspace / "pyproject.toml"
    content = read_toml(path) if path.is_file() else {}
    poetry = _table(content, "tool", "poetry")
    if not poetry and not (workspace / "poetry.lock").is_file():
        return
    name = poetry.get("name") or _table(content, "project").get("name")
    folder = _poetry_folder(workspace, environ, home)
    if folder is None or not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
        return
    base = poetry_environment_name(name, workspace)
    active = _active_poetry_version(folder, base)
    found = sorted(folder.glob(f"{base}-py*"), key=_version_key, reverse=True)
    yield from sorted(found, key=lambda path: path.name != f"{base}-py{active}")


def poetry_environment_name(project: str, workspace: Path) -> str:
    """What Poetry calls a project's environments, the Python version left out."""
    canonical = re.sub(r"[-_.]+", "-", project).lower()
    cleaned = re.sub(r'[ $`!*@"\\\r\n\t]', "_", canonical)[:42]
    digest = hashlib.sha256(os.path.normcase(os.path.realpath(workspace)).encode()).digest()
    return f"{cleaned}-{base64.urlsafe_b64encode(digest).decode()[:8]}"


def _poetry_folder(workspace: Path, environ: Mapping[str, str], home: Path | None) -> Path | None:
    """``virtualenvs.path``: from the environment, the project's ``poetry.toml``, the user's configuration, or usual."""
    files = (workspace / "poetry.toml", _poetry_config(environ, home))
    configured = [read_toml(path) for path in files if path is not None and path.is_file()]
    cache = environ.get("POETRY_CACHE_DIR") or _first(configured, "cache-dir") or _poetry_cache(environ, home)
    folder = environ.get("POETRY_VIRTUALENVS_PATH") or _first(
        [_table(content, "virtualenvs") for content in configured], "path"
    )
    if folder is None:
        return None if cache is None else Path(cache, "virtualenvs")
    folder = folder.replace("{cache-dir}", str(cache or "")).replace("{project-dir}", str(workspace))
    if folder.startswith("~/") and home is not None:
        return home / folder[2:]
    return workspace / folder


def _poetry_config(environ: Mapping[str, str], home: Path | None) -> Path | None:
    if environ.get("POETRY_CONFIG_DIR"):
        return Path(environ["POETRY_CONFIG_DIR"], "config.toml")
    if home is None:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "pypoetry" / "config.toml"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pypoetry", "config.toml")


def _poetry_cache(environ: Mapping[str, str], home: Path | None) -> str | None:
    if home is None:
        return None
    if sys.platform == "darwin":
        return str(home / "Library" / "Caches" / "pypoetry")
    return str(Path(environ.get("XDG_CACHE_HOME") or home / ".cache", "pypoetry"))


def _active_poetry_version(folder: Path, base: str) -> str:
    path = folder / "envs.toml"
    minor = _table(read_toml(path), base).get("minor") if path.is_file() else None
    return minor if isinstance(minor, str) else ""


def conda_environments(workspace: Path, environ: Mapping[str, str], home: Path | None) -> Iterator[Path]:
    """Folders where conda may keep the environment that ``environment.yml`` names."""
    name = _conda_name(workspace)
    if name is None:
        return
    for folder in _conda_folders(environ, home):
        yield folder / name
    for line in _lines(home / ".conda" / "environments.txt" if home is not None else None):
        if Path(line).name == name and Path(line).is_absolute():
            yield Path(line)


def _conda_name(workspace: Path) -> str | None:
    for file in _CONDA_FILES:
        for line in _lines(workspace / file):
            match = re.match(r"name:\s*[\"']?([^\s\"'#]+)", line)
            if match is not None and _PLAIN_NAME.fullmatch(match[1]):
                return match[1]
    return None


def _conda_folders(environ: Mapping[str, str], home: Path | None) -> Iterator[Path]:
    for variable in ("CONDA_ENVS_PATH", "CONDA_ENVS_DIRS"):
        yield from (Path(part) for part in environ.get(variable, "").split(os.pathsep) if part)
    for variable in ("MAMBA_ROOT_PREFIX", "CONDA_ROOT"):
        if environ.get(variable):
            yield Path(environ[variable], "envs")
    if environ.get("CONDA_EXE"):
        yield Path(environ["CONDA_EXE"]).parent.parent / "envs"
    if home is not None:
        yield from (home / name / "envs" for name in _CONDA_HOMES)
    yield Path("/opt/conda/envs")


def asked_version(workspace: Path) -> str | None:
    """The first line of ``.python-version``: a version or the name of a pyenv environment."""
    line = next((line for line in _lines(workspace / ".python-version") if not line.startswith("#")), None)
    return line if line is not None and _PLAIN_NAME.fullmatch(line) else None


def installed_versions(version: str, environ: Mapping[str, str], home: Path | None) -> Iterator[Path]:
    """Executables of an installed version, newest first: pyenv's, then uv's.

    Args:
        version: ``3.12``, ``3.12.1``, or the name of a pyenv environment.
        environ: The process's environment.
        home: The user's home folder.
    """
    pyenv = Path(environ["PYENV_ROOT"]) if environ.get("PYENV_ROOT") else (home / ".pyenv" if home else None)
    uv = Path(environ["UV_PYTHON_INSTALL_DIR"]) if environ.get("UV_PYTHON_INSTALL_DIR") else None
    if uv is None and home is not None:
        uv = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share", "uv", "python")
    for folder, prefix in ((pyenv / "versions" if pyenv else None, ""), (uv, "cpython-")):
        if folder is None:
            continue
        matching = [path for path in _folders(folder) if _is_version(path.name.removeprefix(prefix), version)]
        for path in sorted(matching, key=_version_key, reverse=True):
            yield path / "bin" / "python"


def _is_version(name: str, version: str) -> bool:
    return name == version or name.startswith((version + ".", version + "-"))


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []


def _version_key(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", path.name.rpartition("-py")[2]))


def _lines(path: Path | None) -> list[str]:
    """Stripped lines of a small text file that are not empty; none when it cannot be read."""
    try:
        if path is None or not path.is_file():
            return []
        with path.open("rb") as file:
            text = file.read(64 * 1024).decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]


def _first(tables: list[dict[str, Any]], key: str) -> str | None:
    return next((table[key] for table in tables if isinstance(table.get(key), str)), None)


def _table(content: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    value: Any = content
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
