from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.models.registry import Registry, shipped
from testwright.models.selection import Known, choose, no_models
from testwright.models.values import Chain, ModelEntry, Need, Provider
from testwright.store.ledger import StoredStatus

ROUTER = Provider(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    key_variable="OPENROUTER_API_KEY",
    speaks_openrouter=True,
)
OLLAMA = Provider(name="ollama", base_url="http://127.0.0.1:11434/v1")
NOW = 1_800_000_000.0  # 2027-01-15 08:00 UTC
KNOWN = Known(keys={"openrouter"}, now=NOW, seconds=1800)


def entry(name: str, priority: int = 10, **fields: Any) -> ModelEntry:
    values: dict[str, Any] = {
        "provider": "openrouter", "cost_per_1m_input": 0.0, "cost_per_1m_output": 0.0, "status": "active", "tools": True,
        "context_window": 100_000, "free": not fields.get("cost_per_1m_output"),
    }  # fmt: skip
    return ModelEntry(name=name, priority=priority, **{**values, **fields})


def registry(*entries: ModelEntry) -> Registry:
    return Registry({"openrouter": ROUTER, "ollama": OLLAMA}, entries)


def chosen(
    *entries: ModelEntry,
    preferred: str | None = None,
    fallbacks: tuple[str, ...] = (),
    need: Need = Need(tools=True, context=10_000),  # noqa: B008 - frozen
    known: Known = KNOWN,
) -> Chain:
    return choose(registry(*entries), preferred=preferred, fallbacks=fallbacks, need=need, known=known)


def taken(chain: Chain) -> list[str]:
    return [choice.entry.name for choice in chain.taken]


def why(chain: Chain, name: str) -> str:
    (found,) = [choice.why for choice in chain.choices if choice.entry.name == name]
    return found


def test_the_preferred_model_then_the_fallbacks_then_the_registry() -> None:
    chain = chosen(entry("a", 1), entry("b", 2), entry("c", 3), entry("d", 4), preferred="d", fallbacks=("c", "d"))
    assert taken(chain) == ["d", "c", "a", "b"]
    assert [choice.why for choice in chain.choices] == [
        "Preferred by the settings.",
        "Fallback 1 of the settings.",
        "Of the registry, with priority 1.",
        "Of the registry, with priority 2.",
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "gone"}, "Is gone by the registry."),
        ({"status": "gone", "known_issues": ("Left in May.",)}, "Is gone by the registry: Left in May."),
        ({"status": "incompatible"}, "Cannot do the job by the registry."),
        ({"tools": False}, "Does not call tools."),
        ({"context_window": 9_999}, "Has a context of 9,999 tokens, and 10,000 are needed."),
        ({"cost_per_1m_input": 0.3, "cost_per_1m_output": 1.2}, "Costs money, and max-model-cost is 0."),
    ],
)
@pytest.mark.parametrize("preferred", [None, "odd"])
def test_a_model_falls_out_also_when_it_is_preferred(
    fields: Mapping[str, Any], reason: str, preferred: str | None
) -> None:
    chain = chosen(entry("odd", 1, **fields), entry("good", 2), preferred=preferred)
    assert taken(chain) == ["good"]
    assert chain.choices[-1].entry.name == "odd"
    assert why(chain, "odd") == reason


def test_what_is_not_needed_keeps_nobody_out() -> None:
    odd = entry("odd", 1, tools=False, context_window=10, cost_per_1m_output=1.0)
    assert taken(chosen(odd, need=Need(free_only=False))) == ["odd"]
    assert taken(chosen(odd, need=Need(free_only=False, context=10))) == ["odd"]


def test_what_is_not_known_puts_a_model_behind_unless_it_is_named() -> None:
    entries = (
        entry("no tools known", 1, tools=None),
        entry("no size known", 2, context_window=None),
        entry("known", 3),
    )
    chain = chosen(*entries)
    assert taken(chain) == ["known", "no tools known", "no size known"]
    assert why(chain, "no tools known").endswith("Whether it calls tools is not known.")
    assert why(chain, "no size known").endswith("The size of its context is not known.")
    assert taken(chosen(*entries, preferred="no size known")) == ["no size known", "known", "no tools known"]
    assert taken(chosen(*entries, need=Need())) == ["no tools known", "no size known", "known"]


def test_a_provider_without_its_key_is_not_asked() -> None:
    chain = chosen(entry("far"), entry("near", provider="ollama"), known=replace(KNOWN, keys=()))
    assert taken(chain) == ["near"]
    assert why(chain, "far") == "Needs a key: OPENROUTER_API_KEY is not set, and no keyring has one."


# ------------------------------------------------------------------------------------------------ learnt statuses


def learnt(status: str, *, seconds: float = 3600, reason: str = "") -> Known:
    return replace(KNOWN, statuses={("openrouter", "odd"): StoredStatus(status, reason, NOW + seconds)})


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        ("gone", "404: No endpoints found.", "Is gone: 404: No endpoints found."),
        ("gone", " ", "Is gone."),
        ("incompatible", "it writes tool calls as text", "Cannot do the job: it writes tool calls as text."),
        ("rate_limited", "the provider is busy", "Is rate limited until 2027-01-15 09:00 UTC: the provider is busy."),
    ],
)
def test_what_earlier_runs_have_learnt(status: str, reason: str, told: str) -> None:
    chain = chosen(entry("odd", 1), entry("good", 2), known=learnt(status, reason=reason))
    assert taken(chain) == ["good"]
    assert why(chain, "odd") == told


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("gone", "Earlier it was gone: it was not fetched, so it is asked last."),
        ("incompatible", "Earlier it could not do a job: it was not fetched, so it is asked last."),
    ],
)
def test_on_this_machine_it_costs_nothing_to_ask_again(status: str, told: str) -> None:
    known = replace(KNOWN, statuses={("ollama", "odd"): StoredStatus(status, "it was not fetched.", NOW + 1)})
    chain = chosen(
        entry("odd", 1, provider="ollama"), entry("good", 2, provider="ollama"), preferred="odd", known=known
    )
    assert taken(chain) == ["good", "odd"]
    assert why(chain, "odd").endswith(told)
    assert taken(chosen(entry("odd", provider="ollama", status=status), known=known)) == []


def test_who_calls_no_tools_may_do_a_job_without_them() -> None:
    known = learnt("incompatible", reason="It did not call the tool.")
    chain = chosen(entry("odd", 1), entry("good", 2), need=Need(), known=known)
    assert taken(chain) == ["good", "odd"]
    assert why(chain, "odd").endswith("Earlier it could not do a job: It did not call the tool, so it is asked last.")
    assert taken(chosen(entry("odd"), need=Need(), known=learnt("gone"))) == []


def test_what_was_learnt_of_the_same_name_elsewhere_does_not_count() -> None:
    known = replace(KNOWN, statuses={("ollama", "odd"): StoredStatus("gone", "", NOW + 1)})
    assert taken(chosen(entry("odd"), known=known)) == ["odd"]


@pytest.mark.parametrize("preferred", [None, "odd"])
def test_a_limit_that_ends_within_the_run_puts_a_model_last(preferred: str | None) -> None:
    known = learnt("rate_limited", seconds=1800)
    chain = chosen(entry("odd", 1), entry("good", 2), entry("unsure", 3, tools=None), preferred=preferred, known=known)
    assert taken(chain) == ["good", "unsure", "odd"]
    assert why(chain, "odd").endswith("It was rate limited until 2027-01-15 08:30 UTC, so it is asked last.")
    assert taken(chosen(entry("odd"), known=known)) == ["odd"]


def test_a_limit_that_only_the_registry_tells_puts_a_model_last() -> None:
    chain = chosen(entry("odd", 1, status="rate_limited"), entry("good", 2))
    assert taken(chain) == ["good", "odd"]
    assert why(chain, "odd").endswith("It was rate limited when it was last looked at, so it is asked last.")


def test_a_model_that_was_seen_to_work_is_asked_unless_the_registry_calls_it_gone() -> None:
    assert taken(chosen(entry("odd", status="incompatible"), known=learnt("active"))) == ["odd"]
    assert taken(chosen(entry("odd", status="gone"), known=learnt("active"))) == []


# ------------------------------------------------------------------------------------------------ only in the settings


@pytest.mark.parametrize(
    ("name", "provider", "asked"),
    [
        ("new/coder:free", "openrouter", "new/coder:free"),
        ("openrouter/new/coder:free", "openrouter", "new/coder:free"),
        ("ollama/qwen3:4b", "ollama", "qwen3:4b"),
        ("ollama/org/qwen3:4b", "ollama", "org/qwen3:4b"),
        ("known", "openrouter", "known"),
        ("openrouter/known/too", "openrouter", "known/too"),
    ],
)
def test_a_free_model_that_only_the_settings_name(name: str, provider: str, asked: str) -> None:
    chain = chosen(entry("known"), entry("known/too"), preferred=name)
    first = chain.taken[0]
    assert (first.provider.name, first.entry.provider, first.entry.name) == (provider, provider, asked)
    assert first.entry.free
    assert first.entry.origin == ("shipped" if asked.startswith("known") else "settings")


@pytest.mark.parametrize("name", ["openrouter/auto", "new/coder"])
def test_a_model_whose_price_is_not_known_is_asked_only_where_money_may_be_spent(name: str) -> None:
    chain = chosen(preferred=name)
    assert taken(chain) == []
    assert why(chain, name) == "Has a price that is not known, and max-model-cost is 0."
    chain = chosen(entry("dear", cost_per_1m_output=15.0), preferred=name, need=Need(free_only=False))
    (choice, _) = chain.taken
    assert choice.entry.name == name
    assert choice.why == "Preferred by the settings. Its price is not known."
    assert (choice.entry.cost_per_1m_output, choice.entry.free) == (0.0, False)


def test_where_nobody_tells_the_price_it_is_taken_for_the_dearest() -> None:
    own = Provider(name="own", base_url="https://models.example.org/v1", key_variable="OWN_KEY")
    entries = (entry("x", cost_per_1m_input=3.0, cost_per_1m_output=5.0), entry("y", cost_per_1m_output=15.0))
    chain = chosen(*entries, preferred="mine", need=Need(free_only=False), known=replace(KNOWN, own=own, keys={"own"}))
    assert taken(chain) == ["mine"]
    assert (chain.taken[0].entry.cost_per_1m_input, chain.taken[0].entry.cost_per_1m_output) == (3.0, 15.0)


@pytest.mark.parametrize(
    ("base_url", "key_variable", "is_free"),
    [
        ("http://localhost:1/v1", "OWN_KEY", True),
        ("http://gpu.lan:8000/v1", None, True),
        ("https://models.example.org/v1", "OWN_KEY", False),
        ("nonsense", "OWN_KEY", False),
    ],
)
def test_what_is_on_this_machine_or_takes_no_key_costs_nothing(
    base_url: str, key_variable: str | None, *, is_free: bool
) -> None:
    own = Provider(name="own", base_url=base_url, key_variable=key_variable)
    chain = chosen(preferred="mine", known=replace(KNOWN, own=own, keys={"own"}))
    assert (taken(chain) == ["mine"]) is is_free


def test_what_a_repository_names_is_a_model_of_the_registry_or_nothing() -> None:
    known = replace(KNOWN, untrusted={"known", "new/coder:free"})
    chain = chosen(entry("known"), preferred="new/coder:free", fallbacks=("known",), known=known)
    assert taken(chain) == ["known"]
    assert why(chain, "new/coder:free") == "Is named by the repository and not in the registry."


# ------------------------------------------------------------------------------------------------ a server of one's own

OWN = Provider(name="own", base_url="http://localhost:8080/v1")


def test_with_an_address_of_ones_own_only_named_models_are_asked_and_there() -> None:
    chain = chosen(entry("a"), entry("b"), preferred="org/mine", fallbacks=("a",), known=replace(KNOWN, own=OWN))
    assert [(choice.entry.name, choice.provider.name) for choice in chain.taken] == [("org/mine", "own"), ("a", "own")]
    assert all(choice.entry.free and choice.entry.origin == "settings" for choice in chain.taken)
    assert why(chain, "b") == (
        "Is not asked, since model-base-url names another server; name a model of that one as preferred-model."
    )
    assert chosen(entry("a"), known=replace(KNOWN, own=OWN)).taken == ()


def test_a_known_provider_behind_the_address_keeps_its_models() -> None:
    local = entry("qwen3", provider="ollama", context_window=20_000)
    chain = chosen(
        entry("a"), local, entry("other", provider="ollama"), preferred="qwen3", known=replace(KNOWN, own=OLLAMA)
    )
    assert taken(chain) == ["qwen3", "other"]
    assert chain.taken[0].entry is local


# ------------------------------------------------------------------------------------------------ no model at all


def test_no_models_names_them_with_their_reasons_grouped() -> None:
    chain = chosen(
        *(entry(f"m{number}") for number in range(5)),
        entry("small", provider="ollama", context_window=5),
        entry("left", status="gone"),
        known=replace(KNOWN, keys=()),
    )
    error = no_models(chain)
    assert error.message == (
        "None of 7 models can be asked. "
        "5 models (m0, m1, m2, ...): needs a key: OPENROUTER_API_KEY is not set, and no keyring has one; "
        "small: has a context of 5 tokens, and 10,000 are needed; "
        "left: is gone by the registry."
    )
    assert "model-base-url" in error.next_step
    assert "testwright models explain" in error.next_step


def test_no_models_of_one_and_of_none() -> None:
    assert no_models(chosen(entry("a", tools=False))).message == (
        "The one model there is cannot be asked. a: does not call tools."
    )
    assert "no model in the registry" in no_models(chosen()).message
    assert no_models(chosen()).next_step


def test_the_shipped_registry_without_a_key_has_nobody_to_ask_and_says_so() -> None:
    chain = choose(shipped(), preferred=None, fallbacks=(), need=Need(tools=True))
    assert chain.taken == ()
    assert "OPENROUTER_API_KEY is not set" in no_models(chain).message
    with_key = choose(shipped(), preferred=None, fallbacks=(), need=Need(tools=True), known=KNOWN)
    assert with_key.taken
    assert all(choice.entry.free for choice in with_key.taken)


# ------------------------------------------------------------------------------------------------ whatever comes

NAMES = st.sampled_from(["a", "b", "c", "d", "ollama/a", "openrouter/x/y:free", "/", "openrouter/", "x/y"])
ENTRIES = st.lists(
    st.builds(
        entry,
        st.sampled_from(["a", "b", "c", "x/y:free"]),
        st.integers(0, 3),
        provider=st.sampled_from(["openrouter", "ollama"]),
        status=st.sampled_from(["active", "untested", "rate_limited", "incompatible", "gone"]),
        tools=st.sampled_from([True, False, None]),
        context_window=st.sampled_from([None, 5, 50]),
        cost_per_1m_output=st.sampled_from([0.0, 1.0]),
    ),
    unique_by=lambda made: made.name,
)
STATUSES = st.dictionaries(
    st.tuples(st.sampled_from(["openrouter", "ollama"]), st.sampled_from(["a", "b", "x/y"])),
    st.builds(
        StoredStatus,
        st.sampled_from(["active", "rate_limited", "incompatible", "gone"]),
        st.just("why"),
        st.floats(NOW, NOW + 7200),
    ),
)


@given(
    entries=ENTRIES,
    preferred=st.none() | NAMES,
    fallbacks=st.lists(NAMES, max_size=4),
    need=st.builds(Need, tools=st.booleans(), context=st.just(10), free_only=st.booleans()),
    statuses=STATUSES,
    own=st.sampled_from([None, OWN, OLLAMA]),
    keys=st.sampled_from([(), ("openrouter",)]),
    untrusted=st.sets(NAMES),
)
def test_every_model_stands_in_the_chain_once_and_none_is_taken_that_must_not(
    *,
    entries: list[ModelEntry],
    preferred: str | None,
    fallbacks: list[str],
    need: Need,
    statuses: dict[tuple[str, str], StoredStatus],
    own: Provider | None,
    keys: tuple[str, ...],
    untrusted: set[str],
) -> None:
    known = Known(keys=keys, statuses=statuses, now=NOW, seconds=1800, own=own, untrusted=untrusted)
    chain = choose(registry(*entries), preferred=preferred, fallbacks=fallbacks, need=need, known=known)
    places = [(choice.provider.name, choice.entry.name) for choice in chain.choices]
    assert len(set(places)) == len(places)
    assert {(made.provider, made.name) for made in entries} <= set(places)
    assert [choice.is_taken for choice in chain.choices] == sorted((c.is_taken for c in chain.choices), reverse=True)
    for choice in chain.choices:
        assert choice.why.endswith(".")
        assert choice.entry.provider == choice.provider.name
    for choice in chain.taken:
        status = statuses.get((choice.provider.name, choice.entry.name))
        assert choice.entry.free or not need.free_only
        assert choice.entry.tools is not False or not need.tools
        assert choice.entry.status != "gone"
        assert choice.provider.key_variable is None or choice.provider.name in keys
        assert own is None or choice.provider == own
        if status is not None and choice.provider not in (OWN, OLLAMA):
            assert status.status != "gone"
            assert status.status != "incompatible" or not need.tools
    if not chain.taken and chain.choices:
        assert chain.choices[0].entry.name in no_models(chain).message
