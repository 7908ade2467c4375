"""Each row of the table of errors, as a real server sees it: what was sent, when, to which model, and what is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from routed import Scene, entry, question
from scripted_provider import (
    Reply,
    ScriptedProvider,
    after,
    answer,
    dropped,
    error_in_200,
    error_in_stream,
    garbage,
    half_body,
    half_stream,
    hanging,
    html,
    http_error,
    redirect,
    tool_call,
    unfinished_stream,
)
from virtual_clock import START, VirtualClock

from testwright.errors import (
    AccountLimit,
    CreditsExhausted,
    KeyRefused,
    ModelError,
    ModelsExhausted,
    RequestRefused,
)
from testwright.models.client import ProviderClient
from testwright.models.policy import RULES
from testwright.models.values import FaultKind, ModelEntry

MIDNIGHT = START + 16 * 3_600
DAY = 86_400.0
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]


def limited(reset: float, remaining: int = 0) -> dict[str, str]:
    """Headers of a limit of the account that ends at a time, in milliseconds as OpenRouter writes it."""
    return {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": f"{reset * 1e3:.0f}",
    }


def upstream(seconds: float | None = None) -> Reply:
    told = {} if seconds is None else {"retry_after_seconds": seconds}
    return http_error(429, "Provider returned error", metadata={"provider_name": "Chutes", **told})


@asynccontextmanager
async def scene_of(folder: Path, **fields: Any) -> AsyncIterator[tuple[Scene, ScriptedProvider]]:
    clock = VirtualClock()
    async with ScriptedProvider(clock) as server, ProviderClient(clock=clock) as client:
        providers = {
            name: server.provider(name, key_variable="SCRIPTED_KEY", **fields) for name in ("scripted", "other")
        }
        scene = Scene(folder, client, providers, clock)
        try:
            yield scene, server
        finally:
            scene.close()


Span = float | tuple[float, float]
"""Seconds: exactly so many, or between two."""


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: Of the test.
        scripts: What each model replies, in the order of the chain. What is left over fails the test.
        sent: Who was asked, and how long after the question.
        error: What it ends in; None: with the answer ``Good.``
        reads: What the user reads of the error; after a colon at its end, anything.
        then: The next step that the error names.
        learnt: Status of models afterwards, and for how many seconds.
        entries: Fields of models that are not the plainest.
        asked: Fields of the request.
        deny: Whether the data policy is ``deny``.
    """

    name: str
    scripts: dict[str, list[Reply]]
    sent: Sequence[tuple[str, Span]]
    error: type[ModelError] | None = None
    reads: str = ""
    then: str = ""
    learnt: dict[str, tuple[str, Span]] = field(default_factory=dict)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    deny: bool = False


GOOD = [answer("Good.")]
NEXT: Sequence[tuple[str, Span]] = [("a", 0.0), ("b", 0.0)]
"""The next model at once."""
ONCE_MORE: Sequence[tuple[str, Span]] = [("a", 0.0), ("a", (1.0, 2.0)), ("b", (1.0, 2.0))]
"""The same once more after the first backoff, with equal jitter, then the next at once."""
NETWORK: Sequence[tuple[str, Span]] = [("a", 0.0), ("a", (0.0, 2.0)), ("b", (0.0, 2.0))]
"""The same with full jitter."""

ROWS = [
    Row("an answer", {"a": GOOD, "b": []}, [("a", 0.0)]),
    # -- 400, 401, 402, 403, 404
    Row(
        "400 ends it",
        {"a": [http_error(400, "messages: wrong role")], "b": []},
        [("a", 0.0)],
        RequestRefused,
        "scripted takes the request to a for wrong (400: messages: wrong role).",
        "Try another model (preferred-model); if it goes on, report it with what `--record` saves.",
    ),
    Row(
        "400 for a field that is named after an author is no authentication error",
        {"a": [http_error(400, "Unknown author field, unauthorized key 'rate limit 429'")], "b": []},
        [("a", 0.0)],
        RequestRefused,
        "scripted takes the request to a for wrong (400: Unknown author field, unauthorized key 'rate limit 429').",
    ),
    Row(
        "400 of a prompt that is too long asks a model with a larger context",
        {
            "a": [http_error(400, "too long", code="context_length_exceeded")],
            "small": [],
            "large": GOOD,
        },
        [("a", 0.0), ("large", 0.0)],
        entries={
            "a": {"context_window": 8_192},
            "small": {"context_window": 8_192},
            "large": {"context_window": 32_768},
        },
    ),
    Row(
        "400 of a prompt that is too long asks a model whose context is not known",
        {"a": [http_error(400, "too long", code="context_length_exceeded")], "b": GOOD},
        NEXT,
        entries={"a": {"context_window": 8_192}},
    ),
    Row(
        "400 of a prompt that is too long for all",
        {"a": [http_error(400, "too long", code="context_length_exceeded")], "b": []},
        [("a", 0.0)],
        ModelsExhausted,
        "No model gave an answer: a: 400: too long; b: its context of 4,096 tokens is no larger than that of a.",
        "Choose a model with a larger context (preferred-model), or a smaller module.",
        entries={"a": {"context_window": 8_192}, "b": {"context_window": 4_096}},
    ),
    Row(
        "401 ends it",
        {"a": [http_error(401, "No auth credentials found")], "b": []},
        [("a", 0.0)],
        KeyRefused,
        "scripted does not accept the key (401: No auth credentials found).",
        "Check SCRIPTED_KEY: is it this provider's, whole, and not withdrawn?",
    ),
    Row(
        "402 ends it",
        {"a": [http_error(402, "Insufficient credits")], "b": []},
        [("a", 0.0)],
        CreditsExhausted,
        "The account at scripted has no credits left (402: Insufficient credits).",
        "Add credits there; a negative balance blocks free models, too.",
    ),
    Row(
        "402 with Retry-After asks the same model then",
        {"a": [http_error(402, headers={"Retry-After": "90"}), answer("Good.")], "b": []},
        [("a", 0.0), ("a", 90.0)],
    ),
    Row(
        "402 with Retry-After past the deadline ends it",
        {"a": [http_error(402, "Insufficient credits", headers={"Retry-After": "1800"})], "b": []},
        [("a", 0.0)],
        CreditsExhausted,
        "The account at scripted has no credits left (402: Insufficient credits).",
    ),
    Row("403 asks the next", {"a": [http_error(403, "flagged")], "b": GOOD}, NEXT),
    Row(
        "403 of all",
        {"a": [http_error(403, "flagged")], "b": [http_error(403, "no permission")]},
        NEXT,
        ModelsExhausted,
        "No model gave an answer: a: 403: flagged; b: 403: no permission.",
        "Choose another model (preferred-model); `testwright models list` shows those there are.",
    ),
    Row("404 asks the next", {"a": [http_error(404, "No such model")], "b": GOOD}, NEXT, learnt={"a": ("gone", DAY)}),
    Row(
        "404 with tools may mean that it has none",
        {"a": [http_error(404, "No endpoints found")], "b": GOOD},
        NEXT,
        asked={"tools": TOOLS},
        learnt={"a": ("incompatible", DAY)},
    ),
    Row(
        "404 may mean that nobody complies with the data policy",
        {"a": [http_error(404, "No endpoints found")], "b": GOOD},
        NEXT,
        deny=True,
        learnt={"a": ("incompatible", 3_600.0)},
    ),
    # -- 408, 500, 502, 504, and what has no status
    *(
        Row(f"{status} asks once more, then the next", {"a": [http_error(status)] * 2, "b": GOOD}, ONCE_MORE)
        for status in (408, 500, 502, 504, 524, 529)
    ),
    Row(
        "502 asks once more and gets an answer",
        {"a": [http_error(502), answer("Good.")], "b": []},
        [("a", 0.0), ("a", (1.0, 2.0))],
    ),
    Row(
        "502 with a short Retry-After asks once more then",
        {"a": [http_error(502, headers={"Retry-After": "17"}), answer("Good.")], "b": []},
        [("a", 0.0), ("a", 17.0)],
    ),
    Row(
        "502 with a long Retry-After asks the next",
        {"a": [http_error(502, headers={"Retry-After": "61"})], "b": GOOD},
        NEXT,
    ),
    Row("a dropped connection", {"a": [dropped()] * 2, "b": GOOD}, NETWORK),
    Row("half a body", {"a": [half_body()] * 2, "b": GOOD}, NETWORK),
    Row("bytes that are no HTTP", {"a": [garbage()] * 2, "b": GOOD}, NETWORK),
    Row("half a stream", {"a": [half_stream()] * 2, "b": GOOD}, NETWORK),
    Row(
        "a connection that hangs",
        {"a": [hanging()] * 2, "b": GOOD},
        [("a", 0.0), ("a", (121.0, 122.0)), ("b", (241.0, 242.0))],
    ),
    Row(
        "no network at all",
        {"a": [dropped()] * 4},
        [("a", 0.0), ("a", (0.0, 2.0)), ("a", (30.0, 62.0)), ("a", (90.0, 182.0))],
        ModelsExhausted,
        "No model gave an answer: a: ",
        "Check the network, and whether the model's server is running.",
    ),
    Row(
        "an answer that takes its time",
        {"a": [after(110, answer("Good."))], "b": []},
        [("a", 0.0)],
    ),
    Row("a stream that ends too early", {"a": [unfinished_stream()] * 2, "b": GOOD}, ONCE_MORE),
    Row("a page for people", {"a": [html()] * 2, "b": GOOD}, ONCE_MORE),
    Row(
        "a redirect, which would carry the key away", {"a": [redirect("http://127.0.0.1:9/")] * 2, "b": GOOD}, ONCE_MORE
    ),
    # -- 429
    Row(
        "429 of the provider behind asks the next",
        {"a": [upstream(40)], "b": GOOD},
        NEXT,
        learnt={"a": ("rate_limited", 40.0)},
    ),
    Row(
        "429 of the providers behind all goes round again after the soonest",
        {"a": [upstream(40)], "b": [upstream(25), answer("Good.")]},
        [("a", 0.0), ("b", 0.0), ("b", 25.0)],
        learnt={"a": ("rate_limited", 15.0)},
    ),
    Row(
        "429 of the providers behind all, past the deadline",
        {"a": [upstream(4_000)], "b": [upstream(3_000)]},
        NEXT,
        ModelsExhausted,
        "No model gave an answer: a, b: 429: Provider returned error. "
        "The next could be asked in 3,000 s, when the run's time with models is over.",
        "Try again later, or add models of other providers (fallback-models).",
        learnt={"a": ("rate_limited", 4_000.0), "b": ("rate_limited", 3_000.0)},
    ),
    Row(
        "429 of the account's minute waits and asks the same",
        {"a": [http_error(429, "slow down", headers=limited(START + 33)), answer("Good.")], "b": []},
        [("a", 0.0), ("a", 33.0)],
    ),
    Row(
        "429 of the account's minute that gives no time waits a minute",
        {"a": [http_error(429, "slow down", headers={"X-RateLimit-Remaining": "0"}), answer("Good.")], "b": []},
        [("a", 0.0), ("a", 60.0)],
    ),
    Row(
        "429 of the account's day ends it for all free models",
        {"a": [http_error(429, "free-models-per-day", headers=limited(MIDNIGHT))], "b": []},
        [("a", 0.0)],
        AccountLimit,
        "scripted takes no more requests of this account for now: 429: free-models-per-day. "
        "It takes some again at 00:00 UTC on 2027-01-16, in 16 hours.",
        "Wait until then, or name a model of another account in preferred-model.",
    ),
    Row(
        "429 of the account's day goes on with a model of another account",
        {"a": [http_error(429, "free-models-per-day", headers=limited(MIDNIGHT))], "b": [], "mine": GOOD},
        [("a", 0.0), ("mine", 0.0)],
        entries={"mine": {"provider": "other"}},
    ),
    Row(
        "429 of the account's day, and a model of another account that fails",
        {
            "a": [http_error(429, "free-models-per-day", headers=limited(MIDNIGHT))],
            "mine": [http_error(403, "flagged")],
        },
        [("a", 0.0), ("mine", 0.0)],
        AccountLimit,
        "scripted takes no more requests of this account for now: 429: free-models-per-day. "
        "It takes some again at 00:00 UTC on 2027-01-16, in 16 hours. "
        "The models of other accounts gave no answer: mine: 403: flagged.",
        entries={"mine": {"provider": "other"}},
    ),
    Row(
        "429 of an account whose limit ends within the run is waited for, after others were asked",
        {
            "a": [http_error(429, "wait", headers=limited(START + 900)), answer("Good.")],
            "mine": [http_error(403, "flagged")],
        },
        [("a", 0.0), ("mine", 0.0), ("a", 900.0)],
        entries={"mine": {"provider": "other"}},
    ),
    # -- 503
    Row(
        "503 with a short Retry-After asks once more then, then the next",
        {"a": [http_error(503, headers={"Retry-After": "12"})] * 2, "b": GOOD},
        [("a", 0.0), ("a", 12.0), ("b", 12.0)],
    ),
    Row("503 without Retry-After asks the next", {"a": [http_error(503)], "b": GOOD}, NEXT),
    Row("503 with a long one asks the next", {"a": [http_error(503, headers={"Retry-After": "600"})], "b": GOOD}, NEXT),
    # -- an error in a 200 is what its code says
    Row(
        "200 with 429 behind it",
        {"a": [error_in_200(429, metadata={"provider_name": "X"})], "b": GOOD},
        NEXT,
        learnt={"a": ("rate_limited", (15.0, 30.0))},
    ),
    Row("200 with 502 as text", {"a": [error_in_200("502")] * 2, "b": GOOD}, ONCE_MORE),
    Row(
        "200 with 401",
        {"a": [error_in_200(401, "User not found")], "b": []},
        [("a", 0.0)],
        KeyRefused,
        "scripted does not accept the key (401: User not found).",
    ),
    Row("a stream with 403 in it", {"a": [error_in_stream(403)], "b": GOOD}, NEXT),
    Row("a stream with 502 in it", {"a": [error_in_stream(502)] * 2, "b": GOOD}, ONCE_MORE),
    # -- a 200 that is no answer
    Row("an empty answer", {"a": [answer("")], "b": GOOD}, NEXT),
    Row("the same token again and again", {"a": [answer("token " * 4_000)], "b": GOOD}, NEXT),
    Row(
        "a tool call as text",
        {"a": [answer('<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>')], "b": GOOD},
        NEXT,
        asked={"tools": TOOLS},
    ),
    Row(
        "arguments of a tool that are no JSON",
        {"a": [answer(None, tool_calls=[tool_call("look", "{oh")])], "b": GOOD},
        NEXT,
        asked={"tools": TOOLS},
    ),
    Row(
        "models that cannot do it",
        {"a": [answer("")], "b": [answer("")]},
        NEXT,
        ModelsExhausted,
        "No model gave an answer: a, b: The answer is empty.",
        "Choose another model (preferred-model); `testwright models list` shows those there are.",
    ),
]


def is_within(seconds: float, expected: Span) -> bool:
    low, high = expected if isinstance(expected, tuple) else (expected, expected)
    return low <= round(seconds, 3) <= high


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("seed", [1, 2])
async def test_row(row: Row, seed: int, tmp_path: Path) -> None:
    async with scene_of(tmp_path) as (scene, server):
        models: list[ModelEntry] = []
        for name, replies in row.scripts.items():
            server.play(name, *replies)
            models.append(entry(name, **row.entries.get(name, {})))
        router = scene.router(*models, seed=seed, data_collection="deny" if row.deny else "allow")
        began = scene.clock.monotonic()
        failed: ModelError | None = None
        try:
            found = await router.complete(question(**row.asked))
        except ModelError as error:
            failed = error
        if row.error is None:
            assert failed is None, failed
            assert found.body["choices"][0]["message"]["content"] == "Good."
        else:
            assert type(failed) is row.error
            assert failed.message == row.reads or (row.reads.endswith(": ") and failed.message.startswith(row.reads))
            assert not row.then or failed.next_step == row.then
        assert server.left == {}
        assert server.asked() == [name for name, _ in row.sent]
        for request, (name, when) in zip(server.requests, row.sent, strict=True):
            assert is_within(request.when - began, when), name
        learnt = scene.statuses()
        assert learnt.keys() == row.learnt.keys()
        for name, (status, seconds) in row.learnt.items():
            assert learnt[name][0] == status
            assert is_within(learnt[name][1], seconds), name
        uses = router.uses()
        assert sum(use.requests for use in uses) == len(server.requests)
        assert sum(use.answers for use in uses) == (row.error is None)
        for use in uses:
            if not use.answers:
                counted = sum(count for kind, count in use.faults.items() if RULES[cast("FaultKind", kind)].counts)
                assert scene.breakers.of(use.provider, use.model)._failures == counted
