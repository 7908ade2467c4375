"""What an editor holds is what is tested, whatever is on the disk."""

from __future__ import annotations

import os
import py_compile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testwright.service.job import read_subject
from testwright.service.workshop import open_workshop
from testwright.settings import Options

if TYPE_CHECKING:
    from .conftest import Editor, Project

ON_DISK = "def answer() -> int:\n    return 41\n"
IN_EDITOR = "def answer() -> int:\n    return 42\n"


async def snapshot_of(project: Project, name: str, buffers: dict[str, str]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """What a box sees of the workspace, and what the user is told of it."""
    subject = read_subject(project.request(name, buffers))
    async with open_workshop(subject) as workshop:
        root = workshop.session.world.snapshot
        seen = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        return seen, workshop.notes


async def test_the_text_in_the_editor_is_tested_and_not_that_on_the_disk(project: Project) -> None:
    path = project.write("deep.py", ON_DISK)
    # Bytecode of the disk's text that fits the editor's by size and time: what a check of these would take for fresh.
    os.utime(path, (1_700_000_000, 1_700_000_000))
    py_compile.compile(str(path))
    result = await project.generate("deep.py", {"deep.py": IN_EDITOR})

    written = project.written(result)
    assert "42" in written
    assert "41" not in written
    assert path.read_text() == ON_DISK
    assert result.coverage is not None
    assert result.coverage.source == IN_EDITOR


async def test_what_the_module_imports_is_as_the_editor_holds_it(project: Project) -> None:
    project.write("rates.py", "RATE = 7\n")
    project.write("shop.py", "from rates import RATE\n\n\ndef rate() -> int:\n    return RATE * 100\n")
    result = await project.generate("shop.py", {"rates.py": "RATE = 8\n"})

    written = project.written(result)
    assert "800" in written
    assert "700" not in written


async def test_a_module_that_was_never_saved(project: Project) -> None:
    before = project.files()
    result = await project.generate("new/deep.py", {"new/deep.py": IN_EDITOR})

    assert "42" in project.written(result)
    (written,) = project.files().keys() - before.keys()
    assert result.report.test_file == str(project.workspace / written)


async def test_the_test_file_in_the_editor_is_what_tests_are_added_to(project: Project, editor: Editor) -> None:
    project.write("deep.py", IN_EDITOR + "\n\ndef question() -> str:\n    return 'six times nine'\n")
    saved = "from deep import answer\n\n\ndef test_answer():\n    assert answer() == 41\n"
    unsaved = "from deep import answer\r\n\r\n\r\ndef test_of_mine():\r\n    assert answer() == 42  # é\r\n"
    test_file = project.write("tests/test_deep.py", saved)
    result = await project.generate("deep.py", {"tests/test_deep.py": unsaved}, deliver=editor)

    assert result.report.status == "written", result.report.error
    ((place, data, workspace),) = editor.taken
    assert (place.path, place.original, place.in_editor) == (test_file, unsaved.encode(), True)
    assert workspace == project.workspace
    assert data.startswith(b"from deep import answer")
    assert b"def test_of_mine():\r\n    assert answer() == 42  # \xc3\xa9\r\n" in data
    assert b"six times nine" in data
    assert b"== 41" not in data
    assert test_file.read_text() == saved
    # Its tests ran as the editor has them: the one on the disk would have failed.
    assert result.coverage is not None
    assert result.coverage.failed == 0


async def test_a_test_file_that_was_never_saved_is_added_to(project: Project, editor: Editor) -> None:
    # After an editor has taken an edit, the file may be nowhere but in the editor.
    project.write("deep.py", IN_EDITOR + "\n\ndef question() -> str:\n    return 'six times nine'\n")
    unsaved = "from deep import answer\n\n\ndef test_answer():\n    assert answer() == 42\n"
    result = await project.generate("deep.py", {"tests/test_deep.py": unsaved}, deliver=editor)

    assert result.report.status == "written", result.report.error
    ((place, data, _),) = editor.taken
    assert (place.exists, place.in_editor, place.original) == (True, True, unsaved.encode())
    assert data.startswith(b"from deep import answer")
    assert result.delivered is not None
    assert all("question" in name for name in result.delivered.tests)
    assert not (project.workspace / "tests").exists()


@pytest.mark.parametrize(
    "name", [".env", "config/server.key", ".aws/credentials", ".git/config", "secrets.yaml", ".ssh/run.py"]
)
async def test_a_secret_is_hidden_from_the_box_when_it_is_open_too(project: Project, name: str) -> None:
    project.write("deep.py", ON_DISK)
    seen, notes = await snapshot_of(project, "deep.py", {name: "TOKEN=canary", "deep.py": IN_EDITOR})
    assert seen == {"deep.py": IN_EDITOR.encode(), "pyproject.toml": b""}
    assert any("look like secrets" in note for note in notes)


async def test_what_is_open_and_not_of_the_workspace_is_not_shown(project: Project, tmp_path: Path) -> None:
    project.write("deep.py", ON_DISK)
    (tmp_path / "outside.py").write_text("x = 1\n")
    (project.workspace / "link.py").symlink_to(tmp_path / "outside.py")
    buffers = {"../outside.py": "x = 2\n", "link.py": "x = 3\n", "node_modules/lib.py": "x = 4\n"}
    seen, _ = await snapshot_of(project, "deep.py", buffers)
    assert seen == {"deep.py": ON_DISK.encode(), "pyproject.toml": b""}


async def test_a_document_that_cannot_be_encoded_is_told_of_and_the_disk_has_its_say(project: Project) -> None:
    project.write("deep.py", ON_DISK)
    project.write("other.py", "x = 1\n")
    seen, notes = await snapshot_of(project, "deep.py", {"other.py": "# coding: latin-1\nx = '→'\n"})
    assert seen["other.py"] == b"x = 1\n"
    assert any("other.py" in note and "line 2" in note and "disk" in note for note in notes)


async def test_an_editor_s_settings_are_weaker_than_those_of_the_request(project: Project) -> None:
    project.write("deep.py", ON_DISK)
    project.write("pyproject.toml", "[tool.testwright]\nseed = 1\nbudget = 11\ncoverage-threshold = 5\n")
    request = replace(project.request("deep.py", seed=3), editor=Options(seed=2, budget=22.0, box="landlock"))
    settings = read_subject(replace(request, settings=Options(seed=3))).settings
    assert (settings.seed, settings.budget, settings.coverage_threshold) == (3, 22.0, 5.0)
    assert settings.box == "landlock"
    assert dict(settings.origins)["budget"] == "editor"
