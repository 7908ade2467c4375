"""``testwright models refresh``: ask the providers which models they have, and keep what they say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from testwright.cli.errors import EXIT_NOTHING
from testwright.cli.model_surroundings import surroundings
from testwright.cli.model_views import price_words, print_notes, tokens_words
from testwright.cli.output import console, note_view, print_json, print_view
from testwright.cli.signals import run_until_signal
from testwright.cli.views import relative_to_home
from testwright.errors import ModelError
from testwright.housekeeping import cache_dir
from testwright.models.access import endpoints_of
from testwright.models.catalogue import Difference, difference, save_refreshed
from testwright.models.client import Endpoint, ProviderClient
from testwright.models.clock import SystemClock
from testwright.models.listings import Listing, read_listing
from testwright.models.registry import Registry, shipped
from testwright.models.values import Fault, ModelEntry
from testwright.settings.addresses import read_address

MAX_SHOWN = 20
"""New models, gone ones, and changes that are shown one by one; the JSON has all."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What came of asking one provider.

    Attributes:
        endpoint: Who was asked.
        listing: What it lists; None when it has not answered.
        difference: Against the registry; None when it has not answered.
        problem: Why it has not, as a sentence; else empty.
    """

    endpoint: Endpoint
    listing: Listing | None = None
    difference: Difference | None = None
    problem: str = ""


def refresh_all(workspace: Path | None, *, dry_run: bool, as_json: bool) -> int:
    """Ask each provider, show what has changed and keep it; 0 when one has answered, else 3.

    Args:
        workspace: Whose settings hold.
        dry_run: Whether nothing is kept.
        as_json: Whether one JSON object is printed.

    Raises:
        TestwrightError: The settings or a registry cannot be used, or the cache cannot be written.
    """
    plan = surroundings(workspace).plan()
    endpoints = endpoints_of(plan)
    if not as_json:
        for endpoint in endpoints.values():
            click.echo(f"Asking {_asked_words(endpoint)}", err=True)
    results = run_until_signal(_ask_all(plan.registry, endpoints))
    if not as_json:
        for result in results:
            print_view(console(), _view(result))
    saved = None if dry_run else _save(plan.registry, results)
    if as_json:
        providers = [_to_json(one) for one in results]
        print_json({"saved": None if saved is None else str(saved), "providers": providers, "notes": list(plan.notes)})
        return _code(results)
    print_notes(console(), plan.notes)
    if dry_run:
        click.echo("Nothing was kept, since it is a dry run.")
    elif saved is not None:
        click.echo(f"Kept in {relative_to_home(saved)}.")
    elif any(result.listing is not None for result in results):
        click.echo("Nothing is kept of a server that model-base-url names: name one of its models as preferred-model.")
    return _code(results)


def _code(results: Sequence[Refreshed]) -> int:
    return 0 if any(result.listing is not None for result in results) else EXIT_NOTHING


def _save(registry: Registry, results: Sequence[Refreshed]) -> Path | None:
    """Keep what was listed; where, None when there was nothing to keep."""
    saved = None
    for result in results:
        # A server of the user's own is no provider of the registry: its models are named by the settings.
        if result.listing is not None and result.listing.provider.name in registry.providers:
            saved = save_refreshed(
                cache_dir(), result.listing, base=shipped(), day=time.strftime("%Y-%m-%d", time.gmtime())
            )
    return saved


async def _ask_all(registry: Registry, endpoints: Mapping[str, Endpoint]) -> list[Refreshed]:
    async with ProviderClient(clock=SystemClock()) as client:
        return await asyncio.gather(*(_ask(client, registry, endpoint) for endpoint in endpoints.values()))


async def _ask(client: ProviderClient, registry: Registry, endpoint: Endpoint) -> Refreshed:
    try:
        listing = read_listing(await client.get(endpoint, "/models"), endpoint.provider)
    except Fault as fault:
        return Refreshed(endpoint, problem=_problem(endpoint, fault))
    except ModelError as error:
        return Refreshed(endpoint, problem=str(error))
    return Refreshed(endpoint, listing, difference(registry, listing))


def _asked_words(endpoint: Endpoint) -> str:
    key = "" if endpoint.key is None else ", with its key"
    return f"{endpoint.provider.name} ({endpoint.provider.base_url}/models{key})"


def _problem(endpoint: Endpoint, fault: Fault) -> str:
    if fault.kind == "network" and not fault.was_sent and read_address(endpoint.provider.base_url).is_loopback:
        return "does not run here."
    return f"has not answered: {fault.words}"


def _view(result: Refreshed) -> RenderableType:
    name = result.endpoint.provider.name
    if result.listing is None or result.difference is None:
        return Text.assemble((name, "bold"), " ", (result.problem, "yellow"))
    found = result.difference
    count = len(result.listing.seen)
    parts: list[RenderableType] = [
        Text.assemble((name, "bold"), f" lists {count:,} {'model' if count == 1 else 'models'}", _summary(found))
    ]
    lines = [
        *_limited([Text.assemble(("new   ", "green"), _entry_words(entry)) for entry in found.new]),
        *_limited([Text.assemble(("gone  ", "red"), entry.name) for entry in found.gone]),
        *_limited([Text.assemble(("now   ", "yellow"), str(change)) for change in found.changed]),
    ]
    lines.extend(note_view(note) for note in found.notes)
    parts.extend(Padding(line, (0, 0, 0, 2)) for line in lines)
    return Group(*parts)


def _summary(found: Difference) -> str:
    if found.is_empty:
        return "; nothing has changed."
    return f": {len(found.new)} new, {len(found.gone)} gone, {len(found.changed)} changed."


def _entry_words(entry: ModelEntry) -> str:
    tools = {True: "calls tools", False: "no tools", None: "tools not known"}[entry.tools]
    return f"{entry.name} ({price_words(entry)}, context {tokens_words(entry.context_window)}, {tools})"


def _limited(lines: list[Text]) -> list[Text]:
    if len(lines) <= MAX_SHOWN:
        return lines
    return [*lines[:MAX_SHOWN], Text(f"      and {len(lines) - MAX_SHOWN} more (--json has them all)")]


def _to_json(result: Refreshed) -> dict[str, Any]:
    provider, found = result.endpoint.provider, result.difference
    values: dict[str, Any] = {"provider": provider.name, "problem": result.problem or None}
    if found is None:
        return {**values, "new": [], "gone": [], "changed": [], "notes": []}
    return {
        **values,
        "new": [entry.name for entry in found.new],
        "gone": [entry.name for entry in found.gone],
        "changed": [
            {"model": change.name, "field": change.field, "before": change.before, "after": change.after}
            for change in found.changed
        ],
        "notes": list(found.notes),
    }
