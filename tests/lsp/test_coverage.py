"""``testwright/coverage``: what is known of a document, told when it changes and answered when asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, VSCODE, EditorClient, EditorFactory, Profile, RequestFailed
from measured import MEASURING, RAISE, measure, say

NOTIFIED = {"notifications": True}
COVERAGE = "testwright/coverage"
TESTS = "from shop.pricing import add_tax\n\n\ndef test_add_tax() -> None:\n    assert add_tax(100, 10) == 110\n"

UNKNOWN = {
    "version": 1,
    "state": "unknown",
    "percent": None,
    "line": None,
    "branch": None,
    "stale": False,
    "missingLines": [],
    "coveredLines": [],
    "branches": [],
    "tests": 0,
    "testUri": None,
    "reason": "It was not measured yet.",
}
KNOWN = UNKNOWN | {
    "state": "known",
    "percent": 90.9,
    "line": 95.0,
    "branch": 50.0,
    "missingLines": [8],
    "coveredLines": [2, 5, 7, 9, 12, 14, 15, 16, 19, 22, 23, 25, 27, 28, 30, 32, 33, 34, 35],
    "branches": [{"from": 7, "to": 8, "taken": False}],
    "tests": 4,
    "reason": None,
}


@pytest.fixture
def measuring(editor_for: EditorFactory) -> EditorFactory:
    """An editor that takes our notifications, with a server that measures what the test says."""

    def make(profile: Profile = VSCODE, **further: Any) -> EditorClient:
        return editor_for(profile, **{"argv": MEASURING, "options": NOTIFIED, **further})

    return make


@pytest.fixture
def word(tmp_path: Path) -> None:
    """What the next measurement finds."""
    say(tmp_path, [RAISE], [(8, 9)])


async def told(
    editor: EditorClient, path: Path, wanted: Callable[[Any], bool] = lambda _: True, *, since: int = 0
) -> dict[str, Any]:
    """Wait to be told of a document."""
    found: dict[str, Any] = await editor.wait_for(
        COVERAGE, lambda status: status["uri"] == path.as_uri() and wanted(status), since=since
    )
    return found


def without_uri(status: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if name != "uri"}


async def test_what_is_told_of_a_module_from_its_opening_on(
    measuring: EditorFactory, pricing: Path, word: None
) -> None:
    async with measuring() as editor:
        editor.open(pricing)
        assert without_uri(await told(editor, pricing)) == UNKNOWN
        await measure(editor, pricing)
        await told(editor, pricing, lambda status: status["state"] == "known")
        states = [without_uri(status) for status in editor.all_of(COVERAGE)]
        assert states == [UNKNOWN, UNKNOWN | {"state": "measuring"}, with_branch(KNOWN)]


def with_branch(status: dict[str, Any]) -> dict[str, Any]:
    """One of one branches is never taken: 19 of 21 are covered."""
    return status | {"percent": 90.4, "branch": 0.0}


async def test_what_was_measured_is_known_after_a_restart(measuring: EditorFactory, pricing: Path, word: None) -> None:
    async with measuring() as editor:
        editor.open(pricing)
        await measure(editor, pricing)
    async with measuring(FULL) as editor:
        editor.open(pricing)
        assert without_uri(await told(editor, pricing)) == with_branch(KNOWN)
    async with measuring(FULL) as editor:
        text = pricing.read_text(encoding="utf-8")
        editor.open(pricing, text.replace("import annotations\n", "import annotations\n\nimport math\n"))
        status = await told(editor, pricing)
        assert (status["state"], status["percent"], status["stale"]) == ("known", 90.4, True)
        assert status["missingLines"] == [10]
    async with measuring(FULL) as editor:
        editor.open(pricing, "def quite() -> str:\n    return 'other'\n")
        assert without_uri(await told(editor, pricing)) == UNKNOWN


async def test_edits_are_told_when_they_make_a_difference_and_there_is_a_pause(
    measuring: EditorFactory, pricing: Path, word: None
) -> None:
    async with measuring() as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)
        await told(editor, pricing, lambda status: status["state"] == "known")
        since = len(editor.received)
        for number in range(20):
            editor.change(pricing, "# " + "x" * number + "\n" + text)
            await asyncio.sleep(0.02)
        status = await told(editor, pricing, since=since)
        assert (status["stale"], status["reason"]) == (True, "The module has changed since it was measured.")
        assert status["version"] == 21
        assert status["missingLines"] == [9]
        editor.change(pricing, "\n" + text)
        await asyncio.sleep(1)
        assert len([one for one in editor.received[since:] if one.method == COVERAGE]) == 1
        editor.change(pricing, text)
        status = await told(editor, pricing, since=since, wanted=lambda status: not status["stale"])
        assert status["missingLines"] == [8]


async def test_changed_tests_are_told(measuring: EditorFactory, workspace: Path, pricing: Path, word: None) -> None:
    tests = workspace / "tests" / "test_pricing.py"
    tests.parent.mkdir()
    tests.write_text(TESTS, encoding="utf-8")
    async with measuring() as editor:
        editor.open(pricing)
        assert (await told(editor, pricing))["testUri"] == tests.as_uri()
        editor.open(tests)
        assert (await told(editor, tests))["reason"] == "test_pricing.py is a test file itself."
        await measure(editor, pricing)
        await told(editor, pricing, lambda status: status["state"] == "known")
        editor.change(tests, TESTS + "\n")
        status = await told(editor, pricing, lambda status: status["stale"])
        assert status["reason"] == "The tests have changed since the module was measured."
        assert status["missingLines"] == [8]
        since = len(editor.received)
        editor.undo(tests)
        await told(editor, pricing, lambda status: not status["stale"], since=since)
        since = len(editor.received)
        editor.change(tests, TESTS + "\n")
        await told(editor, pricing, lambda status: status["stale"], since=since)
        since = len(editor.received)
        editor.close(tests)
        await told(editor, pricing, lambda status: not status["stale"], since=since)


async def test_what_runs_is_told_while_it_runs_with_the_figures_of_before(
    measuring: EditorFactory, pricing: Path, tmp_path: Path, word: None
) -> None:
    async with measuring() as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        hold = tmp_path / "hold"
        hold.write_text("", encoding="ascii")
        say(tmp_path)
        since = len(editor.received)
        await editor.command("testwright.refreshCoverage", {})
        status = await told(editor, pricing, since=since, wanted=lambda status: status["state"] == "measuring")
        assert status["percent"] == 90.4
        hold.unlink()
        status = await told(editor, pricing, since=since, wanted=lambda status: status["state"] == "known")
        assert status["percent"] == 100


async def test_a_cancelled_measurement_leaves_what_was_known(
    measuring: EditorFactory, pricing: Path, tmp_path: Path, word: None
) -> None:
    async with measuring() as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        (tmp_path / "hold").write_text("", encoding="ascii")
        since = len(editor.received)
        await editor.command("testwright.refreshCoverage", {"uri": pricing.as_uri()})
        await told(editor, pricing, since=since, wanted=lambda status: status["state"] == "measuring")
        await editor.command("testwright.cancelRun", {})
        status = await told(editor, pricing, since=since, wanted=lambda status: status["state"] == "known")
        assert status["percent"] == 90.4


async def test_why_nothing_is_known(measuring: EditorFactory, workspace: Path, pricing: Path, tmp_path: Path) -> None:
    async with measuring() as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        status = await told(editor, pricing, lambda status: status["reason"] != UNKNOWN["reason"])
        assert status["state"] == "unknown"
        assert status["reason"].endswith("they need the network, which a box does not have.")
        empty = workspace / "src" / "shop" / "__init__.py"
        editor.open(empty)
        assert (await told(editor, empty))["reason"] == "__init__.py is empty: there is nothing to test."
        readme = workspace / "README.md"
        editor.open(readme, "# Shop\n", "markdown")
        await asyncio.sleep(0.5)
        assert not any(status["uri"] == readme.as_uri() for status in editor.all_of(COVERAGE))


async def test_a_module_that_does_not_import_says_so(editor_for: EditorFactory, workspace: Path) -> None:
    """With a real box."""
    path = workspace / "src" / "shop" / "broken.py"
    path.write_text("import nowhere_to_be_found\n\n\ndef f() -> int:\n    return 1\n", encoding="utf-8")
    async with editor_for(VSCODE, options=NOTIFIED) as editor:
        editor.open(path)
        await editor.command("testwright.refreshCoverage", {"uri": path.as_uri()})
        await editor.wait_for("window/showMessage", timeout=60)
        status = await told(editor, path, lambda status: status["reason"] != UNKNOWN["reason"])
        assert status["state"] == "unknown"
        assert "nowhere_to_be_found" in status["reason"]


async def test_a_run_tells_what_its_tests_cover(editor_for: EditorFactory, workspace: Path, pricing: Path) -> None:
    """With real boxes: what was written is measured, and fresh until it is touched."""
    tests = workspace / "tests" / "test_pricing.py"
    async with editor_for(VSCODE, options=NOTIFIED) as editor:
        editor.open(pricing)
        await editor.command("testwright.generateTests", {"uri": pricing.as_uri()})
        await editor.wait_for("window/showMessage", timeout=90)
        status = await told(editor, pricing, lambda status: status["state"] == "known")
        assert status["percent"] == 100
        assert not status["stale"]
        assert status["missingLines"] == []
        assert status["testUri"] == tests.as_uri()
        await asyncio.sleep(1)
        assert [one for one in editor.all_of(COVERAGE) if one["uri"] == pricing.as_uri()][-1] == status
        since = len(editor.received)
        editor.close(tests)
        tests.write_text("", encoding="utf-8")
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": tests.as_uri(), "type": 2}]})
        assert (await told(editor, pricing, since=since))["stale"]


async def test_trust_that_comes_and_goes(measuring: EditorFactory, pricing: Path, word: None) -> None:
    untrusted = "This workspace is not trusted, so none of its code is run."
    async with measuring() as editor:
        editor.open(pricing)
        await measure(editor, pricing)
        await told(editor, pricing, lambda status: status["state"] == "known")
        editor.notify("testwright/didChangeTrust", {"trusted": False})
        status = await told(editor, pricing, lambda status: status["reason"] == untrusted)
        assert without_uri(status) == UNKNOWN | {"reason": untrusted}
        since = len(editor.received)
        editor.notify("testwright/didChangeTrust", {"trusted": True})
        assert (await told(editor, pricing, since=since))["state"] == "known"


async def test_a_module_that_was_removed_is_forgotten(measuring: EditorFactory, pricing: Path, word: None) -> None:
    async with measuring() as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)
        editor.close(pricing)
        pricing.unlink()
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": pricing.as_uri(), "type": 3}]})
        since = len(editor.received)
        editor.open(pricing, text)
        assert (await told(editor, pricing, since=since))["state"] == "unknown"


async def test_nobody_is_told_who_has_not_asked_for_it(
    editor_for: EditorFactory, pricing: Path, profile: Profile, word: None
) -> None:
    async with editor_for(profile, argv=MEASURING) as editor:
        text = editor.open(pricing).text
        await measure(editor, pricing)
        editor.change(pricing, text + "\n")
        await asyncio.sleep(0.6)
        assert editor.all_of(COVERAGE) == []


@pytest.mark.parametrize("profile", [MINIMAL, EGLOT], ids=["minimal", "eglot"])
async def test_who_asks_gets_the_same(
    editor_for: EditorFactory, workspace: Path, pricing: Path, word: None, profile: Profile
) -> None:
    async with editor_for(profile, argv=MEASURING) as editor:
        editor.open(pricing)
        ask = {"uri": pricing.as_uri()}
        assert await editor.request(COVERAGE, ask) == UNKNOWN | ask
        await measure(editor, pricing)
        assert await editor.request(COVERAGE, ask) == with_branch(KNOWN) | ask
        other = {"uri": (workspace / "other.py").as_uri()}
        expected = UNKNOWN | other | {"version": None, "reason": "other.py does not exist."}
        assert await editor.request(COVERAGE, other) == expected
        untitled = {"uri": "untitled:Untitled-1"}
        assert (await editor.request(COVERAGE, untitled))["state"] == "unknown"


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (None, "testwright/coverage needs uri, a text."),
        ({}, "testwright/coverage needs uri, a text."),
        ({"uri": 3}, "uri of testwright/coverage"),
        ({"uri": "file:///x.py", "url": ""}, "url"),
    ],
    ids=["nothing", "empty", "wrong", "unknown"],
)
async def test_a_wrong_question_gets_a_sentence(editor_for: EditorFactory, params: object, sentence: str) -> None:
    async with editor_for(FULL) as editor:
        with pytest.raises(RequestFailed) as caught:
            await editor.request(COVERAGE, params)
    assert caught.value.code == -32602
    assert sentence in str(caught.value)
