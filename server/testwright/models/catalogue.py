"""What has changed since the registry was written, and the file that keeps it.

``testwright models refresh`` asks each provider for its models (``listings.py`` reads the answer), shows the
difference, and saves what it says in the cache folder; ``registry.load_registry`` lays that over the shipped registry.

Not all that a provider lists counts, since OpenRouter lists some 500 models: those that the registry has, and of the
others those that cost nothing, answer in text and are not known to lack tools.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testwright.errors import RegistryError, WriteFailure
from testwright.models.listings import Listing, Offer
from testwright.models.registry import Registry
from testwright.models.registry_file import VERSION, read_registry_file
from testwright.models.values import ModelEntry

REFRESHED_NAME = "refreshed_models.json"
"""In the cache folder."""

NEW_PRIORITY = 500
"""Of a model that the registry does not have: behind its free models, before its paid ones."""

_COMPARED = ("cost_per_1m_input", "cost_per_1m_output", "context_window", "max_output", "tools")


@dataclass(frozen=True, slots=True)
class Change:
    """A known model of which something is said that is not what was known.

    Attributes:
        name: The model.
        field: Field of ``ModelEntry``; ``status`` for one that was gone and is listed again.
        before, after: Its values; ``before`` is None when nothing was known.
    """

    name: str
    field: str
    before: float | str | None
    after: float | str

    def __str__(self) -> str:
        return f"{self.name}: {self.field} {_shown(self.before)} → {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A listing against a registry.

    Attributes:
        new: Models that count and are not known.
        gone: Known models that are listed no more.
        changed: What is said otherwise of known models.
        notes: What was skipped of the listing, and why.
    """

    new: tuple[ModelEntry, ...] = ()
    gone: tuple[ModelEntry, ...] = ()
    changed: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the provider says what is known already."""
        return not (self.new or self.gone or self.changed)


def difference(registry: Registry, listing: Listing) -> Difference:
    """What a provider lists, against what is known of its models; what the user's own file says is compared, too."""
    provider = listing.provider.name
    known = {entry.name: entry for entry in registry.models}
    own = [entry for entry in registry.models if entry.provider == provider]
    countable = [offer for offer in listing.offers.values() if _counts(offer, listing)]
    elsewhere = [offer.name for offer in countable if offer.name in known and known[offer.name].provider != provider]
    return Difference(
        new=tuple(_entry(offer, listing) for offer in countable if offer.name not in known),
        gone=tuple(entry for entry in own if entry.status != "gone" and entry.name not in listing.seen),
        changed=tuple(change for entry in own if entry.name in listing.offers for change in _changes(entry, listing)),
        notes=(
            *listing.notes,
            *(f"{name} was skipped: the registry has it as a model of {known[name].provider}." for name in elsewhere),
        ),
    )


def save_refreshed(folder: Path, listing: Listing, *, base: Registry, day: str) -> Path:
    """Write what a provider lists into the cache, in place of what it has listed before; other providers' stays.

    Args:
        folder: The cache folder.
        listing: What it lists.
        base: The registry over which the file will be laid: ``registry.shipped()``.
        day: Of the listing: ``2026-06-30``. A shipped entry that was looked up later is stronger.

    Raises:
        WriteFailure: The disk refused.
    """
    path = folder / REFRESHED_NAME
    models = [*_of_others(path, listing.provider.name), *_statements(listing, base, day)]
    text = json.dumps({"version": VERSION, "models": models}, indent=1, ensure_ascii=False)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WriteFailure(
            f"What {listing.provider.name} lists could not be written to {folder}: {error.strerror or error}.",
            next_step="Make room there, or set TESTWRIGHT_CACHE_DIR to another folder.",
        ) from error
    return path


def _statements(listing: Listing, base: Registry, day: str) -> Iterator[dict[str, Any]]:
    """The entries of the file: of known models what is said of them, new ones whole, and which are gone."""
    source = f"{listing.provider.name}'s own list"
    known = {entry.name: entry for entry in base.models}
    for offer in listing.offers.values():
        entry = known.get(offer.name)
        if entry is None and _counts(offer, listing):
            yield {**_fields(_entry(offer, listing)), "last_checked": day, "source": source}
        elif entry is not None and entry.provider == listing.provider.name:
            said = _given(offer, _COMPARED)
            if entry.status == "gone":
                said["status"] = "untested"
            if offer.notes:
                said["notes"] = offer.notes
            yield {"name": offer.name, "provider": entry.provider, **said, "last_checked": day, "source": source}
    for entry in base.models:
        if entry.provider == listing.provider.name and entry.name not in listing.seen:
            yield {"name": entry.name, "provider": entry.provider, "status": "gone", "last_checked": day}


def _of_others(path: Path, provider: str) -> Iterator[dict[str, Any]]:
    """What the file says of other providers' models; nothing when it is not there, or damaged."""
    if os.path.lexists(path):
        try:
            models = read_registry_file(path).models
        except RegistryError:
            return
        yield from (dict(model) for model in models if model.get("provider") != provider)


def _counts(offer: Offer, listing: Listing) -> bool:
    return _prices(offer, listing) == (0, 0) and offer.speaks_text and offer.tools is not False


def _prices(offer: Offer, listing: Listing) -> tuple[float | None, float | None]:
    """As listed; what a provider without a key serves costs nothing when the list does not say."""
    if offer.cost_per_1m_input is None and listing.provider.key_variable is None:
        return 0.0, 0.0
    return offer.cost_per_1m_input, offer.cost_per_1m_output


def _entry(offer: Offer, listing: Listing) -> ModelEntry:
    """A new model that counts, so it is free."""
    return ModelEntry(
        name=offer.name,
        provider=listing.provider.name,
        cost_per_1m_input=0.0,
        cost_per_1m_output=0.0,
        priority=NEW_PRIORITY,
        status="untested",
        context_window=offer.context_window,
        max_output=offer.max_output,
        tools=offer.tools,
        free=True,
        notes=offer.notes,
        origin="refreshed",
    )


def _fields(entry: ModelEntry) -> dict[str, Any]:
    return _given(entry, ("name", "provider", "priority", "status", "free", *_COMPARED))


def _given(of: ModelEntry | Offer, names: Iterable[str]) -> dict[str, Any]:
    """Its fields that are known."""
    return {name: getattr(of, name) for name in names if getattr(of, name) is not None}


def _changes(entry: ModelEntry, listing: Listing) -> Iterator[Change]:
    offer = listing.offers[entry.name]
    if entry.status == "gone" and entry.origin in ("shipped", "refreshed"):  # else it is the user's will
        yield Change(entry.name, "status", "gone", "untested")
    for name in _COMPARED:
        before, after = getattr(entry, name), getattr(offer, name)
        if after is not None and after != before:
            yield Change(entry.name, name, before, after)


def _shown(value: float | str | None) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:,.10g}"
