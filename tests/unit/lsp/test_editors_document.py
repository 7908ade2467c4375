"""What ``docs/editors.md`` tells of commands, settings, options, methods and actions is what the server has."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

from testwright.lsp.client import capabilities
from testwright.lsp.client.configuration import CLIENTS, HINTS, OF_ONE_RUN, OURS, EditorSettings, read_settings
from testwright.lsp.coverage.status import CoverageStatus
from testwright.lsp.features.code_action import PRODUCERS
from testwright.lsp.server import make_server
from testwright.settings import OPTION_NAMES, Settings, option_name

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "server" / "testwright" / "lsp"
DOCUMENT = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """A section of the document, up to the next one of any level."""
    (text,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert isinstance(text, str)
    return text


def rows(title: str) -> list[list[str]]:
    """Cells of the tables in a section, without their heads."""
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def names(title: str) -> set[str]:
    """What the first cells of a section's tables name."""
    return {re.findall(r"`([^`]+)`", cells[0])[0] for cells in rows(title)}


def test_commands() -> None:
    assert names("Commands") == set(make_server().protocol.fm.commands)


def test_code_actions() -> None:
    kinds = set(re.findall(r"`(source\.\w+)`", section("Code actions")))
    assert kinds == {producer.kind for producer in PRODUCERS}


def test_settings_are_all_there_are() -> None:
    known = {*OPTION_NAMES, *OURS, *(f"hints.{name}" for name in HINTS)} - OF_ONE_RUN - CLIENTS
    documented = {".".join(map(option_name, name.split("."))) for name in names("Settings")}
    assert documented == known


@pytest.mark.parametrize("cells", rows("Settings"), ids=lambda cells: cells[0].strip("`"))
def test_defaults(cells: list[str]) -> None:
    (name,) = re.findall(r"`([^`]+)`", cells[0])
    field = option_name(name.rpartition(".")[2])
    told = cells[2].strip("`")
    if told in ("looked for", "not set", "none"):
        assert not getattr(Settings(), field)
        return
    value = json.loads(told) if re.fullmatch(r"\d+|true|false", told) else told
    settings = read_settings({name: value} if "." not in name else {"hints": {name.rpartition(".")[2]: value}}, None)
    assert settings.error is None
    assert settings.notes == ()
    holder = EditorSettings() if hasattr(EditorSettings(), field) else Settings()
    assert getattr(holder, field) == value


def test_initialization_options() -> None:
    read = set(re.findall(r'options\.get\("(\w+)"\)', inspect.getsource(capabilities)))
    assert names("`initializationOptions`") == read | {"settings"}


def test_methods_of_our_own() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    assert names("Notifications and requests of Testwright's own") == set(re.findall(r'"(testwright/\w+)"', sources))


def test_the_fields_of_the_coverage_notification() -> None:
    told = next(cells[1] for cells in rows("Notifications and requests of Testwright's own") if "coverage" in cells[0])
    (fields,) = re.findall(r"^`\{(.*?)\}`", told)
    assert fields.split(", ") == list(CoverageStatus.__annotations__)
