"""Emacs with eglot, a client that knows little: the code action alone does the whole job."""

from __future__ import annotations

import re
import shutil
import time

from emacs_driver import Emacs, StartEmacs
from processes import commands_of, descendants, is_alive
from real_project import OWN_TEST, RealProject, assert_passes, keeps_all_lines
from waiting import wait_until

ERRORS = re.compile(r"-3260[0-9]|-32700|error in process filter|Server reports \(type=1\)", re.IGNORECASE)


THINKING_SECONDS = 11.0
"""eglot gives up on a request of its own after 10 seconds; the server must not."""


def assert_no_errors(editor: Emacs) -> None:
    """Neither side answered with an error, and eglot showed none."""
    assert ERRORS.findall(editor.events()) == []
    assert ERRORS.findall(editor.messages()) == []
    assert "Traceback" not in editor.stderr()


SETTINGS = "(setq-default eglot-workspace-configuration '(:testwright (:coverageThreshold 100)))\n"


def test_a_code_action_does_the_whole_job_and_settings_hold(emacs: StartEmacs, project: RealProject) -> None:
    shutil.rmtree(project.root / ".git")  # eglot then takes the module's own folder for the project
    editor = emacs(SETTINGS)
    editor.edit(project.module)
    editor.place_cursor("cache = get_encode_cache")
    titles = editor.titles()
    assert "Generate tests for encode" in titles
    editor.choose("Generate tests for module _encode")
    test_file = project.test_file_of(project.module)
    editor.wait_for_message("test_encode.py")
    assert "below the threshold of 100 %" in editor.messages()
    assert_passes(project, test_file, at_least=2)
    assert_no_errors(editor)


def test_an_open_test_file_is_added_to_in_one_step(emacs: StartEmacs, project: RealProject) -> None:
    test_file = project.test_file_of(project.module)
    test_file.parent.mkdir()
    test_file.write_text(OWN_TEST, encoding="utf-8")
    editor = emacs()
    editor.edit(test_file)
    editor.edit(project.module)
    # A change that is not saved: the run tests what the buffer holds.
    editor.type("\x1b>\r\rdef shout(text):\rreturn text.upper() + '!'\r")
    wait_until("typed text", lambda: "'!'" in editor.text(project.module), seconds=5)
    assert editor.is_modified(project.module)
    editor.place_cursor("def shout")
    assert "Generate tests for shout" in editor.titles()
    editor.choose(next(title for title in editor.titles() if title.startswith("Improve tests for _encode")))
    # eglot asks before it takes an edit that the server sends by itself, and the user takes their time.
    wait_until("question of eglot's", lambda: "Server wants to edit" in editor.minibuffer(), seconds=50)
    assert str(test_file) in editor.minibuffer()
    time.sleep(THINKING_SECONDS)
    editor.type("y")
    added = wait_until("edit", lambda: editor.text(test_file) if editor.is_modified(test_file) else "", seconds=50)
    assert keeps_all_lines(OWN_TEST, added)
    assert "shout" in added
    assert test_file.read_text(encoding="utf-8") == OWN_TEST
    editor.wait_for_message("test_encode.py")

    editor.edit(test_file)
    editor.command("undo")
    wait_until("undone edit", lambda: editor.text(test_file) == OWN_TEST, seconds=5)
    assert not editor.is_modified(test_file)
    editor.command("undo-redo")
    wait_until("edit again", lambda: editor.text(test_file) == added, seconds=5)

    editor.type("\x18s!")  # C-x s: save all that is changed
    wait_until("saved files", lambda: "shout" in test_file.read_text(encoding="utf-8"), seconds=5)
    wait_until("saved module", lambda: "shout" in project.module.read_text(encoding="utf-8"), seconds=5)
    assert_passes(project, test_file, at_least=2)
    assert_no_errors(editor)


def test_a_run_is_cancelled_by_a_code_action(emacs: StartEmacs, project: RealProject) -> None:
    editor = emacs()
    files = project.files()
    editor.edit(project.large_module)
    editor.choose("Generate tests for module _parse")
    boxes = wait_until("box", lambda: descendants(editor.server), seconds=30, pause=0.02)
    assert "Cancel generating tests for _parse" in editor.titles()
    editor.choose("Cancel generating tests for _parse")
    wait_until("end of the boxes", lambda: not commands_of(boxes), seconds=5)
    wait_until("server without children", lambda: not descendants(editor.server), seconds=5)
    assert not [title for title in editor.titles() if title.startswith("Cancel")]
    assert project.files() == files
    assert_no_errors(editor)


def test_leaving_emacs_ends_the_server(emacs: StartEmacs, project: RealProject) -> None:
    editor = emacs()
    editor.edit(project.large_module)
    server = editor.server
    editor.choose("Generate tests for module _parse")
    editor.quit()
    wait_until("end of the server", lambda: not is_alive(server), seconds=6)
    assert not project.test_file_of(project.large_module).exists()
