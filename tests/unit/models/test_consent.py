from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testwright.errors import ConsentMissing
from testwright.models.consent import ConsentState, WorkspaceRegistry, give, look, require_consent, withdraw
from testwright.models.values import Chain, Choice, ModelEntry, Provider
from testwright.settings import DataCollection
from testwright.store.ledger import Ledger

NOW = 1_800_000_000.0
ROUTER = Provider(name="openrouter", base_url="https://openrouter.ai/api/v1", key_variable="K", speaks_openrouter=True)
OTHER = Provider(name="other", base_url="https://models.example.org:8443/v1")
OPEN = Provider(name="lan", base_url="http://gpu.lan:8000/v1")
HERE = Provider(name="ollama", base_url="http://127.0.0.1:11434/v1")


def choice(provider: Provider, name: str = "a/model", *, is_taken: bool = True) -> Choice:
    entry = ModelEntry(
        name=name, provider=provider.name, cost_per_1m_input=0, cost_per_1m_output=0, priority=1, status="active"
    )
    return Choice(entry=entry, provider=provider, is_taken=is_taken, why="It is.")


def chain(*providers: Provider) -> Chain:
    return Chain(tuple(choice(provider) for provider in providers))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "state") as ledger:
        yield ledger


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def state(
    ledger: Ledger, workspace: Path, asked: Chain, collection: DataCollection = "allow", **more: Any
) -> ConsentState:
    return look(workspace, asked, data_collection=collection, stored=ledger.consent(workspace), **more)


@pytest.mark.parametrize("asked", [chain(), chain(HERE), Chain((choice(HERE), choice(ROUTER, is_taken=False)))])
def test_what_stays_on_this_machine_needs_no_consent(ledger: Ledger, workspace: Path, asked: Chain) -> None:
    found = state(ledger, workspace, asked)
    assert not found.is_needed
    assert found.given is None
    assert "nothing to agree to" in found.text
    require_consent(found)


def test_nothing_is_sent_away_without_consent(ledger: Ledger, workspace: Path) -> None:
    found = state(ledger, workspace, chain(HERE, ROUTER))
    assert found.is_needed
    with pytest.raises(
        ConsentMissing, match=r"Nobody has agreed that code of .* is sent to openrouter\.ai\."
    ) as caught:
        require_consent(found)
    assert str(workspace) in caught.value.message
    assert "`testwright consent`" in caught.value.next_step


def test_consent_holds_until_it_is_withdrawn(ledger: Ledger, workspace: Path) -> None:
    give(ledger, state(ledger, workspace, chain(ROUTER)), now=NOW)
    found = state(ledger, workspace, chain(HERE, ROUTER))
    require_consent(found)
    assert found.given == NOW
    withdraw(ledger, workspace)
    with pytest.raises(ConsentMissing):
        require_consent(state(ledger, workspace, chain(ROUTER)))


def test_consent_is_for_one_workspace(ledger: Ledger, workspace: Path) -> None:
    give(ledger, state(ledger, workspace, chain(ROUTER)), now=NOW)
    for other in (workspace.parent, workspace / "inner"):
        with pytest.raises(ConsentMissing):
            require_consent(state(ledger, other, chain(ROUTER)))


@pytest.mark.parametrize(
    ("agreed", "asked", "new"),
    [
        ([ROUTER], [ROUTER, OTHER], "models.example.org:8443"),
        ([ROUTER], [OTHER], "models.example.org:8443"),
        ([OTHER], [replace(OTHER, base_url="https://models.example.org/v1")], "models.example.org"),
        ([replace(OPEN, base_url="https://gpu.lan:8000/v1")], [OPEN], "http://gpu.lan:8000"),
        ([OPEN], [OTHER, ROUTER], "models.example.org:8443 and openrouter.ai"),
    ],
)
def test_consent_is_for_the_hosts_that_were_named(
    ledger: Ledger, workspace: Path, agreed: list[Provider], asked: list[Provider], new: str
) -> None:
    give(ledger, state(ledger, workspace, chain(*agreed)), now=NOW)
    found = state(ledger, workspace, chain(*asked))
    assert found.given is None
    with pytest.raises(ConsentMissing) as caught:
        require_consent(found)
    assert f"is sent to {new}; what was agreed to is" in caught.value.message


def test_fewer_hosts_than_were_agreed_to_are_covered(ledger: Ledger, workspace: Path) -> None:
    give(ledger, state(ledger, workspace, chain(ROUTER, OTHER)), now=NOW)
    require_consent(state(ledger, workspace, chain(OTHER)))
    require_consent(state(ledger, workspace, chain(ROUTER)))


@pytest.mark.parametrize(
    ("agreed", "asked", "is_covered"),
    [("allow", "allow", True), ("allow", "deny", True), ("deny", "deny", True), ("deny", "allow", False)],
)
def test_consent_with_training_covers_none_and_not_the_other_way(
    ledger: Ledger, workspace: Path, agreed: DataCollection, asked: DataCollection, *, is_covered: bool
) -> None:
    give(ledger, state(ledger, workspace, chain(ROUTER), agreed), now=NOW)
    found = state(ledger, workspace, chain(ROUTER), asked)
    if is_covered:
        require_consent(found)
        return
    with pytest.raises(ConsentMissing, match='with data-collection = "deny", and now it is "allow"'):
        require_consent(found)


def test_a_registry_of_the_workspace_is_agreed_to_by_itself(ledger: Ledger, workspace: Path) -> None:
    registry = WorkspaceRegistry(path=workspace / "m.yaml", digest="d1", is_agreed=False)
    found = state(ledger, workspace, chain(ROUTER), registry=registry)

    def kept() -> str | None:
        stored = ledger.consent(workspace)
        assert stored is not None
        return stored.registry_digest

    give(ledger, found, now=NOW)
    assert kept() is None
    give(ledger, found, now=NOW, with_registry=True)
    assert kept() == "d1"
    give(ledger, state(ledger, workspace, chain(OTHER)), now=NOW)
    assert kept() == "d1"
    withdraw(ledger, workspace)
    assert ledger.consent(workspace) is None


def test_agreeing_to_a_registry_alone_agrees_to_no_host(ledger: Ledger, workspace: Path) -> None:
    registry = WorkspaceRegistry(path=workspace / "m.yaml", digest="d1", is_agreed=False)
    give(ledger, state(ledger, workspace, chain(HERE), registry=registry), now=NOW, with_registry=True)
    with pytest.raises(ConsentMissing):
        require_consent(state(ledger, workspace, chain(ROUTER)))


def test_a_damaged_ledger_asks_again(tmp_path: Path, workspace: Path) -> None:
    with Ledger.open(tmp_path / "state") as ledger:
        give(ledger, state(ledger, workspace, chain(ROUTER)), now=NOW)
    (tmp_path / "state" / "models.sqlite3").write_bytes(b"no database" * 500)
    with Ledger.open(tmp_path / "state") as ledger, pytest.raises(ConsentMissing):
        require_consent(state(ledger, workspace, chain(ROUTER)))


HOSTS = st.lists(st.sampled_from([ROUTER, OTHER, OPEN, HERE]), max_size=4)
COLLECTIONS = st.sampled_from(["allow", "deny"])
STEPS = st.lists(st.one_of(st.none(), st.tuples(HOSTS, COLLECTIONS)), max_size=4)


@settings(max_examples=30)
@given(STEPS, HOSTS, COLLECTIONS)
def test_whatever_was_agreed_to_covers_that_and_no_more(
    steps: list[tuple[list[Provider], DataCollection] | None], asked: list[Provider], collection: DataCollection
) -> None:
    agreed: tuple[set[str], DataCollection] | None = None
    with tempfile.TemporaryDirectory() as folder, Ledger.open(Path(folder)) as ledger:
        for step in steps:
            if step is None:
                withdraw(ledger, Path("/work"))
                agreed = None
            else:
                providers, terms = step
                give(ledger, state(ledger, Path("/work"), chain(*providers), terms), now=NOW)
                agreed = {provider.name for provider in providers if provider != HERE}, terms
        found = state(ledger, Path("/work"), chain(*asked), collection)
    away = {provider.name for provider in asked if provider != HERE}
    is_covered = not away or (
        agreed is not None and away <= agreed[0] and not (collection == "allow" and agreed[1] == "deny")
    )
    assert (found.missing == "") is is_covered
    assert found.is_needed is bool(away)
    assert (found.given is not None) is (is_covered and bool(away))


# ------------------------------------------------------------------------------------------------ the text


def test_the_text_says_what_goes_where_and_what_becomes_of_it(ledger: Ledger, workspace: Path) -> None:
    text = state(ledger, workspace, chain(HERE, ROUTER, OPEN)).text
    assert text.splitlines() == [
        f"To write tests for {workspace}, models on other machines would be asked.",
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
        "- http://gpu.lan:8000, for a/model; over http, which everyone on the way can read",
        "- openrouter.ai, for a/model; it passes each request on to a company that serves the model",
        "- 127.0.0.1:11434, which is this machine",
        "",
        "What becomes of it there:",
        '- openrouter.ai: who serves a model may keep what is sent and train on it, as is common with free models. With data-collection = "deny" only those are asked that say they do not; a model that none of them serves is passed over.',
        "- http://gpu.lan:8000: whatever its owner does; nothing can be asked of it.",
        "",
        "To agree holds for this workspace, for http://gpu.lan:8000 and openrouter.ai and for these terms, until `testwright consent --withdraw`. What was sent cannot be taken back.",
    ]


def test_the_text_of_deny(ledger: Ledger, workspace: Path) -> None:
    text = state(ledger, workspace, chain(ROUTER), "deny").text
    assert '- openrouter.ai: data-collection is "deny", so each request asks to be given only to those who say' in text
    assert "may keep what is sent" not in text


def test_many_models_are_not_all_named(ledger: Ledger, workspace: Path) -> None:
    many = Chain(tuple(choice(ROUTER, f"m{number}") for number in range(12)))
    text = state(ledger, workspace, many).text
    assert "for m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 2 more;" in text


def test_the_name_of_a_folder_adds_no_line_of_its_own(ledger: Ledger, workspace: Path) -> None:
    odd = workspace / "x\n- nothing is sent\x1b[2J\udcff\u202e"
    found = state(ledger, odd, chain(ROUTER))
    for text in (found.text, found.missing):
        assert "- nothing is sent" not in text.splitlines()
        assert r"x\n- nothing is sent\x1b[2J\udcff\u202e" in text
