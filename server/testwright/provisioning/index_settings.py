"""Where packages come from: what the user has set up for uv, else what is set up for pip, which uv does not read.

pip's files and their order are those of its documentation ("Configuration"): the machine's, the user's, that of the
Python it runs on, then ``PIP_CONFIG_FILE``; a later one wins, and a variable ``PIP_...`` wins over all.
"""

from __future__ import annotations

import configparser
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from testwright.errors import SetupFailure

_MACHINE = Path("/etc")
_UV_INDEXES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_UV_KEYS = {"index", "index-url", "extra-index-url", "find-links", "no-index"}

_PASSED = frozenset(
    {
        *_UV_INDEXES,
        *("UV_INDEX_STRATEGY", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"),
        *("UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_HTTP_CONNECT_TIMEOUT", "UV_OFFLINE"),
        *("UV_CONCURRENT_DOWNLOADS", "UV_CONCURRENT_INSTALLS", "UV_CREDENTIALS_DIR"),
        *("PIP_CONFIG_FILE", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CERT"),
        *("PIP_CLIENT_CERT", "PIP_TRUSTED_HOST", "PIP_PROXY", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NETRC", "REQUESTS_CA_BUNDLE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("HOME", "PATH", "USER", "TMPDIR", "LANG", "LC_ALL", "DBUS_SESSION_BUS_ADDRESS"),
        *("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"),
    }
)
"""Variables that an installer gets; keys of models are not among them."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What an installer is started with.

    Attributes:
        environment: All of its variables. They may hold passwords of indexes, so they are never shown.
        no_index: pip is told to use no index, only ``find-links``; uv has no variable for that.
    """

    environment: Mapping[str, str]
    no_index: bool = False

    def __repr__(self) -> str:
        return f"IndexSettings({len(self.environment)} variables, no_index={self.no_index})"


def index_settings(
    environ: Mapping[str, str], *, prefix: Path | None = None, machine: Path = _MACHINE
) -> IndexSettings:
    """Read the settings of uv and pip.

    Args:
        environ: The process's environment.
        prefix: The environment whose pip it is; the one that runs Testwright when None.
        machine: Folder of the machine's settings.

    Raises:
        SetupFailure: A file of pip's cannot be read.
    """
    environment = {
        name: value
        for name, value in environ.items()
        if name in _PASSED or (name.startswith("UV_INDEX_") and name.endswith(("_USERNAME", "_PASSWORD")))
    }
    pip = _pip_values(_pip_files(environ, Path(sys.prefix) if prefix is None else prefix, machine), environ)
    for variable, value in _translated(pip).items():
        environment.setdefault(variable, value)
    if any(environ.get(name) for name in _UV_INDEXES) or _uv_file_names_indexes(environ, machine):
        return IndexSettings(environment)
    for variable, value in _indexes(pip).items():
        environment.setdefault(variable, value)
    return IndexSettings(environment, no_index=pip.get("no-index", "").lower() in ("1", "true", "yes", "on"))


def _translated(pip: Mapping[str, str]) -> dict[str, str]:
    """How to reach an index."""
    found = {"SSL_CERT_FILE": pip.get("cert"), "SSL_CLIENT_CERT": pip.get("client-cert")}
    found["UV_INSECURE_HOST"] = " ".join(pip.get("trusted-host", "").split())
    found["HTTPS_PROXY"] = found["HTTP_PROXY"] = pip.get("proxy")
    timeout = pip.get("timeout") or pip.get("default-timeout") or ""
    found["UV_HTTP_TIMEOUT"] = timeout if timeout.isdecimal() else None
    return {name: value for name, value in found.items() if value}


def _indexes(pip: Mapping[str, str]) -> dict[str, str]:
    found = {
        "UV_DEFAULT_INDEX": pip.get("index-url", "").strip(),
        "UV_INDEX": " ".join(pip.get("extra-index-url", "").split()),
        "UV_FIND_LINKS": ",".join(_place(word) for word in pip.get("find-links", "").split()),
    }
    if found["UV_INDEX"]:
        # As pip does it: whatever index has the version. What is taken is settled by the lock's hashes.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in found.items() if value}


def _place(word: str) -> str:
    """An address as it is; a folder made absolute as pip does it, since uv is started elsewhere."""
    return word if "://" in word or word.startswith("file:") else str(Path(word).expanduser().absolute())


def _pip_values(files: Iterable[Path], environ: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for path in files:
        parser = configparser.RawConfigParser()
        try:
            if not path.is_file():
                continue
            parser.read_string(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            raise SetupFailure(
                f"pip's settings in {path} cannot be read: {type(error).__name__}.",
                next_step="Repair it (`pip config debug` shows what is read), or name another file in PIP_CONFIG_FILE.",
            ) from error
        for section in ("global", "install"):
            if parser.has_section(section):
                values.update({key.lower().replace("_", "-"): value for key, value in parser.items(section)})
    for name, value in environ.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE" and value:
            values[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return values


def _pip_files(environ: Mapping[str, str], prefix: Path, machine: Path) -> Iterator[Path]:
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    mac = Path("Library", "Application Support", "pip", "pip.conf")
    for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)):
        yield Path(folder, "pip", "pip.conf")
    if sys.platform == "darwin":
        yield Path("/") / mac
    yield machine / "pip.conf"
    if home is not None:
        yield home / ".pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / mac
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    yield prefix / "pip.conf"
    if named:
        yield Path(named)


def _uv_file_names_indexes(environ: Mapping[str, str], machine: Path) -> bool:
    """Whether the user's or the machine's ``uv.toml`` says where packages come from; uv reads it itself."""
    folders = [Path(folder, "uv") for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)]
    folders.append(machine / "uv")
    if environ.get("XDG_CONFIG_HOME") or environ.get("HOME"):
        folders.append(Path(environ.get("XDG_CONFIG_HOME") or Path(environ["HOME"], ".config"), "uv"))
    for folder in folders:
        try:
            content = tomllib.loads((folder / "uv.toml").read_text("utf-8"))
        except (OSError, ValueError):  # a broken one is told of by uv, in better words
            continue
        pip = content.get("pip")
        if _UV_KEYS & (content.keys() | (pip.keys() if isinstance(pip, dict) else set())):
            return True
    return False
