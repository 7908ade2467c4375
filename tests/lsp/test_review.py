"""What comes after a run: tests are rejected and taken back in, a file is discarded, and never over the user's work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from lsp_client import EGLOT, FULL, NEOVIM, VSCODE, EditorClient, EditorFactory, Profile, RequestFailed

QUICK = (sys.executable, str(Path(__file__).parents[1] / "support" / "quick_server.py"))
"""A server whose runs find the same three tests in no time."""

RUN = "generate-1"
NOTHING, DOUBLE, NEGATIVE = "test_add_tax_nothing", "test_add_tax_double_price", "test_add_tax_rejects_negative"
ALL = [NOTHING, DOUBLE, NEGATIVE]

EXISTING = '''"""Tests of the shop."""

from shop.pricing import Cart


def test_an_empty_cart() -> None:
    assert Cart().total() == 0
'''

REQUEST_FAILED = -32803

NO_EDITS = Profile(
    "no edits", {**NEOVIM.capabilities, "workspace": {**NEOVIM.capabilities["workspace"], "applyEdit": False}}
)


@pytest.fixture
def tests(workspace: Path) -> Path:
    """Where the tests of the module go; the file is not there."""
    (workspace / "tests").mkdir()
    return workspace / "tests" / "test_pricing.py"


async def generated(editor: EditorClient, pricing: Path) -> None:
    if pricing.as_uri() not in editor.buffers:
        editor.open(pricing)
    since = len(editor.received)
    await editor.command("testwright.generateTests", {"uri": pricing.as_uri(), "symbol": "add_tax"})
    message = await editor.wait_for("window/showMessage", since=since)
    assert "tests for add_tax are in" in message["message"], message


async def reject(editor: EditorClient, *names: str) -> Any:
    return await editor.command("testwright.rejectTests", {"run": RUN, "tests": list(names)})


async def accept(editor: EditorClient, *names: str) -> Any:
    return await editor.command("testwright.acceptTests", {"run": RUN, "tests": list(names)})


async def discard(editor: EditorClient, run: str = RUN) -> Any:
    return await editor.command("testwright.discardTests", {"run": run})


async def refused(editor: EditorClient, command: str, **arguments: object) -> str:
    with pytest.raises(RequestFailed) as caught:
        await editor.command(command, arguments)
    assert caught.value.code == REQUEST_FAILED
    return str(caught.value)


# ------------------------------------------------------------------------------------------------ on the disk


async def test_single_tests_go_out_of_a_file_and_come_back(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        whole = tests.read_bytes()
        answer = await reject(editor, NEGATIVE)
        assert answer == {
            "run": RUN,
            "status": "rejected",
            "testUri": tests.as_uri(),
            "tests": [NOTHING, DOUBLE],
            "rejected": [NEGATIVE],
            "message": f"{NEGATIVE} was taken out of test_pricing.py.",
        }
        left = tests.read_text(encoding="utf-8")
        assert NEGATIVE not in left
        assert "import pytest" not in left  # nothing else has used it
        assert (await reject(editor, NOTHING))["tests"] == [DOUBLE]
        assert (await accept(editor, NEGATIVE))["tests"] == [DOUBLE, NEGATIVE]
        assert (await accept(editor, NOTHING))["rejected"] == []
        assert tests.read_bytes() == whole


async def test_what_is_known_of_coverage_is_stale_when_tests_are_out(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    def stale(params: dict[str, Any]) -> bool:
        return bool(params["uri"] == pricing.as_uri() and params["state"] == "known" and params["stale"])

    async with editor_for(EGLOT, argv=QUICK, options={"notifications": True}) as editor:
        await generated(editor, pricing)
        await editor.wait_for("testwright/coverage", lambda params: params["state"] == "known" and not params["stale"])
        assert not any(stale(params) for params in editor.all_of("testwright/coverage"))
        await reject(editor, NEGATIVE)
        await editor.wait_for("testwright/coverage", stale, timeout=5)


async def test_a_new_file_whose_tests_are_all_rejected_is_removed_and_can_come_back(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        whole = tests.read_bytes()
        answer = await reject(editor, *ALL)
        assert answer["message"] == (
            f"{NOTHING}, {DOUBLE}, {NEGATIVE} were taken out of test_pricing.py, "
            "which was removed since nothing else was in it."
        )
        assert not tests.exists()
        assert (await accept(editor, *ALL))["tests"] == ALL
        assert tests.read_bytes() == whole


async def test_a_new_file_is_discarded_while_it_is_unchanged(
    editor_for: EditorFactory, tests: Path, pricing: Path, profile: Profile
) -> None:
    async with editor_for(profile, argv=QUICK) as editor:
        await generated(editor, pricing)
        if profile.has("window", "showDocument", "support"):
            await editor.wait_for("window/showDocument")
        answer = await discard(editor)
        assert (answer["status"], answer["message"]) == ("discarded", "test_pricing.py was removed.")
        assert not tests.exists()
        assert editor.all_of("window/showMessage")[-1] == {"type": 3, "message": "test_pricing.py was removed."}
        assert (await discard(editor))["tests"] == []  # a second time does nothing
    assert editor.all_of("workspace/applyEdit") == []


async def test_an_existing_file_is_restored(editor_for: EditorFactory, tests: Path, pricing: Path) -> None:
    tests.write_bytes(EXISTING.replace("\n", "\r\n").encode())
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        assert NOTHING in tests.read_text(encoding="utf-8")
        assert (await discard(editor))["message"] == "test_pricing.py is what it was before."
        assert tests.read_bytes() == EXISTING.replace("\n", "\r\n").encode()
        assert (await accept(editor, NOTHING))["tests"] == [NOTHING]
        await reject(editor, NOTHING)
    assert tests.read_bytes() == EXISTING.replace("\n", "\r\n").encode()


async def test_what_the_user_has_changed_is_neither_discarded_nor_overwritten(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        mine = tests.read_text(encoding="utf-8").replace("price = 12.0", "price = 13.0") + "# mine\n"
        tests.write_text(mine, encoding="utf-8")

        assert await refused(editor, "testwright.discardTests", run=RUN) == (
            f"{tests} was changed since its tests were written, so it is kept as it is. "
            "Reject single tests, or take out by hand what is not wanted."
        )
        assert await refused(editor, "testwright.rejectTests", run=RUN, tests=[NOTHING, DOUBLE]) == (
            f"{DOUBLE} in test_pricing.py was changed since, so nothing was taken out. "
            "Remove it by hand if it is not wanted."
        )
        assert tests.read_text(encoding="utf-8") == mine

        await reject(editor, NOTHING)  # which is as it was
        left = tests.read_text(encoding="utf-8")
        assert NOTHING not in left
        assert "price = 13.0" in left
        assert left.endswith("# mine\n")
        assert await refused(editor, "testwright.acceptTests", run=RUN, tests=[NOTHING]) == (
            f"test_pricing.py was changed since, so {NOTHING} cannot be put back. "
            "Undo what was changed there, or generate again."
        )
        assert tests.read_text(encoding="utf-8") == left


async def test_a_test_that_the_user_has_removed_counts_as_rejected(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        lines = tests.read_text(encoding="utf-8").partition(f"def {DOUBLE}")
        tests.write_text(lines[0].rstrip("\n") + "\n", encoding="utf-8")
        answer = await reject(editor, NEGATIVE, DOUBLE)
        assert answer["tests"] == [NOTHING]
    assert f"def {NOTHING}" in tests.read_text(encoding="utf-8")


async def test_a_file_that_is_gone_or_no_python_any_more_is_left_alone(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        tests.write_text("def (:\n", encoding="utf-8")
        assert "syntax" in await refused(editor, "testwright.rejectTests", run=RUN, tests=[NOTHING])
        tests.write_bytes(b"\xff\xfe\n")
        assert await refused(editor, "testwright.rejectTests", run=RUN, tests=[NOTHING])
        tests.unlink()
        assert await refused(editor, "testwright.rejectTests", run=RUN, tests=[NOTHING]) == (
            "test_pricing.py is not there any more, so nothing was changed. Generate again."
        )
        assert "is not there any more" in await refused(editor, "testwright.discardTests", run=RUN)
    assert not tests.exists()


async def test_a_file_behind_a_link_is_left_alone(
    editor_for: EditorFactory, tmp_path: Path, tests: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        elsewhere = tmp_path / "elsewhere.py"
        tests.rename(elsewhere)
        tests.symlink_to(elsewhere)
        assert "is a link" in await refused(editor, "testwright.discardTests", run=RUN)
        assert "is a link" in await refused(editor, "testwright.rejectTests", run=RUN, tests=[NOTHING])
    assert NOTHING in elsewhere.read_text(encoding="utf-8")
    assert tests.is_symlink()


# ------------------------------------------------------------------------------------------------ in the editor


async def test_tests_go_out_of_an_open_document_by_one_edit(
    editor_for: EditorFactory, tests: Path, pricing: Path, profile: Profile
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(profile, argv=QUICK) as editor:
        buffer = editor.open(tests)
        await generated(editor, pricing)
        whole = buffer.text
        answer = await reject(editor, DOUBLE, NEGATIVE)
        assert answer["message"] == (
            f"{DOUBLE}, {NEGATIVE} were taken out of test_pricing.py. It is changed in the editor, but not saved yet."
        )
        assert NOTHING in buffer.text
        assert NEGATIVE not in buffer.text
        assert "import pytest" not in buffer.text
        editor.undo(tests)
        assert buffer.text == whole
        assert (await reject(editor, NOTHING))["rejected"] == [NOTHING]  # the undo has put the others back
        assert (await reject(editor, *ALL))["rejected"] == ALL
        assert buffer.text == EXISTING
        assert (await accept(editor, *ALL))["tests"] == ALL
        assert buffer.text == whole
        await discard(editor)
        assert buffer.text == EXISTING
    assert tests.read_text(encoding="utf-8") == EXISTING
    labels = [params["label"] for params in editor.all_of("workspace/applyEdit")]
    assert labels == [
        "Testwright: add tests for add_tax",
        *["Testwright: reject tests for add_tax"] * 3,
        "Testwright: put tests back for add_tax",
        "Testwright: discard tests for add_tax",
    ]


async def test_an_editor_that_asks_its_user_first_does_not_keep_a_command_waiting(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    tests.write_text(EXISTING, encoding="utf-8")
    async with editor_for(FULL, argv=[*QUICK, "30", "0.2"]) as editor:
        buffer = editor.open(tests)
        await generated(editor, pricing)
        editor.applies = None
        since = len(editor.received)
        answer = await reject(editor, NOTHING)
        assert (answer["status"], answer["rejected"]) == ("waiting", [])
        assert answer["message"] == "The editor has not applied the change to test_pricing.py yet."
        edit = [one.message for one in editor.received if one.method == "workspace/applyEdit"][-1]
        editor.send({"jsonrpc": "2.0", "id": edit["id"], "result": editor._apply_edit(edit["params"])})
        told = await editor.wait_for("window/showMessage", since=since)
        assert told["message"].startswith(f"{NOTHING} was taken out of test_pricing.py.")
        assert NOTHING not in buffer.text

        since = len(editor.received)
        assert (await reject(editor, DOUBLE))["status"] == "waiting"
        edit = [one.message for one in editor.received if one.method == "workspace/applyEdit"][-1]
        refusal = {"applied": False, "failureReason": "the user does not want it"}
        editor.send({"jsonrpc": "2.0", "id": edit["id"], "result": refusal})
        told = await editor.wait_for("window/showMessage", since=since)
        assert "the user does not want it; nothing was written." in told["message"]
        assert DOUBLE in buffer.text


async def test_a_new_file_that_was_changed_in_its_editor_is_kept(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(VSCODE, argv=QUICK) as editor:
        await generated(editor, pricing)
        await editor.wait_for("window/showDocument")
        editor.change(tests, editor.buffers[tests.as_uri()].text + "# mine\n")
        assert "is kept as it is" in await refused(editor, "testwright.discardTests", run=RUN)
        editor.undo(tests)
        assert (await discard(editor))["message"] == "test_pricing.py was removed."
    assert not tests.exists()


async def test_a_new_file_with_rejected_tests_in_its_editor_is_discarded(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    """The editor has what is left, the disk still has all; both are ours."""
    async with editor_for(VSCODE, argv=QUICK) as editor:
        await generated(editor, pricing)
        await editor.wait_for("window/showDocument")
        await reject(editor, NOTHING)
        assert NOTHING in tests.read_text(encoding="utf-8")
        assert NOTHING not in editor.buffers[tests.as_uri()].text
        await discard(editor)
        assert not tests.exists()
        assert (await accept(editor, DOUBLE))["tests"] == [DOUBLE]  # the document that is left open is no obstacle
    assert DOUBLE in tests.read_text(encoding="utf-8")


async def test_a_disk_that_has_something_else_than_the_editor_is_kept(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(VSCODE, argv=QUICK) as editor:
        await generated(editor, pricing)
        await editor.wait_for("window/showDocument")
        await editor.request("testwright/status", None)
        tests.write_text("# written by something else\n", encoding="utf-8")
        assert "neither in the editor nor of Testwright" in await refused(editor, "testwright.discardTests", run=RUN)
    assert tests.read_text(encoding="utf-8") == "# written by something else\n"


async def test_a_file_whose_line_ends_the_editor_has_changed_keeps_them(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        tests.write_bytes(tests.read_bytes().replace(b"\n", b"\r\n"))
        await reject(editor, NOTHING)
        data = tests.read_bytes()
        assert DOUBLE.encode() in data
        assert b"\n" not in data.replace(b"\r\n", b"")
        await discard(editor)
    assert not tests.exists()


async def test_an_editor_without_edits_has_the_disk_changed_unless_it_has_unsaved_changes(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(NO_EDITS, argv=QUICK) as editor:
        await generated(editor, pricing)
        await editor.wait_for("window/showDocument")
        await reject(editor, NOTHING)
        assert NOTHING not in tests.read_text(encoding="utf-8")
        editor.change(tests, tests.read_text(encoding="utf-8") + "# mine\n")
        sentence = await refused(editor, "testwright.rejectTests", run=RUN, tests=[DOUBLE])
        assert sentence.endswith("this editor takes no edits from a server. Save it and run again.")
    assert DOUBLE in tests.read_text(encoding="utf-8")


async def test_the_disk_keeps_line_ends_of_which_the_editor_tells_nothing(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    tests.write_bytes(EXISTING.replace("\n", "\r\n").encode())
    async with editor_for(NO_EDITS, argv=QUICK) as editor:
        await generated(editor, pricing)
        await editor.wait_for("window/showDocument")
        editor.close(tests)
        editor.open(tests, tests.read_text(encoding="utf-8"))  # which has line feeds alone
        await reject(editor, NOTHING)
        data = tests.read_bytes()
        assert DOUBLE.encode() in data
        assert NOTHING.encode() not in data
        assert b"\n" not in data.replace(b"\r\n", b"")


async def test_a_second_run_builds_on_the_first_and_each_is_taken_back_by_itself(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(EGLOT, argv=QUICK) as editor:
        await generated(editor, pricing)
        first = tests.read_bytes()
        await generated(editor, pricing)
        assert tests.read_bytes() != first
        assert "is kept as it is" in await refused(editor, "testwright.discardTests", run="generate-1")
        await discard(editor, "generate-2")
        assert tests.read_bytes() == first
        await discard(editor, "generate-1")
    assert not tests.exists()


# ------------------------------------------------------------------------------------------------ what is asked


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("testwright.rejectTests", {"run": RUN, "tests": [NOTHING[:-1]]}, f"{RUN} has not added a test {NOTHING[:-1]!r}. Did you mean {NOTHING}?"),
    ("testwright.acceptTests", {"run": RUN, "tests": ["zzz"]}, f"{RUN} has not added a test 'zzz'. It has added {', '.join(ALL)}."),
    ("testwright.discardTests", {"run": "generate-7"}, "No tests are known that generate-7 has added. What runs have added is known until the server ends, for the last fifty runs."),
    ("testwright.showReport", {"uri": "file:///nowhere.py"}, "There is no report of nowhere.py yet. Generate tests for it, or judge those that it has."),
]  # fmt: skip


@pytest.mark.parametrize(("command", "arguments", "sentence"), WRONG)
async def test_what_is_not_known_gets_a_sentence(
    editor_for: EditorFactory, tests: Path, pricing: Path, *, command: str, arguments: dict[str, object], sentence: str
) -> None:
    async with editor_for(FULL, argv=QUICK) as editor:
        await generated(editor, pricing)
        assert await refused(editor, command, **arguments) == sentence


async def test_a_client_that_shows_answers_itself_gets_no_message(
    editor_for: EditorFactory, tests: Path, pricing: Path
) -> None:
    async with editor_for(VSCODE, argv=QUICK, options={"reports": True}) as editor:
        editor.open(pricing)
        await editor.command("testwright.generateTests", {"uri": pricing.as_uri(), "symbol": "add_tax"})
        await editor.wait_for("testwright/runFinished")
        await reject(editor, NOTHING)
    assert editor.all_of("window/showMessage") == []
