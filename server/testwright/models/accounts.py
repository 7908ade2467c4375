"""What a run has asked of each model, gathered for its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from testwright.model import ModelUse
from testwright.models.breaker import State
from testwright.models.values import ChatAnswer, Fault, ModelEntry, Usage


@dataclass(slots=True)
class _Account:
    requests: int = 0
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    retries: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    breaker: list[State] = field(default_factory=list)


class Accounts:
    """Those of one run, in the order in which models were first asked."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], _Account] = {}

    def sent(self, entry: ModelEntry, *, is_again: bool) -> None:
        """A request has been sent; ``is_again`` when the same question has failed with this model before."""
        account = self._account(entry)
        account.requests += 1
        account.retries += is_again

    def answered(self, entry: ModelEntry, answer: ChatAnswer) -> None:
        """An answer worth something has come."""
        account = self._account(entry)
        account.answers += 1
        account.seconds += answer.seconds
        self._add(account, answer.usage)

    def failed(self, entry: ModelEntry, fault: Fault, *, seconds: float) -> None:
        """A request has ended in a fault after so many seconds."""
        account = self._account(entry)
        account.faults[fault.kind] = account.faults.get(fault.kind, 0) + 1
        account.seconds += seconds
        if fault.usage is not None:
            self._add(account, fault.usage)

    def cancelled(self, entry: ModelEntry, *, seconds: float) -> None:
        """A request was given up by its caller after so many seconds."""
        self._account(entry).seconds += seconds

    def changed(self, entry: ModelEntry, state: State) -> None:
        """A request has changed the state of the model's breaker."""
        self._account(entry).breaker.append(state)

    def uses(self) -> tuple[ModelUse, ...]:
        """One for each model."""
        return tuple(
            ModelUse(
                model=model,
                provider=provider,
                requests=account.requests,
                answers=account.answers,
                prompt_tokens=account.prompt_tokens,
                completion_tokens=account.completion_tokens,
                cost=account.cost,
                seconds=account.seconds,
                retries=account.retries,
                faults=dict(account.faults),
                breaker=tuple(account.breaker),
            )
            for (provider, model), account in self._of.items()
        )

    def _account(self, entry: ModelEntry) -> _Account:
        return self._of.setdefault((entry.provider, entry.name), _Account())

    def _add(self, account: _Account, usage: Usage) -> None:
        account.prompt_tokens += usage.prompt_tokens
        account.completion_tokens += usage.completion_tokens
        account.cost += usage.cost


def joined(uses: Iterable[ModelUse]) -> tuple[ModelUse, ...]:
    """Accounts of several routers or runs as one for each model, in the order in which these come first."""
    found: dict[tuple[str, str], ModelUse] = {}
    for use in uses:
        before = found.get((use.provider, use.model))
        found[use.provider, use.model] = use if before is None else _sum(before, use)
    return tuple(found.values())


def _sum(one: ModelUse, other: ModelUse) -> ModelUse:
    return replace(
        one,
        requests=one.requests + other.requests,
        answers=one.answers + other.answers,
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        cost=one.cost + other.cost,
        seconds=one.seconds + other.seconds,
        retries=one.retries + other.retries,
        faults=dict(Counter(one.faults) + Counter(other.faults)),
        breaker=(*one.breaker, *other.breaker),
    )
