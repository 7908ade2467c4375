"""How this project formats its code: ruff's, Black's and flake8's settings and ``.editorconfig``.

The formatter decides, where one is set: ruff's formatter, then Black, then ruff's line length, then what the style
checkers and ``.editorconfig`` ask for, then 88 columns and double quotes, which are the defaults of both formatters.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from testwright.analysis.ini import read_ini
from testwright.analysis.walking import python_files
from testwright.model import Style
from testwright.settings import read_settings_text, read_toml

Quote = Literal["double", "single", "preserve"]

DEFAULT_LINE_LENGTH = 88
MIN_LINE_LENGTH, MAX_LINE_LENGTH = 40, 320
"""Bounds of a line length that a formatter can work with; ruff's own upper bound is 320."""

_QUOTES: dict[str, Quote] = {"double": "double", "single": "single", "preserve": "preserve"}
_MAX_EXTENDS = 5
_SAMPLED_FILES = 12


def read_style(workspace: Path, pyproject: Mapping[str, Any]) -> Style:
    """The style of new code.

    Args:
        workspace: Root of the project.
        pyproject: Content of its ``pyproject.toml``, empty when there is none.

    Raises:
        SettingsError: A settings file that cannot be read.
    """
    ruff = _ruff(workspace, pyproject)
    black = _table(pyproject, "tool", "black")
    editor = _editorconfig(workspace)
    return Style(
        line_length=_line_length(workspace, pyproject, ruff, black, editor),
        quote=_quote(ruff, black),
        indent=_in_range(ruff.get("indent-width"), 1, 16) or _in_range(editor.get("indent_size"), 1, 16) or 4,
        newline=_newline(workspace, ruff, editor),
    )


def _line_length(
    workspace: Path,
    pyproject: Mapping[str, Any],
    ruff: Mapping[str, Any],
    black: Mapping[str, Any] | None,
    editor: Mapping[str, str],
) -> int:
    if black is not None and "format" not in ruff:
        return _columns(black.get("line-length", black.get("line_length"))) or DEFAULT_LINE_LENGTH
    return (
        _columns(ruff.get("line-length"))
        or _columns(_checker_length(workspace))
        or _columns((_table(pyproject, "tool", "autopep8") or {}).get("max_line_length"))
        or _columns((_table(pyproject, "tool", "pycodestyle") or {}).get("max_line_length"))
        or _columns(editor.get("max_line_length"))
        or DEFAULT_LINE_LENGTH
    )


def _quote(ruff: Mapping[str, Any], black: Mapping[str, Any] | None) -> Quote:
    formatter = _table(ruff, "format") or {}
    if formatter.get("quote-style") in _QUOTES:
        return _QUOTES[formatter["quote-style"]]
    if black is not None and (black.get("skip-string-normalization") or black.get("skip_string_normalization")):
        return "preserve"
    lint = _table(ruff, "lint", "flake8-quotes") or _table(ruff, "flake8-quotes") or {}
    return "single" if black is None and lint.get("inline-quotes") == "single" else "double"


def _newline(workspace: Path, ruff: Mapping[str, Any], editor: Mapping[str, str]) -> Literal["\n", "\r\n"]:
    ending = (_table(ruff, "format") or {}).get("line-ending")
    if ending in ("lf", "cr-lf"):
        return "\r\n" if ending == "cr-lf" else "\n"
    if editor.get("end_of_line") in ("lf", "crlf"):
        return "\r\n" if editor["end_of_line"] == "crlf" else "\n"
    votes = [b"\r\n" in head for head in _heads(workspace) if b"\n" in head]
    return "\r\n" if votes and sum(votes) * 2 > len(votes) else "\n"


def _heads(workspace: Path) -> Iterator[bytes]:
    """The beginnings of a few of the project's files, to see how their lines end."""
    for path in itertools.islice(python_files(workspace), _SAMPLED_FILES):
        try:
            with path.open("rb") as file:
                yield file.read(4096)
        except OSError:
            continue


# ------------------------------------------------------------------------------------------------ each tool's files


def _ruff(workspace: Path, pyproject: Mapping[str, Any]) -> dict[str, Any]:
    """Ruff's settings, with those that they extend below them, as long as these are in the workspace."""
    for name in (".ruff.toml", "ruff.toml"):
        path = workspace / name
        if path.is_file():
            return _extended(read_toml(path), workspace, workspace, _MAX_EXTENDS)
    return _extended(_table(pyproject, "tool", "ruff") or {}, workspace, workspace, _MAX_EXTENDS)


def _extended(settings: Mapping[str, Any], folder: Path, workspace: Path, left: int) -> dict[str, Any]:
    extend = settings.get("extend")
    if not isinstance(extend, str) or "\0" in extend or left == 0:
        return dict(settings)
    base = (folder / extend).resolve()
    if not base.is_relative_to(workspace) or not base.is_file():
        return dict(settings)
    content = read_toml(base)
    if base.name == "pyproject.toml":
        content = _table(content, "tool", "ruff") or {}
    return {**_extended(content, base.parent, workspace, left - 1), **settings}


def _checker_length(workspace: Path) -> str | None:
    for name, sections in (
        (".flake8", ("flake8",)),
        ("setup.cfg", ("flake8", "pycodestyle")),
        ("tox.ini", ("flake8", "pycodestyle")),
    ):
        path = workspace / name
        if not path.is_file():
            continue
        content = read_ini(path)
        for section in sections:
            table = content.get(section, {})
            found = table.get("max-line-length", table.get("max_line_length"))
            if found is not None:
                return found
    return None


def _editorconfig(workspace: Path) -> dict[str, str]:
    """What ``.editorconfig`` at the root says about Python files; the last matching section wins."""
    path = workspace / ".editorconfig"
    if not path.is_file():
        return {}
    values: dict[str, str] = {}
    matches = False
    for raw in read_settings_text(path).splitlines():
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            matches = _glob_matches(line[1:-1], "tests/test_module.py")
        elif matches and "=" in line:
            key, _, value = line.partition("=")
            values[key.strip().lower()] = value.strip().lower()
    return values


def _glob_matches(pattern: str, path: str) -> bool:
    """Whether a section of ``.editorconfig`` speaks of a path; braces are alternatives there."""
    for alternative in itertools.islice(_alternatives(pattern), 100):
        glob = alternative.lstrip("/").replace("**", "*")
        if fnmatch.fnmatchcase(path if "/" in glob else path.rpartition("/")[2], glob):
            return True
    return False


def _alternatives(pattern: str) -> Iterator[str]:
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        yield pattern
        return
    for choice in match[1].split(","):
        yield from _alternatives(pattern[: match.start()] + choice.strip() + pattern[match.end() :])


def _table(content: Mapping[str, Any], *keys: str) -> dict[str, Any] | None:
    value: Any = content
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else None


def _columns(value: object) -> int | None:
    return _in_range(value, MIN_LINE_LENGTH, MAX_LINE_LENGTH)


def _in_range(value: object, least: int, most: int) -> int | None:
    """A whole number, which some files hold as text (``max-line-length = 100  # why``); None when out of bounds."""
    match = re.match(r"\d{1,4}", value.strip()) if isinstance(value, str) else None
    number = int(match[0]) if match else value
    return number if isinstance(number, int) and not isinstance(number, bool) and least <= number <= most else None
