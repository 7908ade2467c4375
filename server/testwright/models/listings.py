"""What a provider says of its models: the answer to ``GET {base_url}/models``, read row by row. Pure.

Two shapes are known. OpenRouter's tells prices in US dollars a token, as text, the context, and the parameters that a
model takes (openrouter.ai/docs, "List available models"). The plain one of Ollama, LM Studio, llama.cpp and vLLM tells
names, and vLLM's the context (``max_model_len``).

A row that cannot be read is told and skipped; its model is not taken for one that is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any

from testwright.errors import ModelError
from testwright.models.registry_file import MAX_NAME, MAX_PRICE, MAX_TOKENS
from testwright.models.values import JsonObject, Provider

MAX_ROWS = 10_000
"""OpenRouter lists some 500 models; what has more rows than this is no list of models."""
MAX_NOTES = 20

_PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model as its provider lists it; None where the list does not say.

    Attributes:
        name: The provider's identifier.
        cost_per_1m_input, cost_per_1m_output: US dollars per million tokens, of the longest prompts where these cost
            more, so that a limit of money holds for them too.
        context_window, max_output: Tokens.
        tools: Whether it calls tools.
        speaks_text: Whether it answers in text at all.
        notes: A sentence, or empty.
    """

    name: str
    cost_per_1m_input: float | None = None
    cost_per_1m_output: float | None = None
    context_window: int | None = None
    max_output: int | None = None
    tools: bool | None = None
    speaks_text: bool = True
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """All that a provider lists.

    Attributes:
        provider: Whose list it is.
        offers: The rows that could be read, by name.
        seen: All names, those of rows that could not be read included.
        notes: Sentences: what was skipped, and why.
    """

    provider: Provider
    offers: Mapping[str, Offer]
    seen: frozenset[str]
    notes: tuple[str, ...]


def read_listing(payload: JsonObject, provider: Provider) -> Listing:
    """Read an answer.

    Raises:
        ModelError: It is no list of models, or one without a single model that can be read; a provider that asks for a
            key and lists nothing is not believed.
    """
    rows = payload.get("data")
    if not isinstance(rows, list):
        raise _unreadable(provider, "it has no list named data")
    if len(rows) > MAX_ROWS:
        raise _unreadable(provider, f"it has {len(rows)} rows, and more than {MAX_ROWS} are no list of models")
    offers: dict[str, Offer] = {}
    seen: set[str] = set()
    notes: list[str] = []
    for number, row in enumerate(rows, 1):
        name = _name(row)
        if name is None:
            notes.append(f"Row {number} of {provider.name}'s list was skipped: it has no usable id.")
        elif name in seen:
            notes.append(f"Row {number} of {provider.name}'s list was skipped: {name} is listed already.")
        else:
            seen.add(name)
            try:
                offers[name] = _offer(name, row)
            except _Odd as error:
                notes.append(f"{name} was skipped: {error}.")
    if not offers and (rows or provider.key_variable is not None):
        raise _unreadable(provider, "it names no model that can be read" if rows else "it is empty")
    if len(notes) > MAX_NOTES:
        notes[MAX_NOTES:] = [f"{len(notes) - MAX_NOTES} more rows were skipped."]
    return Listing(provider, offers, frozenset(seen), tuple(notes))


class _Odd(Exception):
    """A row that says something that cannot be."""


def _offer(name: str, row: Mapping[str, Any]) -> Offer:
    cost_in, cost_out, notes = _prices(row)
    top = row.get("top_provider")
    top = top if isinstance(top, Mapping) else {}
    windows = [_tokens(row, "context_length"), _tokens(top, "context_length"), _tokens(row, "max_model_len")]
    parameters = row.get("supported_parameters")
    return Offer(
        name=name,
        cost_per_1m_input=cost_in,
        cost_per_1m_output=cost_out,
        context_window=min((window for window in windows if window is not None), default=None),
        max_output=_tokens(top, "max_completion_tokens"),
        tools="tools" in parameters if isinstance(parameters, list) else None,
        speaks_text=_speaks_text(row.get("architecture")),
        notes=notes,
    )


def _prices(row: Mapping[str, Any]) -> tuple[float | None, float | None, str]:
    """US dollars per million tokens in and out, and a sentence about them."""
    pricing = row.get("pricing")
    if pricing is None:
        return None, None, ""
    if not isinstance(pricing, Mapping):
        raise _Odd("its pricing is no object")
    if "request" in pricing and _price(pricing, "request") > 0:
        raise _Odd("each request costs money besides its tokens")
    base = _price(pricing, "prompt"), _price(pricing, "completion")
    highest = base
    for dearer in _overrides(pricing):
        highest = tuple(  # type: ignore[assignment]
            max(known, _price(dearer, key)) if key in dearer else known
            for known, key in zip(highest, ("prompt", "completion"), strict=True)
        )
    notes = "" if highest == base else "The prices are those of the longest prompts; shorter ones cost less."
    return highest[0], highest[1], notes


def _overrides(pricing: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Prices that hold from some length of the prompt on."""
    overrides = pricing.get("overrides")
    if overrides is None:
        return
    if not isinstance(overrides, list) or not all(isinstance(one, Mapping) for one in overrides):
        raise _Odd("the prices of its longer prompts cannot be read")
    yield from overrides


def _price(pricing: Mapping[str, Any], key: str) -> float:
    """US dollars per million tokens; the list has US dollars a token, as text or as a number."""
    value = pricing.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Odd(f"it has no price for {key}")
    try:
        exact = Decimal(str(value).strip()) * _PER_MILLION
        price = float(exact)
    except (DecimalException, ValueError, OverflowError) as error:
        raise _Odd(f"its price for {key} is no number") from error
    if price < 0:
        raise _Odd("it has no price of its own, since it passes requests on to other models")
    if not price <= MAX_PRICE or (price == 0 and exact != 0):  # NaN too, and what only looks like nothing
        raise _Odd(f"its price for {key} cannot be")
    return price


def _tokens(row: Mapping[str, Any], key: str) -> int | None:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= MAX_TOKENS else None


def _speaks_text(architecture: object) -> bool:
    modalities = architecture.get("output_modalities") if isinstance(architecture, Mapping) else None
    return "text" in modalities if isinstance(modalities, list) else True


def _name(row: object) -> str | None:
    name = row.get("id") if isinstance(row, Mapping) else None
    is_usable = isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable() and name == name.strip()
    return name if is_usable else None


def _unreadable(provider: Provider, why: str) -> ModelError:
    return ModelError(
        f"The list of models that {provider.name} gave cannot be used: {why}.",
        next_step=f"Check that {provider.base_url} is the address of its service, or try again later.",
    )
