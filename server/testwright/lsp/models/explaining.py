"""What is known of the models of a project, as Markdown (pure)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from testwright.lsp.reports.markdown import code, table, words
from testwright.lsp.reports.sections import joined, section
from testwright.lsp.wire.wording import in_editor_words

if TYPE_CHECKING:
    from testwright.models.consent import ConsentState
    from testwright.models.plan import Plan
    from testwright.models.values import Choice, ModelEntry

INTRODUCTION = """\
The embedded engine asks no model. These are what the agent would ask; nothing was sent to find them out."""
CONSENT_COMMAND = "the command `testwright.consent` (in VS Code: Consent to Models…)"
_COMMAND = re.compile(r"\\`(testwright [a-z -]+)\\`")
"""As ``words`` leaves it."""
MAX_CHOICES = 100
"""Models that are told one by one, of those that would be asked and of the others."""


def models_markdown(plan: Plan, notes: Sequence[str], name: str, *, trusted: bool) -> str:
    """Which models would be asked, in which order and why, and what is missing.

    Args:
        plan: What was found.
        notes: Sentences for the user, the plan's own among them.
        name: Of the folder.
        trusted: Whether the user trusts the workspace; without that no consent can be given in the editor.
    """
    return joined(
        [
            f"# Models for {words(name)}",
            INTRODUCTION,
            *section("Asked, in this order", _taken(plan)),
            *section("Passed over", _passed_over(plan)),
            *section("Keys", _keys(plan)),
            *section("Consent", _consent(plan.consent, trusted=trusted)),
            *section("Notes", [f"- {_told(note)}" for note in notes]),
        ]
    )


def _taken(plan: Plan) -> list[str]:
    taken = plan.chain.taken
    if not taken:
        return ["None: each model that is known fell out, as told below."]
    rows = [
        [str(place), words(choice.entry.name), words(choice.provider.name), *_figures(choice.entry), _told(choice.why)]
        for place, choice in enumerate(taken[:MAX_CHOICES], 1)
    ]
    head = ["", "Model", "Provider", "Price per million tokens", "Context", "Tools", "Why"]
    return [table(head, rows), *_more(taken)]


def _passed_over(plan: Plan) -> list[str]:
    passed = [choice for choice in plan.chain.choices if not choice.is_taken]
    if not passed:
        return []
    rows = [
        [words(choice.entry.name), words(choice.provider.name), _told(choice.why)] for choice in passed[:MAX_CHOICES]
    ]
    return [table(["Model", "Provider", "Why"], rows), *_more(passed)]


def _more(choices: Sequence[Choice]) -> list[str]:
    return [f"\nAnd {len(choices) - MAX_CHOICES} more."] if len(choices) > MAX_CHOICES else []


def _figures(entry: ModelEntry) -> tuple[str, str, str]:
    """Price, context and whether tools can be called."""
    price = f"${entry.cost_per_1m_input:g} / ${entry.cost_per_1m_output:g}"
    context = "not known" if entry.context_window is None else f"{entry.context_window:,}"
    tools = {True: "yes", False: "no", None: "not known"}[entry.tools]
    return words("free" if entry.free else price), context, tools


def _keys(plan: Plan) -> list[str]:
    lines = []
    for key in plan.keys:
        variable = key.provider.key_variable
        if variable is None:
            continue
        if key.found is not None:
            where = {"environment": "in the environment of the server", "keyring": "in the keyring"}[key.found]
            told = f"there is one, {where}."
        else:
            told = f"there is none. Set {code(variable)} for the server (in VS Code: Set API Key)."
        note = f" {_told(key.note)}" if key.note else ""
        lines.append(f"- {words(key.provider.name)}: {told}{note}")
    if without := [key.provider.name for key in plan.keys if key.provider.key_variable is None]:
        lines.append(f"- {words(', '.join(without))}: none is needed.")
    return lines


def _consent(consent: ConsentState, *, trusted: bool) -> list[str]:
    if not consent.is_needed:
        return [told_text(consent.text)]
    if consent.given is not None:
        day = dt.datetime.fromtimestamp(consent.given, dt.UTC).astimezone().date()
        where = ", ".join(consent.destinations)
        told = f"Given on {day.isoformat()}: code of this folder may be sent to {words(where)}."
    elif trusted:
        told = f"{_told(consent.missing)} Nothing is sent before you agree, by {CONSENT_COMMAND}."
    else:
        told = "Not given, and not asked for in a workspace that is not trusted: nothing is sent."
    registry = consent.registry
    if registry is not None and not registry.is_agreed:
        told += (
            f" The registry of models that comes with this folder, {words(registry.path.name)}, is not used before you "
            f"agree to its content: {code('testwright consent --registry')} in a terminal."
        )
    return [told, "", told_text(consent.text)]


def told_text(text: str) -> str:
    """The text that is told before anybody agrees: what stands in it as lists are lists, all else paragraphs."""
    parts: list[str] = []
    was_entry = False
    for line in filter(None, text.splitlines()):
        is_entry = line.startswith("- ")
        told = f"- {_told(line[2:])}" if is_entry else _told(line)
        if is_entry and was_entry:
            parts[-1] += f"\n{told}"
        else:
            parts.append(told)
        was_entry = is_entry
    return "\n\n".join(parts)


def _told(sentence: str) -> str:
    """A sentence, with commands of ours in it as code."""
    return _COMMAND.sub(r"`\1`", words(in_editor_words(sentence)))
