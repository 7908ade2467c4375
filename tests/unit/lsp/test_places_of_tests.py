"""Which test file a module has: found out once, in a thread, and anew when something has changed."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from testwright.lsp.texts import places as module
from testwright.lsp.texts.places import TestFile, TestPlaces, look_for_test_file


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\npython_files = ['check_*.py']\n", encoding="utf-8"
    )
    (tmp_path / "pricing.py").write_text("def f(): pass\n", encoding="utf-8")
    return tmp_path


def test_the_file_that_a_module_has(project: Path) -> None:
    path = project / "pricing.py"
    assert look_for_test_file(path, project, {}) == TestFile(None, is_test=False)

    tests = project / "check_pricing.py"
    tests.write_text("import pricing\n\ndef test_f(): pricing.f()\n", encoding="utf-8")
    assert look_for_test_file(path, project, {}) == TestFile(tests, is_test=False)
    assert look_for_test_file(tests, project, {}).is_test


def test_the_file_that_is_only_in_the_editor(project: Path) -> None:
    tests = project / "check_pricing.py"
    buffers = {tests: "import pricing\n\ndef test_f(): pricing.f()\n"}

    assert look_for_test_file(project / "pricing.py", project, buffers).path == tests


def test_a_project_that_cannot_be_read_has_none(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool", encoding="utf-8")

    assert look_for_test_file(project / "pricing.py", project, {}) == TestFile(None, is_test=False)
    assert look_for_test_file(project / "test_pricing.py", project, {}).is_test


class Looks:
    """Counts how often it is looked, and can hold it up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found = TestFile(None, is_test=False)
        self.paths: list[Path] = []
        self.gate = threading.Event()
        self.gate.set()
        monkeypatch.setattr(module, "look_for_test_file", self)

    def __call__(self, path: Path, _root: Path, _buffers: object) -> TestFile:
        assert threading.current_thread() is not threading.main_thread()
        self.paths.append(path)
        found = self.found
        assert self.gate.wait(10)
        return found


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


def places(*, watched: bool = True) -> TestPlaces:
    return TestPlaces(lambda path: path.parent, dict, watched=watched)


PATH = Path("/w/pricing.py")


async def test_it_is_looked_once_for_all_who_ask(looks: Looks) -> None:
    known = places()
    known.prepare(PATH)
    known.prepare(PATH)
    found = await asyncio.gather(*(known.of(PATH, 5) for _ in range(5)))

    assert found == [looks.found] * 5
    assert looks.paths == [PATH]
    await known.of(PATH, 5)
    known.prepare(PATH)
    assert looks.paths == [PATH]


async def test_what_is_known_serves_until_it_is_known_better(looks: Looks) -> None:
    known = places()
    looks.gate.clear()
    assert await known.of(PATH, 0.01) is None
    looks.gate.set()
    assert await known.of(PATH, 5) == looks.found

    before, looks.found = looks.found, TestFile(Path("/w/test_pricing.py"), is_test=False)
    known.forget()
    looks.gate.clear()
    assert await known.of(PATH, 0.01) == before
    looks.gate.set()
    assert await known.of(PATH, 5) == looks.found
    assert looks.paths == [PATH] * 2


async def test_what_changes_while_it_is_looked_is_looked_at_again(looks: Looks) -> None:
    known = places()
    looks.gate.clear()
    known.prepare(PATH)
    await asyncio.sleep(0.05)
    looks.found = TestFile(Path("/w/test_pricing.py"), is_test=False)
    known.forget()
    looks.gate.set()
    await known.of(PATH, 5)

    assert await known.of(PATH, 5) == looks.found


async def test_it_is_looked_again_after_a_while_where_the_client_tells_of_no_changes(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, watched = places(watched=False), places()
    for one in (known, watched):
        await one.of(PATH, 5)
    later = time.monotonic() + module.LOOK_AGAIN_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    for one in (known, watched):
        await one.of(PATH, 5)

    assert len(looks.paths) == 3


async def test_an_error_of_our_own_keeps_no_action_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*_: object) -> TestFile:
        raise RuntimeError("broken")

    monkeypatch.setattr(module, "look_for_test_file", breaks)

    assert await places().of(PATH, 5) == TestFile(None, is_test=False)
    assert "broken" in caplog.text


async def test_what_is_kept_is_bounded(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    known = places()
    for number in range(5):
        await known.of(Path(f"/w/m{number}.py"), 5)
        await known.of(Path("/w/m0.py"), 5)

    assert list(known._known) == [Path("/w/m3.py"), Path("/w/m4.py"), Path("/w/m0.py")]
