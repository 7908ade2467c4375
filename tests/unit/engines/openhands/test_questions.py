"""An agent's questions on their way to a model, and errors on their way back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.engines.openhands.questions import MAX_ANSWER_TOKENS, problem_of, request_of
from testwright.errors import (
    AccountLimit,
    BudgetExhausted,
    ConsentMissing,
    CreditsExhausted,
    KeyRefused,
    ModelError,
    ModelsExhausted,
    NoModels,
    RegistryError,
    ReplayMismatch,
    RequestRefused,
    TestwrightError,
)

HELLO = [{"role": "user", "content": "Hello."}]


def test_a_question_goes_on_as_it_is() -> None:
    body = {"messages": HELLO, "tools": [{"type": "function"}], "temperature": 0.0, "max_tokens": 100}
    assert request_of(body).body == body


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": "Hello."}, {"messages": ["Hello."]}])
def test_a_question_without_messages_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused, match="without messages"):
        request_of(body)


@pytest.mark.parametrize("asked", [0, -1, True, "many", 10**9, 1.5])
def test_how_long_an_answer_may_be_is_bounded(asked: object) -> None:
    request = request_of({"messages": HELLO, "max_tokens": asked, "max_completion_tokens": asked})
    assert request.body["max_tokens"] == request.body["max_completion_tokens"] == MAX_ANSWER_TOKENS


def test_what_is_no_character_is_replaced_so_that_it_can_be_sent() -> None:
    request = request_of({"messages": [{"role": "user", "content": "a\ud800b"}]})
    assert request.body["messages"][0]["content"] == "a?b"


def test_numbers_that_json_has_not_are_refused() -> None:
    with pytest.raises(RequestRefused, match="no JSON"):
        request_of({"messages": HELLO, "temperature": float("nan")})


def test_nesting_beyond_all_bounds_is_refused() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RequestRefused, match="no JSON"):
        request_of({"messages": HELLO, "tools": deep})
    while isinstance(deep, list):  # taken apart from outside in: freeing it whole would recurse too
        deep = deep.pop()


@given(st.dictionaries(st.sampled_from(["messages", "stop", "tools"]), st.lists(st.dictionaries(st.text(), st.text()))))
def test_any_body_becomes_json_or_is_refused(body: dict[str, Any]) -> None:
    try:
        request = request_of(body)
    except RequestRefused:
        return
    json.dumps(request.body, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyRefused("No key."), 401),
        (CreditsExhausted("No money."), 402),
        (ConsentMissing("Nobody agreed."), 403),
        (NoModels("No model."), 404),
        (AccountLimit("Too many."), 429),
        (BudgetExhausted("Used up."), 429),
        (ModelsExhausted("All failed."), 503),
        (RequestRefused("Wrong."), 400),
        (ReplayMismatch("Another question."), 500),
        (ModelError("Something."), 500),
        (RegistryError("A wrong entry."), 500),
    ],
)
def test_each_error_has_a_status_that_stops_the_sdk(error: TestwrightError, status: int) -> None:
    problem = problem_of(error)
    assert (problem.slug, problem.message, problem.status) == (error.slug, error.message, status)
