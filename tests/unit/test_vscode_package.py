"""The VS Code extension's package.json says of the server what the server says of itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

import testwright
from testwright.lsp.client.configuration import LEVELS, OURS, EditorSettings, read_settings
from testwright.settings import (
    MACHINE_SCOPE,
    MAX_BUDGET,
    MAX_ITERATIONS,
    MAX_MODEL_COST,
    MAX_MODEL_DEADLINE,
    MAX_MODEL_REQUESTS,
    MAX_MODEL_TOKENS,
    MAX_SEED,
    AgentBoxName,
    AgentSdk,
    BoxName,
    DataCollection,
    EngineName,
    Placement,
    Settings,
    option_name,
)

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "client-vscode"
PACKAGE: dict[str, Any] = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
SETTINGS: dict[str, dict[str, Any]] = {
    key.removeprefix("testwright."): value
    for key, value in PACKAGE["contributes"]["configuration"]["properties"].items()
}
NOT_SET: tuple[object, ...] = ("", [])
"""Defaults by which the editor says that nothing is set; the extension then sends nothing."""


def of_the_server() -> dict[str, object]:
    """The server's settings by their names in an editor, with their defaults: as docs/editors.md tells them."""
    text = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    section = text.split("\n## Settings\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| .* \| ([^|]*) \|$", section, re.MULTILINE)
    values = {"none": [], "looked for": "", "not set": "", "true": True, "false": False}
    return {
        name: values[text] if text in values else int(text) if text.isdigit() else text.strip("`")
        for name, text in rows
    }


def test_the_table_of_the_documents_was_read() -> None:
    assert len(of_the_server()) >= 12


def test_each_setting_of_the_server_is_there_with_the_default_that_the_documents_tell() -> None:
    assert {name: SETTINGS.get(name, {}).get("default") for name in of_the_server()} == of_the_server()


def test_defaults_are_those_that_hold_in_the_server() -> None:
    runs, editors = Settings(), EditorSettings()
    for name in of_the_server():
        field = option_name(name.rpartition(".")[2])
        holds = getattr(editors if name.startswith("hints.") or field in OURS else runs, field)
        default = SETTINGS[name]["default"]
        if default in NOT_SET:
            assert holds in (None, ()), name
        else:
            assert holds == default, name


def test_the_server_takes_what_the_package_offers() -> None:
    section: dict[str, Any] = {}
    for name, setting in SETTINGS.items():
        if setting["default"] in NOT_SET:
            continue
        *above, last = name.split(".")
        place = section
        for part in above:
            place = place.setdefault(part, {})
        place[last] = setting["default"]
    taken = read_settings(None, section, machine_settings=True)
    assert taken.error is None
    assert taken.notes == ()


@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if "enum" in setting])
def test_choices_are_those_of_the_server(name: str) -> None:
    choices = {
        "box": get_args(BoxName),
        "agentBox": get_args(AgentBoxName),
        "agentSdk": ("", *get_args(AgentSdk)),
        "engine": get_args(EngineName),
        "placement": get_args(Placement),
        "dataCollection": get_args(DataCollection),
        "logLevel": LEVELS,
        "server.source": ("auto", "own", "environment"),
        "trace.server": ("off", "messages", "verbose"),
    }
    assert tuple(SETTINGS[name]["enum"]) == choices[name]
    assert SETTINGS[name]["default"] in SETTINGS[name]["enum"]


def test_bounds_are_those_of_the_server() -> None:
    def bounds(name: str) -> tuple[object, object]:
        return SETTINGS[name]["minimum"], SETTINGS[name]["maximum"]

    assert bounds("coverageThreshold") == (0, 100)
    assert bounds("budget") == (1, MAX_BUDGET)
    assert bounds("seed") == (0, MAX_SEED)
    assert bounds("maxIterations") == (1, MAX_ITERATIONS)
    assert bounds("maxModelCost") == (0, MAX_MODEL_COST)
    assert bounds("maxModelRequests") == (1, MAX_MODEL_REQUESTS)
    assert bounds("maxModelTokens") == (1, MAX_MODEL_TOKENS)
    assert bounds("modelDeadline") == (1, MAX_MODEL_DEADLINE)


def test_what_names_a_program_or_a_box_is_of_machine_scope() -> None:
    """A repository's own settings cannot set it, and it does nothing in a workspace that is not trusted."""
    machine = {name for name, setting in SETTINGS.items() if setting["scope"] == "machine"}
    ours = {"path", "server.source", "server.python"}
    assert {option_name(name) for name in machine - ours} == MACHINE_SCOPE
    assert ours <= machine
    restricted = PACKAGE["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    named = {"preferredModel", "fallbackModels"}  # a trusted repository may name models that it likes
    assert {name.removeprefix("testwright.") for name in restricted} == machine | named


def test_no_setting_is_a_key() -> None:
    text = json.dumps(PACKAGE["contributes"]["configuration"]).replace("maxModelTokens", "")
    assert not re.search(r"api_?key|token|secret|password", text, re.IGNORECASE)


def test_versions_agree() -> None:
    lock = json.loads((CLIENT / "package-lock.json").read_text(encoding="utf-8"))
    assert PACKAGE["version"] == lock["version"] == lock["packages"][""]["version"] == testwright.__version__


def test_packages_are_pinned_to_exact_versions() -> None:
    assert {
        name: version
        for name, version in (PACKAGE["dependencies"] | PACKAGE["devDependencies"]).items()
        if not re.fullmatch(r"\d+\.\d+\.\d+", version)
    } == {}


def test_the_lock_names_no_registry_and_hashes_every_package() -> None:
    text = (CLIENT / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in text
    assert not re.search(r"https?://[^\"]*\.tgz|\bregistry\.", text)
    packages = json.loads(text)["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_types_are_those_of_the_oldest_editor() -> None:
    assert PACKAGE["engines"]["vscode"] == "^" + PACKAGE["devDependencies"]["@types/vscode"]
