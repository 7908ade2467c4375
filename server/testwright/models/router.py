"""The one place that asks models: each question gets exactly one answer or one error, and sends no more than it may.

``policy`` says what each fault means, ``course`` whom to ask next and when; here the request is weighed against the
run's budget, the account and the model's breaker, sent, and what came of it is told to all of them. This is the only
loop that tries again; whatever is below sends once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from tenacity import AsyncRetrying, retry_if_exception_type, stop_never

from testwright.errors import AccountLimit, BudgetExhausted, ModelError, WriteFailure
from testwright.model import ModelUse
from testwright.models.accounts import Accounts
from testwright.models.breaker import Breakers, Permit, State
from testwright.models.budget import Hold, RunBudget, RunLimits, estimate
from testwright.models.client import Endpoint, ProviderClient
from testwright.models.clock import Clock
from testwright.models.course import Course
from testwright.models.policy import RULES, lesson
from testwright.models.quota import Admission, Quota
from testwright.models.quota_words import limit_error
from testwright.models.standing import Memory, NotNow, Standing
from testwright.models.tape import Tape
from testwright.models.values import Chain, ChatAnswer, ChatRequest, Fault, RouterEvent, RouterEventKind
from testwright.store.ledger import Full, Ledger

LONGEST_ACCOUNT_WAIT = 90.0
"""Seconds that a model waits for its account: a minute's limit and some. When it takes longer, other accounts come
first."""


class Router:
    """Asks the models of one run. It belongs to one event loop.

    Args:
        chain: Whom to ask, in order.
        endpoints: Address and key of each provider in the chain, by name.
        client: Sends; its limits of time hold for each request.
        ledger: Where this machine's requests are counted.
        limits: What the user allows the run; its time begins now.
        breakers: Those of the process.
        clock: Both of its times are read, and all waits are its own.
        random: For the jitter of waits.
        data_collection: Whether providers may keep and train on what is sent.
        on_event: Told of each step, in the event loop.
        tape: Records what is asked and answered, or answers in the provider's place.
    """

    def __init__(  # noqa: PLR0913 - the parts are made by whoever opens the models, each with a life of its own
        self,
        *,
        chain: Chain,
        endpoints: Mapping[str, Endpoint],
        client: ProviderClient,
        ledger: Ledger,
        limits: RunLimits,
        breakers: Breakers,
        clock: Clock,
        random: Random,
        data_collection: Literal["allow", "deny"],
        on_event: Callable[[RouterEvent], None],
        tape: Tape | None = None,
    ) -> None:
        self._choices = chain.taken
        self._endpoints = endpoints
        self._client = client
        self._ledger = ledger
        self._quota = Quota(ledger, clock, ask=client.get)
        self._budget = RunBudget(limits, clock)
        self._breakers = breakers
        self._clock = clock
        self._random = random
        self._data_collection = data_collection
        self._on_event = on_event
        self._tape = tape
        self._memory = Memory()
        self._accounts = Accounts()
        self._account_of = [
            self._quota.account_of(endpoints[choice.provider.name], choice.entry) for choice in self._choices
        ]

    def uses(self) -> tuple[ModelUse, ...]:
        """What has been asked of each model up to now, requests that are under way not included."""
        return self._accounts.uses()

    async def complete(self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        """Ask for one answer. It may be called many times at once, and cancelled at any moment.

        Args:
            request: What to ask.
            on_text: Told the text of a stream as it comes. When a model fails in the middle, the next one begins anew:
                an event ``sent`` says so.

        Raises:
            ModelError: There is no answer; its subclass says why.
        """
        if self._tape is not None:
            self._tape.begin()
        question = _Question(request, on_text, self._course())
        retrying = AsyncRetrying(
            sleep=self._clock.sleep,
            stop=stop_never,  # the course ends it, with an error that says why
            wait=lambda _: question.wait,
            retry=retry_if_exception_type((Fault, NotNow)),
            reraise=True,
        )
        try:
            return await retrying(self._attempt, question)
        except WriteFailure as error:
            raise ModelError(
                f"Requests to models cannot be counted, so none is sent: {error.message}", next_step=error.next_step
            ) from error
        except BudgetExhausted as error:
            raise question.course.explained(error) from error

    def _course(self) -> Course:
        return Course(
            self._choices,
            self._account_of,
            breakers=self._breakers,
            memory=self._memory,
            clock=self._clock,
            random=self._random,
            deadline=self._budget.deadline,
        )

    # -- one try ----------------------------------------------------------------------------------------------------

    async def _attempt(self, question: _Question) -> ChatAnswer:
        """Send the question to the model whose turn it is, if everybody gives leave.

        Raises:
            Fault, NotNow: It did not come to an answer; ``question.wait`` says when to try again.
            ModelError: It will not.
        """
        self._budget.check_time()
        try:
            standing = question.course.pick()
        except NotNow as pause:
            self._budget.check()
            question.wait = pause.seconds
            self._tell("waiting", None, pause.words, seconds=pause.seconds)
            raise
        question.wait = 0.0
        if question.before not in {None, standing}:
            self._tell("next-model", standing, f"Trying {standing.choice.entry.name}")
        question.before = standing
        hold = await self._reserve(question, standing)
        try:
            admission = await self._admit(question, standing)
            permit = standing.breaker.enter() if self._is_still_good(question, standing) else None
            if permit is None:
                await admission.not_sent()
                raise NotNow(0.0)
            try:
                self._changed(standing, permit.change)
                return await self._send(question, standing, _Leave(hold, admission, permit))
            finally:
                permit.give_back()
        finally:
            hold.give_back()

    def _is_still_good(self, question: _Question, standing: Standing) -> bool:
        """Whether the wait for leave has left the choice as it was; other questions may have learnt something."""
        return self._budget.time_left > 0 and question.course.is_still_good(standing)

    async def _reserve(self, question: _Question, standing: Standing) -> Hold:
        try:
            return await self._budget.reserve(estimate(question.request, standing.choice.entry))
        except BudgetExhausted as error:
            self._budget.check()  # no model can do with less than a request and some time
            self._tell("limit", standing, error.message)
            question.course.too_dear(standing, error)
            raise NotNow(0.0) from error

    async def _admit(self, question: _Question, standing: Standing) -> Admission:
        entry, endpoint = standing.choice.entry, self._endpoints[standing.choice.provider.name]
        deadline = min(self._budget.deadline, self._clock.monotonic() + LONGEST_ACCOUNT_WAIT)

        def on_wait(until: float, words: str) -> None:
            self._tell("waiting", standing, words, until=until)

        try:
            return await self._quota.admit(endpoint, entry, deadline=deadline, on_wait=on_wait)
        except AccountLimit as limit:
            self._tell("limit", standing, limit.message, until=limit.resets_at)
            question.course.limited(standing.account, limit)
            raise NotNow(0.0) from limit

    async def _send(self, question: _Question, standing: Standing, leave: _Leave) -> ChatAnswer:
        entry = standing.choice.entry
        is_again = question.course.asked(standing)
        began = self._clock.monotonic()
        self._tell("sent", standing, f"Asking {entry.name}", attempt=standing.failures + 1)
        try:
            answer = await self._ask(question, standing)
        except Fault as fault:
            if fault.was_sent:
                self._accounts.sent(entry, is_again=is_again)
            self._accounts.failed(entry, fault, seconds=self._clock.monotonic() - began)
            await self._failed(question, standing, leave, fault)
            raise
        except asyncio.CancelledError:
            self._accounts.sent(entry, is_again=is_again)
            self._accounts.cancelled(entry, seconds=self._clock.monotonic() - began)
            leave.hold.used(None)
            raise
        else:
            self._accounts.sent(entry, is_again=is_again)
            self._accounts.answered(entry, answer)
            leave.hold.used(answer.usage)
            self._changed(standing, leave.permit.answered())
            self._answered(standing, answer)
            return answer

    async def _ask(self, question: _Question, standing: Standing) -> ChatAnswer:
        entry, endpoint = standing.choice.entry, self._endpoints[standing.choice.provider.name]

        async def ask() -> ChatAnswer:
            return await self._client.chat(
                endpoint,
                entry,
                question.request,
                data_collection=self._data_collection,
                time_left=self._budget.time_left,
                on_text=question.on_text,
            )

        if self._tape is None:
            return await ask()
        return await self._tape.chat(entry, question.request, ask, on_text=question.on_text)

    # -- what came of it --------------------------------------------------------------------------------------------

    async def _failed(self, question: _Question, standing: Standing, leave: _Leave, fault: Fault) -> None:
        """Tell everybody whom the fault concerns; all that cannot wait comes before the first ``await``."""
        _settle(leave.hold, fault)
        if RULES[fault.kind].counts and fault.was_sent and not self._is_our_deadline(fault):
            self._changed(standing, leave.permit.failed())
        entry = standing.choice.entry
        self._tell("failed", standing, f"{entry.name}: {fault.words}", fault=fault.kind, status=fault.status)
        if not fault.was_sent:
            await leave.admission.not_sent()
        endpoint = self._endpoints[standing.choice.provider.name]
        closed_until = await self._quota.learn(endpoint, entry, fault)
        if closed_until is not None:
            closed = Full(kind="closed", resets_at=closed_until, reason=fault.words)
            limit = limit_error(standing.choice.provider, closed, self._clock.time())
            self._tell("limit", standing, limit.message, until=closed_until)
            question.course.closed(standing.account, limit)
        question.wait = question.course.failed(standing, fault)
        await self._teach(question, standing, fault)
        if question.wait > 0:
            self._budget.check()
            words = f"{entry.name} is asked again in {question.wait:.0f} s"
            self._tell("waiting", standing, words, seconds=question.wait)

    def _is_our_deadline(self, fault: Fault) -> bool:
        """Whether a request timed out because the run's own time was over, which says nothing about the model."""
        return fault.kind == "timed-out" and self._budget.time_left <= 0

    async def _teach(self, question: _Question, standing: Standing, fault: Fault) -> None:
        learnt = lesson(
            fault.kind, with_tools=bool(question.request.body.get("tools")), data_collection=self._data_collection
        )
        if learnt is None:
            return
        seconds = question.course.rests_for(standing) if learnt.seconds is None else learnt.seconds
        now = self._clock.time()
        provider, model = standing.key
        reason = f"{fault.words} (asked with {learnt.asked_for})" if learnt.asked_for else fault.words
        await asyncio.to_thread(
            self._ledger.set_status,
            provider,
            model,
            learnt.status,
            reason=reason,
            until=now + seconds,
            now=now,
        )

    def _answered(self, standing: Standing, answer: ChatAnswer) -> None:
        self._tell(
            "answered",
            standing,
            f"{answer.model} has answered",
            seconds=answer.seconds,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            cost=answer.usage.cost,
        )

    def _changed(self, standing: Standing, state: State | None) -> None:
        if state is None:
            return
        entry = standing.choice.entry
        self._accounts.changed(entry, state)
        words = {
            "open": f"{entry.name} has failed too often and is left alone for a while",
            "half-open": f"{entry.name} is tried again with one request",
            "closed": f"{entry.name} works again",
        }[state]
        self._tell("breaker", standing, words, state=state)

    def _tell(self, kind: RouterEventKind, standing: Standing | None, message: str, **data: float | str | None) -> None:
        model = "" if standing is None else standing.choice.entry.name
        said = {name: value for name, value in data.items() if value is not None}
        self._on_event(RouterEvent(kind=kind, model=model, message=message, data=said))


@dataclass(eq=False, slots=True)
class _Question:
    """One call of ``complete``.

    Attributes:
        wait: Seconds to wait before the next try.
        before: Who was asked last.
    """

    request: ChatRequest
    on_text: Callable[[str], None] | None
    course: Course
    wait: float = 0.0
    before: Standing | None = None


@dataclass(frozen=True, slots=True)
class _Leave:
    """What allows one request: the run's budget, the account, and the model's breaker."""

    hold: Hold
    admission: Admission
    permit: Permit


def _settle(hold: Hold, fault: Fault) -> None:
    """Take from the budget what a fault has used: all that was set aside where nobody says and it may have begun."""
    if not fault.was_sent:
        hold.give_back()
    elif fault.usage is not None:
        hold.used(fault.usage)
    elif fault.status is not None and fault.status >= 400:
        hold.refused()
    else:
        hold.used(None)
