"""Consent: that code of a workspace may be sent to models on other machines.

It is the user's word, given by ``testwright consent`` or in an editor and kept in the ledger of this machine: for one
workspace, for the hosts that were named, and for what they were told they may do with it. There is no setting and no
variable for it, since a repository can bring both (``.envrc``, a container's definition); a job that runs unattended
says ``testwright consent --give``. Models on this machine need none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testwright.errors import ConsentMissing
from testwright.models.values import Chain, Choice
from testwright.models.words import printable
from testwright.settings import DataCollection
from testwright.settings.addresses import Address, read_address
from testwright.store.ledger import Ledger, StoredConsent

SHOWN_MODELS = 10
"""Models of one host that the text names one by one."""

_SEPARATOR = ", "


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRegistry:
    """A registry of models that comes with the repository.

    Attributes:
        path: Where it is.
        digest: SHA-256 of its content.
        is_agreed: Whether the user has agreed to this very content.
    """

    path: Path
    digest: str
    is_agreed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentState:
    """What the user would agree to, and whether that was done.

    Attributes:
        workspace: Absolute, resolved.
        destinations: Hosts on other machines that code may be sent to, sorted; empty when there are none.
        data_collection: Whether these may keep what they are sent.
        text: All that the user is to know before agreeing: lines, some of which begin with a dash.
        given: When it was agreed to all of this, in seconds since 1970 UTC; None when it was not.
        missing: Why it is not agreed to, as a sentence; empty when it is, or need not be.
        registry: The workspace's own registry; None when it has none.
    """

    workspace: Path
    destinations: tuple[str, ...]
    data_collection: DataCollection
    text: str
    given: float | None
    missing: str
    registry: WorkspaceRegistry | None = None

    @property
    def is_needed(self) -> bool:
        """False when nothing leaves this machine."""
        return bool(self.destinations)


def look(
    workspace: Path,
    chain: Chain,
    *,
    data_collection: DataCollection,
    stored: StoredConsent | None,
    registry: WorkspaceRegistry | None = None,
) -> ConsentState:
    """What the user would have to agree to for a chain.

    Args:
        workspace: Absolute, resolved.
        chain: Models that may be asked.
        data_collection: As the settings have it.
        stored: What was agreed to, ``Ledger.consent``.
        registry: The workspace's own registry.

    Raises:
        ValueError: The address of a provider that may be asked cannot be read; ``keys.check_address`` tells it better.
    """
    by_host: dict[str, list[Choice]] = {}
    addresses: dict[str, Address] = {}
    for choice in chain.taken:
        address = read_address(choice.provider.base_url)
        host = _host(address)
        addresses[host] = address
        by_host.setdefault(host, []).append(choice)
    away = tuple(sorted(host for host, address in addresses.items() if not address.is_loopback))
    missing = _missing(workspace, away, data_collection, stored) if away else ""
    return ConsentState(
        workspace=workspace,
        destinations=away,
        data_collection=data_collection,
        text=_text(workspace, away, by_host, addresses, data_collection),
        given=stored.given if stored is not None and away and not missing else None,
        missing=missing,
        registry=registry,
    )


def require_consent(state: ConsentState) -> None:
    """See to it that nothing is sent without consent.

    Raises:
        ConsentMissing: The user has not agreed, or to something else.
    """
    if state.missing:
        raise ConsentMissing(
            state.missing, next_step="Run `testwright consent` to read what is sent where, and to agree or not."
        )


def give(ledger: Ledger, state: ConsentState, *, now: float, with_registry: bool = False) -> None:
    """Note that the user agrees to what ``state.text`` says, in place of what was agreed to before.

    Args:
        ledger: Where it is noted.
        state: What the user was shown.
        now: Seconds since 1970 UTC.
        with_registry: Whether the user agrees to the content of ``state.registry``, too. Without it, what was said of
            a registry before holds on.
    """
    before = ledger.consent(state.workspace)
    digest = None if before is None else before.registry_digest
    if with_registry and state.registry is not None:
        digest = state.registry.digest
    ledger.give_consent(
        state.workspace,
        destination=_SEPARATOR.join(state.destinations),
        data_collection=state.data_collection,
        registry_digest=digest,
        now=now,
    )


def withdraw(ledger: Ledger, workspace: Path) -> None:
    """Note that the user agrees to nothing any more, a registry of the workspace included."""
    ledger.withdraw_consent(workspace.resolve())


# ------------------------------------------------------------------------------------------------ words


def _host(address: Address) -> str:
    """A destination as it is told and kept; that others can read what is sent there is a part of it."""
    is_private = address.is_loopback or address.scheme == "https"
    return address.destination if is_private else f"http://{address.destination}"


def _missing(
    workspace: Path, destinations: Sequence[str], data_collection: DataCollection, stored: StoredConsent | None
) -> str:
    agreed = [] if stored is None or not stored.destination else stored.destination.split(_SEPARATOR)
    if stored is None or not agreed:
        return f"Nobody has agreed that code of {printable(workspace)} is sent to {_joined(destinations)}."
    if new := [host for host in destinations if host not in agreed]:
        return (
            f"Nobody has agreed that code of {printable(workspace)} is sent to {_joined(new)}; "
            f"what was agreed to is {_joined(agreed)}."
        )
    if data_collection == "allow" and stored.data_collection != "allow":
        return (
            f'It was agreed that code of {printable(workspace)} is sent to models with data-collection = "deny", '
            'and now it is "allow".'
        )
    return ""


def _text(
    workspace: Path,
    away: Sequence[str],
    by_host: dict[str, list[Choice]],
    addresses: dict[str, Address],
    data_collection: DataCollection,
) -> str:
    if not by_host:
        return "At present no model can be asked, so nothing would be sent and there is nothing to agree to."
    here = [host for host in by_host if host not in away]
    if not away:
        return (
            f"All models that would be asked run on this machine ({_joined(here)}), "
            "so nothing leaves it and there is nothing to agree to."
        )
    lines = [
        f"To write tests for {printable(workspace)}, models on other machines would be asked.",
        "",
        "What is sent to them:",
        "- the source of the module that tests are written for, its tests and their fixtures",
        "- whatever else of a copy of the workspace an agent reads while it works on them",
        "- the output of test runs, with what the code prints and where its files are",
        "",
        "What is not sent:",
        "- files with names of secrets (.env, private keys, credentials and the like; Python sources excepted)",
        "- files outside the workspace, and variables of your environment that pass-env does not name",
        "- keys of models, but for each to the provider that it belongs to",
        "",
        "Where it is sent:",
        *(_destination(host, by_host[host], addresses[host]) for host in away),
    ]
    if here:
        lines.append(f"- {_joined(here)}, which is this machine")
    ending = (
        f"To agree holds for this workspace, for {_joined(away)} and for these terms, until "
        "`testwright consent --withdraw`. What was sent cannot be taken back."
    )
    lines += ["", "What becomes of it there:", *_terms(away, by_host, data_collection), "", ending]
    return "\n".join(lines)


def _destination(host: str, choices: Sequence[Choice], address: Address) -> str:
    names = [choice.entry.name for choice in choices]
    shown = _SEPARATOR.join(names[:SHOWN_MODELS])
    rest = f" and {len(names) - SHOWN_MODELS} more" if len(names) > SHOWN_MODELS else ""
    passes_on = (
        "; it passes each request on to a company that serves the model"
        if choices[0].provider.speaks_openrouter
        else ""
    )
    in_the_open = "; over http, which everyone on the way can read" if address.scheme == "http" else ""
    return f"- {host}, for {shown}{rest}{passes_on}{in_the_open}"


def _terms(away: Sequence[str], by_host: dict[str, list[Choice]], data_collection: DataCollection) -> list[str]:
    routed = [host for host in away if all(choice.provider.speaks_openrouter for choice in by_host[host])]
    others = [host for host in away if host not in routed]
    lines = []
    if routed and data_collection == "allow":
        lines.append(
            f"- {_joined(routed)}: who serves a model may keep what is sent and train on it, as is common with free "
            'models. With data-collection = "deny" only those are asked that say they do not; a model that none of '
            "them serves is passed over."
        )
    elif routed:
        lines.append(
            f'- {_joined(routed)}: data-collection is "deny", so each request asks to be given only to those who say '
            "that they do not keep it and do not train on it. A model that none of them serves is passed over."
        )
    if others:
        lines.append(f"- {_joined(others)}: whatever its owner does; nothing can be asked of it.")
    return lines


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{_SEPARATOR.join(words[:-1])} and {words[-1]}"
