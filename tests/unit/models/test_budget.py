from __future__ import annotations

import asyncio
import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_clock import VirtualClock

from testwright.errors import BudgetExhausted
from testwright.models.budget import TOKENS_OF_UNKNOWN_ANSWER, Estimate, Hold, RunBudget, RunLimits, estimate
from testwright.models.values import ChatRequest, ModelEntry, Usage

FREE = Estimate(tokens=100, cost=0.0, prompt_tokens=50)
PAID = Estimate(tokens=100, cost=0.25, prompt_tokens=50)
UNPRICED = Estimate(tokens=100, cost=math.inf, prompt_tokens=50)


def entry(**fields: Any) -> ModelEntry:
    given = {"cost_per_1m_input": 0.0, "cost_per_1m_output": 0.0, "free": True} | fields
    return ModelEntry(name="m", provider="p", priority=1, status="active", **given)


def budget(clock: VirtualClock | None = None, **limits: Any) -> RunBudget:
    given = {"requests": 10, "tokens": 10_000, "cost": 0.0, "seconds": 60.0} | limits
    return RunBudget(RunLimits(**given), clock or VirtualClock())


def request(text: str, **fields: Any) -> ChatRequest:
    return ChatRequest(body={"messages": [{"role": "user", "content": text}], **fields})


# -- the estimate ---------------------------------------------------------------------------------------------------


def test_a_prompt_is_taken_for_more_tokens_than_it_has() -> None:
    empty = estimate(request("", max_tokens=1), entry()).prompt_tokens
    assert estimate(request("x" * 4_000, max_tokens=1), entry()).prompt_tokens == empty + 2_000
    assert estimate(request("測" * 1_000, max_tokens=1), entry()).prompt_tokens == empty + 3_000


@pytest.mark.parametrize(
    ("fields", "max_output", "expected"),
    [
        ({"max_tokens": 7}, 4_000, 7),
        ({"max_completion_tokens": 9, "max_tokens": 7}, 4_000, 9),
        ({}, 4_000, 4_000),
        ({}, None, TOKENS_OF_UNKNOWN_ANSWER),
        ({"max_tokens": None}, 4_000, 4_000),
        ({"max_tokens": "many"}, 4_000, 4_000),
    ],
)
def test_an_answer_is_taken_for_the_longest_that_may_come(
    fields: dict[str, Any], max_output: int | None, expected: int
) -> None:
    found = estimate(request("Hello", **fields), entry(max_output=max_output))
    assert found.tokens - found.prompt_tokens == expected


def test_the_cost_is_that_of_the_estimated_tokens() -> None:
    model = entry(cost_per_1m_input=2.0, cost_per_1m_output=10.0, free=False)
    found = estimate(request("x" * 2_000, max_tokens=500), model)
    assert found.cost == pytest.approx(found.prompt_tokens * 2e-6 + 500 * 10e-6)


def test_a_price_that_nobody_knows_is_not_zero() -> None:
    assert estimate(request("Hello"), entry(free=False)).cost == math.inf
    assert estimate(request("Hello"), entry(free=True)).cost == 0


@given(st.text(), st.text())
def test_any_text_has_an_estimate(text: str, other: str) -> None:
    found = estimate(request(text, stop=other), entry())
    assert found.prompt_tokens >= len(text) / 2


# -- reserving ------------------------------------------------------------------------------------------------------


async def test_what_is_set_aside_counts_until_it_is_known_what_was_used() -> None:
    one = budget(tokens=250)
    first, second = await one.reserve(FREE), await one.reserve(FREE)
    waiting = asyncio.create_task(one.reserve(FREE))
    await asyncio.sleep(0)
    assert not waiting.done()
    first.used(Usage(prompt_tokens=20, completion_tokens=5))
    third = await waiting
    third.used(Usage(prompt_tokens=100, completion_tokens=0))
    second.used(None)
    with pytest.raises(BudgetExhausted, match=r"used 225 of the 250 tokens .* may take 100\."):
        await one.reserve(FREE)


@pytest.mark.parametrize(
    ("limits", "wanted", "words"),
    [
        ({"requests": 1}, FREE, "has sent the one request to models"),
        ({"tokens": 150}, FREE, "has used 100 of the 150 tokens"),
        ({"cost": 0.3}, PAID, r"has spent \$0.2500 of the \$0.30 .* may cost \$0.2500"),
    ],
)
async def test_a_request_that_does_not_fit_is_not_sent(limits: dict[str, Any], wanted: Estimate, words: str) -> None:
    one = budget(**limits)
    (await one.reserve(wanted)).used(Usage(prompt_tokens=100, cost=wanted.cost))
    with pytest.raises(BudgetExhausted, match=words) as caught:
        await one.reserve(wanted)
    assert caught.value.next_step.startswith("Raise max-model-")


async def test_without_money_nothing_that_costs_is_sent() -> None:
    with pytest.raises(BudgetExhausted, match=r"spent \$0.0000 of the \$0.00"):
        await budget(cost=0.0).reserve(PAID)


async def test_requests_of_unknown_price_go_one_at_a_time_while_there_is_money() -> None:
    one = budget(cost=1.0)
    first = await one.reserve(UNPRICED)
    second = asyncio.create_task(one.reserve(UNPRICED))
    await asyncio.sleep(0)
    assert not second.done()
    first.used(Usage(cost=0.4))
    (await second).used(Usage(cost=0.7))  # dearer than it should have been
    with pytest.raises(BudgetExhausted, match="costs what nobody says"):
        await one.reserve(UNPRICED)
    (await one.reserve(FREE)).used(Usage())


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (Hold.give_back, 2),
        (Hold.refused, 1),
        (lambda hold: hold.used(Usage(prompt_tokens=1)), 1),
        (lambda hold: (hold.give_back(), hold.used(None)), 2),  # the first end counts
    ],
)
async def test_the_end_of_a_hold(end: Any, left: int) -> None:
    one = budget(requests=2, tokens=201)
    end(await one.reserve(FREE))
    for _ in range(left):
        (await one.reserve(FREE)).refused()
    with pytest.raises(BudgetExhausted, match="sent the 2 requests"):
        await one.reserve(FREE)


async def test_who_is_cancelled_while_waiting_takes_nothing() -> None:
    one = budget(requests=2, tokens=150)
    first = await one.reserve(FREE)
    waiting = asyncio.create_task(one.reserve(FREE))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    first.give_back()
    (await one.reserve(FREE)).give_back()


async def test_after_the_deadline_nothing_is_sent() -> None:
    clock = VirtualClock()
    one = budget(clock, seconds=60)
    clock.advance(59)
    assert one.time_left == 1
    clock.set_wall(0)
    (await one.reserve(FREE)).give_back()
    clock.advance(1)
    assert one.time_left == 0
    with pytest.raises(BudgetExhausted, match="The 60 seconds that a run may take with models are over"):
        await one.reserve(FREE)


@given(
    st.integers(0, 60),
    st.integers(0, 4_000),
    st.floats(0, 2, allow_nan=False),
    st.integers(),
)
async def test_fifty_at_once_pass_no_limit(requests: int, tokens: int, cost: float, seed: int) -> None:
    random = Random(seed)
    one = budget(requests=requests, tokens=tokens, cost=cost)
    sent: list[Usage] = []
    refused = 0

    async def ask() -> None:
        nonlocal refused
        wanted = Estimate(tokens=random.randint(1, 200), cost=random.choice([0.0, 0.1]), prompt_tokens=1)
        try:
            hold = await one.reserve(wanted)
        except BudgetExhausted:
            refused += 1
            return
        await asyncio.sleep(0)
        if random.random() < 0.2:
            hold.give_back()
            return
        used = Usage(prompt_tokens=random.randint(0, wanted.tokens), cost=wanted.cost * random.random())
        sent.append(used)
        hold.used(used)

    await asyncio.gather(*(ask() for _ in range(50)))
    assert len(sent) <= requests
    assert sum(usage.prompt_tokens for usage in sent) <= tokens
    assert sum(usage.cost for usage in sent) <= cost + 1e-9
