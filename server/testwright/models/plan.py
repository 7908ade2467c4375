"""What would be asked, of whom, and what stands in the way: looked up without sending anything.

``access.py`` opens models by a plan; the command line and editors show one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from testwright.errors import SettingsError
from testwright.housekeeping import cache_dir, state_dir
from testwright.models.catalogue import REFRESHED_NAME
from testwright.models.consent import ConsentState, WorkspaceRegistry, look
from testwright.models.keys import Secret, Variables, check_address, find_key
from testwright.models.registry import Registry, load_registry
from testwright.models.selection import Known, choose
from testwright.models.values import Chain, Need, Provider
from testwright.models.words import printable
from testwright.settings import MAX_SETTINGS_BYTES, MODEL_KEY_VARIABLE, PROJECT_ORIGIN, Settings
from testwright.settings.addresses import read_address
from testwright.store.ledger import Ledger, StoredConsent, StoredStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """Whether a provider's key was found.

    Attributes:
        provider: Whose; one with no ``key_variable`` needs none.
        key: The key, which hides itself; None when there is none.
        found: Where; None when there is none.
        note: A sentence about a keyring that failed, else empty.
    """

    provider: Provider
    key: Secret | None
    found: Literal["environment", "keyring"] | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is known before anything is sent.

    Attributes:
        chain: Models that may be asked, and why the others may not.
        registry: All that are known.
        statuses: What earlier runs have learnt, by provider and model.
        keys: By provider, in the order of the registry; with an address of the user's own, only that one.
        consent: What the user would agree to, and whether that was done.
        notes: Sentences for the user.
    """

    chain: Chain
    registry: Registry
    statuses: Mapping[tuple[str, str], StoredStatus]
    keys: tuple[KeyState, ...]
    consent: ConsentState
    notes: tuple[str, ...]


def plan_models(  # noqa: PLR0913 - what an answer depends on comes from many places
    settings: Settings,
    workspace: Path,
    *,
    environ: Mapping[str, str],
    need: Need | None = None,
    ledger: Ledger | None = None,
    now: float | None = None,
    probe: bool = False,
) -> Plan:
    """Look at everything that an answer depends on. It takes milliseconds, and seconds where a keyring does not answer.

    Args:
        settings: The run's. They alone say whether only free models are asked.
        workspace: Whose code it is about.
        environ: Where keys are looked for, and which name our folders.
        need: What the task needs of a model; one that calls tools when None.
        ledger: Already open; opened and closed again when None.
        now: Seconds since 1970 UTC; the machine's when None.
        probe: Whether it is about finding out what models can do: what is believed of them keeps none out then, unless
            it is gone.

    Raises:
        RegistryError: A registry that the user has chosen, or agreed to, cannot be read or is wrong.
        SettingsError: The address of a provider cannot be read, or our folders cannot be ours.
        KeyRefused: What is found cannot be a key, or must not be sent to the address that it is for.
        WriteFailure: The disk refuses the ledger or the cache.
    """
    environ = Variables(environ)
    moment = time.time() if now is None else now
    workspace = workspace.resolve()
    with ExitStack() as stack:
        if ledger is None:
            ledger = stack.enter_context(Ledger.open(state_dir(environ)))
        stored = ledger.consent(workspace)
        statuses = {} if probe else ledger.statuses(moment)
        notes = list(ledger.notes)
    workspace_registry = _workspace_registry(settings, workspace, stored, notes)
    registry = load_registry(
        user_file=settings.model_registry,
        workspace_file=workspace_registry.path if workspace_registry and workspace_registry.is_agreed else None,
        refreshed=cache_dir(environ) / REFRESHED_NAME,
    )
    notes += registry.notes
    if probe:
        registry = _without_beliefs(registry)
    own, keys = _keys(settings, registry, environ)
    notes += [state.note for state in keys if state.note]
    chain = choose(
        registry,
        preferred=settings.preferred_model,
        fallbacks=settings.fallback_models,
        need=replace(need or Need(tools=True), free_only=settings.max_model_cost == 0),
        known=Known(
            keys={state.provider.name for state in keys if state.key is not None},
            statuses=statuses,
            now=moment,
            seconds=settings.model_deadline,
            own=own,
            untrusted=_untrusted(settings),
        ),
    )
    notes += _passed_over(settings, chain)
    found = {state.provider.name: state.key for state in keys}
    for choice in chain.taken:
        check_address(choice.provider, found.get(choice.provider.name))
    consent = look(
        workspace, chain, data_collection=settings.data_collection, stored=stored, registry=workspace_registry
    )
    return Plan(chain=chain, registry=registry, statuses=statuses, keys=keys, consent=consent, notes=tuple(notes))


def _passed_over(settings: Settings, chain: Chain) -> list[str]:
    """Sentences about models that the settings name and that fell out while others may be asked."""
    if not chain.taken:
        return []
    names = {settings.preferred_model, *settings.fallback_models}
    return [
        f"The model {choice.entry.name}, which the settings name, is not asked: {choice.why[0].lower()}{choice.why[1:]}"
        for choice in chain.choices
        if not choice.is_taken and names & {choice.entry.name, f"{choice.provider.name}/{choice.entry.name}"}
    ]


def _workspace_registry(
    settings: Settings, workspace: Path, stored: StoredConsent | None, notes: list[str]
) -> WorkspaceRegistry | None:
    """The registry that the repository brings, and whether the user has agreed to its very content."""
    if settings.workspace_registry is None:
        return None
    path = settings.workspace_registry
    told = f"The registry of models {printable(path.name)} that this workspace brings is not used"
    if not path.resolve().is_relative_to(workspace):
        notes.append(f"{told}: it leads out of the workspace.")
        return None
    try:
        if not path.is_file() or path.stat().st_size > MAX_SETTINGS_BYTES:
            notes.append(f"{told}: it is no file of at most {MAX_SETTINGS_BYTES // 1024} KiB.")
            return None
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        notes.append(f"{told}: it cannot be read ({error.strerror or error}).")
        return None
    agreed = None if stored is None else stored.registry_digest
    if agreed != digest:
        why = "nobody has agreed to it" if agreed is None else "it was changed since it was agreed to"
        notes.append(f"{told}: {why}. `testwright consent --registry` shows it and asks.")
    return WorkspaceRegistry(path=path, digest=digest, is_agreed=agreed == digest)


def _without_beliefs(registry: Registry) -> Registry:
    models = (replace(entry, status="untested") if entry.status != "gone" else entry for entry in registry.models)
    return replace(registry, models=tuple(models))


def _keys(
    settings: Settings, registry: Registry, environ: Mapping[str, str]
) -> tuple[Provider | None, tuple[KeyState, ...]]:
    """The server of the user's own, if there is one, and the keys of all that may be asked."""
    if settings.model_base_url is None:
        return None, tuple(_key(provider, environ) for provider in registry.providers.values())
    same = [known for known in registry.providers.values() if known.base_url.rstrip("/") == settings.model_base_url]
    if same:
        return same[0], (_key(same[0], environ),)
    try:
        name = read_address(settings.model_base_url).destination
    except ValueError as error:
        raise SettingsError(
            f"model-base-url {error}.", next_step="Give an address such as http://localhost:11434/v1."
        ) from error
    # Its name is its address, so that neither a key nor what is learnt of its models goes over to another server.
    state = _key(Provider(name=name, base_url=settings.model_base_url, key_variable=MODEL_KEY_VARIABLE), environ)
    own = state.provider if state.key is not None else replace(state.provider, key_variable=None)
    return own, (replace(state, provider=own),)


def _key(provider: Provider, environ: Mapping[str, str]) -> KeyState:
    notes: list[str] = []
    key = find_key(provider, environ, tell=notes.append)
    if key is None:
        return KeyState(provider=provider, key=None, found=None, note=" ".join(notes))
    in_variable = bool(environ.get(provider.key_variable or "", "").strip())
    return KeyState(provider=provider, key=key, found="environment" if in_variable else "keyring")


def _untrusted(settings: Settings) -> set[str]:
    """Names of models that the repository has given."""
    origins = dict(settings.origins)
    names = set()
    if origins.get("preferred_model") == PROJECT_ORIGIN and settings.preferred_model is not None:
        names.add(settings.preferred_model)
    if origins.get("fallback_models") == PROJECT_ORIGIN:
        names.update(settings.fallback_models)
    return names
