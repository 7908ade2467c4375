"""Coverage by the tests that are there, without a search."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from testwright.errors import BoxUnavailable, ImportFailure, SettingsError, TargetError, UsageError

if TYPE_CHECKING:
    from .conftest import Project

MODULE = "def sign(number: int) -> int:\n    if number < 0:\n        return -1\n    return 1\n"
TEST = "import shop\n\n\ndef test_negative():\n    assert shop.sign(-1) == -1\n\n\ndef test_wrong():\n    assert shop.sign(1) == 2\n"


async def test_a_module_with_tests(project: Project) -> None:
    project.write("shop.py", MODULE)
    test_file = project.write("tests/test_shop.py", TEST.replace("sign(1) == 2", "sign(-2) == 0"))
    before = project.files()
    result = await project.measure("shop.py")

    assert result.error is None
    coverage = result.coverage
    assert coverage is not None
    assert coverage.sets is not None
    assert coverage.source == MODULE
    assert coverage.path == project.workspace / "shop.py"
    assert coverage.sets.executed == {1, 2, 3}
    assert coverage.sets.missing_lines == (4,)
    assert (coverage.tests, coverage.failed) == (2, 1)
    assert (result.module, result.test_file) == ("shop", test_file)
    assert any("1 of 2 existing tests failed" in note for note in result.notes)
    assert result.seconds > 0
    assert project.files() == before
    assert project.left() == []


async def test_a_module_without_tests(project: Project) -> None:
    project.write("shop.py", MODULE)
    result = await project.measure("shop.py")
    assert result.error is None
    assert result.coverage is not None
    assert result.coverage.sets is not None
    assert (result.coverage.sets.executed, result.coverage.sets.percent) == (frozenset(), 0.0)
    assert (result.coverage.tests, result.test_file) == (0, None)


async def test_what_the_editor_holds_is_measured(project: Project) -> None:
    project.write("shop.py", MODULE)
    unsaved = "import shop\n\n\ndef test_positive():\n    assert shop.sign(1) == 1\n"
    result = await project.measure("shop.py", {"tests/test_shop.py": unsaved, "shop.py": "\n\n" + MODULE})
    assert result.coverage is not None
    assert result.coverage.sets is not None
    assert result.coverage.source == "\n\n" + MODULE
    assert result.coverage.sets.executed == {3, 4, 6}
    assert result.test_file == project.workspace / "tests" / "test_shop.py"


async def test_unknown_coverage_is_none_with_its_reason(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", TEST)
    project.write("tests/test_broken.py", "import no_such_module\n")
    result = await project.measure("shop.py")
    assert result.error is None
    assert result.coverage is not None
    assert result.coverage.sets is None
    assert any("unknown" in note and "test_broken.py" in note for note in result.notes)


async def test_an_import_that_fails_is_told(project: Project) -> None:
    project.write("shop.py", "import no_such_module\n\n\ndef f() -> int:\n    return no_such_module.x\n")
    test_file = project.write("tests/test_shop.py", "import shop\n\n\ndef test_f():\n    assert shop.f()\n")
    result = await project.measure("shop.py")
    assert result.coverage is None
    assert isinstance(result.error, ImportFailure)
    assert "no_such_module" in str(result.error)
    assert (result.module, result.test_file) == ("shop", test_file)
    assert project.left() == []


@pytest.mark.parametrize(
    ("text", "options", "error"),
    [
        ("def f(:\n", {}, TargetError),
        (MODULE, {"symbol": "sine"}, UsageError),
        (MODULE, {"budget": -1}, SettingsError),
        (None, {}, UsageError),
    ],
    ids=["syntax", "symbol", "setting", "no file"],
)
async def test_a_wrong_request_is_told_and_not_raised(
    project: Project, text: str | None, options: dict[str, Any], error: type[Exception]
) -> None:
    if text is not None:
        project.write("shop.py", text)
    result = await project.measure("shop.py", **options)
    assert isinstance(result.error, error)
    assert result.coverage is None
    assert project.events[-1].data["status"] == "failed"


async def test_no_box_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    async def choose(_: str) -> None:
        raise BoxUnavailable("There is no box here.", next_step="Install one.")

    monkeypatch.setattr("testwright.service.workshop.choose_box", choose)
    project.write("shop.py", MODULE)
    result = await project.measure("shop.py")
    assert isinstance(result.error, BoxUnavailable)
    assert result.coverage is None


async def test_a_place_that_may_not_be_written_does_not_keep_from_measuring(project: Project) -> None:
    # Where tests would go matters for writing them alone.
    project.write("shop.py", MODULE)
    real = project.write("elsewhere/tests_of_shop.py", TEST)
    (project.workspace / "tests").mkdir()
    (project.workspace / "tests" / "test_shop.py").symlink_to(real)
    assert (await project.generate("shop.py")).report.error_slug == "write-refused"
    result = await project.measure("shop.py")
    assert result.error is None
    assert result.coverage is not None


async def test_tests_without_an_end_fit_in_the_budget(project: Project) -> None:
    project.write("shop.py", MODULE)
    endless = "import time\nimport shop\n\n\ndef test_first():\n    assert shop.sign(1) == 1\n\n\ndef test_endless():\n    time.sleep(600)\n"
    project.write("tests/test_shop.py", endless)
    result = await project.measure("shop.py", budget=5.0)
    assert result.error is None
    assert result.coverage is not None
    assert result.coverage.sets is None
    assert any("did not end within" in note for note in result.notes)
    assert result.seconds < 15.0


async def test_a_cancel_ends_the_box_and_leaves_nothing(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", "import time\n\n\ndef test_endless():\n    time.sleep(600)\n")
    task = asyncio.create_task(project.measure("shop.py"))
    async with asyncio.timeout(30):
        await project.when("existing tests").wait()
        await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert project.left() == []
