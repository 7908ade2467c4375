"""What is known of a module's coverage: taken from runs, kept, and stale when the module or its tests have changed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lsprotocol import types

from testwright.analysis.digests import digest_of, digest_of_data
from testwright.errors import WriteFailure
from testwright.lsp.coverage import hints as module
from testwright.lsp.coverage.figures import Figures, Measurement, view
from testwright.lsp.coverage.hints import Hints, Tests
from testwright.lsp.texts import documents as document_module
from testwright.lsp.texts import places as test_places
from testwright.lsp.texts.documents import Document, Documents
from testwright.lsp.texts.places import TestFile, TestPlaces
from testwright.model import CoverageSets
from testwright.service.result import ModuleCoverage

SOURCE = "def f(x):\n    if x:\n        return 1\n    return 0\n"
SETS = CoverageSets(frozenset({1, 2, 3, 4}), frozenset({1, 2, 3}))
TESTS = "def test_f(): pass\n"


class Memory:
    """Keeps measurements in a dictionary, and can refuse, or take its time."""

    def __init__(self) -> None:
        self.kept: dict[Path, Measurement] = {}
        self.error: WriteFailure | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.asked = 0

    def measurement(self, path: Path) -> Measurement | None:
        self.asked += 1
        assert self.gate.wait(5)
        self._act()
        return self.kept.get(path)

    def keep_measurement(self, measurement: Measurement) -> None:
        self._act()
        self.kept[measurement.path] = measurement

    def forget_measurement(self, path: Path) -> None:
        self._act()
        self.kept.pop(path, None)

    def measured_since(self, when: float) -> dict[Path, float]:
        self._act()
        return {path: one.when for path, one in self.kept.items() if one.when > when}

    def measured_elsewhere(self, path: Path, sets: CoverageSets, when: float | None = None) -> None:
        """As another process does it."""
        when = time.time() if when is None else when
        self.kept[path] = Measurement(path, SOURCE, sets, 4, 0, digest_of(TESTS), when)

    def _act(self) -> None:
        assert threading.current_thread() is not threading.main_thread()
        if self.error is not None:
            raise self.error


class World:
    """A project with one module that is open, and its test file on the disk."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "module.py"
        self.path.write_text(SOURCE, encoding="utf-8")
        self.tests = folder / "test_module.py"
        self.tests.write_text(TESTS, encoding="utf-8")
        self.found: Path | None = self.tests
        self.documents = Documents(None)
        self.memory = Memory()
        monkeypatch.setattr(test_places, "look_for_test_file", lambda *_: TestFile(self.found, is_test=False))
        self.places = TestPlaces(lambda _: folder, self.documents.buffers, watched=True)
        self.hints = Hints(self.documents, self.places, self.memory, watched=True)
        self.document = self.open(self.path, SOURCE)

    def open(self, path: Path, text: str) -> Document:
        self.documents.put_text_document(types.TextDocumentItem(path.as_uri(), "python", 1, text))
        document = self.documents.opened(path.as_uri())
        assert document is not None
        return document

    def change(self, document: Document, text: str) -> None:
        identifier = types.VersionedTextDocumentIdentifier((document.version or 0) + 1, document.uri)
        self.documents.update_text_document(identifier, types.TextDocumentContentChangeWholeDocument(text))

    async def measure(self, source: str = SOURCE) -> None:
        """As a run does it."""
        tests = await self.hints.tests_of(self.path)
        self.hints.take(ModuleCoverage(self.path, source, SETS, 3, 0), tests)

    async def figures(self) -> Figures:
        found = await self.hints.figures(self.document)
        assert found is not None
        return found


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World(tmp_path.resolve(), monkeypatch)
    yield world
    await world.hints.close()
    world.places.close()


async def test_nothing_is_known_before_anything_was_measured(world: World) -> None:
    assert await world.hints.figures(world.document) is None
    assert world.hints.reason(world.path) == "It was not measured yet."
    world.hints.fail(world.path, "It does not import.")
    assert await world.hints.figures(world.document) is None
    assert world.hints.reason(world.path) == "It does not import."


async def test_what_a_run_has_measured_is_known_at_once_and_kept(world: World) -> None:
    await world.measure()
    figures = await world.figures()
    assert (figures.measurement.sets.percent, figures.is_stale) == (75, False)
    await world.hints.close()
    assert world.memory.kept[world.path] == Measurement(world.path, SOURCE, SETS, 3, 0, digest_of(TESTS))


async def test_unknown_coverage_takes_nothing_away(world: World) -> None:
    await world.measure()
    world.hints.take(ModuleCoverage(world.path, SOURCE, None, 3, 3), None, "They need the network.")
    assert (await world.figures()).measurement.sets is SETS


async def test_what_was_kept_is_known_after_a_restart(world: World) -> None:
    world.memory.kept[world.path] = Measurement(world.path, SOURCE, SETS, 3, 0, digest_of(TESTS))
    await asyncio.gather(world.hints.load(world.path), world.hints.load(world.path))
    assert world.memory.asked == 1
    assert not (await world.figures()).is_stale
    await world.hints.load(world.path)
    assert world.memory.asked == 1


@pytest.mark.parametrize("digest", [digest_of("other\n"), "", None], ids=["other tests", "no tests", "not known"])
async def test_what_was_kept_is_stale_unless_the_tests_are_the_same(world: World, digest: str | None) -> None:
    world.memory.kept[world.path] = Measurement(world.path, SOURCE, SETS, 3, 0, digest)
    await world.hints.load(world.path)
    assert (await world.figures()).tests_changed


async def test_a_memory_that_fails_is_none(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.memory.error = WriteFailure("The disk is full.", next_step="Make room.")
    await world.hints.load(world.path)
    assert await world.hints.figures(world.document) is None
    await world.measure()
    await world.hints.close()
    assert (await world.figures()).measurement.sets is SETS
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "What was kept of module.py cannot be read: The disk is full. Make room.",
        "What was measured of module.py is not kept: The disk is full. Make room.",
    ]


async def test_figures_wait_for_what_is_being_loaded_but_not_for_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HINT_SECONDS", 0.05)
    world.memory.kept[world.path] = Measurement(world.path, SOURCE, SETS, 3, 0, digest_of(TESTS))
    world.memory.gate.clear()
    loading = asyncio.create_task(world.hints.load(world.path))
    await asyncio.sleep(0)
    assert await world.hints.figures(world.document) is None
    world.memory.gate.set()
    monkeypatch.setattr(module, "HINT_SECONDS", 5)
    assert await world.hints.figures(world.document) is not None
    await loading


async def test_what_is_loaded_late_takes_nothing_from_what_was_measured_meanwhile(world: World) -> None:
    world.memory.kept[world.path] = Measurement(world.path, "x = 1\n", CoverageSets(), 1, 0, "")
    world.memory.gate.clear()
    loading = asyncio.create_task(world.hints.load(world.path))
    await asyncio.sleep(0)
    await world.measure()
    world.memory.gate.set()
    await loading
    assert (await world.figures()).measurement.source == SOURCE


async def test_an_edit_makes_the_module_stale_and_taking_it_back_fresh(world: World) -> None:
    await world.measure()
    first = await world.figures()
    assert await world.figures() is first
    world.change(world.document, "import os\n" + SOURCE)
    assert (await world.figures()).staleness == "The module has changed since it was measured."
    world.change(world.document, SOURCE)
    assert not (await world.figures()).is_stale


async def test_figures_are_of_the_text_when_they_are_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "THREAD_FROM", 0)
    await world.measure()
    waiting = asyncio.create_task(world.hints.figures(world.document))
    for _ in range(3):
        await asyncio.sleep(0)
    world.change(world.document, "import os\n" + SOURCE)
    found = await waiting
    assert found is not None
    assert found.text is world.document.lines


async def test_a_change_of_the_tests_in_the_editor_is_seen(world: World) -> None:
    await world.measure()
    document = world.open(world.tests, TESTS.replace("\n", "\r\n"))
    assert not await world.hints.check_tests(world.path)
    world.change(document, TESTS + "def test_g(): pass\n")
    assert world.hints.modules_tested_by(world.tests) == [world.path]
    assert await world.hints.check_tests(world.path)
    assert (await world.figures()).staleness == "The tests have changed since the module was measured."
    world.change(document, TESTS)
    assert await world.hints.check_tests(world.path)
    assert not (await world.figures()).is_stale


async def test_a_change_of_the_tests_on_the_disk_is_seen(world: World) -> None:
    await world.measure()
    world.tests.write_text(TESTS + "# more\n", encoding="utf-8")
    assert await world.hints.check_tests(world.path)
    assert (await world.figures()).tests_changed
    world.tests.unlink()
    world.found = None
    world.places.forget()
    assert not await world.hints.check_tests(world.path)
    assert (await world.figures()).tests_changed


async def test_tests_that_come_make_stale_what_was_measured_without(world: World) -> None:
    world.found = None
    await world.measure()
    assert not (await world.figures()).is_stale
    world.found = world.tests
    world.places.forget()
    assert await world.hints.check_tests(world.path)
    assert (await world.figures()).tests_changed


async def test_a_client_that_does_not_watch_files_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hints = Hints(world.documents, world.places, world.memory, watched=False)
    await world.measure()
    world.tests.write_text("", encoding="utf-8")
    assert not (await world.figures()).tests_changed
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0)
    assert (await world.figures()).tests_changed


async def test_a_run_marks_the_tests_before_it_and_takes_what_it_has_written(world: World) -> None:
    written = b"\xef\xbb\xbf" + TESTS.replace("\n", "\r\n").encode()
    tests = Tests(world.tests, digest_of_data(written))
    world.hints.take(ModuleCoverage(world.path, SOURCE, SETS, 3, 0), tests)
    assert not await world.hints.check_tests(world.path)
    assert not (await world.figures()).is_stale


ALL = CoverageSets(frozenset({1, 2, 3, 4}), frozenset({1, 2, 3, 4}))


async def test_what_another_process_measures_takes_the_place_of_what_was_known(world: World) -> None:
    await world.measure()
    assert (await world.figures()).measurement.sets == SETS
    assert await world.hints.look_at_memory() == []
    world.memory.measured_elsewhere(world.path, ALL)
    other = world.path.with_name("other.py")
    world.memory.measured_elsewhere(other, ALL)
    assert sorted(await world.hints.look_at_memory()) == [world.path, other]
    figures = await world.figures()
    assert figures.measurement.sets == ALL
    assert not figures.is_stale
    assert await world.hints.look_at_memory() == []
    assert other not in world.hints.measurements(), "it is read when it is asked for"
    await world.hints.load(other)
    assert world.hints.measurements()[other].sets == ALL


async def test_what_this_process_has_measured_is_no_news(world: World) -> None:
    await world.measure()
    await world.hints.close()
    assert world.path in world.memory.kept
    assert await world.hints.look_at_memory() == []
    await world.measure()
    await world.hints.close()
    assert await world.hints.look_at_memory() == []


async def test_a_measurement_that_is_kept_late_is_seen_and_an_old_one_is_not(world: World) -> None:
    await world.measure()
    other = world.path.with_name("other.py")
    late = time.time()
    await asyncio.sleep(0.01)
    world.memory.measured_elsewhere(other, ALL)
    assert await world.hints.look_at_memory() == [other]
    third = world.path.with_name("third.py")
    world.memory.measured_elsewhere(third, ALL, late)
    world.memory.measured_elsewhere(world.path.with_name("fourth.py"), ALL, late - 100)
    assert await world.hints.look_at_memory() == [third]


async def test_what_was_measured_before_the_server_began_is_no_news(world: World) -> None:
    began = time.time()
    world.hints = Hints(world.documents, world.places, world.memory, watched=True)
    world.memory.measured_elsewhere(world.path, ALL, began - 1)
    assert await world.hints.look_at_memory() == []
    await world.hints.load(world.path)
    assert (await world.figures()).measurement.sets == ALL


async def test_an_earlier_measurement_does_not_take_the_place_of_a_later_one(world: World) -> None:
    earlier = time.time()
    await asyncio.sleep(0.01)
    await world.measure()
    await world.hints.close()
    world.memory.measured_elsewhere(world.path, ALL, earlier)
    assert await world.hints.look_at_memory() == []
    assert (await world.figures()).measurement.sets == SETS


async def test_a_memory_that_cannot_be_looked_at_is_told_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.memory.error = WriteFailure("the disk is gone", next_step="")
    for _ in range(3):
        assert not await world.hints.look_at_memory()
    assert caplog.text.count("the disk is gone") == 1
    world.memory.error = None
    world.memory.measured_elsewhere(world.path, ALL)
    assert await world.hints.look_at_memory() == [world.path]


async def test_a_module_that_is_gone_is_forgotten(world: World) -> None:
    await world.measure()
    world.hints.forget(world.path)
    assert await world.hints.figures(world.document) is None
    await world.hints.close()
    assert world.memory.kept == {}
    await world.hints.load(world.path)
    assert await world.hints.figures(world.document) is None


async def test_no_more_modules_are_held_than_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    for name in ("a", "b", "c"):
        world.hints.take(ModuleCoverage(world.path.with_name(name), SOURCE, SETS, 1, 0), Tests(world.tests, ""))
    assert world.hints.modules_tested_by(world.tests) == [world.path.with_name("b"), world.path.with_name("c")]


async def test_what_was_kept_and_is_no_python_says_nothing(world: World) -> None:
    world.memory.kept[world.path] = Measurement(world.path, "def f(:\n", SETS, 3, 0, "")
    await world.hints.load(world.path)
    assert await world.hints.figures(world.document) is None


async def test_a_large_module_is_looked_at_beside_the_loop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "THREAD_FROM", 1)
    monkeypatch.setattr(document_module, "THREAD_FROM", 1)
    threads: list[threading.Thread] = []

    def watched(*given: object, **further: object) -> object:
        threads.append(threading.current_thread())
        return view(*given, **further)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "view", watched)
    await world.measure()
    one, other = await asyncio.gather(world.hints.figures(world.document), world.hints.figures(world.document))
    assert one is other
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_line_ends_and_a_mark_are_no_difference() -> None:
    assert digest_of("a\r\nb\rc\n") == digest_of("\ufeffa\nb\nc\n") != digest_of("a\nb\n")
    latin = "# coding: latin-1\nx = 'ä'\n"
    assert digest_of_data(latin.encode("latin-1")) == digest_of(latin)
    assert digest_of_data(b"\0") != digest_of_data(b"\0\0")
