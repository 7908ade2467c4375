"""The finished file: on the disk, or in the editor that holds it, never over what has changed meanwhile."""

from __future__ import annotations

import asyncio
import codecs
import copy
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile

GENERATE = "testwright.generateTests"
QUICK = (sys.executable, str(Path(__file__).parents[1] / "support" / "quick_server.py"))
"""A server whose runs find the same three tests in no time."""

EXISTING = '''"""Tests of the shop."""

from shop.pricing import Cart


def test_an_empty_cart() -> None:
    assert Cart().total() == 0
'''

SAVED = "What would have been written is saved in "


@pytest.fixture
def tests(workspace: Path) -> Path:
    """Where the tests of the module go; the file is not there."""
    (workspace / "tests").mkdir()
    return workspace / "tests" / "test_pricing.py"


@pytest.fixture
def hold(tmp_path: Path) -> Path:
    """While it is there, the run of a quick server waits; its text has been read by then."""
    path = tmp_path / "hold"
    path.write_text("", encoding="ascii")
    return path


def proposal_in(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "state" / "proposals").iterdir()
    return found


async def started(editor: EditorClient, pricing: Path, symbol: str = "add_tax") -> None:
    if pricing.as_uri() not in editor.buffers:
        editor.open(pricing)
    await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": symbol})


async def told(editor: EditorClient) -> str:
    """The one message at the end of a run."""
    params = await editor.wait_for("window/showMessage", timeout=90)
    message: str = params["message"]
    return message


async def generated(editor: EditorClient, pricing: Path) -> str:
    await started(editor, pricing)
    return await told(editor)


@asynccontextmanager
async def during_a_run(editor: EditorClient, pricing: Path, hold: Path) -> AsyncIterator[None]:
    """What is done in the block happens while a run goes on that has read the text already."""
    await started(editor, pricing)
    await editor.wait_for("$/progress", lambda params: "searching" in params["value"].get("message", ""))
    yield
    await editor.request("testwright/status", None)  # what was sent before has been taken
    hold.unlink()


def without(profile: Profile, *path: str) -> Profile:
    """A client that lacks a capability."""
    capabilities: Any = copy.deepcopy(profile.capabilities)
    inner = capabilities
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return Profile(f"{profile.name} without {path[-1]}", capabilities)


# ------------------------------------------------------------------------------------------------ by what clients can


async def test_a_new_file_is_on_the_disk_before_it_is_shown(
    editor_for: EditorFactory, tests: Path, pricing: Path, profile: Profile
) -> None:
    """The client refuses to show a file that is not there."""
    async with editor_for(profile, argv=QUICK) as editor:
        message = await generated(editor, pricing)
        text = tests.read_text(encoding="utf-8")
        if profile.has("window", "showDocument", "support"):
            shown = await editor.wait_for("window/showDocument")
            assert shown["uri"] == tests.as_uri()
            assert (shown["external"], shown["takeFocus"]) == (False, True)
    assert message.endswith("in tests/test_pricing.py: 66 % covered. That is below the threshold of 70 %.")
    assert "from shop.pricing import add_tax" in text
    assert editor.all_of("workspace/applyEdit") == []
    assert [path.name for path in tests.parent.iterdir()] == [tests.name]


async def test_a_file_that_nobody_wants_to_see_is_written_and_not_shown(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(VSCODE, argv=QUICK) as editor:
        editor.open(pricing)
        await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": "add_tax", "show": False})
        await told(editor)
        await editor.request("testwright/status", None)
    assert tests.is_file()
    assert editor.all_of("window/showDocument") == []


async def test_an_open_test_file_is_changed_by_one_edit_that_one_undo_takes_back(
    editor_for: EditorFactory, tests: Path, pricing: Path, profile: Profile
) -> None:
    """This is a whole run, with search and judge, in each of the clients."""
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(profile) as editor:
        buffer = editor.open(tests)
        message = await generated(editor, pricing)
        added = buffer.text
        editor.undo(tests)
        assert buffer.text == EXISTING
        assert buffer.undo == []
    assert message.endswith(" test_pricing.py is changed in the editor, but not saved yet.")
    assert tests.read_text(encoding="utf-8") == EXISTING
    assert "def test_add_tax" in added
    (edit,) = editor.all_of("workspace/applyEdit")
    check_form(edit, profile, tests)


def check_form(params: dict[str, Any], profile: Profile, tests: Path) -> None:
    """The edit is what the client has announced, versioned where it can be, and touches only whole lines."""
    assert params["label"] == "Testwright: add tests for add_tax"
    assert ("metadata" in params) == profile.has("workspace", "workspaceEdit", "metadataSupport")
    if profile.has("workspace", "workspaceEdit", "documentChanges"):
        assert list(params["edit"]) == ["documentChanges"]
        (change,) = params["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": tests.as_uri(), "version": 1}
        edits = change["edits"]
    else:
        assert list(params["edit"]) == ["changes"]
        edits = params["edit"]["changes"][tests.as_uri()]
    assert all(one["range"]["start"] == one["range"]["end"] for one in edits)
    assert all(one["range"]["start"]["character"] == 0 for one in edits)


async def test_a_test_file_that_no_editor_holds_is_changed_on_the_disk(
    editor_for: EditorFactory, tests: Path, pricing: Path, profile: Profile
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(profile, argv=QUICK) as editor:
        message = await generated(editor, pricing)
        if profile.has("window", "showDocument", "support"):
            shown = await editor.wait_for("window/showDocument")
            line = tests.read_text(encoding="utf-8").splitlines()[shown["selection"]["start"]["line"]]
            assert line.startswith(("@pytest.mark.parametrize", "def test_add_tax"))
    assert "not saved" not in message
    assert EXISTING[EXISTING.index("def ") :] in tests.read_text(encoding="utf-8")
    assert "def test_add_tax" in tests.read_text(encoding="utf-8")
    assert editor.all_of("workspace/applyEdit") == []


# ------------------------------------------------------------------------------------------------ texts of all kinds


async def test_unsaved_tests_are_what_is_added_to(editor_for: EditorFactory, tests: Path, pricing: Path) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    unsaved = EXISTING + "\n\ndef test_of_mine() -> None:\n    assert Cart().add(1.0) == 1\n"
    async with editor_for(VSCODE, argv=QUICK) as editor:
        buffer = editor.open(tests)
        editor.change(tests, unsaved)
        await generated(editor, pricing)
        assert buffer.text.index("def test_of_mine") < buffer.text.index("def test_add_tax_nothing")
        editor.undo(tests)
        assert buffer.text == unsaved
    assert tests.read_text(encoding="utf-8") == EXISTING


LATIN = "# -*- coding: latin-1 -*-\n" + EXISTING.replace("the shop", "der größten Läden")
KINDS: dict[str, tuple[bytes, str]] = {
    "crlf": (EXISTING.replace("\n", "\r\n").encode(), EXISTING.replace("\n", "\r\n")),
    "crlf, of which the editor tells nothing": (EXISTING.replace("\n", "\r\n").encode(), EXISTING),
    "cr": (EXISTING.replace("\n", "\r").encode(), EXISTING.replace("\n", "\r")),
    "mark": (codecs.BOM_UTF8 + EXISTING.encode(), EXISTING),
    "mark in the editor": (codecs.BOM_UTF8 + EXISTING.encode(), "\ufeff" + EXISTING),
    "latin-1": (LATIN.encode("latin-1"), LATIN),
    "no end": (EXISTING.rstrip("\n").encode(), EXISTING.rstrip("\n")),
    "form feed": (EXISTING.replace("\n\n\n", "\n\f\n\n").encode(), EXISTING.replace("\n\n\n", "\n\f\n\n")),
    "letters": (EXISTING.replace("shop.\n", "größte 😀.\n").encode(), EXISTING.replace("shop.\n", "größte 😀.\n")),
    "empty": (b"", ""),
}
kinds = pytest.mark.parametrize(("data", "text"), KINDS.values(), ids=KINDS)


@kinds
@pytest.mark.parametrize("client", [FULL, VSCODE, EGLOT, MINIMAL], ids=lambda client: client.name)
async def test_an_edit_keeps_what_the_editor_has(
    editor_for: EditorFactory, tests: Path, pricing: Path, *, client: Profile, data: bytes, text: str
) -> None:
    tests.write_bytes(data)
    async with editor_for(client, argv=QUICK) as editor:
        buffer = editor.open(tests, text)
        assert (await generated(editor, pricing)).startswith("3 tests for add_tax are in")
        assert "def test_add_tax_nothing():" in buffer.text
        assert set(re.findall(r"\r\n|\r|\n", buffer.text)) == (set(re.findall(r"\r\n|\r|\n", text)) or {"\n"})
        assert buffer.text.endswith(("\n", "\r")) == (not text or text.endswith(("\n", "\r")))
        editor.undo(tests)
        assert buffer.text == text
    assert tests.read_bytes() == data


@kinds
async def test_a_file_on_the_disk_keeps_its_bytes(
    editor_for: EditorFactory, tests: Path, pricing: Path, data: bytes, text: str
) -> None:
    tests.write_bytes(data)
    async with editor_for(NEOVIM, argv=QUICK) as editor:
        await generated(editor, pricing)
    written = tests.read_bytes()
    assert b"def test_add_tax_nothing():" in written
    assert written.startswith(codecs.BOM_UTF8) == data.startswith(codecs.BOM_UTF8)
    assert (b"\r\n" in written) == (b"\r\n" in data)
    assert all(line in written for line in data.splitlines())


async def test_an_empty_document_without_a_file_is_filled_in_the_editor(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(NEOVIM, argv=QUICK) as editor:
        buffer = editor.open(tests, "")
        message = await generated(editor, pricing)
        assert "def test_add_tax_nothing():" in buffer.text
    assert "not saved yet" in message
    assert not tests.exists()


# ------------------------------------------------------------------------------------------------ changed meanwhile


async def test_a_change_in_the_editor_meanwhile_is_not_overwritten_and_the_user_can_merge_again(
    editor_for: EditorFactory, tests: Path, pricing: Path, hold: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    changed = EXISTING.replace("test_an_empty_cart", "test_nothing_is_bought")
    async with editor_for(FULL, argv=QUICK, answer="Merge again") as editor:
        buffer = editor.open(tests)
        async with during_a_run(editor, pricing, hold):
            editor.change(tests, changed)
        asked = await editor.wait_for("window/showMessageRequest")
        assert asked["message"].startswith(
            f"{tests} was changed in the editor meanwhile, so nothing was written. {SAVED}"
        )
        assert [action["title"] for action in asked["actions"]] == ["Show proposal", "Merge again", "Discard"]
        assert editor.all_of("workspace/applyEdit") == []
        assert await told(editor)
        assert changed[changed.index("def ") :] in buffer.text
        assert "def test_add_tax_nothing_again():" in buffer.text
    assert tests.read_text(encoding="utf-8") == EXISTING


async def test_nothing_is_merged_again_in_a_workspace_that_is_not_trusted_any_more(
    editor_for: EditorFactory, tests: Path, pricing: Path, hold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(editor: EditorClient, _: object) -> dict[str, str]:
        editor.notify("testwright/didChangeTrust", {"trusted": False})
        return {"title": "Merge again"}

    monkeypatch.setattr(EditorClient, "_choose", choose)
    async with editor_for(FULL, argv=QUICK) as editor:
        async with during_a_run(editor, pricing, hold):
            tests.write_text(EXISTING, encoding="utf-8")
        message = await told(editor)
        assert (await editor.request("testwright/status", None))["runs"] == []
    assert message == "This workspace is not trusted, so none of its code is run."


async def test_a_proposal_is_shown_to_who_wants_to_see_it(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path, hold: Path
) -> None:
    async with editor_for(VSCODE, argv=QUICK, answer="Show proposal") as editor:
        async with during_a_run(editor, pricing, hold):
            tests.write_text(EXISTING, encoding="utf-8")
        asked = await editor.wait_for("window/showMessageRequest")
        shown = await editor.wait_for("window/showDocument")
    assert asked["type"] == 1
    assert asked["message"] == (
        f"{tests} was created during the run, so nothing was written. {SAVED}{proposal_in(tmp_path)}."
    )
    assert shown["uri"] == proposal_in(tmp_path).as_uri()
    assert tests.read_text(encoding="utf-8") == EXISTING
    assert editor.all_of("window/showMessage") == []


async def test_a_proposal_that_is_not_wanted_is_removed(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path, hold: Path
) -> None:
    async with editor_for(FULL, argv=QUICK, answer="Discard") as editor:
        async with during_a_run(editor, pricing, hold):
            editor.open(tests, "# mine\n")
        asked = await editor.wait_for("window/showMessageRequest")
        assert asked["message"].startswith(f"{tests} was created in the editor during the run, so nothing was written.")
        for _ in range(100):
            if not list((tmp_path / "state" / "proposals").iterdir()):
                break
            await asyncio.sleep(0.05)
    assert list((tmp_path / "state" / "proposals").iterdir()) == []
    assert not tests.exists()


async def test_a_proposal_stays_when_nothing_is_chosen(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path, hold: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(FULL, argv=QUICK) as editor:
        async with during_a_run(editor, pricing, hold):
            tests.write_text(EXISTING + "# mine\n", encoding="utf-8")
        await editor.wait_for("window/showMessageRequest")
    assert tests.read_text(encoding="utf-8") == EXISTING + "# mine\n"
    assert "def test_add_tax_nothing" in proposal_in(tmp_path).read_text(encoding="utf-8")


async def test_a_client_without_choices_is_told_where_the_proposal_is(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path, hold: Path
) -> None:
    client = without(FULL, "window", "showMessage")
    async with editor_for(client, argv=QUICK) as editor:
        async with during_a_run(editor, pricing, hold):
            tests.write_text(EXISTING, encoding="utf-8")
        assert (await told(editor)).endswith(f"{SAVED}{proposal_in(tmp_path)}.")


async def test_a_client_that_shows_the_end_itself_is_told_of_the_proposal(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path, hold: Path
) -> None:
    async with editor_for(VSCODE, argv=QUICK, options={"reports": True}) as editor:
        async with during_a_run(editor, pricing, hold):
            tests.write_text(EXISTING, encoding="utf-8")
        finished = await editor.wait_for("testwright/runFinished")
        assert finished["status"] == "failed"
        assert (finished["testUri"], finished["proposalUri"]) == (tests.as_uri(), proposal_in(tmp_path).as_uri())
    assert editor.all_of("window/showMessageRequest") == []
    assert editor.all_of("window/showMessage") == []


async def test_unsaved_tests_whose_editor_was_closed_are_not_made_up_on_the_disk(
    editor_for: EditorFactory, tests: Path, pricing: Path, hold: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(FULL, argv=QUICK) as editor:
        editor.open(tests, EXISTING + "# mine\n")
        async with during_a_run(editor, pricing, hold):
            editor.close(tests)
        asked = await editor.wait_for("window/showMessageRequest")
    assert "was closed in the editor during the run, and the disk has not what was in it" in asked["message"]
    assert tests.read_text(encoding="utf-8") == EXISTING


async def test_a_test_file_that_is_opened_meanwhile_is_changed_in_the_editor(
    editor_for: EditorFactory, tests: Path, pricing: Path, hold: Path
) -> None:
    """Some editors tell of a file with line ends of their own."""
    tests.write_bytes(EXISTING.replace("\n", "\r\n").encode())
    async with editor_for(FULL, argv=QUICK) as editor:
        async with during_a_run(editor, pricing, hold):
            buffer = editor.open(tests, EXISTING)
        await told(editor)
        assert "def test_add_tax_nothing():\n" in buffer.text
        assert "\r" not in buffer.text
    assert tests.read_bytes() == EXISTING.replace("\n", "\r\n").encode()


# ------------------------------------------------------------------------------------------------ what editors do


async def test_an_editor_that_does_not_apply_an_edit_is_believed(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(FULL, argv=QUICK, applies="the buffer is read-only.") as editor:
        buffer = editor.open(tests)
        await started(editor, pricing)
        asked = await editor.wait_for("window/showMessageRequest")
        assert buffer.text == EXISTING
    assert asked["message"] == (
        f"The editor has not applied the change to {tests}: the buffer is read-only; nothing was written. "
        f"{SAVED}{proposal_in(tmp_path)}."
    )


async def test_an_editor_that_does_not_answer_is_not_waited_for(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(FULL, argv=[*QUICK, "0.3"], applies=None) as editor:
        editor.open(tests)
        await started(editor, pricing)
        asked = await editor.wait_for("window/showMessageRequest", timeout=8)
        status = await editor.request("testwright/status", None)
    assert f"has not said whether it has applied the change to {tests}; as far as can be seen" in asked["message"]
    assert status["requests"] <= 2  # the choice, and this one


async def test_an_edit_that_is_seen_counts_when_the_editor_has_not_said_so(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(FULL, argv=[*QUICK, "0.3"], applies=None) as editor:
        editor.open(tests)
        await started(editor, pricing)
        params = await editor.wait_for("workspace/applyEdit")
        editor._apply_edit(params)
        assert (await told(editor)).startswith("3 tests for add_tax are in tests/test_pricing.py")


async def test_a_run_that_is_cancelled_when_its_edit_was_applied_tells_so(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(FULL, argv=QUICK, applies=None) as editor:
        buffer = editor.open(tests)
        await started(editor, pricing)
        await editor.wait_for("workspace/applyEdit")
        edit = next(one.message for one in editor.received if one.method == "workspace/applyEdit")
        await editor.command("testwright.cancelRun")
        editor.send({"jsonrpc": "2.0", "id": edit["id"], "result": editor._apply_edit(edit["params"])})
        assert (await told(editor)).startswith("3 tests for add_tax are in tests/test_pricing.py")
        assert "def test_add_tax_nothing" in buffer.text


async def test_a_run_whose_file_is_written_cannot_be_cancelled_any_more(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path
) -> None:
    linger = tmp_path / "linger"
    linger.write_text("", encoding="ascii")
    async with editor_for(FULL, argv=QUICK) as editor:
        await started(editor, pricing)
        while not tests.exists():  # noqa: ASYNC110 - it is the server that makes it
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)  # it is there a moment before it is known to be
        assert await editor.command("testwright.cancelRun") == {"cancelled": []}
        linger.unlink()
        assert (await told(editor)).startswith("3 tests for add_tax are in tests/test_pricing.py")
    assert tests.exists()


async def test_a_run_that_is_cancelled_while_the_editor_thinks_ends_soon(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(FULL, argv=QUICK, applies=None) as editor:
        editor.open(tests)
        await started(editor, pricing)
        await editor.wait_for("workspace/applyEdit")
        await editor.command("testwright.cancelRun")
        assert (await editor.progress_end(timeout=3))["message"] == "cancelled"


async def test_an_editor_that_saves_a_refactoring_by_itself_is_not_said_to_be_unsaved(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(VSCODE, argv=QUICK) as editor:
        buffer = editor.open(tests)
        await started(editor, pricing)
        await editor.wait_for("workspace/applyEdit")
        while buffer.text == EXISTING:  # noqa: ASYNC110 - the client has no event for it
            await asyncio.sleep(0.01)
        editor.save(tests)
        assert "not saved" not in await told(editor)


async def test_the_user_is_asked_where_that_was_asked_for(
    editor_for: EditorFactory, tests: Path, pricing: Path, profile: Profile
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    settings: dict[str | None, dict[str, Any]] = {None: {"confirmEdits": True}}
    async with editor_for(profile, argv=QUICK, settings=settings, options={"settings": settings[None]}) as editor:
        buffer = editor.open(tests)
        await generated(editor, pricing)
        assert "def test_add_tax_nothing" in buffer.text
    (params,) = editor.all_of("workspace/applyEdit")
    if profile.has("workspace", "workspaceEdit", "changeAnnotationSupport"):
        assert params["edit"]["changeAnnotations"] == {
            "testwright": {"label": "Testwright: add tests for add_tax", "needsConfirmation": True}
        }
        edits = params["edit"]["documentChanges"][0]["edits"]
        assert {one["annotationId"] for one in edits} == {"testwright"}
    else:
        assert "changeAnnotations" not in params["edit"]


async def test_the_keys_of_a_user_who_goes_on_writing_do_not_land_in_the_tests(
    editor_for: EditorFactory, tests: Path, pricing: Path, hold: Path
) -> None:
    async with editor_for(VSCODE, argv=QUICK) as editor:
        async with during_a_run(editor, pricing, hold):
            editor.change(pricing, pricing.read_text(encoding="utf-8") + "# more\n")
        shown = await editor.wait_for("window/showDocument")
    assert shown["takeFocus"] is False


async def test_writing_on_counts_from_when_the_tests_were_asked_for(editor_for: EditorFactory, pricing: Path) -> None:
    """The first run of a server begins late, since the engine has to be loaded."""
    async with editor_for(VSCODE, argv=QUICK) as editor:
        editor.open(pricing)
        await editor.command("testwright.generateTests", {"uri": pricing.as_uri(), "symbol": "add_tax"})
        editor.change(pricing, pricing.read_text(encoding="utf-8") + "# more\n")
        shown = await editor.wait_for("window/showDocument")
    assert shown["takeFocus"] is False


# ------------------------------------------------------------------------------------------------ without edits


NO_EDITS = without(FULL, "workspace", "applyEdit")


async def test_an_editor_without_edits_reads_a_saved_file_again(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(NO_EDITS, argv=QUICK) as editor:
        editor.open(tests)
        assert "not saved" not in await generated(editor, pricing)
    assert "def test_add_tax_nothing" in tests.read_text(encoding="utf-8")


async def test_an_editor_without_edits_is_told_to_save_before_time_is_spent(
    editor_for: EditorFactory, tests: Path, pricing: Path, hold: Path
) -> None:
    """The run would wait for ever."""
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(NO_EDITS, argv=QUICK) as editor:
        editor.open(tests, EXISTING + "# mine\n")
        message = await generated(editor, pricing)
    assert message == (
        f"{tests} has unsaved changes, and this editor takes no edits from a server. Save it and run again."
    )
    assert tests.read_text(encoding="utf-8") == EXISTING
    assert hold.exists()


async def test_unsaved_changes_that_come_meanwhile_are_told_too(
    editor_for: EditorFactory, tests: Path, pricing: Path, hold: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(NO_EDITS, argv=QUICK) as editor:
        editor.open(tests)
        async with during_a_run(editor, pricing, hold):
            editor.change(tests, EXISTING + "# mine\n")
        asked = await editor.wait_for("window/showMessageRequest")
    assert f"{tests} has unsaved changes, and this editor takes no edits" in asked["message"]
    assert tests.read_text(encoding="utf-8") == EXISTING


# ------------------------------------------------------------------------------------------------ refused


async def test_a_file_behind_a_link_is_not_written(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path, hold: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with editor_for(FULL, argv=QUICK) as editor:
        async with during_a_run(editor, pricing, hold):
            tests.parent.rmdir()
            tests.parent.symlink_to(elsewhere)
        assert f"{tests.parent} is a link." in await told(editor)
    assert list(elsewhere.iterdir()) == []
