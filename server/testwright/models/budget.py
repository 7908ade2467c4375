"""What a run may use of models: requests, tokens, money and time, reserved before a request is sent.

A run and its budget live in one event loop. What is reserved is an estimate from above; after the answer it is
replaced by what the provider has counted, so that many requests at once can together never pass a limit that each of
them would keep.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass

from testwright.errors import BudgetExhausted
from testwright.models.clock import Clock
from testwright.models.values import ChatRequest, ModelEntry, Usage

TOKENS_OF_UNKNOWN_ANSWER = 8_192
"""What an answer is taken to have at most where neither the request nor the registry says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """What the user allows a run.

    Attributes:
        requests: That may be sent, failed ones included.
        tokens: Of prompts and answers together.
        cost: US dollars.
        seconds: From the run's beginning, waits included.
    """

    requests: int
    tokens: int
    cost: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one request may take.

    Attributes:
        tokens: Of prompt and answer together.
        cost: US dollars; infinite where the price is not known.
        prompt_tokens: Of the prompt alone.
    """

    tokens: int
    cost: float
    prompt_tokens: int


def estimate(request: ChatRequest, entry: ModelEntry) -> Estimate:
    """What a request may take of a model, rather too much than too little.

    A tokeniser of today makes a token of three to four bytes of code or English; a token is taken to be two bytes here,
    and one byte where it is not ASCII.
    """
    text = json.dumps(request.body, ensure_ascii=False, default=str)
    size = len(text.encode("utf-8", "surrogatepass"))
    ascii_size = sum(map(str.isascii, text))
    prompt = math.ceil(ascii_size / 2) + (size - ascii_size)
    answer = _longest_answer(request, entry)
    cost = (prompt * entry.cost_per_1m_input + answer * entry.cost_per_1m_output) / 1_000_000
    is_known = entry.free or cost > 0
    return Estimate(tokens=prompt + answer, cost=cost if is_known else math.inf, prompt_tokens=prompt)


def _longest_answer(request: ChatRequest, entry: ModelEntry) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        asked = request.body.get(name)
        if isinstance(asked, int) and asked > 0:
            return asked
    return entry.max_output or TOKENS_OF_UNKNOWN_ANSWER


@dataclass(frozen=True, slots=True)
class _Taken:
    requests: int = 0
    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: _Taken) -> _Taken:
        return _Taken(self.requests + other.requests, self.tokens + other.tokens, self.cost + other.cost)


class RunBudget:
    """The budget of one run; its time begins when it is made.

    Args:
        limits: What the user allows.
        clock: Only its monotonic time is used.

    Attributes:
        deadline: In monotonic seconds.
    """

    def __init__(self, limits: RunLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self.deadline = clock.monotonic() + limits.seconds
        self._spent = _Taken()
        self._held: dict[int, _Taken] = {}
        self._count = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def time_left(self) -> float:
        """Seconds until the run's deadline, 0 when it has passed."""
        return max(0.0, self.deadline - self._clock.monotonic())

    async def reserve(self, wanted: Estimate) -> Hold:
        """Set aside what a request may take; the hold must be ended, also when cancelled.

        Where it would fit if others took less than they have set aside, one of them is waited for.

        Raises:
            BudgetExhausted: It does not fit into what is left.
        """
        while True:
            self.check_time()
            taken = self._fitting(wanted, self._held_by_others())
            if taken is not None:
                self._count += 1
                self._held[self._count] = taken
                return Hold(self._count, self._settle)
            if self._fitting(wanted, _Taken()) is None or not self._held:
                raise self._exhausted(wanted)
            await self._next_settlement()

    def check(self) -> None:
        """Raise BudgetExhausted when nothing can be sent any more, so that nobody waits for it first."""
        if self._spent.requests >= self._limits.requests:
            raise self._no_requests_left()
        self.check_time()

    def check_time(self) -> None:
        """Raise BudgetExhausted when the deadline has passed."""
        if self.time_left <= 0:
            raise BudgetExhausted(
                f"The {self._limits.seconds:,.0f} seconds that a run may take with models are over.",
                next_step="Raise model-deadline, or run it again: what is written already stays.",
            )

    def _no_requests_left(self) -> BudgetExhausted:
        count = self._limits.requests
        sent = "the one request" if count == 1 else f"the {count:,} requests"
        return BudgetExhausted(
            f"The run has sent {sent} to models that it may send.", next_step="Raise max-model-requests."
        )

    def _held_by_others(self) -> _Taken:
        return sum(self._held.values(), _Taken())

    def _fitting(self, wanted: Estimate, held: _Taken) -> _Taken | None:
        """What would be set aside, None when it does not fit.

        A request of unknown price sets aside all the money that is left, so that no other is paid at the same time.
        """
        rest = self._limits.cost - self._spent.cost - held.cost
        cost = wanted.cost
        if math.isinf(cost):
            cost = self._limits.cost - self._spent.cost
            if self._limits.cost > 0 and cost <= 0:
                return None
        fits = (
            self._spent.requests + held.requests + 1 <= self._limits.requests
            and self._spent.tokens + held.tokens + wanted.tokens <= self._limits.tokens
            and (cost <= 0 or cost <= rest)
        )
        return _Taken(1, wanted.tokens, max(0.0, cost)) if fits else None

    def _exhausted(self, wanted: Estimate) -> BudgetExhausted:
        spent, limits = self._spent, self._limits
        if spent.requests >= limits.requests:
            return self._no_requests_left()
        if spent.tokens + wanted.tokens > limits.tokens:
            return BudgetExhausted(
                f"The run has used {spent.tokens:,} of the {limits.tokens:,} tokens that it may use, and the next "
                f"request may take {wanted.tokens:,}.",
                next_step="Raise max-model-tokens, or lower max_tokens of the request.",
            )
        may_cost = "costs what nobody says" if math.isinf(wanted.cost) else f"may cost ${wanted.cost:.4f}"
        return BudgetExhausted(
            f"The run has spent ${spent.cost:.4f} of the ${limits.cost:.2f} that it may spend, and the next request "
            f"{may_cost}.",
            next_step="Raise max-model-cost, or choose a free model.",
        )

    async def _next_settlement(self) -> None:
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(settled)
        try:
            await settled
        finally:
            if settled in self._waiting:
                self._waiting.remove(settled)

    def _settle(self, number: int, used: Callable[[_Taken], _Taken]) -> None:
        held = self._held.pop(number, None)
        if held is None:
            return
        self._spent += used(held)
        waiting, self._waiting = self._waiting, []
        for settled in waiting:
            if not settled.done():
                settled.set_result(None)


class Hold:
    """What is set aside for one request. Its first end counts, later ones do nothing."""

    def __init__(self, number: int, settle: Callable[[int, Callable[[_Taken], _Taken]], None]) -> None:
        self._number = number
        self._settle = settle

    def give_back(self) -> None:
        """It was never sent."""
        self._settle(self._number, lambda _: _Taken())

    def used(self, usage: Usage | None) -> None:
        """It was sent, and took this; None when nobody knows: what was set aside is then taken to be used."""
        if usage is None:
            self._settle(self._number, lambda held: held)
            return
        tokens = usage.prompt_tokens + usage.completion_tokens
        self._settle(self._number, lambda _: _Taken(1, tokens, usage.cost))

    def refused(self) -> None:
        """It was sent, and the provider refused it before any work: a request, but no tokens and no money."""
        self._settle(self._number, lambda _: _Taken(1))
