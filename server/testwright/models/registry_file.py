"""What one registry file says: read, checked field by field, each mistake with its line.

Whether its entries are whole is seen only where the files are laid over one another (``registry.py``): an entry that
changes the priority of a known model needs nothing but the two names.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Required, cast, get_args

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

# pydantic reads TypedDicts of `typing` from Python 3.12 on only.
from typing_extensions import TypedDict

from testwright.errors import RegistryError, SettingsError
from testwright.models.documents import Document, Place, read_document
from testwright.models.problems import Problem, error_of
from testwright.models.values import ModelStatus
from testwright.settings import read_settings_text
from testwright.settings.addresses import read_address

VERSION = 1
"""Of the format."""

MAX_PRICE = 100_000.0
"""US dollars per million tokens; a hundred times what any model has cost, so what is above is a wrong unit."""
MAX_TOKENS = 1_000_000_000
MAX_PRIORITY = 1_000_000
MAX_NAME = 200
MAX_SENTENCE = 1000


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("not printable")
    return text


def _day(text: str) -> str:
    dt.date.fromisoformat(text)
    return text


def _address(text: str) -> str:
    return read_address(text).url


_Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
_ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
_Sentence = Annotated[str, StringConstraints(max_length=MAX_SENTENCE), AfterValidator(_printable)]
_Price = Annotated[float, Field(ge=0, le=MAX_PRICE, allow_inf_nan=False)]
_Tokens = Annotated[int, Field(ge=1, le=MAX_TOKENS)]
_Limit = Annotated[int, Field(ge=1, le=MAX_TOKENS)]
_CONFIG = ConfigDict(extra="forbid", strict=True)


class ProviderFields(TypedDict, total=False):
    """A provider as a file gives it; see ``values.Provider`` for the meaning of each."""

    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    base_url: Annotated[str, AfterValidator(_address)]
    key_variable: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None
    free_requests_per_minute: _Limit | None
    free_requests_per_day: _Limit | None
    speaks_openrouter: bool
    source: _Sentence
    notes: _Sentence


class ModelFields(TypedDict, total=False):
    """A model as a file gives it; see ``values.ModelEntry`` for the meaning of each."""

    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    name: Required[_Name]
    provider: _ProviderName
    cost_per_1m_input: _Price
    cost_per_1m_output: _Price
    priority: Annotated[int, Field(ge=0, le=MAX_PRIORITY)]
    status: ModelStatus
    context_window: _Tokens | None
    max_output: _Tokens | None
    tools: bool | None
    system_prompt: bool | None
    free: bool
    known_issues: list[_Sentence]
    last_checked: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_day)] | None
    source: _Sentence
    notes: _Sentence


class _FileFields(TypedDict, total=False):
    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    version: Required[Literal[1]]
    providers: dict[_ProviderName, ProviderFields]
    models: list[ModelFields]


_SENTENCE = f"a sentence in one line, of at most {MAX_SENTENCE} characters"
_ALLOWED = {
    "version": f"{VERSION}, the one version of the format that this Testwright knows",
    "providers": "a mapping of names to providers",
    "models": "a list of models, each beginning with `- name:`",
    "name": f"a text in one line, of at most {MAX_NAME} characters",
    "provider": "the name of a provider: small letters, digits, dots, hyphens",
    "cost_per_1m_input": f"US dollars per million tokens, from 0 to {MAX_PRICE:.0f}",
    "cost_per_1m_output": f"US dollars per million tokens, from 0 to {MAX_PRICE:.0f}",
    "priority": f"a whole number from 0 to {MAX_PRIORITY}",
    "status": "one of " + ", ".join(get_args(ModelStatus)),
    "context_window": "a whole number of tokens, 1 or more",
    "max_output": "a whole number of tokens, 1 or more",
    "tools": "true or false",
    "system_prompt": "true or false",
    "free": "true or false",
    "known_issues": "a list of sentences, each in one line",
    "last_checked": "a day like 2026-06-30",
    "source": _SENTENCE,
    "notes": _SENTENCE,
    "base_url": "an address like https://openrouter.ai/api/v1",
    "key_variable": "the name of an environment variable, never a key itself",
    "free_requests_per_minute": "a whole number, 1 or more",
    "free_requests_per_day": "a whole number, 1 or more",
    "speaks_openrouter": "true or false",
}
_NEVER_SHOWN = frozenset({"base_url", "key_variable"})
"""Fields into which people put keys: what they hold is in no message."""

_FILE: TypeAdapter[Any] = TypeAdapter(_FileFields)
_KEY_LIKE = re.compile(r"(?i)(?:api|access|secret)?[_-]?(?:key|token|secret|password)")


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """A file whose fields are each as they may be.

    Attributes:
        path: Where it was read.
        providers, models: The fields that are given.
        document: Knows the lines.
    """

    path: Path
    providers: Mapping[str, ProviderFields]
    models: tuple[ModelFields, ...]
    document: Document

    def line_of_model(self, index: int, field: str | None = None) -> int:
        """The line of an entry, or of one of its fields."""
        place: Place = ("models", index) if field is None else ("models", index, field)
        return self.document.line_of(place)

    def line_of_provider(self, name: str, field: str | None = None) -> int:
        """The same for a provider."""
        place: Place = ("providers", name) if field is None else ("providers", name, field)
        return self.document.line_of(place)


def read_registry_file(path: Path) -> RegistryFile:
    """Read and check one file.

    Raises:
        RegistryError: It cannot be read, is no registry, or has wrong values; up to ten mistakes are told, with lines.
    """
    if not os.path.lexists(path):
        raise RegistryError(
            f"The registry of models {path} does not exist.", next_step="Make it, or correct the setting that names it."
        )
    try:
        text = read_settings_text(path)
    except SettingsError as error:
        raise RegistryError(error.message, next_step=error.next_step) from error
    return parse_registry(path, text)


def parse_registry(path: Path, text: str) -> RegistryFile:
    """The same for a text that is at hand.

    Raises:
        RegistryError: As above.
    """
    document = read_document(text)
    if document.problems:
        raise error_of(path, document.problems)
    value = document.value
    if not isinstance(value, dict):
        what = "is empty" if value is None else f"is {_kind(value)}"
        words = f"the file {what}, and must be a mapping with version, providers and models"
        raise error_of(path, [Problem(document.line_of(()), "", words)])
    if (version := value.get("version")) != VERSION or isinstance(version, bool):
        words = f"is {_shown(version)}" if "version" in value else "is missing"
        allowed = _ALLOWED["version"]
        raise error_of(path, [Problem(document.line_of(("version",)), "version", f"{words}, and must be {allowed}")])
    try:
        fields = _FILE.validate_python(value)
    except ValidationError as error:
        problems = [_problem(document, found) for found in error.errors(include_url=False, include_context=False)]
        raise error_of(path, [*problems, *_twice(document)]) from error
    if problems := list(_twice(document)):
        raise error_of(path, problems)
    return RegistryFile(path, fields.get("providers", {}), tuple(fields.get("models", ())), document)


def _twice(document: Document) -> Iterator[Problem]:
    """Models that the file has more than once."""
    value = document.value
    models = value.get("models") if isinstance(value, dict) else None
    first: dict[str, int] = {}
    for index, model in enumerate(models if isinstance(models, list) else ()):
        name = model.get("name") if isinstance(model, dict) else None
        if not isinstance(name, str):
            continue
        line = document.line_of(("models", index))
        if name in first:
            words = f"is {_shown(name)}, which the entry on line {first[name]} is called already"
            yield Problem(line, "name", words)
        else:
            first[name] = line


def _problem(document: Document, found: Mapping[str, Any]) -> Problem:
    """One mistake in words."""
    place = tuple(part for part in found["loc"] if part != "[key]")
    value = found["input"]
    line = document.line_of(place)
    field = next((part for part in reversed(place) if isinstance(part, str)), "")
    owner = _owner(document, place)
    if found["type"] == "missing":
        return Problem(line, owner or "the file", f"has no {field}, which every entry needs")
    if found["type"] == "extra_forbidden":
        return Problem(line, "", f"{_named(field, owner)} is no field of a registry{_nearest(field, place)}")
    if "[key]" in found["loc"]:
        return Problem(line, "", f"{_shown(field)} is no name of a provider: small letters, digits, dots, hyphens")
    if owner and len(place) <= 2:  # the entry itself, not a field of it
        return Problem(line, owner, f"is {_kind(value)}, and must be a mapping of fields")
    if isinstance(place[-1], int):
        field = str(place[-2])
    said = f"is {_shown(value)}"
    if field in _NEVER_SHOWN:
        own = found["type"] == "value_error"
        said = found["msg"].removeprefix("Value error, ") if own else "has a value that is not allowed"
    return Problem(line, _named(field, owner), f"{said}, and must be {_ALLOWED[field]}")


def _owner(document: Document, place: Place) -> str:
    """Whose field it is: ``qwen/qwen3-coder:free``, ``the provider ollama``, ``model 3``; empty for the file's."""
    if len(place) < 2:  # a field of the file
        return ""
    if place[0] == "providers":
        return f"the provider {place[1]}"
    model = cast("dict[str, Any]", document.value)["models"][place[1]]
    name = model.get("name") if isinstance(model, dict) else None
    if isinstance(name, str) and 0 < len(name.strip()) == len(name) <= MAX_NAME and name.isprintable():
        return name
    return f"model {int(place[1]) + 1}"


def _named(field: str, owner: str) -> str:
    return f"{field} of {owner}" if owner else field


def _nearest(field: str, place: Place) -> str:
    known: list[str]
    if place[0] == "providers":
        known = list(ProviderFields.__annotations__)
    elif place[0] == "models":
        known = list(ModelFields.__annotations__)
    else:
        known = list(_FileFields.__annotations__)
    near = difflib.get_close_matches(field, known, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return "; a key never stands in one" if _KEY_LIKE.search(field) else f"; known: {', '.join(known)}"


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return _shown(value)


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return _kind(value)
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
