"""``testwright models check``: ask models whether they can call a tool, and keep what they are worth."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from rich.text import Text

from testwright.cli.errors import EXIT_NOTHING
from testwright.cli.model_surroundings import Surroundings, surroundings
from testwright.cli.model_views import print_notes, table
from testwright.cli.output import console, print_json, print_view
from testwright.cli.signals import run_until_signal
from testwright.errors import (
    AccountLimit,
    CreditsExhausted,
    KeyRefused,
    ModelError,
    ModelsExhausted,
    ReplayMismatch,
    UsageError,
)
from testwright.model import ModelUse
from testwright.models.access import Models, open_models
from testwright.models.probe import PROBE, UNABLE, shortcoming
from testwright.models.quota import Quota
from testwright.models.selection import no_models
from testwright.models.tape import ReplayTape
from testwright.models.values import Chain, ChatAnswer, Choice, RouterEvent
from testwright.rendering import cost_words, use_to_json

MODELS = 5
"""How many are asked when none is named."""
ACTIVE_SECONDS = 7 * 86_400.0
"""How long a model that has called the tool is taken for active."""
INCOMPATIBLE_SECONDS = 86_400.0
"""How long one that could not is left out: as long as what the router learns of a model."""

Outcome = Literal["works", "cannot", "failed", "not-asked"]

_WORDS: dict[Outcome, tuple[str, str]] = {
    "works": ("calls tools", "green"),
    "cannot": ("cannot", "red"),
    "failed": ("failed", "red"),
    "not-asked": ("not asked", "yellow"),
}
_CONCERNS_ALL = (KeyRefused, CreditsExhausted, AccountLimit)
"""Errors of an account: whatever else is asked of it would fail as well, and count."""


class _Watch:
    """Sees what the router tells of one model after the other, and ends a question that would be asked again.

    Attributes:
        failure: Why the last request failed, as a sentence; it says more of one model than the router's error.
    """

    def __init__(self) -> None:
        self.failure = ""
        self._asking: asyncio.Task[ChatAnswer] | None = None
        self._is_over = False

    def __call__(self, event: RouterEvent) -> None:
        if event.kind == "failed":
            self.failure = event.message.removeprefix(f"{event.model}: ")
        elif event.kind == "waiting" and self.failure and self._asking is not None:
            self._is_over = True
            self._asking.cancel()

    async def once(self, question: Coroutine[Any, Any, ChatAnswer]) -> ChatAnswer:
        """Ask, and wait for no second try.

        Raises:
            ModelError: There is no answer.
        """
        self.failure, self._is_over = "", False
        self._asking = asyncio.ensure_future(question)
        try:
            return await self._asking
        except asyncio.CancelledError:
            if self._is_over and self._asking.cancelled():
                raise ModelsExhausted(self.failure) from None
            raise
        finally:
            self._asking.cancel()
            self._asking = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one model.

    Attributes:
        choice: The model.
        outcome: ``works``, ``cannot`` (its answer shows that), ``failed`` (no answer, which says nothing of that),
            ``not-asked``.
        words: Why, as a sentence; empty when it works.
        use: What it took; None when it was not asked.
    """

    choice: Choice
    outcome: Outcome
    words: str = ""
    use: ModelUse | None = None


def check_all(  # noqa: PLR0913 - what the user may say
    names: Sequence[str],
    workspace: Path | None,
    *,
    limit: int | None,
    record: Path | None,
    replay: Path | None,
    as_json: bool,
) -> int:
    """Ask each model, print what became of it, and keep it; 0 when all that were asked can call tools, else 1.

    Args:
        names: The models; empty for those that a run would ask first, or all of a replay.
        workspace: Whose settings hold.
        limit: How many are asked at most.
        record: File that requests and answers are written to.
        replay: File that answers are taken from.
        as_json: Whether one JSON object is printed.

    Raises:
        TestwrightError: None can be asked, a name is not known, a file cannot be used, or it holds other requests.
    """
    checked, notes = run_until_signal(_check(surroundings(workspace), names, limit=limit, record=record, replay=replay))
    if as_json:
        print_json({"models": [_to_json(one) for one in checked], "notes": list(notes)})
    else:
        _print(checked, notes)
    if all(one.outcome == "not-asked" for one in checked):
        return EXIT_NOTHING
    return 0 if all(one.outcome == "works" for one in checked) else 1


async def _check(
    around: Surroundings, names: Sequence[str], *, limit: int | None, record: Path | None, replay: Path | None
) -> tuple[list[Checked], Sequence[str]]:
    watch = _Watch()
    if replay is not None and not names:
        names = (await asyncio.to_thread(ReplayTape.open, replay)).asked
    async with open_models(
        around.settings,
        around.workspace,
        environ=os.environ,
        on_event=watch,
        record=record,
        replay=replay,
        probe=True,
    ) as models:
        choices = wanted(models.chain, names, limit)
        asked = [choice for choice in choices if choice.is_taken]
        if replay is None:
            for line in await _announced(models, asked):
                click.echo(line, err=True)
        checked = await _ask_each(models, choices, watch)
    return checked, (*around.settings.notes, *models.notes)


def wanted(chain: Chain, names: Sequence[str], limit: int | None) -> list[Choice]:
    """The models that are meant, in the order in which they are asked.

    Raises:
        UsageError: A name is not known.
        NoModels: None is named, and none can be asked.
    """
    if not names:
        if not chain.taken:
            raise no_models(chain)
        return list(chain.taken[: MODELS if limit is None else limit])
    by_name = {choice.entry.name: choice for choice in reversed(chain.choices)}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} not known.",
            next_step="`testwright models list --all` tells of those that are; "
            "one that is in no registry can be named as preferred-model.",
        )
    return [by_name[name] for name in dict.fromkeys(names)][:limit]


async def _announced(models: Models, asked: Iterable[Choice]) -> list[str]:
    """How many requests it will be, and how many of a day's free ones those are."""
    by_provider: dict[str, list[Choice]] = {}
    for choice in asked:
        by_provider.setdefault(choice.provider.name, []).append(choice)
    quota = Quota(models.ledger, models.clock)
    lines = []
    for name, choices in by_provider.items():
        count = "one request" if len(choices) == 1 else f"{len(choices)} requests, one to each model"
        line = f"Sends {count}, to {name}"
        free = [choice for choice in choices if choice.entry.free]
        if free:
            used = await quota.usage(models.endpoints[name], free[0].entry)
            per_day = free[0].provider.free_requests_per_day if used.per_day is None else used.per_day
            if per_day is not None:
                line += f": {len(free)} of the {per_day:,} free ones of a day, of which {used.day:,} are used"
        lines.append(f"{line}.")
    return lines


async def _ask_each(models: Models, choices: Sequence[Choice], watch: _Watch) -> list[Checked]:
    checked = []
    closed: dict[tuple[str, bool], str] = {}
    for choice in choices:
        account = (choice.provider.name, choice.entry.free)
        if not choice.is_taken:
            checked.append(Checked(choice, "not-asked", choice.why))
        elif account in closed:
            checked.append(Checked(choice, "not-asked", closed[account]))
        else:
            one, error = await _ask(models, choice, watch)
            if isinstance(error, _CONCERNS_ALL):
                closed[account] = one.words
            checked.append(one)
    return checked


async def _ask(models: Models, choice: Choice, watch: _Watch) -> tuple[Checked, ModelError | None]:
    """Ask one model, and keep what it is worth.

    Args:
        models: What it is asked with.
        choice: The model.
        watch: Sees what the router tells.
    """
    router = models.alone(choice, requests=1)
    error: ModelError | None = None
    try:
        words = shortcoming(await watch.once(router.complete(PROBE)))
        outcome: Outcome = "cannot" if words else "works"
    except ReplayMismatch:
        raise
    except ModelError as raised:
        error = raised
        words = str(raised) if isinstance(raised, _CONCERNS_ALL) else watch.failure or str(raised)
        outcome = "failed"
    use = next(iter(router.uses()), None)
    if use is not None and use.faults and UNABLE.issuperset(use.faults):
        outcome = "cannot"
    if use is None or use.requests == 0:
        outcome = "not-asked"
    await _keep(models, choice, outcome, words)
    return Checked(choice, outcome, words, use), error


async def _keep(models: Models, choice: Choice, outcome: Outcome, words: str) -> None:
    now = models.clock.time()
    if outcome == "works":
        status, reason, seconds = "active", "It called a tool when it was checked.", ACTIVE_SECONDS
    elif outcome == "cannot":
        status, reason, seconds = "incompatible", words, INCOMPATIBLE_SECONDS
    else:
        return  # what the router has learnt stays
    await asyncio.to_thread(
        models.ledger.set_status,
        choice.provider.name,
        choice.entry.name,
        status,
        reason=reason,
        until=now + seconds,
        now=now,
    )


def _print(checked: Sequence[Checked], notes: Sequence[str]) -> None:
    view = table("Model", "Result", "Seconds", "Tokens", "Cost", numbers=("Seconds", "Tokens", "Cost"))
    for one in checked:
        words, style = _WORDS[one.outcome]
        figures = ("", "", "") if one.use is None else _figures(one.use)
        view.add_row(Text(one.choice.entry.name), Text(words, style=style), *figures)
    output = console()
    print_view(output, view)
    for one in checked:
        if one.words:
            print_view(output, Text.assemble("\n", (one.choice.entry.name, "bold"), f": {one.words}"))
    print_notes(output, notes)


def _figures(use: ModelUse) -> tuple[str, str, str]:
    return f"{use.seconds:.1f}", f"{use.prompt_tokens + use.completion_tokens:,}", cost_words(use.cost)


def _to_json(checked: Checked) -> dict[str, Any]:
    return {
        "model": checked.choice.entry.name,
        "provider": checked.choice.provider.name,
        "outcome": checked.outcome,
        "why": checked.words or None,
        "use": None if checked.use is None else use_to_json(checked.use),
    }
