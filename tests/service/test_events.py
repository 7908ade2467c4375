"""The numbers by which a person can follow a run."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from testwright.boxes import snapshot
from testwright.boxes.snapshot import make_snapshot
from testwright.judge.minimise import minimise
from testwright.judge.mutation import only_functions
from testwright.judge.oracles import weakness
from testwright.model import RunEvent
from testwright.rendering import event_to_json
from testwright.writing.compose import compose_test_file
from testwright.writing.render import render_candidates

if TYPE_CHECKING:
    from .conftest import Project

DOCUMENT = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
KEYS = DOCUMENT.partition("Key in `data`")[2].partition("\n## ")[0]

MODULE = """\
class Cart:
    def __init__(self, discount: int = 0) -> None:
        self.discount = discount
        self.items: list[int] = []

    def add(self, price: int) -> None:
        if price < 0:
            raise ValueError("a price is not negative")
        self.items.append(price)

    def total(self) -> int:
        if not self.items:
            return 0
        return sum(self.items) - self.discount


def shout(text: str) -> str:
    return text.upper() + "!"
"""
TEST = "import shop\n\n\ndef test_shout():\n    assert shop.shout('a') == 'A!'\n"


def numbers(events: list[RunEvent], key: str, *, phase: str | None = None, step: str | None = None) -> list[float]:
    found = [
        event.data[key]
        for event in events
        if key in event.data and phase in (None, event.phase) and step in (None, event.data.get("step"))
    ]
    assert all(isinstance(number, int | float) for number in found)
    return [float(number) for number in found]


async def test_the_report_tells_where_each_test_is_and_what_it_notices(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", TEST)
    result = await project.generate("shop.py", budget=50.0)
    assert result.report.status == "written", result.report.error
    assert result.tests == TEST.encode()
    lines = (project.workspace / "tests" / "test_shop.py").read_text(encoding="utf-8").split("\n")
    kept = result.report.kept
    assert kept
    for test in kept:
        assert test.line is not None
        assert lines[test.line - 1].startswith(f"def {test.name}(")
    assert max(test.mutants_killed for test in kept) > 0


async def test_a_run_can_be_followed(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", TEST)
    result = await project.generate("shop.py", budget=50.0)
    assert result.report.status == "written", result.report.error
    assert result.report.coverage_after is not None
    assert result.report.coverage_before is not None
    finished = project.events[-1]
    assert finished.kind == "finished"
    assert finished.data["status"] == "written"
    assert finished.data["kept"] == len(result.report.kept) > 0
    assert finished.data["percent"] == finished.data["covered"] == result.report.coverage_after.percent
    events = project.events
    assert numbers(events, "covered")[0] == result.report.coverage_before.percent
    assert all("left" in event.data for event in events)
    left = numbers(events, "left")
    assert left[0] == 0  # the budget is in settings that are not read yet
    known = left[next(index for index, seconds in enumerate(left) if seconds) :]
    assert known[0] == 50
    assert known == sorted(known, reverse=True)
    assert 0 < known[-1] < 50
    assert all(number == int(number) for number in known)

    first = next(index for index, event in enumerate(events) if "covered" in event.data)
    assert events[first].phase in ("baseline", "explore")
    assert all("covered" in event.data for event in events[first:])
    covered = numbers(events, "covered")
    assert all(0 <= percent <= 100 for percent in covered)
    # It moves while the search goes on, and does not wait for the end.
    assert max(numbers(events, "covered", phase="explore")) > covered[0]

    judged = numbers(events, "done", phase="judge", step="candidates")
    assert judged == sorted(judged)
    (candidates,) = set(numbers(events, "all", phase="judge", step="candidates"))
    assert judged[-1] == candidates > 0
    stable = numbers(events, "kept", phase="judge", step="candidates")
    assert stable == sorted(stable)
    assert stable[-1] > 0

    mutants = numbers(events, "done", phase="judge", step="mutants")
    assert mutants == sorted(mutants)
    assert max(mutants) == numbers(events, "all", phase="judge", step="mutants")[-1] > 0
    (kept,) = set(numbers(events, "kept", phase="judge", step="mutants"))
    assert kept == stable[-1]
    assert numbers(events, "kept", phase="verify")[-1] == events[-1].data["kept"]

    # Whoever reads the events as lines of JSON finds each key, and no other, in the documentation.
    told = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (?!Meaning)", KEYS, re.MULTILINE)
    assert {name for names in told for name in re.findall(r"\w+", names)} == {
        key for event in events for key in event.data
    }
    assert {event.phase for event in events} == set(
        re.findall(r"`(\w+)`", DOCUMENT.partition("`phase` | ")[2].split("|")[0])
    )
    seen = event_to_json(finished, "shop.py")
    assert seen["data"] == finished.data
    assert {"left", "covered", "percent", "kept", "status"} == seen["data"].keys()


async def test_a_run_that_fails_tells_so_with_its_last_event(project: Project) -> None:
    project.write("shop.py", "import no_such_module\n\n\ndef f() -> int:\n    return 1\n")
    await project.generate("shop.py")
    last = project.events[-1]
    assert (last.kind, last.data["status"], last.data["kept"], last.data["percent"]) == ("finished", "failed", 0, 0.0)
    assert "covered" not in last.data


async def test_a_measurement_can_be_followed(project: Project) -> None:
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", TEST)
    result = await project.measure("shop.py")
    assert result.coverage is not None
    assert result.coverage.sets is not None
    last = project.events[-1]
    assert (last.kind, last.data["status"]) == ("finished", "measured")
    assert last.data["covered"] == last.data["percent"] == result.coverage.sets.percent
    assert {event.phase for event in project.events} == {"analyse", "prepare", "baseline"}


async def test_what_takes_long_does_not_hold_the_loop(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # An editor's requests are answered on the same loop while a run goes on.
    loop = threading.current_thread()
    where: dict[str, set[bool]] = {}

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            where.setdefault(name, set()).add(threading.current_thread() is loop)
            return function(*arguments, **options)

        return call

    slow: dict[str, Callable[..., Any]] = {
        "testwright.service.proving.render_candidates": render_candidates,
        "testwright.service.finishing.minimise": minimise,
        "testwright.service.finishing.compose_test_file": compose_test_file,
        "testwright.judge.mutation.only_functions": only_functions,
        "testwright.judge.stability.weakness": weakness,
        "testwright.service.workshop.make_snapshot": make_snapshot,
    }
    for place, function in slow.items():
        monkeypatch.setattr(place, watched(place, function))
    project.write("shop.py", MODULE)
    result = await project.generate("shop.py")
    assert result.report.status == "written", result.report.error
    assert where == {place: {False} for place in slow}


async def test_a_cancel_waits_for_the_copy_of_the_workspace_to_stop(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A thread cannot be cancelled: it would go on to write into a folder that is being removed.
    project.write("shop.py", MODULE)
    for number in range(200):
        project.write(f"data/{number}.txt", "x")
    begun, copied = threading.Event(), []
    copy = snapshot._copy_content

    def slowly(source: int, place: Any, status: Any) -> int:
        begun.set()
        copied.append(place)
        threading.Event().wait(0.02)
        return copy(source, place, status)

    monkeypatch.setattr("testwright.boxes.snapshot._copy_content", slowly)
    task = asyncio.create_task(project.generate("shop.py"))
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    number = len(copied)
    assert number < 100
    assert project.left() == []
    await asyncio.sleep(0.1)
    assert len(copied) == number
