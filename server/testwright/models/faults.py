"""What a provider says instead of an answer, as a ``Fault``.

Pure. The kind is told by the status, by names and numbers in known fields and by headers, never by the words of a
message: those are written for people, and an "author field" is no authentication error. The shapes are those which the
documentation and the servers themselves show:

- OpenRouter (docs: "Errors and Debugging", "Limits", "Streaming"): ``{"error": {"code": 429, "message": "...",
  "metadata": {"error_type", "provider_name", "raw", "retry_after_seconds", "limit_source", "headers", ...}}}``,
  with the status, in a 200, in a choice or in a chunk of a stream;
- OpenAI and what follows it: ``code`` and ``type`` are names (``context_length_exceeded``, ``insufficient_quota``);
- llama.cpp: ``type`` is ``exceed_context_size_error``, ``unavailable_error``, ...;
- vLLM: ``type`` is ``BadRequestError``, in older versions without an ``error`` around it;
- Ollama and LM Studio: ``{"error": "text"}``; FastAPI's: ``{"detail": "text"}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testwright.models.fault_words import parsed, words_of
from testwright.models.keys import Secret
from testwright.models.limits_told import LimitTold, limit_told, retry_after
from testwright.models.values import Fault, FaultKind

DAY_LIMIT_SECONDS = 300.0
"""A limit of the account that ends later than this is one of a day: those of a minute end within one."""

_BY_STATUS: Mapping[int, FaultKind] = {
    401: "bad-key",
    402: "no-credits",
    403: "forbidden",
    404: "gone",
    408: "timed-out",
    410: "gone",
    413: "context-exceeded",  # a model that takes more may take this
    451: "forbidden",
    503: "no-provider",
    504: "timed-out",
}
"""All other 4xx are "bad-request", all other 5xx "down"."""
_BY_NAME: Mapping[str, FaultKind] = {
    # OpenAI's code, which OpenRouter, vLLM and llama-cpp-python use as well, and llama.cpp's type.
    "context_length_exceeded": "context-exceeded",
    "exceed_context_size_error": "context-exceeded",
    # OpenRouter's error_type where its status alone would mislead.
    "string_too_long": "context-exceeded",
    "payload_too_large": "context-exceeded",
    "token_limit_exceeded": "no-credits",
    "content_policy_violation": "forbidden",
    "refusal": "forbidden",
    # OpenAI's: a 429 that no waiting mends.
    "insufficient_quota": "no-credits",
}
_STATUS_BY_NAME: Mapping[str, int] = {
    # For an error in a 200 without a number. OpenRouter's error_type and the statuses that it documents for them:
    "authentication": 401,
    "permission_denied": 403,
    "payment_required": 402,
    "rate_limit_exceeded": 429,
    "provider_overloaded": 503,
    "provider_unavailable": 502,
    "invalid_request": 400,
    "invalid_prompt": 400,
    "max_tokens_exceeded": 400,
    "not_found": 404,
    "precondition_failed": 412,
    "unprocessable": 422,
    "server": 500,
    "timeout": 504,
    # OpenAI's and llama.cpp's types, OpenRouter's code in a stream (``server_error``), vLLM's types:
    "invalid_request_error": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "rate_limit_error": 429,
    "rate_limited": 429,
    "server_error": 500,
    "api_error": 500,
    "overloaded_error": 529,
    "unavailable_error": 503,
    "badrequesterror": 400,
    "notfounderror": 404,
    "internalservererror": 500,
}
_BUDGETS = frozenset({"openrouter_key_limit", "openrouter_workspace_budget", "openrouter_guardrail_budget"})
"""``metadata.limit_source`` of a 403 that is about money and not about permission."""
_DEFAULT_STATUS = 502
"""Of an error in a 200 that says nothing of its cause: it began, and then it failed."""


def fault_of_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    secrets: Sequence[Secret] = (),
) -> Fault:
    """The fault of a response whose status is not 200.

    Args:
        status: Its status.
        headers: Its headers, names in small letters.
        body: As much as was read of it.
        now: Seconds since 1970 UTC by our own clock.
        secrets: Keys that must not stand in the words.
    """
    payload = parsed(body)
    if 300 <= status < 400:
        return Fault(
            "malformed",
            f"{status}: the address redirects to another one, which is not followed, "
            "since the key and the code would go along.",
            status=status,
        )
    if status < 400:
        return Fault("malformed", f"{status}: a status that says nothing about an answer.", status=status)
    words = words_of(payload if payload is not None else body, status, secrets)
    return _fault(status, headers, payload, words, now=now)


def fault_of_error(
    payload: Any,
    *,
    now: float,
    headers: Mapping[str, str] | None = None,
    secrets: Sequence[Secret] = (),
) -> Fault:
    """The fault of an error object in a body or a chunk whose status was 200.

    Args:
        payload: The object that has an ``error``, of whatever shape.
        now: Seconds since 1970 UTC by our own clock.
        headers: Of the response.
        secrets: Keys that must not stand in the words.
    """
    status = _status_said(payload)
    words = words_of(payload, status, secrets)
    return _fault(status, headers or {}, payload, words, now=now)


def has_error(payload: Mapping[str, Any]) -> bool:
    """Whether an object from a provider is or holds an error, beside or instead of an answer."""
    return bool(payload.get("error")) or payload.get("object") == "error"


def _fault(status: int, headers: Mapping[str, str], payload: Any, words: str, *, now: float) -> Fault:
    error = _error_in(payload)
    metadata = _object(error.get("metadata"))
    limit = limit_told(headers, _object(metadata.get("headers")), now=now)
    wait = retry_after(headers, metadata, now=now)
    provider_name = metadata.get("provider_name") or _object(payload).get("provider")  # the latter in a stream
    kind = _kind(status, error, metadata, limit, wait)
    resets_at = limit.resets_at
    if resets_at is None:
        resets_at = LimitTold.at(metadata.get("resets_at"), now=now)
    return Fault(
        kind,
        words,
        status=status,
        retry_after=wait,
        resets_at=resets_at,
        provider_name=words_of(provider_name, None, ()) if isinstance(provider_name, str) else None,
    )


def _kind(
    status: int, error: Mapping[str, Any], metadata: Mapping[str, Any], limit: LimitTold, wait: float | None
) -> FaultKind:
    for name in _names(error, metadata):
        if name in _BY_NAME:
            return _BY_NAME[name]
    if status == 429:
        return _limit_kind(metadata, limit, wait)
    if status == 403 and metadata.get("limit_source") in _BUDGETS:
        return "no-credits"
    return _kind_of_status(status)


def _kind_of_status(status: int) -> FaultKind:
    return _BY_STATUS.get(status, "down" if status >= 500 else "bad-request")


def _limit_kind(metadata: Mapping[str, Any], limit: LimitTold, wait: float | None) -> FaultKind:
    """Of a 429: OpenRouter sends ``X-RateLimit-*`` with its own limits alone; all else comes from behind it.

    A limit of the account whose end is not told is taken for one of a minute: a wait that is too short costs one
    request, a day that is lost costs all of them.
    """
    if metadata.get("provider_name") or not limit.is_told:
        return "upstream-limit"
    seconds = limit.seconds if limit.seconds is not None else wait
    return "account-day-limit" if seconds is not None and seconds > DAY_LIMIT_SECONDS else "account-minute-limit"


def _status_said(payload: Any) -> int:
    """The status that an error in a 200 stands for."""
    error = _error_in(payload)
    metadata = _object(error.get("metadata"))
    for field in ("code", "status", "status_code"):
        number = _status(error.get(field))
        if number is not None:
            return number
    for name in _names(error, metadata):
        if name in _STATUS_BY_NAME:
            return _STATUS_BY_NAME[name]
    return _DEFAULT_STATUS


def _status(value: Any) -> int | None:
    """An HTTP status of an error: a number, or a text of digits."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
        return value
    return None


def _names(error: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[str]:
    """Names of the error in small letters, the most exact first; what the provider behind says comes last."""
    fields = [
        metadata.get("error_type"),
        error.get("error_type"),
        error.get("code"),
        error.get("type"),
        metadata.get("provider_code"),
    ]
    raw = metadata.get("raw")
    behind = _error_in(parsed(raw.encode(errors="replace")) if isinstance(raw, str) else raw)
    fields += [behind.get("code"), behind.get("type")]
    yield from (field.lower() for field in fields if isinstance(field, str))


def _error_in(payload: Any) -> Mapping[str, Any]:
    """The object that describes the error, wherever it is; empty when there is only a text or nothing."""
    outer = _object(payload)
    inner = outer.get("error")
    if isinstance(inner, Mapping):
        return inner if "error_type" in inner else {**inner, "error_type": outer.get("error_type")}
    return outer


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
