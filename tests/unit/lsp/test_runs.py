"""Runs: one at a time for a module, a queue for the rest, and an end for each, whatever happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from testwright.lsp.work.runs import Ending, Run, RunKind, Runs, RunState, Saved, Work

DONE = Ending("written", "done")


def work(module: str, symbol: str | None = None, kind: RunKind = "generate", *, quiet: bool = False) -> Work:
    path = Path("/w") / f"{module}.py"
    return Work(kind, path, path, symbol, None, Path("/w"), quiet=quiet)


class Desk:
    """Runs whose work goes on until it is told to end."""

    def __init__(self, at_once: int = 2, job: Callable[[Run], Awaitable[None]] | None = None) -> None:
        self.changes: list[tuple[str, RunState]] = []
        self.waits: dict[str, list[int]] = {}
        self.ends: dict[str, asyncio.Event] = {}
        self.runs = Runs(job or self._job, lambda run: self.changes.append((run.id, run.state)), at_once)

    async def _job(self, run: Run) -> None:
        end = self.ends.setdefault(run.id, asyncio.Event())
        await run.turn(self.waits.setdefault(run.id, []).append)
        await end.wait()
        run.end(DONE)

    async def end(self, run: Run) -> None:
        self.ends.setdefault(run.id, asyncio.Event()).set()
        await run.wait()
        await settle()

    def states(self) -> dict[str, RunState]:
        return {run.id: run.state for run in self.runs.alive}


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_so_many_go_on_and_the_rest_waits_in_order() -> None:
    desk = Desk(at_once=2)
    runs = [desk.runs.start(work(name))[0] for name in "abcd"]
    await settle()

    assert [run.state for run in runs] == ["running", "running", "queued", "queued"]
    assert [run.waits_for for run in runs] == [0, 0, 1, 2]
    await desk.end(runs[1])
    assert [run.state for run in runs] == ["running", "ended", "running", "queued"]
    assert desk.waits[runs[3].id] == [2, 1]
    await desk.end(runs[0])
    assert desk.states() == {runs[2].id: "running", runs[3].id: "running"}
    for run in runs[2:]:
        await desk.end(run)
    assert desk.runs.alive == ()
    assert desk.changes == [
        ("generate-1", "running"),
        ("generate-2", "running"),
        ("generate-3", "queued"),
        ("generate-4", "queued"),
        ("generate-2", "ended"),
        ("generate-3", "running"),
        ("generate-1", "ended"),
        ("generate-4", "running"),
        ("generate-3", "ended"),
        ("generate-4", "ended"),
    ]


async def test_one_run_at_a_time_for_a_module_while_others_pass_it() -> None:
    desk = Desk(at_once=2)
    first, second, other = (
        desk.runs.start(wanted)[0] for wanted in (work("a"), work("a", "f"), work("b", kind="judge"))
    )
    await settle()

    assert [run.state for run in (first, second, other)] == ["running", "queued", "running"]
    assert second.waits_for == 1
    await desk.end(other)
    assert desk.states() == {first.id: "running", second.id: "queued"}
    await desk.end(first)
    assert desk.states() == {second.id: "running"}
    await desk.end(second)


async def test_the_same_work_joins_the_run_that_goes_on() -> None:
    desk = Desk()
    run, is_new = desk.runs.start(work("a"))
    again, is_new_again = desk.runs.start(work("a"))
    assert (is_new, is_new_again) == (True, False)
    assert again is run
    assert desk.runs.start(work("a", "f"))[1]
    assert desk.runs.start(work("a", kind="measure"))[1]
    await desk.runs.close()
    assert desk.runs.start(work("a"))[0] is not run
    await desk.runs.close()


async def test_who_asks_for_what_goes_on_quietly_is_told_its_end() -> None:
    desk = Desk()
    run, _ = desk.runs.start(work("a", kind="measure", quiet=True))
    is_quiet = [run.quiet]
    for quiet in (True, False, True):
        desk.runs.start(work("a", kind="measure", quiet=quiet))
        is_quiet.append(run.quiet)
    assert is_quiet == [True, True, False, False]
    await desk.end(run)


@pytest.mark.parametrize("steps", [0, 1, 5])
async def test_a_cancelled_run_ends_as_such_wherever_it_is(steps: int) -> None:
    desk = Desk(at_once=1)
    going, queued = (desk.runs.start(work(name))[0] for name in "ab")
    for _ in range(steps):
        await asyncio.sleep(0)

    assert queued.cancel()
    assert not queued.cancel()
    await queued.wait()
    assert going.cancel("The sky fell.")
    await going.wait()
    await settle()
    assert queued.ending == Ending("cancelled", "")
    assert going.ending == Ending("cancelled", "The sky fell.", "warning")
    assert desk.runs.alive == ()
    assert {change for change in desk.changes if change[1] == "ended"} == {(going.id, "ended"), (queued.id, "ended")}
    assert not going.cancel()


async def test_work_that_was_done_is_not_called_cancelled() -> None:
    """What was written before a cancel must not be lost, and who asks for the same then gets a run of its own."""
    desk = Desk()
    settled = asyncio.Event()

    async def job(run: Run) -> None:
        await run.turn(lambda _: None)
        run.settle()
        settled.set()
        await desk.ends.setdefault(run.id, asyncio.Event()).wait()
        run.end(DONE)

    desk.runs = Runs(job, lambda _: None)
    run, _ = desk.runs.start(work("a"))
    await settled.wait()
    assert not run.cancel()
    again, is_new = desk.runs.start(work("a"))
    assert is_new
    assert again.state == "queued"
    await desk.end(run)

    assert run.ending == DONE
    assert not run.cancelled
    await desk.end(again)


async def test_the_same_work_after_a_cancel_is_new() -> None:
    desk = Desk()
    run, _ = desk.runs.start(work("a"))
    await settle()
    run.cancel()
    again, is_new = desk.runs.start(work("a"))
    assert is_new
    assert desk.states()[again.id] == "queued"
    await run.wait()
    await settle()
    assert desk.states() == {again.id: "running"}
    await desk.end(again)


async def test_a_job_that_raises_ends_its_run_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def job(run: Run) -> None:
        await run.turn(lambda _: None)
        if run.work.symbol == "bad":
            raise RuntimeError("the job broke")
        run.end(DONE)

    desk = Desk(at_once=1, job=job)
    bad, good = (desk.runs.start(work("a", symbol))[0] for symbol in ("bad", "good"))
    await good.wait()

    assert bad.ending is not None
    assert (bad.ending.status, bad.ending.severity) == ("failed", "error")
    assert good.ending == DONE
    assert "the job broke" in caplog.text


async def test_closing_waits_for_all() -> None:
    cleaned: list[str] = []

    async def job(run: Run) -> None:
        try:
            await run.turn(lambda _: None)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(run.id)

    desk = Desk(at_once=1, job=job)
    for name in "abc":
        desk.runs.start(work(name))
    await settle()
    await desk.runs.close()

    assert sorted(cleaned) == ["generate-1", "generate-2", "generate-3"]
    assert desk.runs.alive == ()


def test_words_for_a_run() -> None:
    package = Path("/w/shop/__init__.py")
    assert work("pricing").subject == "pricing"
    assert work("pricing", "Cart.total").subject == "Cart.total"
    assert Work("generate", package, package, None, None, Path("/w")).subject == "shop"


@pytest.mark.parametrize(
    ("reason", "begin"), [("", "The run for a was cancelled. "), ("Its folder was closed.", "Its folder was closed. ")]
)
async def test_what_was_proven_before_a_cancel_is_told(reason: str, begin: str) -> None:
    async def job(run: Run) -> None:
        await run.turn(lambda _: None)
        run.saved = Saved(Path("/state/proposal.py"), "It is saved in /state/proposal.py.", "1a")
        await asyncio.Event().wait()

    desk = Desk(job=job)
    run, _ = desk.runs.start(work("a"))
    await settle()
    assert run.cancel(reason)
    await run.wait()

    assert run.ending is not None
    assert (run.ending.status, run.ending.proposal) == ("cancelled", Path("/state/proposal.py"))
    assert run.ending.message == f"{begin}It is saved in /state/proposal.py."
