"""What runs have ended with: bounded, found by module and test file, and kept beyond the server's end."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from testwright.lsp.reports.accounts import Account
from testwright.lsp.reports.keeping import Keeper
from testwright.lsp.reports.results import KEPT, Results
from testwright.lsp.work.runs import Ending, Run, Work
from testwright.model import TestPlace
from testwright.rendering import report_to_json, unfinished_report
from testwright.service.result import Delivered

ROOT = Path("/w")
TESTS = ROOT / "tests" / "test_pricing.py"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def run(number: int, module: str = "pricing.py", kind: Any = "generate") -> Run:
    path = ROOT / module
    return Run(number, Work(kind, path, path, None, None, ROOT))


def ending(message: str = "It failed.", report: dict[str, Any] | None = None) -> Ending:
    failed = unfinished_report("failed", "/w/pricing.py", threshold=70, slug="target", message=message)
    return Ending("failed", message, "error", TESTS, report or dict(report_to_json(failed)))


DELIVERED = Delivered(
    TestPlace(TESTS, exists=False, digest="", original=None), b"def test_a(): ...\n", ROOT, ("test_a",), ()
)


async def test_accounts_are_found_by_module_and_by_test_file_the_last_first() -> None:
    results = Results(Keeper())
    results.take(run(1), ending("first"))
    results.take(run(2, "other.py"), Ending("failed", "other", "error", None, {"symbol": None}))
    results.take(run(3), ending("third"))
    for path in (ROOT / "pricing.py", TESTS):
        found = results.known(path)
        assert found is not None
        assert (found.run, found.summary) == ("generate-3", "third")
    assert results.known(ROOT / "nothing.py") is None
    await results.close()


async def test_what_leaves_no_report_leaves_no_account() -> None:
    results = Results(Keeper())
    results.take(run(1), Ending("cancelled", ""))
    results.take(run(2, kind="measure"), ending())
    assert results.known() is None
    assert await results.last() is None
    await results.close()


async def test_the_oldest_are_forgotten() -> None:
    results = Results(Keeper())
    for number in range(KEPT + 3):
        results.take(run(number, f"m{number}.py"), Ending("failed", "", "error", None, {}), DELIVERED)
    assert results.known(ROOT / "m2.py") is None
    assert results.known(ROOT / "m3.py") is not None
    assert results.of_run("generate-2") is None
    assert results.of_run("generate-3") is not None
    last = results.at(TESTS)
    assert last is not None
    assert last.run == f"generate-{KEPT + 2}"
    await results.close()


async def test_an_account_outlives_the_server_that_was_closed_at_once() -> None:
    results = Results(Keeper())
    results.take(run(1), ending())
    before = results.known()
    await results.close()
    again = Results(Keeper())
    assert await again.last(ROOT / "pricing.py") == before
    assert await again.last(TESTS) == before
    assert await again.last() == before
    await again.close()


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        json.dumps({"run": "1", "kind": "measure", "root": "/w", "summary": "", "report": {}}),
        json.dumps({"run": "1", "kind": "generate", "root": "/w", "summary": "", "report": {"symbol": None}}),
        json.dumps({"run": "1", "kind": "judge", "root": "/w", "summary": "", "report": []}),
    ],
)
async def test_what_is_kept_in_another_form_is_no_account(text: str, caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper()
    keeper.store().save_report(ROOT / "pricing.py", None, text, None)
    results = Results(keeper)
    with caplog.at_level(logging.WARNING):
        assert await results.last() is None
    assert "The stored report of pricing.py cannot be read" in caplog.text
    await results.close()


async def test_a_disk_that_refuses_is_logged(state: Path, caplog: pytest.LogCaptureFixture) -> None:
    state.write_text("no folder", encoding="ascii")
    results = Results(Keeper())
    with caplog.at_level(logging.WARNING):
        results.take(run(1), ending())
        await results.close()
    assert "The report of generate-1 is not kept" in caplog.text
    assert isinstance(results.known(), Account)
