"""Models as a person at a terminal wants to see them: rich renderables, and the words in their cells."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from testwright.cli.output import note_view, print_view
from testwright.models.consent import ConsentState
from testwright.models.plan import KeyState, Plan
from testwright.models.values import Choice, ModelEntry
from testwright.settings import Settings
from testwright.store.ledger import StoredStatus

COMFORTABLE_WIDTH = 100
"""Columns from which on the longest names stand on one line beside all else."""

_STYLES = {"active": "green", "gone": "red", "incompatible": "red", "rate_limited": "yellow"}


def table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """An empty table, whose first column is folded when the terminal is narrow."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        is_number = column in numbers
        made.add_column(column, justify="right" if is_number else "left", overflow="fold", no_wrap=place > 0)
    return made


def models_view(entries: Sequence[ModelEntry], statuses: dict[tuple[str, str], StoredStatus], width: int) -> Table:
    """The models that are known, one on a line where there is room for that in so many columns."""
    end = " " if width >= COMFORTABLE_WIDTH else "\n"
    view = table("Model", "$ per 1M", "Context", "Tools", "Status", "From", numbers=("$ per 1M", "Context"))
    for entry in entries:
        learnt = statuses.get((entry.provider, entry.name))
        status = entry.status if learnt is None else learnt.status
        words = status.replace("_", " ") + ("" if learnt is None else f"{end}until {moment_words(learnt.until)}")
        view.add_row(
            Text(entry.name),
            price_words(entry),
            tokens_words(entry.context_window),
            {True: "yes", False: "no", None: "?"}[entry.tools],
            Text(words, style=_STYLES.get(status, "")),
            entry.origin if entry.provider == "openrouter" else Text(f"{entry.origin}, {entry.provider}"),
        )
    return view


def chain_view(choices: Sequence[Choice]) -> RenderableType:
    """The models that would be asked, numbered, then those that would not, each with its reason."""
    taken = [choice for choice in choices if choice.is_taken]
    fallen = [choice for choice in choices if not choice.is_taken]
    parts: list[RenderableType] = []
    if taken:
        parts.append(Text("Asked in this order:", style="bold"))
        parts.extend(_reasoned(f"{place:2}.", choice) for place, choice in enumerate(taken, 1))
    else:
        parts.append(Text("No model can be asked.", style="bold red"))
    if fallen:
        by_reason: dict[str, list[str]] = {}
        for choice in fallen:
            by_reason.setdefault(choice.why, []).append(choice.entry.name)
        parts.append(Text("\nNot asked:", style="bold"))
        for reason, names in by_reason.items():
            parts.append(_bullet(reason))
            parts.append(Padding(Text(", ".join(names), style="dim"), (0, 0, 0, 4)))
    return Group(*parts)


def facts_view(plan: Plan, settings: Settings) -> Table:
    """Keys, consent and what a run may take."""
    view = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    view.add_column(style="bold", no_wrap=True)
    view.add_column(overflow="fold")
    for key in plan.keys:
        if key.provider.key_variable is not None or key.found is not None:
            view.add_row("Key", key_words(key))
    view.add_row("Consent", consent_words(plan.consent))
    money = "free models only" if settings.max_model_cost == 0 else f"${settings.max_model_cost:,.2f}"
    limits = f"{settings.max_model_requests:,} requests, {settings.max_model_tokens:,} tokens"
    view.add_row("A run may take", f"{limits}, {settings.model_deadline:,.0f} s, {money}")
    return view


def key_words(key: KeyState) -> Text:
    """Where a provider's key was found, or what to do."""
    provider = key.provider
    words = Text(f"{provider.name}: ")
    if key.found is not None:
        words.append(f"found in the {key.found}")
    else:
        words.append(f"not found; set {provider.key_variable}", style="yellow")
    if key.note:
        words.append(f" ({key.note.rstrip('.')})")
    return words


def consent_words(state: ConsentState) -> Text:
    """Whether the user has agreed, and to what."""
    if not state.is_needed:
        return Text("not needed: nothing would leave this machine")
    what = f"to send code to {', '.join(state.destinations)}"
    if state.given is None:
        return Text.assemble(("not given ", "yellow"), what, "; `testwright consent` tells what that means, and asks")
    return Text(f"given on {time.strftime('%Y-%m-%d', time.localtime(state.given))} {what}")


def print_notes(target: Console, notes: Sequence[str]) -> None:
    """Print notes, as they stand below reports; nothing when there are none."""
    if notes:
        print_view(target, Group(*(note_view(note) for note in notes)))


def moment_words(when: float) -> str:
    """A time of the day, with the day when it is not today; local time.

    Args:
        when: Seconds since 1970 UTC.
    """
    told, now = time.localtime(when), time.localtime()
    return time.strftime("%H:%M" if told[:3] == now[:3] else "%b %d", told)


def price_words(entry: ModelEntry) -> str:
    """What a million tokens cost, of the prompt and of the answer: ``0.25/1.25``, ``free``."""
    if entry.free:
        return "free"
    return f"{entry.cost_per_1m_input:g}/{entry.cost_per_1m_output:g}"


def tokens_words(tokens: int | None) -> str:
    """A number of tokens as people say it.

    >>> [tokens_words(tokens) for tokens in (None, 8192, 262144, 1000000, 1048576)]
    ['?', '8k', '262k', '1M', '1.05M']
    """
    if tokens is None:
        return "?"
    if tokens < 1000:
        return str(tokens)
    return f"{tokens // 1000}k" if tokens < 1_000_000 else f"{tokens / 1_000_000:.3g}M"


def _bullet(words: str) -> Table:
    """A line with a dash, whose further lines are as far in as its first."""
    view = Table.grid(padding=(0, 1, 0, 0))
    view.add_row("  -", Text(words))
    return view


def _reasoned(mark: str, choice: Choice) -> RenderableType:
    name = Text.assemble(f"{mark} ", (choice.entry.name, "bold"), f" at {choice.provider.name}")
    return Group(name, Padding(Text(choice.why), (0, 0, 0, 4)))
