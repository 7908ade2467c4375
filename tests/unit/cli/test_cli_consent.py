from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from terminal import at_a_terminal

from testwright.store.ledger import Ledger

REGISTRY = """
version: 1
models:
  - name: shop/own:free
    provider: openrouter
    cost_per_1m_input: 1
    cost_per_1m_output: 1
    priority: 1
    status: untested
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose models are those of OpenRouter; nothing is sent there by these commands."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    for name in [name for name in os.environ if name.startswith("TESTWRIGHT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-canary-of-this-test-alone")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def own_registry(shop: Path) -> Path:
    (shop / "pyproject.toml").write_text('[tool.testwright]\nmodel-registry = "models.yaml"\n')
    path = shop / "models.yaml"
    path.write_text(REGISTRY)
    return path


def test_what_would_be_sent_where_is_shown_and_nothing_is_agreed_to_without_a_terminal(
    testwright: Any, shop: Path
) -> None:
    outcome = testwright("consent")
    assert outcome.code == 1
    for words in ("openrouter.ai", "What is sent to them:", "What is not sent:", "train on it", str(shop)):
        assert words in outcome.stdout
    assert outcome.stdout.endswith(
        f"Nobody has agreed that code of {shop} is sent to openrouter.ai. "
        "Run this at a terminal to be asked, or with --give.\n"
    )
    with Ledger.open(shop.parent / "state") as ledger:
        assert ledger.consents() == []


@pytest.mark.parametrize(
    ("answers", "code", "agreed"),
    [("y\n", 0, 1), ("n\n", 1, 0), ("\n", 1, 0), ("\x04", 130, 0)],
    ids=["yes", "no", "nothing", "end"],
)
def test_at_a_terminal_it_is_asked(shop: Path, answers: str, code: int, agreed: int) -> None:
    ended, screen = at_a_terminal("consent", answers=answers)
    assert ended == code
    assert "Do you agree? [y/N]:" in screen
    with Ledger.open(shop.parent / "state") as ledger:
        assert len(ledger.consents()) == agreed


def test_it_is_asked_once(testwright: Any, shop: Path) -> None:
    assert testwright("consent", "--give").code == 0
    ended, screen = at_a_terminal("consent", answers="")
    assert ended == 0
    assert "Do you agree?" not in screen


def test_it_is_given_listed_and_withdrawn(testwright: Any, shop: Path) -> None:
    assert testwright("consent", "--list").stdout == "You have agreed for no workspace.\n"
    outcome = testwright("consent", "--give", str(shop))
    assert outcome.code == 0
    assert "to send code to openrouter.ai" in outcome.stdout
    lines = testwright("consent", "--list").stdout.splitlines()
    assert lines[0].split() == ["Workspace", "Sent", "to", "Data", "collection", "Given"]
    assert lines[1].split()[1:3] == ["openrouter.ai", "allow"]
    assert [one["workspace"] for one in json.loads(testwright("consent", "--list", "--json").stdout)["consents"]] == [
        str(shop)
    ]
    assert testwright("consent", "--withdraw").stdout == f"Withdrawn: no more code of {shop} is sent to models.\n"
    assert testwright("consent", "--withdraw").stdout == f"There was no consent for {shop}.\n"
    assert testwright("consent", "--json").code == 1


def test_consent_to_deny_is_none_to_allow(testwright: Any, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTWRIGHT_DATA_COLLECTION", "deny")
    outcome = testwright("consent", "--give", "--json")
    values = json.loads(outcome.stdout)
    assert (outcome.code, values["data_collection"], values["missing"]) == (0, "deny", "")
    monkeypatch.setenv("TESTWRIGHT_DATA_COLLECTION", "allow")
    outcome = testwright("consent")
    assert outcome.code == 1
    assert 'and now it is "allow"' in outcome.stdout


def test_a_model_on_this_machine_needs_none(testwright: Any, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", "http://localhost:11434/v1")
    monkeypatch.setenv("PREFERRED_MODEL", "qwen3:8b")
    for arguments in ((), ("--give",), ("--json",)):
        assert testwright("consent", *arguments).code == 0
    assert testwright("consent", "--list").stdout == "You have agreed for no workspace.\n"


def test_a_registry_of_the_workspace_is_shown_and_agreed_to_as_it_is(
    testwright: Any, shop: Path, own_registry: Path
) -> None:
    outcome = testwright("consent")
    assert f"Registry of the workspace: {own_registry}, not used" in outcome.stdout
    assert "shop/own:free" not in outcome.stdout
    own_registry.write_text(f"{REGISTRY}    notes: \x08\u202ehidden\n")
    outcome = testwright("consent", "--registry")
    assert "shop/own:free" in outcome.stdout
    assert "notes: \ufffd\ufffdhidden" in outcome.stdout
    assert outcome.code == 1
    own_registry.write_text(REGISTRY)
    assert testwright("consent", "--give").code == 0
    assert not json.loads(testwright("consent", "--json").stdout)["registry"]["agreed"], "--give alone is not for it"
    outcome = testwright("consent", "--give", "--registry")
    assert f"Registry of the workspace: {own_registry}, used as it is now" in outcome.stdout
    models = json.loads(testwright("models", "list", "--json").stdout)["models"]
    assert ("shop/own:free", "workspace") in {(model["name"], model["origin"]) for model in models}
    own_registry.write_text(REGISTRY + "\n# changed\n")
    assert not json.loads(testwright("consent", "--json").stdout)["registry"]["agreed"]


@pytest.mark.parametrize(("answers", "agreed"), [("y\ny\n", True), ("y\nn\n", False)], ids=["yes", "no"])
def test_at_a_terminal_it_is_asked_for_the_registry_as_well(
    testwright: Any, shop: Path, own_registry: Path, answers: str, *, agreed: bool
) -> None:
    code, screen = at_a_terminal("consent", "--registry", answers=answers)
    assert code == 0
    assert "Is this registry to be used? [y/N]:" in screen
    assert json.loads(testwright("consent", "--json").stdout)["registry"]["agreed"] is agreed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere/at/all"], "/nowhere/at/all is not a folder."),
        (["--list", "."], "--list tells of all workspaces"),
        (["--registry"], "has no registry of models of its own"),
        (["--registry", "--withdraw"], "--registry does not go with --withdraw"),
    ],
    ids=["no folder", "list of one", "no registry", "registry withdrawn"],
)
def test_wrong_usage_is_told(testwright: Any, shop: Path, arguments: list[str], words: str) -> None:
    outcome = testwright("consent", *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert words in outcome.stderr


def test_a_repository_cannot_agree_for_its_user(testwright: Any, shop: Path) -> None:
    (shop / "pyproject.toml").write_text("[tool.testwright]\nconsent = true\n")
    outcome = testwright("consent")
    assert outcome.code == 2
    assert "consent in [tool.testwright] in pyproject.toml is not a setting" in outcome.stderr
