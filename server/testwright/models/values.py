"""Frozen values that flow through the models: entry, need, request, answer, fault, event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

ModelStatus = Literal["active", "untested", "rate_limited", "incompatible", "gone"]

JsonObject = Mapping[str, Any]
"""A JSON object as ``json.loads`` makes it: what goes over the wire has any shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who serves models over an OpenAI-compatible interface.

    Attributes:
        name: As models name it: ``openrouter``, ``ollama``.
        base_url: Without a slash at its end; ``/chat/completions`` and ``/models`` are below it.
        key_variable: Environment variable that holds its key; None where none is needed.
        free_requests_per_minute, free_requests_per_day: What one account may ask of its free models; None: no limit.
        speaks_openrouter: Whether it takes OpenRouter's own fields (``provider``, ``usage``) and has ``/key``.
    """

    name: str
    base_url: str
    key_variable: str | None = None
    free_requests_per_minute: int | None = None
    free_requests_per_day: int | None = None
    speaks_openrouter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model of the registry.

    Attributes:
        name: The provider's identifier: ``qwen/qwen3-coder:free``.
        provider: Name of its ``Provider``.
        cost_per_1m_input, cost_per_1m_output: US dollars per million tokens; 0 when free.
        priority: Smaller is tried earlier.
        status: What is known of it.
        context_window, max_output: Tokens; None when not known.
        tools: Whether it calls tools; None when not known.
        system_prompt: Whether it takes a system message; None when not known.
        free: Whether a request costs nothing.
        known_issues: Sentences.
        last_checked: ``2026-06-30``, the day on which its figures were looked up; None when never.
        source: Where the figures are from, an address or a few words.
        notes: A sentence, or empty.
        origin: Which file says so: ``shipped``, ``refreshed``, ``user``, ``workspace``; ``settings`` for a model that
            only a setting names, of which nothing else is known.
    """

    name: str
    provider: str
    cost_per_1m_input: float
    cost_per_1m_output: float
    priority: int
    status: ModelStatus
    context_window: int | None = None
    max_output: int | None = None
    tools: bool | None = None
    system_prompt: bool | None = None
    free: bool = False
    known_issues: tuple[str, ...] = ()
    last_checked: str | None = None
    source: str = ""
    notes: str = ""
    origin: str = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a task needs of a model.

    Attributes:
        tools: It must call tools.
        context: Tokens that must fit, prompt and answer together; 0 when any will do.
        free_only: It must cost nothing.
    """

    tools: bool = False
    context: int = 0
    free_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A chat-completions request without a model, which the router chooses.

    Attributes:
        body: The OpenAI-compatible body: ``messages`` and whatever else (``tools``, ``temperature``, ``max_tokens``).
            ``model``, ``stream``, ``stream_options``, ``usage``, ``provider`` and ``models`` are the router's own to
            say and are taken out.
        stream: Whether the answer is asked for as a stream, in which errors can still arrive; the result is the same.
    """

    body: JsonObject
    stream: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one answer took.

    Attributes:
        prompt_tokens, completion_tokens: As the provider counts; estimated when it does not say (``is_estimated``).
        cost: US dollars: the provider's ``usage.cost``, else by the registry's prices.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    is_estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """An answer that is worth something.

    Attributes:
        model: Who gave it, as the registry names it.
        body: A whole ``chat.completion`` object, with ``choices[0].message`` and ``usage``; a stream is put together.
        finish_reason: ``stop``, ``length``, ``tool_calls``, ...
        seconds: From sending to the last byte.
    """

    model: str
    body: JsonObject
    finish_reason: str
    usage: Usage
    seconds: float


FaultKind = Literal[
    "bad-request",  # 400 and other 4xx that no retry mends
    "context-exceeded",  # 400 whose code says that the prompt is too long for this model
    "bad-key",  # 401
    "no-credits",  # 402
    "forbidden",  # 403: permission, guardrail, moderation
    "gone",  # 404: model gone, no tool support, data policy
    "timed-out",  # 408, 504, and our own limits of time
    "down",  # 500, 502, 520-529
    "account-day-limit",  # 429 of the account, until a new day
    "account-minute-limit",  # 429 of the account, for less than some minutes
    "upstream-limit",  # 429 of the provider behind the model
    "no-provider",  # 503
    "network",  # no connection, or one that was dropped before the answer was whole
    "malformed",  # no JSON, a wrong content type, no choices, a stream that ends in the middle, too large
    "empty",  # a 200 without content and without tool calls
    "looping",  # the same token or phrase again and again
    "tool-call-as-text",  # what should have been a tool call stands in the text
    "bad-tool-call",  # arguments that are no JSON object, a tool that nobody offered
]


@dataclass(eq=False)
class Fault(Exception):
    """One request to one model that did not end in an answer. It never leaves the router.

    Attributes:
        kind: What it is; ``policy.py`` says what is done about it.
        words: One sentence for a person, from the provider where it has said one (cleaned, shortened, without keys).
        status: HTTP status, or the ``code`` of an error in a 200; None when there was none.
        retry_after: Seconds after which to try again, as the provider says.
        resets_at: When a limit ends, in seconds since 1970 UTC, as the provider says.
        provider_name: Who is behind the model, as the provider says.
        usage: What it took all the same, when known.
        was_sent: Whether the provider may have seen the request: it counts against the limits then.
    """

    kind: FaultKind
    words: str
    _: KW_ONLY
    status: int | None = None
    retry_after: float | None = None
    resets_at: float | None = None
    provider_name: str | None = None
    usage: Usage | None = None
    was_sent: bool = True

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model and whether it is in the chain.

    Attributes:
        entry: The model.
        provider: Who serves it.
        is_taken: Whether it may be asked.
        why: One sentence: why it stands where it stands, or why it fell out.
    """

    entry: ModelEntry
    provider: Provider
    is_taken: bool
    why: str


@dataclass(frozen=True, slots=True)
class Chain:
    """What selection found, in the order in which models are tried.

    Attributes:
        choices: All that were looked at, those that are taken first.
    """

    choices: tuple[Choice, ...]

    @property
    def taken(self) -> tuple[Choice, ...]:
        """Those that may be asked, in order."""
        return tuple(choice for choice in self.choices if choice.is_taken)


RouterEventKind = Literal["sent", "answered", "failed", "waiting", "next-model", "breaker", "limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterEvent:
    """Something that the router did, for progress and logs.

    Attributes:
        model: The model that it concerns, empty when none.
        message: A few words for a person: ``qwen3-coder:free is down (502), trying glm-4.5-air:free``.
        data: Numbers and a few words: ``attempt``, ``seconds``, ``prompt_tokens``, ``completion_tokens``, ``cost``,
            ``fault``, ``state`` (of a breaker), ``until`` (seconds since 1970).
    """

    kind: RouterEventKind
    model: str
    message: str
    data: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """A model that was asked and why it gave no answer; a line of the error that says that all have failed."""

    model: str
    kind: FaultKind
    words: str


def told(attempts: Sequence[Attempted]) -> str:
    """The attempts as a part of a sentence: ``a (502: down), b (empty answer)``."""
    return "; ".join(f"{attempt.model}: {attempt.words}" for attempt in attempts)
