"""The finished file is taken to its place by the caller, or stays a proposal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from testwright.errors import WriteConflict
from testwright.model import Import
from testwright.service import UnitTestGenerationService

if TYPE_CHECKING:
    from .conftest import Editor, Project

MODULE = """\
def sign(number: int) -> int:
    if number < 0:
        return -1
    return 1


def last(text: str) -> str:
    return text[-1:]
"""
ONE = "def answer() -> int:\n    return 42\n"
"""The least that a whole run can be about."""

OTHER = "import shop\n\n\ndef test_it_has_a_name():\n    assert shop.__name__ == 'shop'\n"
TEST = "import shop\n\n\ndef test_negative():\n    assert shop.sign(-1) == -1\n"


async def test_what_is_delivered_is_told_and_the_disk_is_the_caller_s(project: Project, editor: Editor) -> None:
    project.write("shop.py", MODULE)
    before = project.files()
    result = await project.generate("shop.py", deliver=editor)

    assert result.report.status == "written", result.report.error
    assert project.files() == before
    ((place, data, workspace),) = editor.taken
    assert (place.path, place.exists, place.original, place.in_editor) == (
        project.workspace / "tests" / "test_shop.py", False, None, False,
    )  # fmt: skip
    delivered = result.delivered
    assert delivered is not None
    assert (delivered.place, delivered.data, delivered.workspace) == (place, data, workspace)
    assert set(delivered.tests) == {test.name for test in result.report.kept}
    assert all(f"def {name}(".encode() in data for name in delivered.tests)
    assert {Import("shop", "sign"), Import("shop", "last")} <= set(delivered.imports)


async def test_coverage_is_that_of_the_whole_file_with_what_was_there(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_signs.py", TEST)  # not the module's own test file, which the new tests are added to
    result = await project.generate("shop.py", symbol="last")

    assert result.report.status == "written", result.report.error
    assert result.report.coverage_after is not None
    assert result.report.coverage_after.percent == 100.0
    coverage = result.coverage
    assert coverage is not None
    assert coverage.sets is not None
    assert coverage.path == project.workspace / "shop.py"
    # The existing test runs lines 1 to 3, the new one line 8; nobody comes to line 4.
    assert coverage.sets.executed == {1, 2, 3, 7, 8}
    assert coverage.sets.missing_lines == (4,)
    assert result.delivered is not None
    assert result.delivered.place.path.name == "test_shop.py"
    added = len(result.delivered.tests)
    assert added >= 1
    assert coverage.tests >= 1 + added
    assert coverage.failed == 0


async def test_what_is_there_already_is_known_when_nothing_is_added(project: Project) -> None:
    project.write("shop.py", "def sign(number: int) -> int:\n    return 1 if number > 0 else -1\n")
    tests = "import shop\n\n\ndef test_sign():\n    assert [shop.sign(n) for n in (-1, 0, 1)] == [-1, -1, 1]\n"
    project.write("tests/test_shop.py", tests)
    first = await project.generate("shop.py")
    result = first if first.report.status == "nothing-to-add" else await project.generate("shop.py")
    assert result.report.status == "nothing-to-add", result.report.error
    assert result.delivered is None
    assert result.coverage is not None
    assert result.coverage.sets is not None
    assert result.coverage.sets.percent == 100.0


async def test_a_dry_run_delivers_nothing_and_leaves_the_coverage_as_it_was(project: Project, editor: Editor) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", TEST)
    result = await project.generate("shop.py", deliver=editor, dry_run=True)
    assert result.report.status == "dry-run", result.report.error
    assert editor.taken == []
    assert result.delivered is None
    assert result.coverage is not None
    assert result.coverage.sets is not None
    assert result.coverage.sets.executed == {1, 2, 3, 7}
    assert (result.coverage.tests, result.coverage.failed) == (1, 0)


async def test_a_conflict_keeps_the_proposal(project: Project, editor: Editor) -> None:
    project.write("shop.py", ONE)
    editor.answer = WriteConflict("The document has changed.", next_step="Run again.")
    result = await project.generate("shop.py", deliver=editor)

    assert (result.report.status, result.report.error_slug) == ("failed", "write-conflict")
    assert result.delivered is None
    ((_, data, _),) = editor.taken
    (saved,) = (project.state / "proposals").iterdir()
    assert saved.read_bytes() == data
    assert result.report.error == f"The document has changed. What would have been written is saved in {saved}."
    # The baseline is known all the same.
    assert result.coverage is not None
    assert result.coverage.tests == 0
    assert not (project.workspace / "tests").exists()


async def test_a_file_with_unsaved_changes_is_not_overwritten_on_the_disk(project: Project) -> None:
    project.write("shop.py", ONE)
    path = project.write("tests/test_shop.py", OTHER)
    result = await project.generate("shop.py", {"tests/test_shop.py": OTHER + "\n# a thought\n"})
    assert (result.report.status, result.report.error_slug) == ("failed", "write-conflict")
    assert "changes in the editor" in (result.report.error or "")
    assert path.read_text() == OTHER


async def test_a_file_that_is_open_and_saved_is_written(project: Project) -> None:
    project.write("shop.py", ONE)
    path = project.write("tests/test_shop.py", OTHER)
    result = await project.generate("shop.py", {"tests/test_shop.py": OTHER})
    assert result.report.status == "written", result.report.error
    assert path.read_text().startswith(OTHER.splitlines()[0])
    assert path.read_text() != OTHER


async def test_an_error_of_the_disk_in_the_delivery_is_told(project: Project, editor: Editor) -> None:
    project.write("shop.py", ONE)
    editor.answer = PermissionError(13, "Permission denied", "somewhere")
    result = await project.generate("shop.py", deliver=editor)
    assert result.report.status == "failed"
    assert "Permission denied" in (result.report.error or "")


async def test_a_cancel_while_it_is_delivered_ends_the_run_and_leaves_nothing(project: Project, editor: Editor) -> None:
    project.write("shop.py", ONE)
    before = project.files()
    editor.waits = True
    task = asyncio.create_task(project.generate("shop.py", deliver=editor))
    await asyncio.wait([task, asyncio.create_task(editor.asked.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert editor.asked.is_set()
    assert project.events[-1].phase == "write"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert project.files() == before
    assert project.left() == []
    assert not any(event.kind == "finished" for event in project.events)


async def test_run_gives_the_report_alone(project: Project) -> None:
    project.write("shop.py", ONE)
    report = await UnitTestGenerationService().run(project.request("shop.py"))
    assert report.status == "written", report.error
    assert report.test_file == str(project.workspace / "tests" / "test_shop.py")
    assert "tests/test_shop.py" in project.files()
