"""Values as they arrive, from a file, a variable, an editor or a caller, checked one by one."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from testwright.errors import SettingsError
from testwright.settings.values import (
    MAX_BUDGET,
    MAX_FALLBACKS,
    MAX_ITERATIONS,
    MAX_MODEL_COST,
    MAX_MODEL_DEADLINE,
    MAX_MODEL_REQUESTS,
    MAX_MODEL_TOKENS,
    MAX_SEED,
    OPTION_NAMES,
    AgentBoxName,
    AgentSdk,
    BoxName,
    DataCollection,
    EngineName,
    Options,
    Placement,
)

_PYTHON_NAME = re.compile(r"(?:python|pypy)?(?:\d+(?:\.\d+){0,2})?")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IMAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}")  # as Docker has it: registry, name, tag, digest
_MODEL_NAME = re.compile(r"[!-+\--~]{1,200}")  # printable ASCII, no space, no comma

# What a box sets itself, what changes how programs are loaded in it, and the keys that never enter one.
_NEVER_PASSED = re.compile(
    r"HOME|PATH|TMPDIR|TMP|TEMP|TZ|LANG|LC_ALL|USER|SHELL"
    r"|LD_.*|DYLD_.*|PYTHON.*|TESTWRIGHT_.*|COVERAGE_.*|PYTEST_.*"
    r"|OPENROUTER_API_KEY|DOCKER_HOST"
)


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
            raise unknown(key, origin, _spelled_like(key))
        if name in parsed:
            raise SettingsError(
                f"{origin} sets {kebab(name)} twice, in two spellings.", next_step="Keep one of the two."
            )
        parsed[name] = PARSERS[name](Given(key, value, origin, tell_values))
    return Options(**parsed)


def checked_options(options: Options, origin: str) -> Options:
    """The same options, each value checked: a caller of the library may have filled them with anything."""
    given = {name: getattr(options, name) for name in OPTION_NAMES if getattr(options, name) is not None}
    return Options(**{name: PARSERS[name](Given(kebab(name), value, origin)) for name, value in given.items()})


def is_python_name(python: Path) -> bool:
    """Whether an interpreter is given by name, to be found on PATH: ``python3.12``, ``3.12``, ``pypy3.10``."""
    text = str(python)
    return text not in ("", ".") and _PYTHON_NAME.fullmatch(text) is not None


def option_name(key: str) -> str:
    """The field's name for a key in kebab, snake or camel case."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).replace("-", "_").lower()


def kebab(name: str) -> str:
    """The key for a field's name, as files and the command line have it."""
    return name.replace("_", "-")


def near_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one is likely meant for."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)), None)


def _spelled_like(key: str) -> str | None:
    near = near_name(option_name(key), OPTION_NAMES)
    return None if near is None else kebab(near)


def unknown(key: str, origin: str, near: str | None) -> SettingsError:
    """The error for a key that is none, with the closest one or all there are."""
    known = ", ".join(kebab(name) for name in OPTION_NAMES)
    next_step = f"Did you mean {near}?" if near is not None else f"Known: {known}."
    return SettingsError(f"{key} in {origin} is not a setting of Testwright.", next_step=next_step)


def shown(value: object) -> str:
    """A value in a message, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True, slots=True)
class Given:
    """One value of one source.

    Attributes:
        key: As it is spelled there.
        value: Of any type.
        origin: The place, for error messages.
        is_told: Whether an error message shows the value.
    """

    key: str
    value: object
    origin: str
    is_told: bool = True

    def wrong(self, allowed: str) -> SettingsError:
        """The error that says what is allowed in its place."""
        what = f"is {shown(self.value)}, which is not allowed" if self.is_told else "has a value that is not allowed"
        return SettingsError(f"{self.key} in {self.origin} {what}.", next_step=f"Allowed: {allowed}.")


def _parse_threshold(given: Given) -> float:
    return _parse_number(given, 0.0, 100.0, "a number of percent from 0 to 100")


def _parse_budget(given: Given) -> float:
    return _parse_number(given, 1.0, MAX_BUDGET, f"a number of seconds from 1 to {MAX_BUDGET:.0f}")


def _parse_number(given: Given, least: float, most: float, allowed: str) -> float:
    value = given.value
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or not least <= value <= most:
        raise given.wrong(allowed)
    return float(value)


def _parse_cost(given: Given) -> float:
    return _parse_number(given, 0.0, MAX_MODEL_COST, f"a number of US dollars from 0 to {MAX_MODEL_COST:.0f}")


def _parse_deadline(given: Given) -> float:
    return _parse_number(given, 1.0, MAX_MODEL_DEADLINE, f"a number of seconds from 1 to {MAX_MODEL_DEADLINE:.0f}")


def _parse_integer(given: Given, least: int, most: int) -> int:
    value = given.value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise given.wrong(f"a whole number from {least} to {most}")
    return value


def _parse_choice(given: Given, choices: tuple[str, ...]) -> str:
    if not isinstance(given.value, str) or given.value not in choices:
        raise given.wrong(", ".join(choices))
    return given.value


def _parse_path(given: Given) -> Path:
    value = str(given.value) if isinstance(given.value, Path) else given.value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise given.wrong("a path")
    return Path(value)


def _parse_bool(given: Given) -> bool:
    if not isinstance(given.value, bool):
        raise given.wrong("true or false")
    return given.value


def _parse_names(given: Given) -> tuple[str, ...]:
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


def _parse_model(given: Given) -> str:
    if not isinstance(given.value, str) or not _MODEL_NAME.fullmatch(given.value):
        raise given.wrong("a model's name, such as qwen/qwen3-coder:free, without spaces and commas")
    return given.value


def _parse_image(given: Given) -> str:
    if not isinstance(given.value, str) or not _IMAGE_NAME.fullmatch(given.value):
        raise given.wrong("the name of an image, such as python:3.12-slim")
    return given.value


def _parse_models(given: Given) -> tuple[str, ...]:
    if not isinstance(given.value, list | tuple) or len(given.value) > MAX_FALLBACKS:
        raise given.wrong(f"a list of at most {MAX_FALLBACKS} names of models")
    return tuple(dict.fromkeys(_parse_model(replace(given, value=name)) for name in given.value))


def _parse_address(given: Given) -> str:
    from testwright.settings.addresses import read_address  # noqa: PLC0415 - what it imports is slow, and seldom needed

    hidden = replace(given, is_told=False)  # people put passwords into addresses
    if not isinstance(given.value, str):
        raise hidden.wrong("an address such as http://localhost:11434/v1")
    try:
        return read_address(given.value).url
    except ValueError as error:
        raise SettingsError(
            f"{given.key} in {given.origin} {error}.", next_step="Give an address such as http://localhost:11434/v1."
        ) from error


PARSERS: dict[str, Callable[[Given], Any]] = {  # by field; each raises SettingsError
    "coverage_threshold": _parse_threshold,
    "budget": _parse_budget,
    "engine": lambda given: _parse_choice(given, get_args(EngineName)),
    "box": lambda given: _parse_choice(given, get_args(BoxName)),
    "python": _parse_path,
    "output": _parse_path,
    "placement": lambda given: _parse_choice(given, get_args(Placement)),
    "dry_run": _parse_bool,
    "seed": lambda given: _parse_integer(given, 0, MAX_SEED),
    "pass_env": _parse_names,
    "max_iterations": lambda given: _parse_integer(given, 1, MAX_ITERATIONS),
    "agent_box": lambda given: _parse_choice(given, get_args(AgentBoxName)),
    "agent_sdk": lambda given: _parse_choice(given, get_args(AgentSdk)),
    "agent_image_base": _parse_image,
    "preferred_model": _parse_model,
    "fallback_models": _parse_models,
    "model_base_url": _parse_address,
    "model_registry": _parse_path,
    "data_collection": lambda given: _parse_choice(given, get_args(DataCollection)),
    "max_model_cost": _parse_cost,
    "max_model_requests": lambda given: _parse_integer(given, 1, MAX_MODEL_REQUESTS),
    "max_model_tokens": lambda given: _parse_integer(given, 1, MAX_MODEL_TOKENS),
    "model_deadline": _parse_deadline,
}
