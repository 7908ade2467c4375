"""``testwright models list`` and ``explain``: what is known of models, and which would be asked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from testwright.cli.model_surroundings import surroundings
from testwright.cli.model_views import chain_view, facts_view, models_view, print_notes
from testwright.cli.output import console, print_json, print_view
from testwright.models.plan import KeyState
from testwright.models.values import ModelEntry, Need
from testwright.store.ledger import StoredStatus

Statuses = dict[tuple[str, str], StoredStatus]


def list_known(workspace: Path | None, *, with_gone: bool, as_json: bool) -> int:
    """Print the models of the registry; returns 0.

    Args:
        workspace: Whose settings hold.
        with_gone: Those as well that are gone.
        as_json: Whether one JSON object is printed.

    Raises:
        TestwrightError: The settings, a registry or the ledger cannot be used.
    """
    plan = surroundings(workspace).plan()
    statuses = dict(plan.statuses)
    entries = [entry for entry in plan.registry.models if with_gone or _status(entry, statuses) != "gone"]
    hidden = len(plan.registry.models) - len(entries)
    if as_json:
        print_json({"models": [_entry_json(entry, statuses) for entry in entries], "notes": list(plan.notes)})
        return 0
    output = console()
    print_view(output, models_view(entries, statuses, output.width))
    notes = list(plan.notes)
    if hidden:
        notes.append(f"{hidden} {'is' if hidden == 1 else 'are'} gone and not shown; --all shows them.")
    if notes:
        output.print()
        print_notes(output, notes)
    return 0


def explain_chain(workspace: Path | None, *, tools: bool, context: int, as_json: bool) -> int:
    """Print which models would be asked and why; 0 when one can be, 1 when something is missing.

    Args:
        workspace: Whose settings hold.
        tools: For a task that needs a model to call tools.
        context: For a task of so many tokens.
        as_json: Whether one JSON object is printed.

    Raises:
        TestwrightError: The settings, a registry or the ledger cannot be used.
    """
    around = surroundings(workspace)
    plan = around.plan(Need(tools=tools, context=context))
    taken = plan.chain.taken
    is_agreed = not plan.consent.is_needed or plan.consent.given is not None
    if as_json:
        statuses = dict(plan.statuses)
        choices = [
            {"asked": choice.is_taken, "why": choice.why, **_entry_json(choice.entry, statuses)}
            for choice in plan.chain.choices
        ]
        consent = {
            "needed": plan.consent.is_needed,
            "given": plan.consent.given,
            "destinations": list(plan.consent.destinations),
            "data_collection": plan.consent.data_collection,
        }
        keys = [_key_json(key) for key in plan.keys]
        print_json(
            {
                "workspace": str(around.workspace),
                "ready": bool(taken) and is_agreed,
                "choices": choices,
                "keys": keys,
                "consent": consent,
                "notes": list(plan.notes),
            }
        )
    else:
        output = console()
        print_view(output, chain_view(plan.chain.choices))
        output.print()
        print_view(output, facts_view(plan, around.settings))
        print_notes(output, plan.notes)
    return 0 if taken and is_agreed else 1


def _status(entry: ModelEntry, statuses: Statuses) -> str:
    learnt = statuses.get((entry.provider, entry.name))
    return entry.status if learnt is None else learnt.status


def _entry_json(entry: ModelEntry, statuses: Statuses) -> dict[str, Any]:
    learnt = statuses.get((entry.provider, entry.name))
    return {
        **asdict(entry),
        "status": _status(entry, statuses),
        "status_until": None if learnt is None else learnt.until,
        "status_reason": None if learnt is None else learnt.reason,
    }


def _key_json(key: KeyState) -> dict[str, Any]:
    """Where a key was found; never the key."""
    provider = key.provider
    return {"provider": provider.name, "variable": provider.key_variable, "found": key.found, "note": key.note}
