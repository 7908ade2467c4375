"""Several folders, and none: each file belongs to the project that holds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsp_client import EGLOT, FULL, MINIMAL, VSCODE, EditorClient, EditorFactory

GENERATE = "testwright.generateTests"
CANCEL = "testwright.cancelRun"
PYPROJECT = '[project]\nname = "p"\nversion = "0"\n'
MODULE = "def double(number: int) -> int:\n    return number * 2\n"


@pytest.fixture
def projects(tmp_path: Path) -> list[Path]:
    """Two projects of one folder, and one of another."""
    folders = [tmp_path / "mono" / "first", tmp_path / "mono" / "second", tmp_path / "alone"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        (folder / "maths.py").write_text(MODULE, encoding="utf-8")
    return folders


async def finished(editor: EditorClient, path: Path) -> str:
    """The message at the end of the run of a module."""
    params = await editor.wait_for("testwright/runFinished", lambda one: one["uri"] == path.as_uri(), timeout=90)
    message: str = params["message"]
    return message


async def test_each_module_is_tested_in_its_own_project(editor_for: EditorFactory, projects: list[Path]) -> None:
    """At the same time, those of two folders and of two projects in one folder."""
    modules = [project / "maths.py" for project in projects]
    folders = [projects[0].parent, projects[2]]
    async with editor_for(VSCODE, folders=folders, options={"notifications": True}) as editor:
        for module in modules:
            editor.open(module)
            await editor.command(GENERATE, {"uri": module.as_uri()})
        for module in modules:
            assert "for maths" in await finished(editor, module)

    for project in projects:
        assert sorted(path.name for path in project.rglob("*.py")) == ["maths.py", "test_maths.py"]


async def test_one_bad_folder_costs_no_other(editor_for: EditorFactory, projects: list[Path], tmp_path: Path) -> None:
    (projects[0] / "pyproject.toml").write_text("[tool.testwright", encoding="utf-8")
    gone = tmp_path / "gone"
    folders = [gone, projects[0], projects[2]]
    async with editor_for(FULL, folders=folders, options={"notifications": True}) as editor:
        for project in (projects[0], projects[2]):
            editor.open(project / "maths.py")
            await editor.command(GENERATE, {"uri": (project / "maths.py").as_uri()})
        assert "pyproject.toml is not valid TOML" in await finished(editor, projects[0] / "maths.py")
        assert "100 % covered" in await finished(editor, projects[2] / "maths.py")


async def test_folders_come_and_go(editor_for: EditorFactory, projects: list[Path]) -> None:
    first, alone = projects[0] / "maths.py", projects[2] / "maths.py"
    settings = {projects[2].as_uri(): {"budget": "wrong"}}
    async with editor_for(VSCODE, folders=[projects[0]], options={"notifications": True}, settings=settings) as editor:
        editor.open(first)
        editor.open(alone)
        added = {"uri": projects[2].as_uri(), "name": "alone"}
        removed = {"uri": projects[0].as_uri(), "name": "first"}
        await editor.command(GENERATE, {"uri": first.as_uri()})
        event = {"added": [added], "removed": [removed]}
        editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        assert await finished(editor, first) == ("Its folder was closed, so the run was ended and nothing was written.")
        told = await editor.wait_for("window/showMessage", lambda params: "budget" in params["message"])
        assert told["type"] == 2
        await editor.command(GENERATE, {"uri": alone.as_uri()})
        assert await finished(editor, alone) == told["message"]


@pytest.mark.parametrize("client", [EGLOT, MINIMAL], ids=lambda client: client.name)
async def test_a_file_of_no_folder_is_tested_in_the_project_around_it(
    editor_for: EditorFactory, projects: list[Path], client: object
) -> None:
    module = projects[2] / "maths.py"
    async with editor_for(client, folders=[]) as editor:
        editor.open(module)
        await editor.command(GENERATE, {"uri": module.as_uri()})
        told = await editor.wait_for("window/showMessage", timeout=90)

    assert "in test_maths.py" in told["message"] or "in tests/test_maths.py" in told["message"]


async def test_one_module_by_two_names_is_one_module(
    editor_for: EditorFactory, projects: list[Path], tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(projects[2])
    async with editor_for(FULL, folders=[link]) as editor:
        named, real = link / "maths.py", projects[2] / "maths.py"
        editor.open(named)
        one = await editor.command(GENERATE, {"uri": named.as_uri()})
        other = await editor.command(GENERATE, {"uri": real.as_uri()})
        await editor.command(CANCEL)

    assert (other["run"], other["status"]) == (one["run"], "already-running")
