"""Neovim: code action, progress, code lens, cancel and edit, each to its end on a real module."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from neovim_driver import Neovim, StartNeovim
from processes import commands_of, descendants, is_alive
from real_project import OWN_TEST, RealProject, assert_passes, keeps_all_lines, names_of_tests
from surroundings import Surroundings, configuration
from waiting import wait_until

SHOUT = '\n\ndef shout(text: str) -> str:\n    return text.upper() + "!"\n'
"""What a user has typed into the module and not yet saved."""

CHOOSES = """
vim.ui.select = function(items, options, choose)
  testwright_choices = vim.tbl_map(function(item) return item.title end, items)
  for _, item in ipairs(items) do
    if item.title == '{choice}' then
      choose(item)
    end
  end
end
"""
"""A user who is asked and makes a choice."""


def begin_run(editor: Neovim, module: Path, cursor: str, title: str) -> None:
    """Open a module and choose a code action in it."""
    editor.edit(module)
    editor.place_cursor(cursor)
    titles = editor.titles()
    assert title in titles
    editor.choose(title)


def wait_for_boxes(editor: Neovim) -> set[int]:
    """Wait until the search goes on; give the processes that the server has started."""
    wait_until(
        "progress of the search",
        lambda: [value for value in editor.progress("report") if value["percentage"] >= 20],
        seconds=30,
    )
    return wait_until("box", lambda: descendants(editor.server), seconds=10, pause=0.02)


def test_a_code_action_does_the_whole_job(neovim: StartNeovim, project: RealProject) -> None:
    editor = neovim()
    begin_run(editor, project.module, "cache = get_encode_cache", "Generate tests for module _encode")
    assert editor.wait_for_end()["message"]
    test_file = project.test_file_of(project.module)
    editor.wait_for_message(r"\btest_encode\.py\b")
    assert_passes(project, test_file, at_least=2)
    wait_until("test file in a window", lambda: str(test_file) in editor.shown(), seconds=5)
    assert editor.text(test_file) == test_file.read_text(encoding="utf-8")
    assert not editor.is_modified(test_file)


def test_progress_tells_how_far_it_is_and_settings_hold(neovim: StartNeovim, project: RealProject) -> None:
    settings = "{ testwright = { coverageThreshold = 100, hints = { diagnostics = true } } }"
    editor = neovim(f"vim.lsp.config('testwright', {{ settings = {settings} }})\n")
    begin_run(editor, project.module, "def encode(", "Generate tests for encode")
    editor.wait_for_end()
    progress = editor.progress()
    assert [progress[0]["kind"], progress[-1]["kind"]] == ["begin", "end"]
    assert {value["kind"] for value in progress[1:-1]} == {"report"}
    assert len({value["token"] for value in progress}) == 1
    assert progress[0]["title"] == "Generating tests for encode"
    assert progress[0]["cancellable"] is True
    percentages = [value["percentage"] for value in progress[:-1]]
    assert percentages[0] == 0
    assert percentages == sorted(percentages)
    assert 50 < percentages[-1] <= 100
    assert len(set(percentages)) >= 5
    editor.wait_for_message(r"\bbelow the threshold of 100 %")
    test_file = project.test_file_of(project.module)
    assert_passes(project, test_file, at_least=1)
    assert "encode(" in test_file.read_text(encoding="utf-8")
    hints = wait_until("hints", lambda: editor.diagnostics(project.module), seconds=10)
    assert {(hint["source"], hint["severity"]) for hint in hints} == {("testwright", "HINT")}
    assert "uncovered-line" in {hint["code"] for hint in hints}


def test_a_code_lens_is_shown_and_does_the_whole_job(neovim: StartNeovim, project: RealProject) -> None:
    editor = neovim()
    editor.edit(project.module)
    editor.lua("vim.lsp.codelens.refresh({ bufnr = 0 })")
    line = next(
        number
        for number, text in enumerate(project.module.read_text(encoding="utf-8").splitlines())
        if text.startswith("def encode(")
    )
    wait_until("code lens", lambda: (line, "Generate tests") in editor.lenses(), seconds=10)
    editor.place_cursor("def encode(")
    editor.lua("vim.lsp.codelens.run()")
    editor.wait_for_end()
    assert_passes(project, project.test_file_of(project.module), at_least=1)
    editor.edit(project.module)
    editor.lua("vim.lsp.codelens.refresh({ bufnr = 0 })")
    covered = re.compile(r"\d+ % covered · Generate tests")
    wait_until(
        "code lens that tells what is covered",
        lambda: [title for at, title in editor.lenses() if at == line and covered.fullmatch(title)],
        seconds=10,
    )


def test_generated_tests_are_rejected_and_discarded(neovim: StartNeovim, project: RealProject) -> None:
    editor = neovim()
    files = project.files()
    begin_run(editor, project.module, "cache = get_encode_cache", "Generate tests for module _encode")
    editor.wait_for_end()
    test_file = project.test_file_of(project.module)
    wait_until("test file in a window", lambda: str(test_file) in editor.shown(), seconds=5)
    editor.edit(test_file)
    first, *others = names_of_tests(editor.text(test_file))
    editor.place_cursor(f"def {first}(")
    assert f"Reject {first}" in editor.titles()
    editor.choose(f"Reject {first}")
    wait_until("text without it", lambda: names_of_tests(editor.text(test_file)) == others, seconds=10)
    editor.lua("vim.cmd.wall()")
    assert_passes(project, test_file, at_least=len(others))
    discard = next(title for title in editor.titles() if title.startswith("Discard"))
    editor.choose(discard)
    wait_until("project without the file", lambda: project.files() == files, seconds=10)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_an_open_test_file_is_added_to_in_one_step(neovim: StartNeovim, project: RealProject, encoding: str) -> None:
    capabilities = f"{{ general = {{ positionEncodings = {{ '{encoding}' }} }} }}"
    editor = neovim(f"vim.lsp.config('testwright', {{ capabilities = {capabilities} }})\n")
    test_file = project.test_file_of(project.module)
    test_file.parent.mkdir()
    test_file.write_text(OWN_TEST, encoding="utf-8")
    editor.edit(test_file)
    editor.edit(project.module)
    assert editor.lua("return vim.lsp.get_clients({ name = 'testwright' })[1].offset_encoding") == encoding
    editor.append(project.module, SHOUT)
    editor.place_cursor("def shout(")
    assert "Generate tests for shout" in editor.titles()
    step = editor.undo_step(test_file)
    editor.choose(next(title for title in editor.titles() if title.startswith("Improve tests for _encode")))
    editor.wait_for_end()
    added = wait_until("edit", lambda: editor.text(test_file) if editor.is_modified(test_file) else "", seconds=5)
    assert keeps_all_lines(OWN_TEST, added)
    assert "shout" in added
    assert test_file.read_text(encoding="utf-8") == OWN_TEST

    editor.undo(test_file)
    assert editor.text(test_file) == OWN_TEST
    assert editor.undo_step(test_file) == step
    editor.undo(test_file, redo=True)
    assert editor.text(test_file) == added

    editor.lua("vim.cmd.wall()")
    assert "def shout(" in project.module.read_text(encoding="utf-8")
    assert {"test_my_own", *names_of_tests(added)} == set(names_of_tests(test_file.read_text(encoding="utf-8")))
    assert_passes(project, test_file, at_least=2)


def test_a_test_file_that_was_changed_meanwhile_is_not_overwritten(neovim: StartNeovim, project: RealProject) -> None:
    editor = neovim(CHOOSES.format(choice="Merge again"))
    test_file = project.test_file_of(project.module)
    test_file.parent.mkdir()
    test_file.write_text(OWN_TEST, encoding="utf-8")
    editor.edit(test_file)
    begin_run(editor, project.module, "def encode(", "Generate tests for encode")
    wait_for_boxes(editor)
    editor.append(test_file, "\n# what I wrote meanwhile")
    choices = wait_until("choice", lambda: editor.lua("return testwright_choices"), seconds=40)
    assert choices == ["Show proposal", "Merge again", "Discard"]
    written = editor.text(test_file)
    assert written == f"{OWN_TEST}\n\n# what I wrote meanwhile"
    # The second run adds to what is there now.
    wait_until("second end", lambda: len(editor.progress("end")) == 2, seconds=40)
    added = wait_until("edit", lambda: text if (text := editor.text(test_file)) != written else "", seconds=5)
    assert keeps_all_lines(written, added)
    editor.lua("vim.cmd.wall()")
    assert_passes(project, test_file, at_least=2)


def cancel_by_progress(editor: Neovim) -> None:
    (token,) = {value["token"] for value in editor.progress()}
    editor.lua(
        "vim.lsp.get_clients({ name = 'testwright' })[1]:notify('window/workDoneProgress/cancel', { token = ... })",
        token,
    )


def cancel_by_command(editor: Neovim) -> None:
    editor.lua("vim.cmd(...)", configuration("vim").removeprefix(":").strip())


@pytest.mark.parametrize("cancel", [cancel_by_progress, cancel_by_command])
def test_cancelling_leaves_nothing_behind(
    neovim: StartNeovim, project: RealProject, surroundings: Surroundings, cancel: Callable[[Neovim], None]
) -> None:
    editor = neovim()
    files = project.files()
    begin_run(editor, project.large_module, "class MutableURL", "Generate tests for module _parse")
    boxes = wait_for_boxes(editor)
    cancel(editor)
    # Within a second, of which a busy machine may make three.
    wait_until("end of the boxes", lambda: not commands_of(boxes), seconds=3, pause=0.02)
    assert "cancelled" in editor.wait_for_end(seconds=3)["message"]
    wait_until("server without children", lambda: not descendants(editor.server), seconds=3)
    assert project.files() == files
    assert not project.test_file_of(project.large_module).parent.exists()
    assert surroundings.leftovers() == []
    assert editor.shown() == [str(project.large_module)]
    # The server goes on: the next run does its work.
    editor.edit(project.module)
    editor.place_cursor("def encode(")
    editor.choose("Generate tests for encode")
    wait_until("second end", lambda: len(editor.progress("end")) == 2, seconds=40)
    assert_passes(project, project.test_file_of(project.module), at_least=1)


def test_leaving_neovim_in_mid_run_ends_all(
    neovim: StartNeovim, project: RealProject, surroundings: Surroundings
) -> None:
    editor = neovim()
    files = project.files()
    begin_run(editor, project.large_module, "class MutableURL", "Generate tests for module _parse")
    started = wait_for_boxes(editor) | {editor.server}
    editor.quit()
    wait_until("end of server and boxes", lambda: not any(map(is_alive, started)), seconds=6)
    assert project.files() == files
    assert surroundings.leftovers() == []
