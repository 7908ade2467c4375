"""A run's events as a percentage that never goes back and a line that a person can follow."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.lsp.work.progress import LEAST_SECONDS, SPANS, Percentage, Progress, message_of
from testwright.lsp.work.runs import RunKind
from testwright.model import EventKind, Phase, RunEvent


def event(
    phase: Phase, message: str = "", *, kind: EventKind = "progress", elapsed: float = 0.0, **data: Any
) -> RunEvent:
    return RunEvent(kind, phase, message, elapsed, data)


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (event("analyse", "reading the project", left=0), "reading the project"),
        (
            event("baseline", "running the existing tests", left=29, covered=62.9),
            "running the existing tests, 62 % covered, 29 s left",
        ),
        (
            event(
                "judge",
                "14 of 31 candidates judged",
                step="candidates",
                done=14,
                all=31,
                kept=12,
                covered=78.0,
                left=14,
            ),
            "12 of 31 tests kept, 78 % covered, 14 s left",
        ),
        (
            event("judge", "9 of 53 mutants", step="mutants", done=9, all=53, kept=12, covered=99.9, left=3),
            "12 tests kept, 9 of 53 mutants tried, 99 % covered, 3 s left",
        ),
        (event("judge", "x", step="mutants", done=9, all=53, left=3), "9 of 53 mutants tried, 3 s left"),
    ],
)
def test_a_line_for_a_person(told: RunEvent, line: str) -> None:
    assert message_of(told) == line


def test_a_percentage_of_what_is_counted() -> None:
    percentage = Percentage("generate")

    assert percentage.after(event("judge", step="candidates", done=0, all=10)) == 50
    assert percentage.after(event("judge", step="candidates", done=10, all=10)) == 71
    assert percentage.after(event("judge", step="mutants", done=0, all=4)) == 71
    assert percentage.after(event("judge", step="mutants", done=4, all=4)) == 85


def test_a_percentage_by_time_where_nothing_is_counted() -> None:
    percentage = Percentage("generate")

    assert percentage.after(event("explore", elapsed=2.0, left=28)) == 20
    assert percentage.after(event("explore", elapsed=8.0, left=22)) == 35
    assert percentage.after(event("explore", elapsed=25.0, left=5)) == 50


events = st.builds(
    event,
    st.sampled_from(list(SPANS["generate"])),
    elapsed=st.floats(0, 100),
    left=st.integers(0, 100),
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
def shown(client: Client) -> Progress:
    return Progress(client.notify, "generate", "Generating tests for pricing", "reading the project")


def test_nothing_is_sent_to_a_client_that_does_not_show_it(client: Client, shown: Progress) -> None:
    shown.take(event("prepare", "making a box ready"))
    shown.report("waiting for 1 other run")
    shown.end("done")

    assert client.sent == []


def test_a_client_that_shows_it_late_gets_how_it_is_by_then(client: Client, shown: Progress) -> None:
    shown.take(event("prepare", "making a box ready"))
    shown.show("t")
    shown.end("done")
    shown.end("failed")
    shown.report("too late")
    shown.take(event("judge", "too late"))

    assert client.sent == [("t", "begin", "making a box ready", 2), ("t", "end", "done", None)]


def test_a_client_that_shows_it_too_late_can_let_the_token_go(client: Client, shown: Progress) -> None:
    shown.end("cancelled")
    shown.show("t")

    assert [kind for _, kind, *_ in client.sent] == ["begin", "end"]


async def test_reports_are_not_sent_more_often_than_can_be_read(client: Client, shown: Progress) -> None:
    shown.show("t")
    begun = time.monotonic()
    for number in range(100):
        shown.take(event("explore", f"{number} cases"))
        await asyncio.sleep(0.005)
    taken = time.monotonic() - begun

    lines = [message for _, kind, message, _ in client.sent if kind == "report"]
    assert lines[0] == "0 cases"
    assert 3 <= len(lines) <= 2 + taken / LEAST_SECONDS


async def test_what_is_withheld_is_shown_a_moment_later_when_nothing_follows(client: Client, shown: Progress) -> None:
    shown.show("t")
    shown.take(event("baseline", "importing shop.pricing"))
    shown.take(event("baseline", "finding the existing tests"))
    shown.take(event("baseline", "running the existing tests"))
    shown.take(event("baseline", "a note", kind="note"))
    assert client.sent[-1] == ("t", "report", "importing shop.pricing", 6)

    await asyncio.sleep(2 * LEAST_SECONDS)
    assert [message for _, _, message, _ in client.sent[1:]] == ["importing shop.pricing", "running the existing tests"]


async def test_what_is_withheld_is_not_shown_after_the_next_phase_or_the_end(client: Client, shown: Progress) -> None:
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
