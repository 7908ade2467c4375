"""What providers say instead of an answer: each shape is one that their documentation or their servers show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_provider import error_object

from testwright.models.fault_words import MAX_WORDS
from testwright.models.faults import fault_of_error, fault_of_response
from testwright.models.keys import Secret
from testwright.models.limits_told import FARTHEST
from testwright.models.values import Fault, FaultKind

NOW = 1_800_000_000.0
DAY = 86_400.0
KEY = "sk-or-v1-0123456789abcdef"


def of(status: int, payload: Any = None, headers: Mapping[str, str] | None = None) -> Fault:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return fault_of_response(status, headers or {}, body, now=NOW, secrets=[Secret(KEY)])


def in_200(payload: Any) -> Fault:
    return fault_of_error(payload, now=NOW, secrets=[Secret(KEY)])


def error(code: Any, message: str = "no", **fields: Any) -> dict[str, Any]:
    return error_object(code, message, **fields)


def limit_headers(reset: float | str, limit: int = 50) -> dict[str, str]:
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}


# -- kinds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad-request"),
        (401, "bad-key"),
        (402, "no-credits"),
        (403, "forbidden"),
        (404, "gone"),
        (405, "bad-request"),
        (408, "timed-out"),
        (410, "gone"),
        (413, "context-exceeded"),
        (418, "bad-request"),
        (422, "bad-request"),
        (429, "upstream-limit"),
        (451, "forbidden"),
        (500, "down"),
        (501, "down"),
        (502, "down"),
        (503, "no-provider"),
        (504, "timed-out"),
        (520, "down"),
        (529, "down"),
        (599, "down"),
        (300, "malformed"),
        (307, "malformed"),
        (204, "malformed"),
    ],
)
def test_a_status_says_what_it_is_whatever_stands_beside_it(status: int, kind: FaultKind) -> None:
    assert of(status, error(status)).kind == kind
    assert of(status, b"<html>nginx</html>").kind == kind
    assert of(status, b"").kind == kind
    assert of(status, error(status)).status == status
    if status >= 400:
        assert in_200(error(status)).kind == kind
        assert in_200(error(str(status))).kind == kind
        assert in_200(error(str(status))).status == status


@pytest.mark.parametrize(
    ("status", "payload", "kind"),
    [
        # OpenAI and OpenRouter, vLLM since 2026, llama.cpp in two ages.
        (400, error("context_length_exceeded", type="invalid_request_error"), "context-exceeded"),
        (400, error(400, metadata={"error_type": "context_length_exceeded"}), "context-exceeded"),
        (400, error("context_length_exceeded", type="BadRequestError"), "context-exceeded"),
        (400, error(400, type="exceed_context_size_error", n_prompt_tokens=9, n_ctx=8), "context-exceeded"),
        (500, error(500, type="exceed_context_size_error"), "context-exceeded"),
        # What the provider behind OpenRouter says of it, wrapped.
        (
            400,
            error(400, metadata={"provider_name": "X", "raw": json.dumps(error("context_length_exceeded"))}),
            "context-exceeded",
        ),
        (400, error(400, metadata={"provider_code": "context_length_exceeded"}), "context-exceeded"),
        (400, error(400, metadata={"error_type": "string_too_long"}), "context-exceeded"),
        # vLLM before: nothing in it but words says that it is the context.
        (
            400,
            {"object": "error", "message": "maximum context length", "type": "BadRequestError", "code": 400},
            "bad-request",
        ),
        # Words are not looked at.
        (
            400,
            error(400, "The author field is missing: authentication, rate limit, 429, context length"),
            "bad-request",
        ),
        (502, error(502, "Unauthorized 401 invalid api key"), "down"),
        # Money.
        (429, error("insufficient_quota", type="insufficient_quota"), "no-credits"),
        (403, error(403, metadata={"limit_source": "openrouter_key_limit"}), "no-credits"),
        (403, error(403, metadata={"limit_source": "something else"}), "forbidden"),
        (400, error(400, metadata={"error_type": "token_limit_exceeded"}), "no-credits"),
        # Content.
        (400, error(400, metadata={"error_type": "content_policy_violation"}), "forbidden"),
        (400, error(400, metadata={"error_type": "refusal"}), "forbidden"),
        (403, error(403, metadata={"reasons": ["violence"], "flagged_input": "kill -9"}), "forbidden"),
        # Others' bodies.
        (404, {"error": "model 'x' not found, try pulling it first"}, "gone"),
        (404, {"error": {"message": 'model "x" not found', "type": "api_error", "param": None, "code": None}}, "gone"),
        (503, error(503, "Loading model", type="unavailable_error"), "no-provider"),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, "bad-request"),
    ],
)
def test_names_in_known_fields_say_more_than_the_status(status: int, payload: Any, kind: FaultKind) -> None:
    assert of(status, payload).kind == kind


@pytest.mark.parametrize(
    ("payload", "kind", "status"),
    [
        ({"error": "Trying to keep the first 9 tokens"}, "down", 502),
        ({"error": {"message": "oh"}}, "down", 502),
        (error("server_error", "Provider disconnected"), "down", 500),
        (error(None, metadata={"error_type": "provider_overloaded"}), "no-provider", 503),
        (error(None, metadata={"error_type": "authentication"}), "bad-key", 401),
        (error(None, metadata={"error_type": "timeout"}), "timed-out", 504),
        (error(None, type="rate_limit_error"), "upstream-limit", 429),
        (error(None, type="overloaded_error"), "down", 529),
        (error(200), "down", 502),
        ({"error": {"code": True}}, "down", 502),
        (error("0429"), "down", 502),
        ({"error": {"message": "x"}, "error_type": "not_found"}, "gone", 404),
    ],
)
def test_an_error_in_a_200_is_what_its_own_fields_say(payload: Any, kind: FaultKind, status: int) -> None:
    fault = in_200(payload)
    assert (fault.kind, fault.status) == (kind, status)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        # OpenRouter's own table, "Typed Error Codes".
        ("authentication", 401),
        ("permission_denied", 403),
        ("payment_required", 402),
        ("rate_limit_exceeded", 429),
        ("provider_overloaded", 503),
        ("provider_unavailable", 502),
        ("invalid_request", 400),
        ("invalid_prompt", 400),
        ("max_tokens_exceeded", 400),
        ("not_found", 404),
        ("precondition_failed", 412),
        ("unprocessable", 422),
        ("server", 500),
        ("timeout", 504),
        # Types and codes of OpenAI, llama.cpp, vLLM and Anthropic.
        ("invalid_request_error", 400),
        ("authentication_error", 401),
        ("invalid_api_key", 401),
        ("permission_error", 403),
        ("not_found_error", 404),
        ("model_not_found", 404),
        ("rate_limit_error", 429),
        ("rate_limited", 429),
        ("server_error", 500),
        ("api_error", 500),
        ("overloaded_error", 529),
        ("unavailable_error", 503),
        ("BadRequestError", 400),
        ("NotFoundError", 404),
        ("InternalServerError", 500),
        ("unmapped", 502),
    ],
)
def test_a_name_stands_for_its_status_where_there_is_no_number(name: str, status: int) -> None:
    payloads = [
        error(None, metadata={"error_type": name}),
        error(name),
        error(None, type=name),
        {"error": {"message": "x"}, "error_type": name},
    ]
    assert [in_200(payload).status for payload in payloads] == [status] * 4
    assert in_200(error(418, type=name)).status == 418, "a number comes first"


# -- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_metadata", [False, True], ids=["headers", "metadata"])
@pytest.mark.parametrize(
    ("reset", "kind", "seconds"),
    [
        (f"{(NOW + DAY) * 1000:.0f}", "account-day-limit", DAY),
        (f"{NOW + DAY:.0f}", "account-day-limit", DAY),
        (f"{(NOW + 40) * 1000:.0f}", "account-minute-limit", 40),
        (f"{NOW + 40:.0f}", "account-minute-limit", 40),
        ("40", "account-minute-limit", 40),
        ("1m30s", "account-minute-limit", 90),
        ("6h0m0s", "account-day-limit", 21_600),
        ("120ms", "account-minute-limit", 0.12),
        (f"{NOW - 10:.0f}", "account-minute-limit", 0),
        (f"{NOW + 300:.0f}", "account-minute-limit", 300),
        (f"{NOW + 301:.0f}", "account-day-limit", 301),
        ("soon", "account-minute-limit", None),
        ("nan", "account-minute-limit", None),
        (f"{NOW + FARTHEST + 9:.0f}", "account-minute-limit", None),
    ],
)
def test_a_limit_of_the_account_is_told_by_its_end(
    reset: str, kind: FaultKind, seconds: float | None, *, in_metadata: bool
) -> None:
    headers = limit_headers(reset)
    lower = {name.lower(): value for name, value in headers.items()}
    fault = of(429, error(429, metadata={"headers": headers})) if in_metadata else of(429, error(429), lower)
    assert fault.kind == kind
    assert fault.resets_at == (None if seconds is None else pytest.approx(NOW + seconds))


def test_the_end_of_a_limit_is_put_on_our_clock_when_it_is_wrong() -> None:
    theirs = NOW + 5 * DAY  # we are five days late
    date = format_datetime(datetime.fromtimestamp(theirs, UTC), usegmt=True)
    headers = {"date": date, **{name.lower(): value for name, value in limit_headers(f"{theirs + 3600:.0f}").items()}}
    fault = of(429, error(429), headers)
    assert (fault.kind, fault.resets_at) == ("account-day-limit", NOW + 3600)


def test_openais_headers_are_read() -> None:
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1s",
    }
    fault = of(429, error("rate_limit_exceeded", type="requests"), headers)
    assert (fault.kind, fault.resets_at) == ("account-minute-limit", NOW + 1)


def test_a_limit_of_the_provider_behind_is_not_the_accounts() -> None:
    """As OpenRouter sent it in 2026."""
    metadata = {
        "raw": "llama is temporarily rate-limited upstream. Please retry shortly.",
        "provider_name": "Venice",
        "is_byok": False,
        "retry_after_seconds": 17,
        "retry_after_seconds_raw": 16.007,
        "headers": {"Retry-After": "17"},
    }
    fault = of(429, {**error(429, "Provider returned error", metadata=metadata), "user_id": "user_1"})
    assert fault.kind == "upstream-limit"
    assert fault.provider_name == "Venice"
    assert fault.retry_after == 17
    assert fault.resets_at is None
    assert (
        fault.words == "429: Provider returned error: llama is temporarily rate-limited upstream. Please retry shortly."
    )
    metadata["headers"] = limit_headers(NOW + DAY)
    assert of(429, error(429, metadata=metadata)).kind == "upstream-limit"


def test_a_chunk_names_the_provider_beside_its_error() -> None:
    assert in_200({**error(502, "Provider disconnected"), "provider": "OpenAI"}).provider_name == "OpenAI"


@pytest.mark.parametrize(
    ("headers", "metadata", "seconds"),
    [
        ({"retry-after": "7"}, {}, 7),
        ({"retry-after": "7.5"}, {}, 7.5),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)}, {}, 90),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True)}, {}, 0),
        (
            {
                "date": format_datetime(datetime.fromtimestamp(NOW + DAY, UTC), usegmt=True),
                "retry-after": format_datetime(datetime.fromtimestamp(NOW + DAY + 5, UTC), usegmt=True),
            },
            {},
            5,
        ),
        ({"retry-after": "7"}, {"retry_after_seconds": 3}, 3),
        ({"retry-after": "7"}, {"retry_after_seconds": 0}, 0),
        ({}, {"retry_after_seconds_raw": 3.2}, 3.2),
        ({}, {"headers": {"Retry-After": "4"}}, 4),
        ({"retry-after": "-1"}, {}, None),
        ({"retry-after": "inf"}, {}, None),
        ({"retry-after": "1e400"}, {}, None),
        ({"retry-after": "99999999"}, {}, None),
        ({"retry-after": "in a while"}, {}, None),
        ({"retry-after": ""}, {}, None),
        ({}, {"retry_after_seconds": True}, None),
        ({}, {"retry_after_seconds": "x", "headers": "x"}, None),
        ({}, {"retry_after_seconds": 10**400}, None),
    ],
)
@pytest.mark.parametrize("status", [402, 429, 503])
def test_the_time_to_wait_is_read_in_each_form(
    status: int, headers: dict[str, str], metadata: dict[str, Any], seconds: float | None
) -> None:
    assert of(status, error(status, metadata=metadata), headers).retry_after == seconds


def test_a_spent_budget_says_when_it_begins_anew() -> None:
    metadata = {"limit_source": "openrouter_key_limit", "resets_at": "2027-01-16T00:00:00Z"}
    assert of(403, error(403, metadata=metadata)).resets_at == datetime(2027, 1, 16, tzinfo=UTC).timestamp()


# -- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (error(500, "It is\r\n\tbroken. "), "500: It is broken."),
        (error(500, ""), "500: internal server error"),
        (b"", "500: internal server error"),
        (b"\xff\xfe\x00", "500: \ufffd\ufffd"),
        ({"error": "plain"}, "500: plain"),
        ({"detail": "not found"}, "500: not found"),
        ({"detail": [{"msg": "field required"}]}, "500: field required"),
        ({"message": "top"}, "500: top"),
        (b"upstream connect error", "500: upstream connect error"),
        (b"  <!DOCTYPE html><html>secret page</html>", "500: an HTML page instead of an answer"),
        (error(500, "<html><body>x</body></html>"), "500: an HTML page instead of an answer"),
        (error(500, "a\x1b[31mred\x07\u202e\u200bb"), "500: a [31mred b"),
        (error(500, f"your key {KEY} is bad"), "500: your key … is bad"),
        (error(500, "use Bearer abc.def or sk-proj-ABCDEFGHIJ"), "500: use … or …"),
        (error(500, "P", metadata={"raw": {"error": {"message": "inner"}}}), "500: P: inner"),
        (error(500, "P", metadata={"raw": '{"error":{"message":"inner"}}'}), "500: P: inner"),
        (error(500, "P", metadata={"raw": "P"}), "500: P"),
        (error(500, "", metadata={"raw": "only this"}), "500: only this"),
        (error(500, '{"error": {"message": "wrapped"}}'), "500: wrapped"),
        ({"error": {"message": 7}}, "500: internal server error"),
        ([{"error": {"message": "in a list"}}], "500: in a list"),
    ],
)
def test_words_are_one_clean_line(payload: Any, words: str) -> None:
    assert of(500, payload).words == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "400: the provider takes the request for wrong"),
        (401, "401: the key is missing, wrong or revoked"),
        (402, "402: the account has no credits"),
        (403, "403: the provider refuses this model or this text"),
        (404, "404: the model is not there"),
        (408, "408: it took too long"),
        (418, "418: i'm a teapot"),
        (429, "429: too many requests"),
        (499, "499: the provider refuses"),
        (502, "502: the model is down"),
        (503, "503: no provider is free for this model"),
        (504, "504: it took too long"),
        (599, "599: the provider failed"),
    ],
)
def test_a_status_has_words_where_nobody_says_any(status: int, words: str) -> None:
    assert of(status, b"").words == words
    assert of(status, error(status, "")).words == words


def test_words_are_short_and_a_key_is_hidden_before_they_are_cut() -> None:
    text = "x" * (MAX_WORDS - 10) + KEY + "y" * 100_000
    fault = of(500, error(500, text))
    assert len(fault.words) <= MAX_WORDS + len("500: ")
    assert fault.words.endswith("…")
    assert KEY[:6] not in fault.words


@pytest.mark.parametrize("status", [300, 307, 399])
def test_a_redirect_says_why_it_is_not_followed(status: int) -> None:
    fault = of(status, b"", {"location": "https://elsewhere"})
    assert fault.words.startswith(f"{status}: the address redirects to another one")


# -- anything -------------------------------------------------------------------------------------------------------

FIELDS = ["error", "code", "message", "metadata", "type", "error_type", "raw", "headers", "provider_name", "detail",
          "retry_after_seconds", "limit_source", "resets_at", "X-RateLimit-Reset", "Retry-After", "Date", "object", "status"]  # fmt: skip
VALUES = st.sampled_from([429, "429", 1e308, -1, 10**30, "context_length_exceeded", "nan", "9" * 400, "1h", "0ms", KEY])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-ratelimit-reset", "x-ratelimit-limit", "content-type"]),
    st.text(max_size=40) | VALUES.map(str) | st.datetimes().map(lambda point: format_datetime(point.replace(tzinfo=UTC), usegmt=True)),
)  # fmt: skip


@given(
    status=st.integers(100, 599).filter(lambda status: status != 200), headers=headers, payload=anything | st.binary()
)
def test_any_response_is_one_fault(status: int, headers: dict[str, str], payload: Any) -> None:
    _check(of(status, payload, headers))


@given(payload=st.dictionaries(st.sampled_from(FIELDS), anything))
def test_any_error_in_a_200_is_one_fault(payload: Any) -> None:
    _check(in_200(payload))


def _check(fault: Fault) -> None:
    assert fault.kind in get_args(FaultKind)
    assert fault.words.isprintable()
    assert 0 < len(fault.words) <= MAX_WORDS + len("500: ")
    assert KEY not in fault.words
    assert fault.retry_after is None or 0 <= fault.retry_after <= FARTHEST
    assert fault.resets_at is None or NOW <= fault.resets_at <= NOW + FARTHEST
    assert fault.provider_name is None or fault.provider_name.isprintable()
