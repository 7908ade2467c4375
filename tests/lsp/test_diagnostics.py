"""Uncovered lines and branches as diagnostics: only for who wants them, pulled or pushed, and never of other code."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile
from measured import MEASURING, RAISE, measure, say

PUBLISH = "textDocument/publishDiagnostics"
WANTED = {"hints": {"diagnostics": True}}

PULLING = [FULL, VSCODE]
PUSHED = [NEOVIM, EGLOT, MINIMAL]


def names_of(profile: Profile) -> str:
    return profile.name


@pytest.fixture
def measuring(editor_for: EditorFactory) -> EditorFactory:
    """An editor whose user wants diagnostics, with a server that measures what the test says."""

    def make(profile: Profile, **further: Any) -> EditorClient:
        given = {"argv": MEASURING, "settings": {None: WANTED}, **further}
        if not profile.has("workspace", "configuration"):
            given["options"] = {"settings": given["settings"].get(None, {})}
        return editor_for(profile, **given)

    return make


@pytest.fixture
def word(tmp_path: Path) -> None:
    """What the next measurement finds: two lines of ``add_tax``, one of ``größe`` and two branches."""
    missing = [RAISE, "return round(price * (1 + percent / 100), 2)", 'return f"{label} 😀"']
    say(tmp_path, missing, [(8, 9), (34, 36), (15, -13)])


async def pulled(editor: EditorClient, path: Path, previous: str | None = None) -> dict[str, Any]:
    params = {"textDocument": {"uri": path.as_uri()}, "identifier": "testwright"}
    if previous is not None:
        params["previousResultId"] = previous
    report: dict[str, Any] = await editor.request("textDocument/diagnostic", params)
    return report


async def pushed(editor: EditorClient, path: Path, since: int = 0) -> list[dict[str, Any]]:
    params = await editor.wait_for(PUBLISH, lambda params: params["uri"] == path.as_uri(), since=since)
    found: list[dict[str, Any]] = params["diagnostics"]
    return found


def gist(diagnostics: list[dict[str, Any]]) -> list[tuple[str, int, int, str]]:
    return [
        (one["code"], one["range"]["start"]["line"], one["range"]["end"]["line"], one["message"]) for one in diagnostics
    ]


EXPECTED = [
    ("uncovered-line", 8, 9, "Not covered by tests."),
    ("uncovered-line", 15, 15, "Not covered by tests."),
    ("uncovered-branch", 14, 14, "The branch to the end of the function is never taken."),
    ("uncovered-branch", 33, 33, "The branch to line 36 is never taken."),
]


@pytest.mark.parametrize("profile", PULLING, ids=names_of)
async def test_who_asks_is_told(measuring: EditorFactory, pricing: Path, word: None, profile: Profile) -> None:
    async with measuring(profile) as editor:
        editor.open(pricing)
        assert (await pulled(editor, pricing))["items"] == []
        await measure(editor, pricing)
        report = await pulled(editor, pricing)
        assert report["kind"] == "full"
        assert gist(report["items"]) == EXPECTED
        assert all((one["severity"], one["source"]) == (4, "testwright") for one in report["items"])
        assert not any("tags" in one for one in report["items"])
        again = await pulled(editor, pricing, report["resultId"])
        assert again == {"kind": "unchanged", "resultId": report["resultId"]}
        assert editor.all_of(PUBLISH) == []  # what is asked for is not told a second time


@pytest.mark.parametrize("profile", PUSHED, ids=names_of)
async def test_who_cannot_ask_is_told(measuring: EditorFactory, pricing: Path, word: None, profile: Profile) -> None:
    async with measuring(profile) as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)
        assert gist(await pushed(editor, pricing)) == EXPECTED
        since = len(editor.received)
        editor.change(pricing, "\n" + text)
        moved = [(code, first + 1, last + 1, text.replace("36", "37")) for code, first, last, text in EXPECTED]
        assert gist(await pushed(editor, pricing, since)) == moved
        assert editor.all_of(PUBLISH)[-1]["version"] == 2
        since = len(editor.received)
        editor.close(pricing)
        assert await pushed(editor, pricing, since) == []


async def test_ranges_are_in_the_clients_encoding(measuring: EditorFactory, pricing: Path, word: None) -> None:
    ends = {}
    for profile in (FULL, VSCODE, MINIMAL):
        async with measuring(profile) as editor:
            editor.open(pricing)
            await measure(editor, pricing)
            items = await pushed(editor, pricing) if profile is MINIMAL else (await pulled(editor, pricing))["items"]
            assert items[1]["range"]["start"] == {"line": 15, "character": 8}
            ends[editor.encoding] = items[1]["range"]["end"]["character"]
    line = '        return f"{label} 😀"'
    assert ends == {"utf-8": len(line.encode()), "utf-16": len(line) + 1, "utf-32": len(line)}


async def test_what_was_changed_is_withdrawn(measuring: EditorFactory, pricing: Path, word: None) -> None:
    async with measuring(VSCODE) as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)
        editor.change(pricing, text.replace("if percent < 0:", "if percent <= 0:"))
        assert gist((await pulled(editor, pricing))["items"]) == EXPECTED[1:]
        editor.change(pricing, text)
        assert gist((await pulled(editor, pricing))["items"]) == EXPECTED
        editor.change(pricing, text.replace("class Cart:", "def new(\n\n\nclass Cart:"))
        moved = [*EXPECTED[:3], ("uncovered-branch", 36, 36, "The branch to line 39 is never taken.")]
        assert gist((await pulled(editor, pricing))["items"]) == moved


async def test_after_the_tests_have_changed_it_is_told_when_it_was_so(
    measuring: EditorFactory, workspace: Path, pricing: Path, word: None
) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    async with measuring(VSCODE) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        since = len(editor.received)
        tests.write_text("from shop.pricing import Cart\n\n\ndef test_it(): Cart()\n", encoding="utf-8")
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": tests.as_uri(), "type": 1}]})
        await editor.wait_for("workspace/diagnostic/refresh", since=since)
        messages = [one["message"] for one in (await pulled(editor, pricing))["items"]]
    assert messages == [
        "Not covered by tests when the tests were last measured.",
        "Not covered by tests when the tests were last measured.",
        "The branch to the end of the function was never taken when the tests were last measured.",
        "The branch to line 36 was never taken when the tests were last measured.",
    ]


async def test_they_are_off_unless_they_are_wanted(
    editor_for: EditorFactory, pricing: Path, word: None, profile: Profile
) -> None:
    async with editor_for(profile, argv=MEASURING) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        if profile in PULLING:
            assert (await pulled(editor, pricing))["items"] == []
        await asyncio.sleep(0.5)
        assert editor.all_of(PUBLISH) == []


async def test_they_come_and_go_with_the_setting(measuring: EditorFactory, pricing: Path, word: None) -> None:
    async with measuring(VSCODE, settings={}) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        since = len(editor.received)
        editor.settings = {None: WANTED}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        await editor.wait_for("workspace/diagnostic/refresh", since=since)
        assert len((await pulled(editor, pricing))["items"]) == 4
    async with measuring(EGLOT, settings={}) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        editor.settings = {None: WANTED}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        assert len(await pushed(editor, pricing)) == 4
        since = len(editor.received)
        editor.settings = {}
        editor.notify("workspace/didChangeConfiguration", {"settings": None})
        assert await pushed(editor, pricing, since) == []


async def test_there_are_none_where_no_code_may_run(measuring: EditorFactory, pricing: Path, word: None) -> None:
    async with measuring(VSCODE) as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        assert (await pulled(editor, pricing))["items"] != []
        editor.notify("testwright/didChangeTrust", {"trusted": False})
        assert (await pulled(editor, pricing))["items"] == []
        assert (await pulled(editor, pricing.with_name("other.py")))["items"] == []
