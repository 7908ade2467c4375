"""What of an agent's question goes on to a model, and how it is told that there is no answer. Pure."""

from __future__ import annotations

import json

from testwright.engines.openhands.messages import MAX_LINE, Problem
from testwright.errors import (
    AccountLimit,
    BudgetExhausted,
    ConsentMissing,
    CreditsExhausted,
    KeyRefused,
    ModelsExhausted,
    NoModels,
    RequestRefused,
    TestwrightError,
)
from testwright.models.values import ChatRequest, JsonObject

MAX_ANSWER_TOKENS = 32_768
"""Of one answer; what an agent asks beyond that is cut to it."""

_STATUS: dict[type[TestwrightError], int] = {
    ConsentMissing: 403,
    KeyRefused: 401,
    RequestRefused: 400,
    CreditsExhausted: 402,
    AccountLimit: 429,
    BudgetExhausted: 429,
    NoModels: 404,
    ModelsExhausted: 503,
}
_OTHER_STATUS = 500


def request_of(body: JsonObject) -> ChatRequest:
    """The request that an agent's question becomes.

    Raises:
        RequestRefused: It is none that a model could answer.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise RequestRefused("The agent has asked a question without messages.", next_step="Run again.")
    kept = dict(body)  # which of its fields go on is the router's to say (``models.request_body``)
    for name in ("max_tokens", "max_completion_tokens"):
        if name in kept and not (type(kept[name]) is int and 1 <= kept[name] <= MAX_ANSWER_TOKENS):
            kept[name] = MAX_ANSWER_TOKENS
    try:
        # A lone surrogate is no character and cannot be sent.
        text = json.dumps(kept, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        return ChatRequest(body=json.loads(text))
    except (ValueError, RecursionError) as error:
        raise RequestRefused("The agent has asked a question that is no JSON.", next_step="Run again.") from error


def problem_of(error: TestwrightError) -> Problem:
    """What the SDK is told of an error; its message is for a person and holds no key."""
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), _OTHER_STATUS)
    return Problem(slug=error.slug, message=error.message[: MAX_LINE // 16], status=status)
