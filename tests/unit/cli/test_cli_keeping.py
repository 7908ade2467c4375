"""What the command line has measured is there for editors."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from testwright.analysis.digests import digest_of
from testwright.model import CoverageSets
from testwright.service.result import ModuleCoverage
from testwright.store import Store

from .conftest import FakeService, failed

SETS = CoverageSets(frozenset({1, 2}), frozenset({1}))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(folder))
    return folder


@pytest.mark.parametrize(("tests", "digest"), [(None, ""), (b"x = 1\r\n", digest_of("x = 1\n"))], ids=["none", "some"])
def test_the_measurement_of_a_run_is_kept(
    testwright: Any, service: FakeService, state: Path, tests: bytes | None, digest: str
) -> None:
    module = state.with_name("m.py")
    service.coverage, service.tests = ModuleCoverage(module, "a = 1\nb = 2\n", SETS, 3, 1), tests
    before = time.time()
    assert testwright("generate", "m.py").code == 0
    with Store.open(state) as store:
        record = store.coverage(module)
    assert record is not None
    assert (record.source, record.sets, record.tests, record.failed) == ("a = 1\nb = 2\n", SETS, 3, 1)
    assert record.test_digest == digest
    assert before <= record.when <= time.time()


def test_a_run_that_failed_after_measuring_leaves_what_it_has_measured(
    testwright: Any, service: FakeService, state: Path
) -> None:
    module = state.with_name("m.py")
    service.answers, service.coverage = [failed("nothing-proven")], ModuleCoverage(module, "a = 1\n", SETS, 3, 0)
    assert testwright("generate", "m.py").code == 3
    with Store.open(state) as store:
        assert store.coverage(module) is not None


@pytest.mark.parametrize("coverage", [None, ModuleCoverage(Path("/m.py"), "", None, 0, 0)], ids=["none", "unknown"])
def test_what_is_not_known_is_not_kept(
    testwright: Any, service: FakeService, state: Path, coverage: ModuleCoverage | None
) -> None:
    service.coverage = coverage
    testwright("generate", "m.py")
    assert not state.exists()


def test_a_measurement_that_cannot_be_kept_is_told_and_the_run_is_what_it_was(
    testwright: Any, service: FakeService, state: Path
) -> None:
    state.write_text("no folder", encoding="ascii")
    service.coverage = ModuleCoverage(state.with_name("m.py"), "a = 1\n", SETS, 3, 0)
    outcome = testwright("generate", "m.py", "--json")
    assert outcome.code == 0
    (note,) = json.loads(outcome.stdout)["notes"]
    assert note.startswith("What was measured is not kept for editors: ")
    assert str(state) in note
