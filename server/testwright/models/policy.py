"""What is done about each kind of fault: one table, which the router follows and ``docs/models-errors.md`` explains.

Pure. The rows are those of the provider's documentation (https://openrouter.ai/docs/api-reference/errors) and of what
agents on free models have run into.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from testwright.errors import (
    AccountLimit,
    CreditsExhausted,
    KeyRefused,
    ModelError,
    ModelsExhausted,
    RequestRefused,
)
from testwright.models.values import FaultKind, ModelStatus

Step = Literal[
    "stop",  # no model can mend it
    "next",  # the next model of the chain
    "larger",  # the next model whose context is larger, or not known
    "again",  # the same model once more after a backoff, then the next
    "again-if-told",  # the same model once more after a short Retry-After, then the next
    "wait-or-stop",  # the same model after the Retry-After; without one it is the end
    "wait",  # the same model when the account may ask again
    "other-account",  # the next model that another account pays for
]

Spoils = Literal[
    "nothing",  # the model is asked again in a later round of this question
    "question",  # the model is not asked this question again
    "run",  # the model is not asked again in this run
]

DAY = 86_400.0
HOUR = 3_600.0

LONGEST_TOLD_WAIT = 60.0
"""Seconds of a Retry-After for which the same model is waited for, where there are others to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is done about one kind of fault.

    Attributes:
        step: Whom to ask next.
        error: What the user reads when nobody is left to ask.
        spoils: What the model is out for once it is no longer asked.
        counts: Whether it counts against the model: its breaker opens after some in a row.
        teaches: The status that the model has from now on for whoever chooses among models; None: its own stays.
        taught_for: For how many seconds; None: until the time that the provider says, else as long as the router rests
            the model.
    """

    step: Step
    error: type[ModelError] = ModelsExhausted
    spoils: Spoils = "nothing"
    counts: bool = False
    teaches: ModelStatus | None = None
    taught_for: float | None = None


_UNWELL = Rule(step="again", counts=True)
_UNABLE = Rule(step="next", spoils="question", counts=True)

RULES: Mapping[FaultKind, Rule] = MappingProxyType(
    {
        "bad-request": Rule(step="stop", error=RequestRefused),
        "context-exceeded": Rule(step="larger", spoils="question"),
        "bad-key": Rule(step="stop", error=KeyRefused),
        "no-credits": Rule(step="wait-or-stop", error=CreditsExhausted),
        "forbidden": Rule(step="next", spoils="run"),
        "gone": Rule(step="next", spoils="run", teaches="gone", taught_for=DAY),
        "timed-out": _UNWELL,
        "down": _UNWELL,
        "network": _UNWELL,
        "malformed": _UNWELL,
        "account-day-limit": Rule(step="other-account", error=AccountLimit),
        "account-minute-limit": Rule(step="wait", error=AccountLimit),
        "upstream-limit": Rule(step="next", teaches="rate_limited"),
        "no-provider": Rule(step="again-if-told", counts=True),
        "empty": _UNABLE,
        "looping": _UNABLE,
        "tool-call-as-text": _UNABLE,
        "bad-tool-call": _UNABLE,
    }
)
"""For every kind of fault."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A status that a fault teaches.

    Attributes:
        status: Of the model.
        seconds: For how long; None where the provider's time counts.
        asked_for: What was asked for and may be the reason, in words; empty when nothing.
    """

    status: ModelStatus
    seconds: float | None
    asked_for: str = ""


def lesson(kind: FaultKind, *, with_tools: bool, data_collection: Literal["allow", "deny"]) -> Lesson | None:
    """What a fault teaches about the model for later runs; None when nothing.

    A 404 has three meanings that its code does not tell apart: the model is gone, nobody serves it with tools, or
    nobody serves it under the data policy. So it is called gone only where neither of the others was asked for, and
    where ``deny`` was, it is kept for an hour: the user may allow it then, and must find the model again.
    """
    rule = RULES[kind]
    if rule.teaches is None:
        return None
    asked_for = ["tools"] * with_tools + ["data_collection deny"] * (data_collection == "deny")
    if kind != "gone" or not asked_for:
        return Lesson(rule.teaches, rule.taught_for)
    return Lesson("incompatible", HOUR if data_collection == "deny" else DAY, " and ".join(asked_for))
