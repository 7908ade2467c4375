"""A run's events as a percentage that never goes back and a line that a person can follow."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.lsp.work import progress
from testwright.lsp.work.progress import LEAST_SECONDS, SPANS, Percentage, RunProgress
from testwright.lsp.work.runs import RunKind
from testwright.model import EventKind, Phase, RunEvent


def event(
    phase: Phase, message: str = "", *, kind: EventKind = "progress", elapsed: float = 0.0, **data: Any
) -> RunEvent:
    return RunEvent(kind, phase, message, elapsed, data)


def test_a_percentage_of_what_is_counted() -> None:
    percentage = Percentage("generate")

    assert percentage.after(event("judge", step="candidates", done=0, all=10)) == 50
    assert percentage.after(event("judge", step="candidates", done=10, all=10)) == 65
    assert percentage.after(event("judge", step="mutants", done=0, all=4)) == 65
    assert percentage.after(event("judge", step="mutants", done=4, all=4)) == 75


def test_a_percentage_by_time_where_nothing_is_counted() -> None:
    percentage = Percentage("generate")

    assert percentage.after(event("explore", elapsed=2.0, left=28)) == 20
    assert percentage.after(event("explore", elapsed=8.0, left=22)) == 35
    assert percentage.after(event("explore", elapsed=25.0, left=5)) == 50


@pytest.mark.parametrize(("before", "begin"), [(event("judge", step="mutants", done=4, all=4), 75), (None, 0)])
def test_an_agent_goes_on_from_where_the_run_is(before: RunEvent | None, begin: int) -> None:
    """Whatever has worked before it; its rounds are judged within its part, and the end comes after it."""
    percentage = Percentage("generate")
    if before is not None:
        percentage.after(before)

    assert percentage.after(event("agent", elapsed=20.0, left=1800, steps=0)) == begin
    half = percentage.after(event("agent", elapsed=60.0, left=1760, steps=20))
    assert half == begin + (95 - begin) // 2
    assert percentage.after(event("judge", elapsed=61.0, left=1759, steps=20, step="candidates", done=9, all=9)) == half
    assert half < percentage.after(event("agent", elapsed=70.0, left=1750, steps=40)) < 95
    assert percentage.after(event("agent", elapsed=1820.0, left=0, steps=41)) == 95
    assert percentage.after(event("verify", elapsed=1821.0, left=5)) == 95
    assert percentage.after(event("write", elapsed=1822.0, left=4)) == 98


def test_an_agent_that_waits_for_a_model_goes_on_by_time() -> None:
    percentage = Percentage("generate")
    percentage.after(event("agent", elapsed=10.0, left=1000))

    assert percentage.after(event("agent", elapsed=510.0, left=500, steps=1)) == 95 // 2


events = st.builds(
    event,
    st.sampled_from(list(SPANS["generate"])),
    elapsed=st.floats(0, 100),
    left=st.integers(0, 100),
    steps=st.integers(-3, 100),
    done=st.integers(-3, 100),
    all=st.integers(-3, 50),
    step=st.sampled_from(["candidates", "mutants", "others"]),
)


@given(st.sampled_from(["generate", "judge", "measure"]), st.lists(events))
def test_a_percentage_never_goes_back(kind: RunKind, told: list[RunEvent]) -> None:
    percentage = Percentage(kind)
    found = [percentage.after(one) for one in told]

    assert found == sorted(found)
    assert all(0 <= one <= 100 for one in found)


class Client:
    def __init__(self) -> None:
        self.sent: list[tuple[object, ...]] = []

    def notify(self, method: str, params: Any) -> None:
        assert method == "$/progress"
        value = params.value
        self.sent.append((params.token, value.kind, value.message, getattr(value, "percentage", None)))


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def shown(client: Client) -> RunProgress:
    return RunProgress(client.notify, "generate", "Generating tests for pricing", "reading the project")


def test_nothing_is_sent_to_a_client_that_does_not_show_it(client: Client, shown: RunProgress) -> None:
    shown.take(event("prepare", "making a box ready"))
    shown.report("waiting for 1 other run")
    shown.end("done")

    assert client.sent == []


def test_a_client_that_shows_it_late_gets_how_it_is_by_then(client: Client, shown: RunProgress) -> None:
    shown.take(event("prepare", "making a box ready"))
    shown.show("t")
    shown.end("done")
    shown.end("failed")
    shown.report("too late")
    shown.take(event("judge", "too late"))

    assert client.sent == [("t", "begin", "making a box ready", 2), ("t", "end", "done", None)]


def test_a_client_that_shows_it_too_late_can_let_the_token_go(client: Client, shown: RunProgress) -> None:
    shown.end("cancelled")
    shown.show("t")

    assert [kind for _, kind, *_ in client.sent] == ["begin", "end"]


async def test_reports_are_not_sent_more_often_than_can_be_read(client: Client, shown: RunProgress) -> None:
    shown.show("t")
    begun = time.monotonic()
    for number in range(100):
        shown.take(event("explore", f"{number} cases"))
        await asyncio.sleep(0.005)
    taken = time.monotonic() - begun

    lines = [message for _, kind, message, _ in client.sent if kind == "report"]
    assert lines[0] == "0 cases"
    assert 3 <= len(lines) <= 2 + taken / LEAST_SECONDS


async def test_what_is_withheld_is_shown_a_moment_later_when_nothing_follows(
    client: Client, shown: RunProgress
) -> None:
    shown.show("t")
    shown.take(event("baseline", "importing shop.pricing"))
    shown.take(event("baseline", "finding the existing tests"))
    shown.take(event("baseline", "running the existing tests"))
    shown.take(event("baseline", "a note", kind="note"))
    assert client.sent[-1] == ("t", "report", "importing shop.pricing", 6)

    await asyncio.sleep(2 * LEAST_SECONDS)
    assert [message for _, _, message, _ in client.sent[1:]] == ["importing shop.pricing", "running the existing tests"]


async def test_what_is_withheld_is_not_shown_after_the_next_phase_or_the_end(
    client: Client, shown: RunProgress
) -> None:
    shown.show("t")
    shown.take(event("judge", "judging"))
    shown.take(event("judge", "overtaken"))
    shown.take(event("verify", "verifying"))
    shown.take(event("verify", "too late"))
    shown.end("done")
    await asyncio.sleep(2 * LEAST_SECONDS)

    assert [message for _, _, message, _ in client.sent[1:]] == ["judging", "verifying", "done"]


def test_mutants_are_the_whole_of_their_phase_where_there_are_no_candidates() -> None:
    first, last = SPANS["judge"]["judge"]
    begun = Percentage("judge").after(event("judge", done=0, all=10, step="mutants"))
    half = Percentage("judge").after(event("judge", done=5, all=10, step="mutants"))
    assert begun == first
    assert half == first + (last - first) // 2


@pytest.fixture
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(progress, "TICK_SECONDS", 0.02)
    return 0.02


def reports(client: Client) -> list[str]:
    return [str(message) for _, kind, message, _ in client.sent if kind == "report"]


async def told(client: Client, number: int) -> None:
    """Wait until so many reports were sent."""
    while len(reports(client)) < number:  # noqa: ASYNC110 - timers tell nobody of what they do
        await asyncio.sleep(0.01)


async def test_the_line_of_an_agents_step_is_told_again_until_the_next_one(
    client: Client, shown: RunProgress, quick_ticks: float
) -> None:
    shown.show("t")
    shown.take(event("agent", "step 1: waiting for the model", elapsed=4.0, requests=1))
    await told(client, 4)
    assert reports(client)[0] == "step 1: waiting for the model, 4 s, 1 request"
    assert {line.partition(",")[0] for line in reports(client)} == {"step 1: waiting for the model"}
    shown.take(event("verify", "writing the tests as a file"))
    count = len(reports(client))
    await asyncio.sleep(5 * quick_ticks)
    assert reports(client)[count - 1 :] == ["writing the tests as a file"]


async def test_a_line_that_is_told_again_has_the_time_by_then(
    client: Client, shown: RunProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "TICK_SECONDS", 1.1)
    shown.show("t")
    shown.take(event("agent", "step 1", elapsed=4.0, requests=1))
    await told(client, 2)

    seconds = [int(line.split(", ")[1].removesuffix(" s")) for line in reports(client)]
    assert seconds[1] > seconds[0] == 4


async def test_nothing_is_told_again_after_the_end(client: Client, shown: RunProgress, quick_ticks: float) -> None:
    shown.show("t")
    shown.take(event("agent", "step 1", requests=1))
    shown.end("cancelled")
    sent = list(client.sent)
    await asyncio.sleep(5 * quick_ticks)

    assert client.sent == sent
