"""``testwright consent``: what would be sent where, and whether the user agrees."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from testwright.cli.model_surroundings import Surroundings, surroundings
from testwright.cli.model_views import consent_words, print_notes, table
from testwright.cli.output import console, print_json, print_view
from testwright.cli.views import relative_to_home
from testwright.errors import UsageError
from testwright.housekeeping import state_dir
from testwright.models.consent import ConsentState, WorkspaceRegistry, give, withdraw
from testwright.store.ledger import Ledger, StoredConsent


def do_consent(workspace: Path | None, *, what: str | None, with_registry: bool, as_json: bool) -> int:
    """Show, give, withdraw or list consents; 0 when there is what is wanted, 1 when the user does not agree.

    Args:
        workspace: Root of the project, as the user names it; None to find it from the current folder.
        what: ``give``, ``withdraw``, ``list``; None to show it, and to ask at a terminal.
        with_registry: Whether the user agrees to the workspace's own registry of models, too.
        as_json: Whether one JSON object is printed; nothing is asked then.

    Raises:
        TestwrightError: The settings or the ledger cannot be used.
    """
    with Ledger.open(state_dir()) as ledger:
        if what == "list":
            _print_list(ledger.consents(), ledger.notes, as_json=as_json)
            return 0
        around = surroundings(workspace)
        if what == "withdraw":
            return _withdraw(ledger, around, as_json=as_json)
        plan = around.plan()
        state = plan.consent
        if with_registry and state.registry is None:
            raise UsageError(
                f"{around.workspace} has no registry of models of its own.",
                next_step="Leave --registry out, or name its file as model-registry in its pyproject.toml.",
            )
        if what is None and not as_json:
            click.echo(state.text)
            what, with_registry = _asked(state, with_registry=with_registry)
        if what == "give" and (state.is_needed or with_registry):
            give(ledger, state, now=time.time(), with_registry=with_registry)
            # What the registry adds to the chain can be on another host, to which nobody has agreed yet.
            plan = around.plan()
            state = plan.consent
        # A ledger that was damaged says so to whoever has opened it first.
        notes = tuple(dict.fromkeys((*ledger.notes, *plan.notes)))
        if as_json:
            print_json({**_state_json(state), "notes": list(notes)})
        else:
            _print_state(state, notes)
        return 0 if state.given is not None or not state.is_needed else 1


def _asked(state: ConsentState, *, with_registry: bool) -> tuple[str | None, bool]:
    """What the user answers at a terminal; without one nothing is agreed to.

    Returns:
        ``give`` or nothing, and whether to the registry, too.
    """
    if with_registry and state.registry is not None:
        click.echo(f"\nThe workspace's own registry of models, {state.registry.path}:\n\n{_shown(state.registry)}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None, False
    is_missing = state.is_needed and state.given is None
    if is_missing and not click.confirm("\nDo you agree?", default=False):
        return None, False
    agrees_to_registry = with_registry and click.confirm("\nIs this registry to be used?", default=False)
    return ("give" if is_missing or agrees_to_registry else None), agrees_to_registry


def _shown(registry: WorkspaceRegistry) -> str:
    """The text that would be agreed to, without what could move a terminal's cursor over it.

    Raises:
        UsageError: It is not that text any more.
    """
    try:
        data = registry.path.read_bytes()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != registry.digest:
        raise UsageError(f"{registry.path} was changed in this moment.", next_step="Run it again.")
    text = data.decode("utf-8", "replace")
    return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)


def _withdraw(ledger: Ledger, around: Surroundings, *, as_json: bool) -> int:
    had = ledger.consent(around.workspace) is not None
    withdraw(ledger, around.workspace)
    if as_json:
        print_json({"workspace": str(around.workspace), "withdrawn": had})
    elif had:
        click.echo(f"Withdrawn: no more code of {around.workspace} is sent to models.")
    else:
        click.echo(f"There was no consent for {around.workspace}.")
    return 0


def _print_state(state: ConsentState, notes: Sequence[str]) -> None:
    click.echo()
    if state.missing:
        click.echo(f"{state.missing} Run this at a terminal to be asked, or with --give.")
    else:
        click.echo(f"Consent: {consent_words(state)}.")
    if state.registry is not None:
        agreed = "used as it is now" if state.registry.is_agreed else "not used; --registry shows it and asks"
        click.echo(f"Registry of the workspace: {state.registry.path}, {agreed}.")
    print_notes(console(), notes)


def _print_list(consents: Sequence[StoredConsent], notes: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"consents": [_stored_json(consent) for consent in consents], "notes": list(notes)})
        return
    output = console()
    if consents:
        view = table("Workspace", "Sent to", "Data collection", "Given")
        for consent in consents:
            day = time.strftime("%Y-%m-%d", time.localtime(consent.given))
            view.add_row(
                Text(relative_to_home(consent.workspace)), Text(consent.destination), consent.data_collection, day
            )
        print_view(output, view)
    else:
        click.echo("You have agreed for no workspace.")
    print_notes(output, notes)


def _state_json(state: ConsentState) -> dict[str, Any]:
    registry = state.registry
    return {
        "workspace": str(state.workspace),
        "needed": state.is_needed,
        "given": state.given,
        "missing": state.missing,
        "destinations": list(state.destinations),
        "data_collection": state.data_collection,
        "text": state.text,
        "registry": None
        if registry is None
        else {"path": str(registry.path), "digest": registry.digest, "agreed": registry.is_agreed},
    }


def _stored_json(consent: StoredConsent) -> dict[str, Any]:
    return {
        "workspace": str(consent.workspace),
        "destinations": consent.destination.split(", ") if consent.destination else [],
        "data_collection": consent.data_collection,
        "registry_digest": consent.registry_digest,
        "given": consent.given,
    }
