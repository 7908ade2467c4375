"""The models that are known: the shipped file, and what is laid over it by name.

Four files, each stronger than the one before: what Testwright ships, what ``/models`` has said since (``catalogue.py``
keeps it in the cache folder), the user's own, and the workspace's where the user has agreed to it. In an entry of a
later file the fields that are given replace, the others stay.

The workspace's file comes with the repository, so it is not trusted as the user's is: it says nothing of providers,
since these are where the code and the key are sent, and it makes no model cheaper than it is known to be, since what is
free is asked without further questions.
"""

from __future__ import annotations

import difflib
import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from testwright.errors import RegistryError
from testwright.models.problems import Problem, error_of
from testwright.models.registry_file import ModelFields, ProviderFields, RegistryFile, read_registry_file
from testwright.models.values import ModelEntry, Provider

SHIPPED_NAME = "free_models_registry.yaml"

Origin = Literal["shipped", "refreshed", "user", "workspace"]

_PACKAGED = Path(__file__).with_name(SHIPPED_NAME)
_CHECKED_OUT = Path(__file__).parents[3] / SHIPPED_NAME
_NEEDED = ("provider", "cost_per_1m_input", "cost_per_1m_output", "priority", "status")
_PRICES = ("cost_per_1m_input", "cost_per_1m_output")


@dataclass(frozen=True, slots=True)
class Registry:
    """What is known.

    Attributes:
        providers: By name.
        models: By priority; of the same priority, in the order of the files. Those of status ``gone`` are among them,
            so that it can be told why they are not asked.
        notes: Sentences for the user: what could not be used, with the reason.
    """

    providers: Mapping[str, Provider]
    models: tuple[ModelEntry, ...]
    notes: tuple[str, ...] = ()


def shipped_path() -> Path:
    """The shipped file: inside the installed package, or at the top of a checkout."""
    return _PACKAGED if _PACKAGED.is_file() else _CHECKED_OUT


@functools.cache
def shipped() -> Registry:
    """What Testwright ships.

    Raises:
        RegistryError: The installation is damaged.
    """
    return _shipped_layers().registry()


def load_registry(
    *, user_file: Path | None = None, workspace_file: Path | None = None, refreshed: Path | None = None
) -> Registry:
    """The shipped file and what is laid over it.

    Args:
        user_file: The user's own registry; None when there is none.
        workspace_file: The workspace's, to which the user has agreed.
        refreshed: What ``catalogue.save_refreshed`` has written; it is passed over when it is not there, and with a
            note when it is damaged.

    Raises:
        RegistryError: The user's or the workspace's file does not exist, cannot be read or is wrong.
    """
    user = read_registry_file(user_file) if user_file is not None else None
    layers = _shipped_layers()
    if user is not None:
        layers.add_providers(user)  # before what they have said of their models
    if refreshed is not None and os.path.lexists(refreshed):
        before = layers.copy()
        try:
            layers.add_models(read_registry_file(refreshed), "refreshed")
        except RegistryError as error:
            layers = before
            layers.notes.append(
                f"What the providers' own lists have said is not used. {error.message} "
                "`testwright models refresh` asks them again."
            )
    if user is not None:
        layers.add_models(user, "user")
    if workspace_file is not None:
        workspace = read_registry_file(workspace_file)
        if problems := [_foreign_provider(workspace, name) for name in workspace.providers]:
            raise error_of(workspace.path, problems)
        layers.add_models(workspace, "workspace")
    return layers.registry()


def _shipped_layers() -> _Layers:
    layers = _Layers()
    layers.add_providers(_shipped_file())
    layers.add_models(_shipped_file(), "shipped")
    return layers


@functools.cache
def _shipped_file() -> RegistryFile:
    return read_registry_file(shipped_path())


@dataclass(slots=True)
class _Layers:
    """Files as they are laid over one another; later ones change what is here."""

    providers: dict[str, ProviderFields] = field(default_factory=dict)
    models: dict[str, tuple[ModelFields, Origin]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def copy(self) -> _Layers:
        return _Layers(dict(self.providers), dict(self.models), list(self.notes))

    def add_providers(self, file: RegistryFile) -> None:
        """Lay a file's providers over the others.

        Raises:
            RegistryError: One has no address.
        """
        problems: list[Problem] = []
        for name, given in file.providers.items():
            merged = cast("ProviderFields", {**self.providers.get(name, {}), **given})
            if "base_url" not in merged:
                words = "has no base_url, which a provider needs that is not known already"
                problems.append(Problem(file.line_of_provider(name), f"the provider {name}", words))
            self.providers[name] = merged
        if problems:
            raise error_of(file.path, problems)

    def add_models(self, file: RegistryFile, origin: Origin) -> None:
        """Lay a file's models over the others.

        Raises:
            RegistryError: They are not whole, or do not go together with what is known.
        """
        problems = [
            problem
            for index, model in enumerate(file.models)
            for problem in self._add_model(file, index, model, origin)
        ]
        if problems:
            raise error_of(file.path, problems)

    def _add_model(self, file: RegistryFile, index: int, given: ModelFields, origin: Origin) -> Iterable[Problem]:
        name = given["name"]
        known = self.models[name][0] if name in self.models else None
        if origin == "refreshed" and self._is_outdated(given, known):
            return
        problems = [] if origin != "workspace" else list(self._cheaper(file, index, given, known))
        merged = _over(known, given)
        missing = [needed for needed in _NEEDED if needed not in merged]
        if missing:
            near = [] if known else difflib.get_close_matches(name, self.models, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            words = f"has no {', '.join(missing)}, which a model needs that is not known already{hint}"
            problems.append(Problem(file.line_of_model(index), name, words))
        elif (provider := merged["provider"]) not in self.providers:
            near = difflib.get_close_matches(provider, self.providers, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(self.providers))}"
            line = file.line_of_model(index, "provider")
            problems.append(Problem(line, f"provider of {name}", f"is {provider!r}, which is no known provider{hint}"))
        elif merged.get("free") and any(merged[price] for price in _PRICES):  # type: ignore[literal-required]
            line = file.line_of_model(index, "free")
            prices = f"{merged['cost_per_1m_input']:g} and {merged['cost_per_1m_output']:g}"
            problems.append(Problem(line, f"free of {name}", f"is true, and its prices are {prices}, not 0"))
        self.models[name] = (merged, origin)
        yield from problems

    def _cheaper(
        self, file: RegistryFile, index: int, given: ModelFields, known: ModelFields | None
    ) -> Iterable[Problem]:
        """What a workspace's entry says of prices that would let it spend the user's money unseen."""
        name = given["name"]
        provider = given.get("provider") or (known["provider"] if known else "")
        if known is None or provider != known["provider"]:
            claims = [price for price in _PRICES if given.get(price) == 0]
            if claims and not self._promises_free(provider, name):
                words = "is 0, which a workspace's registry cannot promise for a provider that takes a key"
                yield Problem(file.line_of_model(index, claims[0]), f"{claims[0]} of {name}", words)
            return
        for price in _PRICES:
            if price in given and given[price] < known[price]:  # type: ignore[literal-required]
                words = f"is less than the {known[price]:g} that are known, and a workspace's registry cannot lower it"  # type: ignore[literal-required]
                yield Problem(file.line_of_model(index, price), f"{price} of {name}", words)

    def _promises_free(self, provider: str, name: str) -> bool:
        """Whether a request cannot cost anything, whoever says so: it needs no key, or OpenRouter calls it free."""
        fields: ProviderFields = self.providers.get(provider, {})
        return not fields.get("key_variable") or (fields.get("speaks_openrouter", False) and name.endswith(":free"))

    def _is_outdated(self, given: ModelFields, known: ModelFields | None) -> bool:
        """Whether a newer Testwright was installed since, or the provider is known no more."""
        if given.get("provider") not in self.providers:
            return True
        return known is not None and (given.get("last_checked") or "") < (known.get("last_checked") or "")

    def registry(self) -> Registry:
        providers = {name: _provider(name, fields) for name, fields in self.providers.items()}
        models = sorted((_entry(*model) for model in self.models.values()), key=lambda entry: entry.priority)
        return Registry(MappingProxyType(providers), tuple(models), tuple(self.notes))


def _over(known: ModelFields | None, given: ModelFields) -> ModelFields:
    """An entry with what is given laid over what is known; another provider's model is another model."""
    if known is None or given.get("provider", known["provider"]) != known["provider"]:
        return given
    below: dict[str, Any] = dict(known)
    if any(price in given for price in _PRICES):
        below.pop("free", None)  # it was said of the other prices
    return cast("ModelFields", {**below, **given})


def _foreign_provider(file: RegistryFile, name: str) -> Problem:
    given = file.providers[name]
    first = next((key for key in ("base_url", "key_variable") if key in given), None)
    what = f"{first} of the provider {name}" if first else f"the provider {name}"
    words = "stands in a workspace's registry, and a repository must not say where code and keys are sent"
    return Problem(file.line_of_provider(name, first), what, words)


def _provider(name: str, fields: ProviderFields) -> Provider:
    return Provider(
        name=name,
        base_url=fields["base_url"],
        key_variable=fields.get("key_variable"),
        free_requests_per_minute=fields.get("free_requests_per_minute"),
        free_requests_per_day=fields.get("free_requests_per_day"),
        speaks_openrouter=fields.get("speaks_openrouter", False),
    )


def _entry(fields: ModelFields, origin: Origin) -> ModelEntry:
    is_priceless = not any(fields[price] for price in _PRICES)  # type: ignore[literal-required]
    return ModelEntry(
        name=fields["name"],
        provider=fields["provider"],
        cost_per_1m_input=fields["cost_per_1m_input"],
        cost_per_1m_output=fields["cost_per_1m_output"],
        priority=fields["priority"],
        status=fields["status"],
        context_window=fields.get("context_window"),
        max_output=fields.get("max_output"),
        tools=fields.get("tools"),
        system_prompt=fields.get("system_prompt"),
        free=fields.get("free", is_priceless),
        known_issues=tuple(fields.get("known_issues", ())),
        last_checked=fields.get("last_checked"),
        source=fields.get("source", ""),
        notes=fields.get("notes", ""),
        origin=origin,
    )
