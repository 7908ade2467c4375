"""Runs beside each other: one for a module at a time, the rest in a queue, and what is the same joined."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsp_client import FULL, MINIMAL, VSCODE, EditorClient, EditorFactory

GENERATE = "testwright.generateTests"
REFRESH = "testwright.refreshCoverage"
CANCEL = "testwright.cancelRun"
MODULE = "def double(number: int) -> int:\n    return number * 2\n"
NOTIFIED = {"notifications": True}


@pytest.fixture
def modules(workspace: Path) -> list[Path]:
    """Four small modules."""
    found = [workspace / "src" / "shop" / f"maths{number}.py" for number in range(4)]
    for path in found:
        path.write_text(MODULE, encoding="utf-8")
    return found


def states(editor: EditorClient) -> list[tuple[str, str]]:
    return [(params["run"], params["state"]) for params in editor.all_of("testwright/runChanged")]


async def end_of(editor: EditorClient, **wanted: str) -> dict[str, Any]:
    """What is told at the end of a run."""

    def is_wanted(params: dict[str, Any]) -> bool:
        return wanted.items() <= params.items()

    params: dict[str, Any] = await editor.wait_for("testwright/runFinished", is_wanted, timeout=120)
    return params


async def test_a_queue_is_worked_off_in_order(editor_for: EditorFactory, modules: list[Path]) -> None:
    async with editor_for(VSCODE, options=NOTIFIED) as editor:
        answers = [await editor.command(GENERATE, {"uri": path.as_uri()}) for path in modules]
        for answer in answers:
            assert (await end_of(editor, run=answer["run"]))["status"] == "written"
        seen = states(editor)

    at_once = sum(answer["status"] == "started" for answer in answers)
    assert at_once >= 2
    assert [answer["waitsFor"] for answer in answers] == [0] * at_once + list(range(1, 5 - at_once))
    begun = [run for run, state in seen if state == "running"]
    assert begun == [answer["run"] for answer in answers]
    going: set[str] = set()
    for run, state in seen:
        (going.add if state == "running" else going.discard)(run)
        assert len(going) <= at_once
    assert all((path.parents[2] / "tests" / f"test_{path.name}").is_file() for path in modules)


async def test_one_run_for_a_module_at_a_time(editor_for: EditorFactory, pricing: Path, modules: list[Path]) -> None:
    async with editor_for(FULL, options=NOTIFIED) as editor:
        editor.open(pricing)
        uri = pricing.as_uri()
        whole = await editor.command(GENERATE, {"uri": uri})
        part = await editor.command(GENERATE, {"uri": uri, "symbol": "add_tax"})
        measured = await editor.command(REFRESH, {"uri": uri})
        other = await editor.command(REFRESH, {"uri": modules[0].as_uri()})
        assert [one["status"] for one in (whole, part, measured, other)] == ["started", "queued", "queued", "started"]
        assert [one["waitsFor"] for one in (whole, part, measured, other)] == [0, 1, 2, 0]
        assert await editor.command(GENERATE, {"uri": uri}) == {**whole, "status": "already-running"}
        assert await editor.command(GENERATE, {"uri": uri, "symbol": "add_tax"}) == {
            **part,
            "status": "already-running",
        }
        await editor.command(CANCEL, {"run": part["run"]})
        again = await editor.command(GENERATE, {"uri": uri, "symbol": "add_tax"})
        assert again["status"] == "queued"
        assert again["run"] != part["run"]
        await editor.command(CANCEL)
        for one in (whole, part, measured, again):
            assert (await end_of(editor, run=one["run"]))["status"] == "cancelled"


async def test_a_second_run_on_the_same_module_adds_to_the_first(
    editor_for: EditorFactory, workspace: Path, pricing: Path
) -> None:
    """Started while the first goes on: it sees what that has written, and repeats nothing."""
    tests = workspace / "tests" / "test_pricing.py"
    async with editor_for(MINIMAL, options=NOTIFIED) as editor:
        editor.open(pricing)
        for symbol in ("add_tax", "Cart"):
            await editor.command(GENERATE, {"uri": pricing.as_uri(), "symbol": symbol})
        for subject in ("add_tax", "Cart"):
            await end_of(editor, subject=subject)
            text = tests.read_text(encoding="utf-8")
            assert ("Cart" in text) is (subject == "Cart")
        names = [line.split("(")[0] for line in text.splitlines() if line.startswith("def test_")]

    assert len(names) == len(set(names))
    assert any("add_tax" in name for name in names)
    assert text.count("import pytest") <= 1


async def test_two_clients_at_once_on_one_project(
    editor_for: EditorFactory, workspace: Path, modules: list[Path]
) -> None:
    async with editor_for(FULL, options=NOTIFIED) as one, editor_for(VSCODE, options=NOTIFIED) as other:
        await one.command(GENERATE, {"uri": modules[0].as_uri()})
        await other.command(GENERATE, {"uri": modules[1].as_uri()})
        ends = await asyncio.gather(
            *(editor.wait_for("testwright/runFinished", timeout=120) for editor in (one, other))
        )

    assert [end["status"] for end in ends] == ["written", "written"]
    assert sorted(path.name for path in (workspace / "tests").glob("*.py")) == ["test_maths0.py", "test_maths1.py"]
