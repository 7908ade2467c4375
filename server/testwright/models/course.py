"""The way of one question down the chain: whom to ask next, when, and what to say when nobody is left.

It sends nothing and waits for nothing; the router does both as it is told here.

A free account has 50 requests a day, so a question may ask each model once, and what has failed only sparingly again:
in the first round a model that is unwell is asked once more after a short wait; when the whole chain has failed for
the time being, it is gone through again as soon as the first of its models may be asked, for ``ROUNDS`` rounds in
all; and all that is asked again in these ways is bounded by ``MOST_REPEATS`` requests. Waiting costs nothing, so that
it is bounded by the run's deadline alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from testwright.errors import AccountLimit, BudgetExhausted, ModelError, ModelsExhausted, NoModels
from testwright.models.backoff import SHORTEST_TOLD, Backoff, told_wait
from testwright.models.breaker import Breakers
from testwright.models.clock import Clock
from testwright.models.failures import next_step, reasons, stopped
from testwright.models.policy import LONGEST_TOLD_WAIT, RULES
from testwright.models.standing import Memory, NotNow, Standing
from testwright.models.values import Attempted, Choice, Fault
from testwright.settings.addresses import read_address

ROUNDS = 3
"""How often the chain is gone through for one question."""

MOST_REPEATS = 4
"""Requests for one question that go to a model which has failed it before: less than a tenth of a free day."""

ONCE_MORE = 2.0
"""Seconds before an unwell model is asked once more, before jitter."""

FIRST_REST, LONGEST_REST = 30.0, 300.0
"""Seconds for which a model that failed for the time being is left alone where its provider does not say, before
jitter, which is equal whatever failed: each repeat may cost one of the day's requests."""

PROBE_WAIT = 5.0
"""Seconds after which to look again when another question is probing the only model that is left."""


class Course:
    """One question's.

    Args:
        choices: The chain, in order.
        accounts: Whose requests each choice takes, in the same order.
        breakers: Those of the process.
        memory: The run's.
        clock: Both of its times are read.
        random: For the jitter of waits.
        deadline: Of the run, in monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 - what a question stands on belongs to its run and its process, not to one place
        self,
        choices: Sequence[Choice],
        accounts: Sequence[str],
        *,
        breakers: Breakers,
        memory: Memory,
        clock: Clock,
        random: Random,
        deadline: float,
    ) -> None:
        self._clock = clock
        self._memory = memory
        self._deadline = deadline
        self._backoff = Backoff(random, first=ONCE_MORE, longest=ONCE_MORE)
        self._rest = Backoff(random, first=FIRST_REST, longest=LONGEST_REST)
        self._round = 1
        self._repeats = 0
        self._again: Standing | None = None
        self._limits: dict[str, AccountLimit] = {}
        self._closures: dict[str, AccountLimit] = {}
        self._too_dear: BudgetExhausted | None = None
        self._standings = [
            Standing(choice, account, breakers.of(choice.provider.name, choice.entry.name))
            for choice, account in zip(choices, accounts, strict=True)
        ]

    # -- whom to ask ------------------------------------------------------------------------------------------------

    def pick(self) -> Standing:
        """The model to ask now.

        Raises:
            NotNow: Nobody may be asked yet.
            ModelError: Nobody is left.
        """
        self._leave_out_spoilt()
        again, self._again = self._again, None
        if again is not None and not again.is_out and self._ready_in(again) <= 0.0:
            return again
        while True:
            left = [one for one in self._standings if self._may_be_asked(one)]
            fresh = [one for one in left if one.asked_in < self._round]
            if not left or (not fresh and self._round == ROUNDS):
                raise self.exhausted()
            if not fresh:
                self._round += 1
                continue
            waits = [self._ready_in(one) for one in fresh]
            for standing, seconds in zip(fresh, waits, strict=True):
                if seconds <= 0.0:
                    return standing
            if len(fresh) < len(left) and self._round < ROUNDS:
                # Some of this round are out of reach; whoever of the others is ready sooner need not wait for them.
                self._round += 1
                continue
            soonest = min(waits)
            if self._clock.monotonic() + soonest >= self._deadline:
                raise self.exhausted(soonest)
            raise NotNow(soonest, f"No model can be asked at this moment; trying again in {math.ceil(soonest)} s")

    def is_still_good(self, standing: Standing) -> bool:
        """Whether a model that was picked may be asked even now, after waiting for leave."""
        self._leave_out_spoilt()
        return not standing.is_out and self._memory.rests.get(standing.key, -math.inf) <= self._clock.monotonic()

    def _leave_out_spoilt(self) -> None:
        """What another question has learnt meanwhile holds for this one, too."""
        for standing in self._standings:
            if standing.key in self._memory.spoilt:
                standing.is_out = True
                standing.last = self._memory.spoilt[standing.key]

    def _may_be_asked(self, standing: Standing) -> bool:
        if standing.is_out:
            return False
        return standing.failures == 0 or self._repeats < MOST_REPEATS

    def _ready_in(self, standing: Standing) -> float:
        now = self._clock.monotonic()
        rests = max(standing.rests_until, self._memory.rests.get(standing.key, -math.inf)) - now
        opens = standing.breaker.ready_in()
        return max(rests, PROBE_WAIT if opens is None else opens, 0.0)

    # -- what came of it --------------------------------------------------------------------------------------------

    def asked(self, standing: Standing) -> bool:
        """A request is about to go out. Returns whether the model has failed this question before."""
        standing.asked_in = self._round
        return standing.failures > 0

    def failed(self, standing: Standing, fault: Fault) -> float:
        """A request has failed, as the rule for its fault wants it.

        Returns:
            Seconds to wait before ``pick`` is called again.

        Raises:
            ModelError: Nothing mends this fault.
        """
        rule = RULES[fault.kind]
        self._repeats += fault.was_sent and standing.failures > 0
        standing.failures += 1
        standing.last = Attempted(model=standing.choice.entry.name, kind=fault.kind, words=fault.words.rstrip(". "))
        if rule.step == "stop":
            raise stopped(standing.choice, fault)
        if rule.spoils != "nothing":
            standing.is_out = True
        if rule.spoils == "run":
            self._memory.spoilt[standing.key] = standing.last
        if rule.step == "larger":
            self._leave_out_smaller(standing)
        said = told_wait(fault, self._clock.time())
        wait = self._wait_for_same(standing, fault, said)
        if wait is not None:
            self._again = standing
            return wait
        if rule.step == "wait-or-stop":
            raise stopped(standing.choice, fault)
        if not fault.was_sent and read_address(standing.choice.provider.base_url).is_loopback:
            standing.is_out = True  # no server runs there, and no wait starts one
        if not standing.is_out and rule.step != "other-account":
            self._leave_alone(standing, said, is_shared=said is not None or rule.teaches == "rate_limited")
        return 0.0

    def _wait_for_same(self, standing: Standing, fault: Fault, said: float | None) -> float | None:
        """Seconds after which the same model is to be asked again; None when others come before it."""
        wait: float | None = None
        longest = math.inf
        match RULES[fault.kind].step:
            case "wait":
                # The account is closed by now: whoever asks it for leave waits for its reset, or learns when that is.
                wait = 0.0
            case "wait-or-stop":
                wait = said
            case "again" | "again-if-told" if self._round == 1 and standing.failures == 1:
                wait, longest = said, LONGEST_TOLD_WAIT
                if wait is None and RULES[fault.kind].step == "again":
                    wait = self._backoff.wait(standing.failures, is_network=fault.kind == "network")
        if wait is None or wait > longest or self._repeats >= MOST_REPEATS:
            return None
        return wait if self._clock.monotonic() + wait < self._deadline else None

    def closed(self, account: str, limit: AccountLimit) -> None:
        """A provider has closed an account: the error if it comes to nothing; who asks for leave may know better."""
        self._closures[account] = limit

    def limited(self, account: str, limit: AccountLimit) -> None:
        """An account gives no leave to send.

        Its models wait for its reset where that comes in time, so that those of other accounts are asked before them;
        else they are out.
        """
        until = math.inf
        if limit.resets_at is not None:
            until = self._clock.monotonic() + max(limit.resets_at - self._clock.time(), SHORTEST_TOLD)
        for standing in self._standings:
            if standing.account != account or standing.is_out:
                continue
            if until < self._deadline:
                standing.rests_until = max(standing.rests_until, until)
                continue
            standing.is_out = True
            self._limits[account] = limit

    def rests_for(self, standing: Standing) -> float:
        """Seconds for which a model is left alone from now on."""
        return max(0.0, standing.rests_until - self._clock.monotonic())

    def too_dear(self, standing: Standing, error: BudgetExhausted) -> None:
        """What is left of the run's budget is too little for this model; others may take less."""
        standing.is_out = True
        self._too_dear = error
        words = "it may take more than is left of the run's budget"
        standing.last = Attempted(model=standing.choice.entry.name, kind="no-credits", words=words)

    def _leave_alone(self, standing: Standing, said: float | None, *, is_shared: bool) -> None:
        until = self._clock.monotonic() + (self._rest.wait(standing.failures) if said is None else said)
        standing.rests_until = until
        if is_shared and standing.last is not None:
            self._memory.rests[standing.key] = until
            self._memory.lately[standing.key] = standing.last

    def _leave_out_smaller(self, standing: Standing) -> None:
        """The prompt is too long for a model, and so for those whose context is no larger."""
        window = standing.choice.entry.context_window
        for other in self._standings:
            size = other.choice.entry.context_window
            if window is None or size is None or size > window or other.is_out:
                continue
            other.is_out = True
            words = f"its context of {size:,} tokens is no larger than that of {standing.choice.entry.name}"
            other.last = Attempted(model=other.choice.entry.name, kind="context-exceeded", words=words)

    # -- what the user reads ----------------------------------------------------------------------------------------

    def explained(self, error: BudgetExhausted) -> BudgetExhausted:
        """The error with what has happened to the question before."""
        attempts = [standing.last for standing in self._standings if standing.failures and standing.last is not None]
        if not attempts:
            return error
        return BudgetExhausted(f"{error.message} Before: {reasons(attempts)}.", next_step=error.next_step)

    def exhausted(self, soonest: float | None = None) -> ModelError:
        """Nobody is left to ask.

        Args:
            soonest: Seconds after which a model could be asked again, where the run's deadline comes before.
        """
        if not self._standings:
            return NoModels("There is no model to ask.", next_step="`testwright models explain` says why.")
        for standing in self._standings:
            is_closed = standing.last is not None and RULES[standing.last.kind].error is AccountLimit
            if is_closed and standing.account in self._closures:
                self._limits.setdefault(standing.account, self._closures[standing.account])
        if self._limits:
            return self._limit_reached()
        if self._too_dear is not None:
            return self._too_dear
        attempts = [self._why(standing) for standing in self._standings]
        message = f"No model gave an answer: {reasons(attempts)}."
        if soonest is not None:
            message += f" The next could be asked in {math.ceil(soonest):,} s, when the run's time with models is over."
        return ModelsExhausted(message, next_step=next_step(attempts))

    def _limit_reached(self) -> AccountLimit:
        first = min(self._limits.values(), key=lambda one: math.inf if one.resets_at is None else one.resets_at)
        others = [self._why(standing) for standing in self._standings if standing.account not in self._limits]
        if not others:
            return first
        message = f"{first.message} The models of other accounts gave no answer: {reasons(others)}."
        return AccountLimit(message, next_step=first.next_step, resets_at=first.resets_at)

    def _why(self, standing: Standing) -> Attempted:
        found = standing.last or self._memory.lately.get(standing.key)
        if found is not None:
            return found
        words = "not asked, since its last requests have failed"
        return Attempted(model=standing.choice.entry.name, kind="down", words=words)
