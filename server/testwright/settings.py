"""Options as they arrive, and settings as they hold.

Four sources, each stronger than the one before: ``[tool.testwright]`` in the workspace's ``pyproject.toml``,
``TESTWRIGHT_*`` variables, the editor, the command line.

The first comes with the repository, so it is not trusted as the others are: it may say how much work is wanted, not
how that work is contained. ``box``, ``pass-env`` and an interpreter outside the workspace are of *machine scope*: when
a repository sets them, the value is not used and ``Settings.notes`` says so. ``output`` and ``dry-run`` belong to one
run and are errors in a file.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal, get_args

from testwright.errors import SettingsError

EngineName = Literal["auto", "embedded"]
BoxName = Literal["auto", "bubblewrap", "landlock", "none"]
Placement = Literal["auto", "tests", "beside"]

VARIABLE_PREFIX = "TESTWRIGHT_"
MAX_SETTINGS_BYTES = 1024 * 1024
"""A settings file of more than this is not read; the largest pyproject.toml files in the wild have some 100 KB."""

MAX_BUDGET = 3600.0
MAX_ITERATIONS = 20
MAX_SEED = 2**32 - 1

MACHINE_SCOPE = frozenset({"box", "pass_env", "python"})
"""Settings that a repository must not make: they choose how its code is contained, or name a program."""

# Variables of ours that are no settings: read where the folders are made, and by our own tests.
_OTHER_VARIABLES = frozenset({"TESTWRIGHT_CACHE_DIR", "TESTWRIGHT_STATE_DIR", "TESTWRIGHT_E2E"})

_PYTHON_NAME = re.compile(r"(?:python|pypy)?(?:\d+(?:\.\d+){0,2})?")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# What a box sets itself, what changes how programs are loaded in it, and the keys that never enter one.
_NEVER_PASSED = re.compile(
    r"HOME|PATH|TMPDIR|TMP|TEMP|TZ|LANG|LC_ALL|USER|SHELL"
    r"|LD_.*|DYLD_.*|PYTHON.*|TESTWRIGHT_.*|COVERAGE_.*|PYTEST_.*"
    r"|OPENROUTER_API_KEY|DOCKER_HOST"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one source says; None where it says nothing. The meaning of each is told in ``Settings``."""

    coverage_threshold: float | None = None
    budget: float | None = None
    engine: EngineName | None = None
    box: BoxName | None = None
    python: Path | None = None
    output: Path | None = None
    placement: Placement | None = None
    dry_run: bool | None = None
    seed: int | None = None
    pass_env: tuple[str, ...] | None = None
    max_iterations: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for a run.

    Attributes:
        coverage_threshold: Percent of lines and branches, pooled, that counts as success; 0 to 100.
        budget: Seconds from baseline to writing; 1 to 3600.
        engine: Who proposes tests.
        box: Where they run; ``none`` only by the user's word.
        python: The project's interpreter: an absolute path to an executable or an environment's folder, or a name
            without a folder (``python3.12``, ``3.12``) to be found on PATH; None to look for one.
        output: Absolute path of the test file; None to go by ``placement``.
        placement: Where a new test file goes: by the project's convention (``auto``), mirrored below its folder of
            tests, or beside the module. A test file that the module has already is taken all the same.
        dry_run: Whether to show the change in place of writing it.
        seed: Start of every pseudo-random choice; 0 to 2**32 - 1.
        pass_env: Names of variables that are passed into a box.
        max_iterations: Rounds that the agent has at most; 1 to 20.
        notes: Sentences for the user: what was said somewhere and is not used, with the reason.
        origins: Where each value that is no default came from, in words, by field name.
    """

    coverage_threshold: float = 70.0
    budget: float = 30.0
    engine: EngineName = "auto"
    box: BoxName = "auto"
    python: Path | None = None
    output: Path | None = None
    placement: Placement = "auto"
    dry_run: bool = False
    seed: int = 0
    pass_env: tuple[str, ...] = ()
    max_iterations: int = 3
    notes: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()


OPTION_NAMES = tuple(option.name for option in fields(Options))


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
        (project, "[tool.testwright] in pyproject.toml", workspace),
        (variables, "environment", here),
        (_checked(editor or Options(), "the editor's settings"), "editor", here),
        (_checked(command_line or Options(), "the command line"), "command line", here),
    )
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for options, origin, base in layers:
        for name in OPTION_NAMES:
            value = getattr(options, name)
            if value is None:
                continue
            values[name] = _absolute(value, base) if isinstance(value, Path) else value
            origins[name] = origin
    return Settings(**values, notes=(*notes, *ignored), origins=tuple(origins.items()))


def parse_options(values: Mapping[str, object], *, origin: str, tell_values: bool = True) -> Options:
    """Options from a mapping as it comes from a TOML table or from an editor.

    Args:
        values: Keys in kebab, snake or camel case.
        origin: The place, for error messages: ``pyproject.toml``.
        tell_values: Whether error messages show a value that is wrong; not where it may be a secret in a wrong place.

    Raises:
        SettingsError: An unknown key (the closest known one is named) or a wrong value.
    """
    parsed: dict[str, Any] = {}
    for key, value in values.items():
        name = option_name(key)
        if name not in OPTION_NAMES:
            raise _unknown(key, origin, _spelled_like(key))
        if name in parsed:
            raise SettingsError(
                f"{origin} sets {_kebab(name)} twice, in two spellings.", next_step="Keep one of the two."
            )
        parsed[name] = _PARSERS[name](_Given(key, value, origin, tell_values))
    return Options(**parsed)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's content.

    Raises:
        SettingsError: It cannot be read or is no TOML; the line is named.
    """
    text = read_settings_text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path.name} is not valid TOML: {error}.", next_step=f"Correct {path} at that line."
        ) from error
    except RecursionError as error:
        raise SettingsError(
            f"{path.name} is nested too deeply to be read.", next_step=f"Flatten the tables in {path}."
        ) from error


def read_settings_text(path: Path) -> str:
    """A settings file's text.

    Raises:
        SettingsError: It is no regular file, too large, not UTF-8, or the system refuses.
    """
    try:
        if not path.is_file():  # a pipe of that name would be waited on for ever
            raise SettingsError(f"{path} is not a regular file.", next_step="Replace it by a file, or remove it.")
        if path.stat().st_size > MAX_SETTINGS_BYTES:
            raise SettingsError(
                f"{path} is larger than {MAX_SETTINGS_BYTES // 1024} KiB, which no settings file should be.",
                next_step="Move what is not a setting elsewhere.",
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path.name} is not UTF-8 (line {line}).", next_step=f"Save {path} as UTF-8.") from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror or error}.", next_step="Check its permissions."
        ) from error


def is_python_name(python: Path) -> bool:
    """Whether an interpreter is given by name, to be found on PATH: ``python3.12``, ``3.12``, ``pypy3.10``."""
    text = str(python)
    return text not in ("", ".") and _PYTHON_NAME.fullmatch(text) is not None


# ------------------------------------------------------------------------------------------------ the sources


def _project_options(workspace: Path) -> tuple[Options, list[str]]:
    path = workspace / "pyproject.toml"
    if not path.exists():
        return Options(), []
    tool = read_toml(path).get("tool", {})
    table = tool.get("testwright", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(
            f"tool.testwright in pyproject.toml is {_shown(table)}, and must be a table.",
            next_step="Write [tool.testwright] and the settings below it.",
        )
    origin = "[tool.testwright] in pyproject.toml"
    notes: list[str] = []
    values: dict[str, object] = {}
    for key, value in table.items():
        name = option_name(key)
        if name in ("output", "dry_run"):
            raise SettingsError(
                f"{key} in {origin} belongs to one run, not to a project.",
                next_step=f"Remove it and give --{_kebab(name)} on the command line.",
            )
        if name in MACHINE_SCOPE and not (name == "python" and is_inside_workspace(value)):
            notes.append(_machine_scope(key, name, value, origin))
            continue
        values[key] = value
    return parse_options(values, origin=origin), notes


def _machine_scope(key: str, name: str, value: object, origin: str) -> str:
    why = {
        "box": "a repository must not choose how its own code is contained",
        "pass_env": "a repository must not ask for variables of your environment",
        "python": "a repository must not choose a program outside the workspace",
    }[name]
    return (
        f"{key} = {_shown(value)} in {origin} is not used: {why}. "
        f"Give --{_kebab(name)} or set {VARIABLE_PREFIX}{name.upper()} if you want it."
    )


def is_inside_workspace(value: object) -> bool:
    """Whether an interpreter named by a repository stays in it; a plain name is found on the user's own PATH."""
    if not isinstance(value, str):
        return True  # a wrong type is an error, told by the parser
    pure = PurePosixPath(value)
    windows = PureWindowsPath(value)
    return not (pure.is_absolute() or windows.drive or windows.root or ".." in windows.parts or value.startswith("~"))


def _environment_options(environ: Mapping[str, str]) -> tuple[Options, list[str]]:
    values: dict[str, object] = {}
    notes: list[str] = []
    for variable, text in sorted(environ.items()):
        if not variable.startswith(VARIABLE_PREFIX) or variable in _OTHER_VARIABLES:
            continue
        name = variable.removeprefix(VARIABLE_PREFIX).lower()
        if name not in OPTION_NAMES:
            near = _near(name, OPTION_NAMES)
            if near is not None:
                raise _unknown(variable, "the environment", VARIABLE_PREFIX + near.upper())
            notes.append(f"The variable {variable} is no setting of Testwright, so it changes nothing.")
            continue
        if text.strip():  # an empty variable is the shell's way to unset one
            values[name] = _from_text(name, text.strip())
    parsed = {
        name: _PARSERS[name](_Given(VARIABLE_PREFIX + name.upper(), value, "the environment"))
        for name, value in values.items()
    }
    return Options(**parsed), notes


def _from_text(name: str, text: str) -> object:
    """The value that a variable's text stands for, where it is one; the text itself else, for the parser to refuse."""
    if name in ("coverage_threshold", "budget"):
        return _number(text, float)
    if name in ("seed", "max_iterations"):
        return _number(text, int)
    if name == "dry_run":
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    if name == "pass_env":
        return [part for part in re.split(r"[,\s]+", text) if part]
    return text


def _number(text: str, kind: Callable[[str], float]) -> object:
    try:
        return kind(text)
    except ValueError:
        return text


def _checked(options: Options, origin: str) -> Options:
    """The same options, each value checked: a caller of the library may have filled them with anything."""
    given = {name: getattr(options, name) for name in OPTION_NAMES if getattr(options, name) is not None}
    return Options(**{name: _PARSERS[name](_Given(_kebab(name), value, origin)) for name, value in given.items()})


def _absolute(path: Path, base: Path) -> Path:
    if is_python_name(path):
        return path
    path = path.expanduser()
    return path if path.is_absolute() else base / path


# ------------------------------------------------------------------------------------------------ the values


@dataclass(frozen=True, slots=True)
class _Given:
    key: str
    value: object
    origin: str
    is_told: bool = True

    def wrong(self, allowed: str) -> SettingsError:
        what = f"is {_shown(self.value)}, which is not allowed" if self.is_told else "has a value that is not allowed"
        return SettingsError(f"{self.key} in {self.origin} {what}.", next_step=f"Allowed: {allowed}.")


def _parse_threshold(given: _Given) -> float:
    return _parse_number(given, 0.0, 100.0, "a number of percent from 0 to 100")


def _parse_budget(given: _Given) -> float:
    return _parse_number(given, 1.0, MAX_BUDGET, f"a number of seconds from 1 to {MAX_BUDGET:.0f}")


def _parse_number(given: _Given, least: float, most: float, allowed: str) -> float:
    value = given.value
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or not least <= value <= most:
        raise given.wrong(allowed)
    return float(value)


def _parse_seed(given: _Given) -> int:
    return _parse_integer(given, 0, MAX_SEED)


def _parse_iterations(given: _Given) -> int:
    return _parse_integer(given, 1, MAX_ITERATIONS)


def _parse_integer(given: _Given, least: int, most: int) -> int:
    value = given.value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise given.wrong(f"a whole number from {least} to {most}")
    return value


def _parse_choice(given: _Given, choices: tuple[str, ...]) -> str:
    if not isinstance(given.value, str) or given.value not in choices:
        raise given.wrong(", ".join(choices))
    return given.value


def _parse_path(given: _Given) -> Path:
    value = str(given.value) if isinstance(given.value, Path) else given.value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise given.wrong("a path")
    return Path(value)


def _parse_bool(given: _Given) -> bool:
    if not isinstance(given.value, bool):
        raise given.wrong("true or false")
    return given.value


def _parse_names(given: _Given) -> tuple[str, ...]:
    value = given.value
    if not isinstance(value, list | tuple):
        raise given.wrong("a list of names of variables")
    names: list[str] = []
    for name in value:
        if not isinstance(name, str) or not _VARIABLE_NAME.fullmatch(name):
            raise replace(given, value=name).wrong("names of variables, of letters, digits and underscores")
        if _NEVER_PASSED.fullmatch(name):
            raise SettingsError(
                f"{given.key} in {given.origin} names {name}, which never enters a box: "
                "it is set there by Testwright, changes how programs are loaded, or is a key of Testwright's own.",
                next_step=f"Remove {name} from {given.key}.",
            )
        names.append(name)
    return tuple(dict.fromkeys(names))


_PARSERS: dict[str, Callable[[_Given], Any]] = {
    "coverage_threshold": _parse_threshold,
    "budget": _parse_budget,
    "engine": lambda given: _parse_choice(given, get_args(EngineName)),
    "box": lambda given: _parse_choice(given, get_args(BoxName)),
    "python": _parse_path,
    "output": _parse_path,
    "placement": lambda given: _parse_choice(given, get_args(Placement)),
    "dry_run": _parse_bool,
    "seed": _parse_seed,
    "pass_env": _parse_names,
    "max_iterations": _parse_iterations,
}


# ------------------------------------------------------------------------------------------------ names


def option_name(key: str) -> str:
    """The field's name for a key in kebab, snake or camel case."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).replace("-", "_").lower()


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _near(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)), None)


def _spelled_like(key: str) -> str | None:
    near = _near(option_name(key), OPTION_NAMES)
    return None if near is None else _kebab(near)


def _unknown(key: str, origin: str, near: str | None) -> SettingsError:
    known = ", ".join(_kebab(name) for name in OPTION_NAMES)
    next_step = f"Did you mean {near}?" if near is not None else f"Known: {known}."
    return SettingsError(f"{key} in {origin} is not a setting of Testwright.", next_step=next_step)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
