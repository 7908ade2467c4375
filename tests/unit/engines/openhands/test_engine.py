"""Rounds with an agent: how many, what ends them, and that nothing proven is lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Self

import pytest

from testwright.engines.openhands.engine import LEAST_SECONDS, OpenHandsEngine
from testwright.engines.openhands.values import AgentLimits, AgentRound, AgentTask
from testwright.errors import (
    AgentFailure,
    BoxUnavailable,
    DockerFailure,
    KeyRefused,
    NothingProven,
    TestwrightError,
)

TASK = AgentTask("tests/test_shop.py", "/usr/bin/python3", (".",))
SOON = 3600.0


def a_round(file: str | None, status: Any = "finished", **fields: Any) -> AgentRound:
    return AgentRound(file, status, f"The round ended as {status}.", **fields)


class Scripted:
    """A session that hands out what it was given."""

    def __init__(self, *outcomes: AgentRound | BaseException) -> None:
        self.outcomes = list(outcomes)
        self.told: list[str] = []
        self.begun: list[AgentTask] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None

    async def begin(self, task: AgentTask) -> None:
        self.begun.append(task)

    async def round(self, text: str, *, deadline: float) -> AgentRound:
        assert deadline > time.monotonic()
        self.told.append(text)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class Judged:
    """A judge that answers each round with the next of its messages."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.seen: list[str | None] = []

    async def __call__(self, done: AgentRound) -> str | None:
        self.seen.append(done.file)
        return self.answers.pop(0)


async def work(session: Scripted, judged: Judged, *, rounds: int = 3, seconds: float = SOON) -> Any:
    engine = OpenHandsEngine(session, AgentLimits(rounds=rounds))
    await engine.begin(TASK)
    return await engine.work("begin", judged, deadline=time.monotonic() + seconds)


async def test_each_round_is_answered_by_the_judge_until_it_is_enough() -> None:
    session, judged = Scripted(a_round("a"), a_round("b")), Judged("more", None)
    worked = await work(session, judged)
    assert (session.told, judged.seen, session.begun) == (["begin", "more"], ["a", "b"], [TASK])
    assert [done.file for done in worked.rounds] == ["a", "b"]
    assert (worked.error, worked.notes) == (None, ())


@pytest.mark.parametrize("most", [1, 3])
async def test_there_are_no_more_rounds_than_allowed(most: int) -> None:
    session = Scripted(*(a_round(str(number)) for number in range(9)))
    await work(session, Judged(*["more"] * 9), rounds=most)
    assert len(session.told) == most


@pytest.mark.parametrize("status", ["finished", "max-steps", "stuck"])
async def test_an_agent_that_stops_short_gets_another_round(status: str) -> None:
    session = Scripted(a_round(None, status), a_round("b"))
    worked = await work(session, Judged("write it", None))
    assert session.told == ["begin", "write it"]
    assert [done.file for done in worked.rounds] == [None, "b"]


@pytest.mark.parametrize("status", ["refused", "error", "out-of-time"])
async def test_an_agent_without_a_model_or_time_gets_none_but_its_file_is_judged(status: str) -> None:
    reason = KeyRefused("The key is wrong.") if status == "refused" else None
    session, judged = Scripted(a_round("a", status, error=reason)), Judged("more")
    worked = await work(session, judged)
    assert (session.told, judged.seen) == (["begin"], ["a"])
    assert worked.notes == (f"The round ended as {status}.",)
    assert worked.error is reason


@pytest.mark.parametrize("files", [("a", "a"), (None, None)])
async def test_the_same_again_is_not_judged_again_and_ends_it(files: Sequence[str | None]) -> None:
    judged = Judged("more", "more")
    worked = await work(Scripted(*map(a_round, files)), judged)
    assert judged.seen == list(files[:1])
    assert worked.notes == ("The agent gave the same again, so it was not asked further.",)


@pytest.mark.parametrize(
    "failure", [AgentFailure("It broke off."), BoxUnavailable("No box."), DockerFailure("The engine is gone.")]
)
@pytest.mark.parametrize("before", [0, 1])
async def test_a_failure_does_not_lose_the_rounds_before(failure: TestwrightError, before: int) -> None:
    session = Scripted(*[a_round("a")][:before], failure)
    worked = await work(session, Judged("more"))
    assert [done.file for done in worked.rounds] == ["a"][:before]
    assert worked.error is failure


async def test_no_round_begins_when_the_time_is_over() -> None:
    session = Scripted(a_round("a"))
    worked = await work(session, Judged(), seconds=LEAST_SECONDS - 1)
    assert (session.told, worked.rounds) == ([], ())
    assert worked.notes == ("There was no time for a round with the agent.",)


async def test_what_the_judge_raises_is_not_hidden() -> None:
    async def judge(done: AgentRound) -> str | None:
        raise NothingProven("Nothing.")

    engine = OpenHandsEngine(Scripted(a_round("a")))
    with pytest.raises(NothingProven):
        await engine.work("begin", judge, deadline=time.monotonic() + SOON)


async def test_what_a_round_noticed_is_told_once() -> None:
    session = Scripted(a_round("a", notes=("Odd.",)), a_round("b", notes=("Odd.",)))
    assert (await work(session, Judged("more", None))).notes == ("Odd.",)
