"""Which models may be asked, in which order, and why: pure, from what is known at the start of a run.

First come the models that the settings name, in their order, then the registry's by priority. What is not known of a
model does not keep it out, and puts it behind those of which it is known. A model that is rate limited for less time
than the run has is asked last. Each choice is explained in a sentence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from testwright.errors import NoModels
from testwright.models.registry import Registry
from testwright.models.values import Chain, Choice, ModelEntry, Need, Provider
from testwright.settings.addresses import read_address
from testwright.store.ledger import StoredStatus

DEFAULT_PROVIDER = "openrouter"
"""Whom a model is asked of that no registry has."""
SHOWN_NAMES = 3
"""Models with the same reason that the error names one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known besides the registry.

    Attributes:
        keys: Names of the providers whose key was found.
        statuses: What earlier runs have learnt, by provider and model; what holds no longer is not among them.
        now: Seconds since 1970 UTC.
        seconds: Time that the run has; a limit that ends sooner is no reason to leave a model out.
        own: Who is asked in place of the registry's providers, by ``model_base_url``; None for the providers.
        untrusted: Names that a repository has given: they stand for models of the registry only.
    """

    keys: Collection[str] = ()
    statuses: Mapping[tuple[str, str], StoredStatus] = field(default_factory=dict)
    now: float = 0.0
    seconds: float = 0.0
    own: Provider | None = None
    untrusted: Collection[str] = ()


def choose(
    registry: Registry, *, preferred: str | None, fallbacks: Sequence[str], need: Need, known: Known | None = None
) -> Chain:
    """The chain for a task, with what fell out at its end.

    Args:
        registry: The models that are known.
        preferred: The model that the settings want first.
        fallbacks: Those that they want next.
        need: What the task needs.
        known: What else is known; nothing when None.
    """
    known = Known() if known is None else known
    seen: set[tuple[str, str]] = set()
    taken: list[tuple[int, Choice]] = []
    fallen: list[Choice] = []
    for candidate in _candidates(registry, preferred, fallbacks, known):
        entry, provider = candidate.entry, candidate.provider
        if (provider.name, entry.name) in seen:
            continue
        seen.add((provider.name, entry.name))
        if reason := _obstacle(candidate, need, known):
            fallen.append(Choice(entry=entry, provider=provider, is_taken=False, why=reason))
        else:
            later, remarks = _remarks(candidate, need, known)
            why = " ".join((candidate.why, *remarks))
            taken.append((later, Choice(entry=entry, provider=provider, is_taken=True, why=why)))
    taken.sort(key=lambda pair: pair[0])  # stable: the order above holds among equals
    return Chain((*(choice for _, choice in taken), *fallen))


def no_models(chain: Chain) -> NoModels:
    """The error for a chain in which nothing may be asked: which models were there, and why each fell out."""
    if not chain.choices:
        return NoModels(
            "There is no model in the registry, and none is named by the settings.",
            next_step="Name one as preferred-model, or run `testwright models refresh`.",
        )
    names: dict[str, list[str]] = {}
    for choice in chain.choices:
        names.setdefault(choice.why.rstrip("."), []).append(choice.entry.name)
    reasons = "; ".join(f"{_listed(models)}: {why[0].lower()}{why[1:]}" for why, models in names.items())
    count = "The one model there is cannot" if len(chain.choices) == 1 else f"None of {len(chain.choices)} models can"
    return NoModels(
        f"{count} be asked. {reasons}.",
        next_step="Mend one of these, or give a server of your own by model-base-url, such as "
        "http://localhost:11434/v1 for Ollama, and its model as preferred-model. "
        "`testwright models explain` tells of each model.",
    )


def _listed(names: Sequence[str]) -> str:
    if len(names) <= SHOWN_NAMES:
        return ", ".join(names)
    return f"{len(names)} models ({', '.join(names[:SHOWN_NAMES])}, ...)"


# ------------------------------------------------------------------------------------------------ candidates


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A model that is looked at.

    Attributes:
        why: The reason for its place.
        name: As the settings have it; None when it is the registry's turn.
    """

    entry: ModelEntry
    provider: Provider
    why: str
    name: str | None = None


def _candidates(
    registry: Registry, preferred: str | None, fallbacks: Sequence[str], known: Known
) -> Iterator[_Candidate]:
    """Models in the order in which they are wanted; one that is named stands in the registry's place once more."""
    named = [(preferred, "Preferred by the settings.")] if preferred is not None else []
    named += [(name, f"Fallback {number} of the settings.") for number, name in enumerate(fallbacks, 1)]
    for name, why in named:
        entry, provider = _named(name, registry, known)
        yield _Candidate(entry, provider, why, name)
    for entry in registry.models:
        yield _Candidate(entry, registry.providers[entry.provider], f"Of the registry, with priority {entry.priority}.")


def _named(name: str, registry: Registry, known: Known) -> tuple[ModelEntry, Provider]:
    """The model that a name in the settings stands for; ``ollama/qwen3`` is ``qwen3`` of the provider ``ollama``."""
    if known.own is not None:
        provider, rest = known.own, name
    else:
        if (entry := next((entry for entry in registry.models if entry.name == name), None)) is not None:
            return entry, registry.providers[entry.provider]
        first, _, rest = name.partition("/")
        # OpenRouter has models of its own, ``openrouter/auto``; all others have an author before their name.
        if first in registry.providers and rest and (first != DEFAULT_PROVIDER or "/" in rest):
            provider = registry.providers[first]
        else:
            provider, rest = registry.providers[DEFAULT_PROVIDER], name
    for entry in registry.models:
        if (entry.name, entry.provider) == (rest, provider.name):
            return entry, provider
    return _unlisted(rest, provider, registry), provider


def _unlisted(name: str, provider: Provider, registry: Registry) -> ModelEntry:
    """An entry for a model that only the settings name.

    Who asks for no key has no account to charge, so nothing is paid there. Where the price is not known and the
    provider does not say what an answer has cost, it is taken for as dear as the dearest that is known, so that a run's
    limit on money holds.
    """
    is_free = (
        provider.key_variable is None or _is_local(provider) or (provider.speaks_openrouter and name.endswith(":free"))
    )
    priced = [] if is_free or provider.speaks_openrouter else registry.models
    return ModelEntry(
        name=name,
        provider=provider.name,
        cost_per_1m_input=max((entry.cost_per_1m_input for entry in priced), default=0.0),
        cost_per_1m_output=max((entry.cost_per_1m_output for entry in priced), default=0.0),
        priority=0,
        status="untested",
        free=is_free,
        origin="settings",
    )


def _is_local(provider: Provider) -> bool:
    try:
        return read_address(provider.base_url).is_loopback
    except ValueError:
        return False  # told when the address is used


# ------------------------------------------------------------------------------------------------ reasons


def _obstacle(candidate: _Candidate, need: Need, known: Known) -> str:
    """Why a model may not be asked, as a sentence; empty when it may."""
    entry, provider = candidate.entry, candidate.provider
    if known.own is not None and provider != known.own:
        return "Is not asked, since model-base-url names another server; name a model of that one as preferred-model."
    if entry.origin == "settings" and known.own is None and candidate.name in known.untrusted:
        return "Is named by the repository and not in the registry."
    if reason := _status_against(candidate, need, known):
        return reason
    if provider.key_variable is not None and provider.name not in known.keys:
        return f"Needs a key: {provider.key_variable} is not set, and no keyring has one."
    return _lack(entry, need)


def _status_against(candidate: _Candidate, need: Need, known: Known) -> str:
    status, learnt = _status(candidate.entry, known)
    why = _why_so(candidate.entry, learnt)
    if learnt is not None and _is_forgiven(candidate.provider, status, need):
        return ""
    if status == "gone":
        return f"Is gone{why}."
    if status == "incompatible":
        return f"Cannot do the job{why}."
    if status == "rate_limited" and learnt is not None and learnt.until > known.now + known.seconds:
        return f"Is rate limited until {_time(learnt.until)}{why}."
    return ""


def _is_forgiven(provider: Provider, status: str, need: Need) -> bool:
    """Whether what was learnt of a model does not keep it out.

    On this machine it costs nothing to ask once more, and a model that was not there may have been fetched meanwhile;
    and what showed itself not to be able to do a job was asked to call tools.
    """
    if status == "incompatible" and not need.tools:
        return True
    return status in ("gone", "incompatible") and _is_local(provider)


def _why_so(entry: ModelEntry, learnt: StoredStatus | None) -> str:
    """Who says that it has its status."""
    if learnt is None:
        return f" by the registry: {entry.known_issues[0].rstrip('.')}" if entry.known_issues else " by the registry"
    reason = learnt.reason.strip().rstrip(".")
    return f": {reason}" if reason else ""


def _status(entry: ModelEntry, known: Known) -> tuple[str, StoredStatus | None]:
    """Its status, and what earlier runs have learnt where that counts.

    What the registry calls gone is gone, and what it calls incompatible is so until it was seen to work.
    """
    learnt = known.statuses.get((entry.provider, entry.name))
    if learnt is None or entry.status == "gone" or (entry.status == "incompatible" and learnt.status != "active"):
        return entry.status, None
    return learnt.status, learnt


def _lack(entry: ModelEntry, need: Need) -> str:
    if need.free_only and not entry.free:
        if entry.origin == "settings":
            return "Has a price that is not known, and max-model-cost is 0."
        return "Costs money, and max-model-cost is 0."
    if need.tools and entry.tools is False:
        return "Does not call tools."
    if entry.context_window is not None and entry.context_window < need.context:
        return f"Has a context of {entry.context_window:,} tokens, and {need.context:,} are needed."
    return ""


def _remarks(candidate: _Candidate, need: Need, known: Known) -> tuple[int, list[str]]:
    """How far back a model is put, and what else is to be said of one that may be asked."""
    entry = candidate.entry
    remarks = []
    if need.tools and entry.tools is None:
        remarks.append("Whether it calls tools is not known.")
    if need.context and entry.context_window is None:
        remarks.append("The size of its context is not known.")
    later = 1 if remarks and candidate.name is None else 0
    if entry.origin == "settings" and not entry.free:
        remarks.append("Its price is not known.")
    status, learnt = _status(entry, known)
    if status == "rate_limited":
        later = 2
        when = "when it was last looked at" if learnt is None else f"until {_time(learnt.until)}"
        remarks.append(f"It was rate limited {when}, so it is asked last.")
    elif status in ("gone", "incompatible"):
        later = 2
        what = "was gone" if status == "gone" else "could not do a job"
        remarks.append(f"Earlier it {what}{_why_so(entry, learnt)}, so it is asked last.")
    return later, remarks


def _time(seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC"
