"""``testwright models stats``: what models were asked in the last days, and what is left of today's free requests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from testwright.cli.model_surroundings import surroundings
from testwright.cli.model_views import print_notes, table
from testwright.cli.output import console, print_json, print_view
from testwright.housekeeping import state_dir
from testwright.model import ModelUse
from testwright.models.access import endpoints_of
from testwright.models.accounts import joined
from testwright.models.clock import SystemClock
from testwright.models.plan import Plan
from testwright.models.quota import Quota
from testwright.models.quota_words import reset_words
from testwright.rendering import cost_words, use_to_json
from testwright.store.ledger import Ledger
from testwright.store.requests import DAY, day_start

DAYS = 30


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of an account's free requests today.

    Attributes:
        provider: Whose.
        per_day: How many there are.
        used: How many of them were sent; from this machine, and from others as far as the provider has told.
        resets_at: When there are new ones, in seconds since 1970 UTC.
        reason: What the provider said, when it takes none for now; else empty.
    """

    provider: str
    per_day: int
    used: int
    resets_at: float
    reason: str = ""

    @property
    def left(self) -> int:
        """Requests that can still be sent today."""
        return 0 if self.reason else max(0, self.per_day - self.used)


def show_stats(workspace: Path | None, *, as_json: bool) -> int:
    """Print what each model was asked; returns 0.

    Args:
        workspace: Whose settings hold, which say with which key.
        as_json: Whether one JSON object is printed.

    Raises:
        TestwrightError: The settings, a registry or the ledger cannot be used.
    """
    now = time.time()
    plan = surroundings(workspace).plan()
    with Ledger.open(state_dir()) as ledger:
        asked = joined(stored.use for stored in ledger.uses(now - DAYS * DAY))
        left = _left(ledger, plan, now)
        notes = [*plan.notes, *(note for note in ledger.notes if note not in plan.notes)]
    uses = sorted(asked, key=lambda use: (-use.requests, use.model))
    if as_json:
        print_json(
            {
                "days": DAYS,
                "models": [use_to_json(use) for use in uses],
                "left_today": [_left_json(one) for one in left],
                "notes": notes,
            }
        )
        return 0
    if uses:
        print_view(console(), _view(uses))
    else:
        click.echo(f"No model was asked in the last {DAYS} days.")
    for one in left:
        click.echo(_left_words(one, now))
    print_notes(console(), notes)
    return 0


def _left(ledger: Ledger, plan: Plan, now: float) -> list[Left]:
    """For each account with free models of which a day's number is known."""
    quota = Quota(ledger, SystemClock())
    endpoints = endpoints_of(plan)
    found: dict[str, Left] = {}
    for entry in plan.registry.models:
        endpoint = endpoints.get(entry.provider)
        if not entry.free or endpoint is None or entry.provider in found:
            continue
        if endpoint.key is None and endpoint.provider.key_variable is not None:
            continue  # without a key there is no account
        usage = ledger.usage(quota.account_of(endpoint, entry), now)
        per_day = endpoint.provider.free_requests_per_day if usage.per_day is None else usage.per_day
        if per_day is not None:
            resets_at = day_start(now) + DAY if usage.closed_until is None else usage.closed_until
            found[entry.provider] = Left(entry.provider, per_day, usage.day, resets_at, usage.reason)
    return list(found.values())


def _view(uses: Sequence[ModelUse]) -> RenderableType:
    numbers = ("Requests", "Answers", "Tokens", "Cost", "Seconds")
    view = table("Model", *numbers, numbers=numbers)
    for use in uses:
        view.add_row(
            Text(use.model),
            f"{use.requests:,}",
            f"{use.answers:,}",
            f"{use.prompt_tokens + use.completion_tokens:,}",
            cost_words(use.cost),
            f"{use.seconds:,.0f}",
        )
    return Group(view, *(Text(f"{use.model}: {words}") for use in uses if (words := _trouble_words(use))))


def _trouble_words(use: ModelUse) -> str:
    """How often a model failed, and was asked again; empty when it never did."""
    parts = [f"{count} {kind}" for kind, count in sorted(use.faults.items())]
    if use.retries:
        parts.append("asked again once" if use.retries == 1 else f"asked again {use.retries:,} times")
    return ", ".join(parts)


def _left_words(left: Left, now: float) -> str:
    again = reset_words(left.resets_at, now)
    if left.reason:
        return (
            f"{left.provider} takes no more requests to free models for now ({left.reason.rstrip('.')}); again {again}."
        )
    return (
        f"Left today at {left.provider}: {left.left:,} of {left.per_day:,} requests to free models; "
        f"there are new ones {again}."
    )


def _left_json(left: Left) -> dict[str, Any]:
    return {
        "provider": left.provider,
        "per_day": left.per_day,
        "used": left.used,
        "left": left.left,
        "resets_at": left.resets_at,
    }
