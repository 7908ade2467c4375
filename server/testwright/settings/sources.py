"""Options as they arrive, and settings as they hold.

Four sources, each stronger than the one before: ``[tool.testwright]`` in the workspace's ``pyproject.toml``,
``TESTWRIGHT_*`` variables, the editor, the command line.

The first comes with the repository, so it is not trusted as the others are: it may say how much work is wanted, not
how that work is contained, where code is sent or what is spent. Such settings are of *machine scope* (``trust.py``):
when a repository sets them, the value is not used and ``Settings.notes`` says so. ``output`` and ``dry-run`` belong to
one run and are errors in a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from testwright.errors import SettingsError
from testwright.settings.files import read_toml
from testwright.settings.parsing import (
    PARSERS,
    Given,
    checked_options,
    is_python_name,
    kebab,
    near_name,
    option_name,
    parse_options,
    shown,
    unknown,
)
from testwright.settings.trust import may_be_of_repository, why_not
from testwright.settings.values import OPTION_NAMES, Options, Settings

VARIABLE_PREFIX = "TESTWRIGHT_"
MODEL_KEY_VARIABLE = "TESTWRIGHT_MODEL_KEY"
"""Holds the key for ``model_base_url``, where that needs one; no other key is ever sent there."""
PROJECT_ORIGIN = "[tool.testwright] in pyproject.toml"
"""In ``Settings.origins``: a value that comes with the repository."""
COMMON_VARIABLES = {"preferred_model": "PREFERRED_MODEL", "fallback_models": "FALLBACK_MODELS"}
"""Options that a variable without our prefix may set, too; ours is stronger."""

_ENVIRONMENT = "the environment"
_OF_COMMAND_LINE = frozenset({"box", "pass_env", "python"})

# Variables of ours that are no settings: read where the folders are made, where a key is, and by our own tests.
_OTHER_VARIABLES = frozenset(
    {
        *("TESTWRIGHT_CACHE_DIR", "TESTWRIGHT_STATE_DIR", MODEL_KEY_VARIABLE),
        *("TESTWRIGHT_E2E", "TESTWRIGHT_DOCKER_BASE"),
    }
)


def resolve_settings(
    workspace: Path,
    *,
    environ: Mapping[str, str],
    editor: Options | None = None,
    command_line: Options | None = None,
    cwd: Path | None = None,
) -> Settings:
    """Join the four sources.

    Args:
        workspace: Root of the project; its ``pyproject.toml`` is read.
        environ: The process's environment.
        editor: What the editor says; the client keeps these at machine scope, so that a repository cannot set them.
        command_line: What the command line, or the caller of the library, says.
        cwd: What relative paths of the last three are relative to; the process's own when None.

    Raises:
        SettingsError: A file that cannot be read, an unknown key, a wrong value.
    """
    here = Path.cwd() if cwd is None else cwd
    project, notes = _project_options(workspace)
    variables, ignored = _environment_options(environ)
    layers = (
        (project, PROJECT_ORIGIN, workspace),
        (variables, "environment", here),
        (checked_options(editor or Options(), "the editor's settings"), "editor", here),
        (checked_options(command_line or Options(), "the command line"), "command line", here),
    )
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for options, origin, base in layers:
        for name in OPTION_NAMES:
            value = getattr(options, name)
            if value is None:
                continue
            if isinstance(value, Path) and not (name == "python" and is_python_name(value)):
                value = _absolute(value, base)
            field = "workspace_registry" if (name, origin) == ("model_registry", PROJECT_ORIGIN) else name
            values[field] = value
            origins[field] = origin
    return Settings(**values, notes=(*notes, *ignored), origins=tuple(origins.items()))


def _project_options(workspace: Path) -> tuple[Options, list[str]]:
    path = workspace / "pyproject.toml"
    if not path.exists():
        return Options(), []
    tool = read_toml(path).get("tool", {})
    table = tool.get("testwright", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(
            f"tool.testwright in pyproject.toml is {shown(table)}, and must be a table.",
            next_step="Write [tool.testwright] and the settings below it.",
        )
    notes: list[str] = []
    values: dict[str, object] = {}
    for key, value in table.items():
        name = option_name(key)
        if name in ("output", "dry_run"):
            raise SettingsError(
                f"{key} in {PROJECT_ORIGIN} belongs to one run, not to a project.",
                next_step=f"Remove it and give --{kebab(name)} on the command line.",
            )
        if not may_be_of_repository(name, value):
            notes.append(_machine_scope(key, name, value))
            continue
        values[key] = value
    return parse_options(values, origin=PROJECT_ORIGIN), notes


def _machine_scope(key: str, name: str, value: object) -> str:
    variable = f"set {VARIABLE_PREFIX}{name.upper()}"
    how = f"Give --{kebab(name)} or {variable}" if name in _OF_COMMAND_LINE else variable[0].upper() + variable[1:]
    return f"{key} = {shown(value)} in {PROJECT_ORIGIN} is not used: {why_not(name)}. {how} if you want it."


def _environment_options(environ: Mapping[str, str]) -> tuple[Options, list[str]]:
    notes: list[str] = []
    given: dict[str, Given] = {}
    for name, variable in COMMON_VARIABLES.items():
        if text := environ.get(variable, "").strip():
            given[name] = Given(variable, _from_text(name, text), _ENVIRONMENT)
    for variable, text in sorted(environ.items()):
        if not variable.startswith(VARIABLE_PREFIX) or variable in _OTHER_VARIABLES:
            continue
        name = variable.removeprefix(VARIABLE_PREFIX).lower()
        if name not in OPTION_NAMES:
            near = near_name(name, OPTION_NAMES)
            if near is not None:
                raise unknown(variable, _ENVIRONMENT, VARIABLE_PREFIX + near.upper())
            notes.append(f"The variable {variable} is no setting of Testwright, so it changes nothing.")
            continue
        if text.strip():  # an empty variable is the shell's way to unset one
            given[name] = Given(variable, _from_text(name, text.strip()), _ENVIRONMENT)
    return Options(**{name: PARSERS[name](value) for name, value in given.items()}), notes


def _from_text(name: str, text: str) -> object:
    """The value that a variable's text stands for, where it is one; the text itself else, for the parser to refuse."""
    if name in ("coverage_threshold", "budget", "max_model_cost", "model_deadline"):
        return _number(text, float)
    if name in ("seed", "max_iterations", "max_model_requests", "max_model_tokens"):
        return _number(text, int)
    if name == "dry_run":
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    if name in ("pass_env", "fallback_models"):
        return [part for part in re.split(r"[,\s]+", text) if part]
    return text


def _number(text: str, kind: Callable[[str], float]) -> object:
    try:
        return kind(text)
    except ValueError:
        return text


def _absolute(path: Path, base: Path) -> Path:
    path = path.expanduser()
    return path if path.is_absolute() else base / path
