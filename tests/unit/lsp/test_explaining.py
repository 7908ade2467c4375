"""What is known of the models of a project, as Markdown: what a reader finds, and that nothing can become something else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from markdown_reading import TEXTS, blocks, links, spans

from testwright.lsp.models.explaining import MAX_CHOICES, models_markdown, told_text
from testwright.models.consent import ConsentState, WorkspaceRegistry
from testwright.models.keys import Secret
from testwright.models.plan import KeyState, Plan
from testwright.models.registry import Registry
from testwright.models.values import Chain, Choice, ModelEntry, Provider

KEY = "sk-or-v1-canary-0123456789abcdef"


def choice(text: str, *, is_taken: bool = True) -> Choice:
    provider = Provider(name=text, base_url="https://models.example/v1", key_variable="OPENROUTER_API_KEY")
    entry = ModelEntry(
        name=text,
        provider=text,
        cost_per_1m_input=0.25,
        cost_per_1m_output=2.0,
        priority=1,
        status="untested",
        context_window=131_072,
    )
    return Choice(entry=entry, provider=provider, is_taken=is_taken, why=text)


def plan(text: str = "x", **changes: object) -> Plan:
    """A plan whose foreign texts are all the same."""
    taken, passed = choice(text), choice(text, is_taken=False)
    line = " ".join(text.splitlines())  # a text of lines is ours, and nobody else's has any in it
    consent = ConsentState(
        workspace=Path("/w"),
        destinations=(text,),
        data_collection="allow",
        text=f"{line}\n\n- {line}\n- {line}",
        given=None,
        missing=text,
        registry=WorkspaceRegistry(path=Path("/w/models.yaml"), digest="0", is_agreed=False),
    )
    made = Plan(
        chain=Chain((taken, passed)),
        registry=Registry(providers={}, models=(), notes=()),
        statuses={},
        keys=(
            KeyState(provider=taken.provider, key=Secret(KEY), found="environment", note=text),
            KeyState(provider=replace(taken.provider, key_variable=None), key=None, found=None),
        ),
        consent=consent,
        notes=(text,),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def told(given: Plan, *, trusted: bool = True) -> str:
    return models_markdown(given, given.notes, "shop", trusted=trusted)


@given(TEXTS)
def test_no_text_of_others_becomes_anything_else(text: str) -> None:
    hostile, harmless = told(plan("x" + text)), told(plan("x"))
    assert blocks(hostile) == blocks(harmless)
    assert spans(hostile) == spans(harmless)
    assert links(hostile) == []


def test_a_model_is_told_with_its_figures_and_no_key_with_them() -> None:
    text = told(plan())

    assert r"| 1 | x | x | \$0.25 / \$2 | 131,072 | not known | x |" in text
    assert "- x: there is one, in the environment of the server. x\n- x: none is needed." in text
    assert KEY not in text


def test_a_missing_key_is_told_by_its_variable() -> None:
    missing = replace(plan().keys[0], key=None, found=None, note="")

    assert "- x: there is none. Set `OPENROUTER_API_KEY` for the server" in told(plan(keys=(missing,)))


@pytest.mark.parametrize(
    ("given_at", "trusted", "sentence"),
    [
        (None, True, "x Nothing is sent before you agree, by the command `testwright.consent`"),
        (None, False, "Not given, and not asked for in a workspace that is not trusted: nothing is sent."),
        (1_750_000_000.0, True, "Given on 2025-06-15: code of this folder may be sent to x."),
    ],
)
def test_consent_is_told_as_it_is(given_at: float | None, sentence: str, *, trusted: bool) -> None:
    found = told(plan(consent=replace(plan().consent, given=given_at)), trusted=trusted)

    assert f"## Consent\n\n{sentence}" in found
    assert "\n\nx\n\n- x\n- x\n" in found


def test_where_nothing_leaves_the_machine_no_consent_is_spoken_of() -> None:
    found = told(plan(consent=replace(plan().consent, destinations=(), text="All models run here.")))

    assert "## Consent\n\nAll models run here.\n" in found


def test_a_registry_of_the_folder_that_is_not_used_is_told() -> None:
    consent = plan().consent
    assert consent.registry is not None
    agreed = replace(consent, registry=replace(consent.registry, is_agreed=True))

    assert "models.yaml, is not used before you agree to its content: `testwright consent --registry`" in told(plan())
    assert "models.yaml" not in told(plan(consent=agreed))


def test_an_empty_chain_is_said_to_be_one() -> None:
    found = told(plan(chain=Chain((choice("x", is_taken=False),))))

    assert "## Asked, in this order\n\nNone: each model that is known fell out, as told below.\n" in found


def test_a_long_registry_ends() -> None:
    found = told(plan(chain=Chain((choice("x"),) * (MAX_CHOICES + 7))))

    assert found.count("| x | x |") == MAX_CHOICES
    assert "\nAnd 7 more.\n" in found


def test_lists_of_the_text_of_consent_are_lists() -> None:
    assert told_text("One:\n- a\n- b\n\nTwo.\nThree.") == "One:\n\n- a\n- b\n\nTwo.\n\nThree."


def test_commands_of_ours_are_code_and_nothing_else_is() -> None:
    assert told_text("Run `testwright consent --withdraw`.") == "Run `testwright consent --withdraw`."
    assert spans(told_text("Run `rm -r`, `testwright [x](y)`, testwright `x`.")) == []
