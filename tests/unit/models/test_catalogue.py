from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.errors import ModelError, WriteFailure
from testwright.models.catalogue import NEW_PRIORITY, REFRESHED_NAME, Change, Difference, difference, save_refreshed
from testwright.models.listings import MAX_NOTES, MAX_ROWS, Listing, Offer, read_listing
from testwright.models.registry import load_registry, shipped
from testwright.models.registry_file import MAX_PRICE
from testwright.models.values import ModelEntry, Provider

DAY = "2099-06-30"
OPENROUTER = shipped().providers["openrouter"]
OLLAMA = shipped().providers["ollama"]
FREE = "qwen/qwen3-coder:free"
PAID = "anthropic/claude-haiku-4.5"


def row(name: str, prompt: object = "0", completion: object = "0", **more: object) -> dict[str, Any]:
    """As OpenRouter lists a model, shortened."""
    return {
        "id": name,
        "canonical_slug": name,
        "name": name.title(),
        "created": 1781029944,
        "context_length": 262144,
        "architecture": {"modality": "text->text", "input_modalities": ["text"], "output_modalities": ["text"]},
        "pricing": {"prompt": prompt, "completion": completion, "input_cache_read": "0"},
        "top_provider": {"context_length": 262144, "max_completion_tokens": 65536, "is_moderated": False},
        "per_request_limits": None,
        "supported_parameters": ["max_tokens", "temperature", "tool_choice", "tools"],
        **more,
    }


def same(entry: ModelEntry) -> dict[str, Any]:
    """The row that says what is known already."""
    return row(
        entry.name,
        prompt=f"{entry.cost_per_1m_input / 1_000_000:.12f}",
        completion=f"{entry.cost_per_1m_output / 1_000_000:.12f}",
        context_length=entry.context_window,
        top_provider={"max_completion_tokens": entry.max_output},
    )


def unchanged() -> list[dict[str, Any]]:
    return [same(entry) for entry in shipped().models]


def listing(rows: list[Any], provider: Provider = OPENROUTER) -> Listing:
    return read_listing({"data": rows}, provider)


# ---------------------------------------------------------------------------------------------- rows


def test_a_row_of_openrouter() -> None:
    read = listing([row("a/b", "0.000000195", "0.0000009")])
    assert read == Listing(
        OPENROUTER,
        {
            "a/b": Offer(
                name="a/b",
                cost_per_1m_input=0.195,
                cost_per_1m_output=0.9,
                context_window=262144,
                max_output=65536,
                tools=True,
            )
        },
        frozenset({"a/b"}),
        (),
    )


def test_a_row_of_a_plain_server() -> None:
    rows = [{"id": "qwen3:8b", "object": "model", "created": 1, "owned_by": "library"}, {"id": "served", "max_model_len": 4096}]  # fmt: skip
    assert listing(rows, OLLAMA).offers == {
        "qwen3:8b": Offer(name="qwen3:8b"),
        "served": Offer(name="served", context_window=4096),
    }


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"top_provider": {"context_length": 1000}}, {"context_window": 1000, "max_output": None}),
        ({"context_length": 5, "top_provider": None}, {"context_window": 5, "max_output": None}),
        ({"context_length": "5"}, {"context_window": 262144}),
        ({"context_length": True, "top_provider": []}, {"context_window": None, "max_output": None}),
        ({"context_length": -1}, {"context_window": 262144}),
        ({"context_length": 10**12}, {"context_window": 262144}),
        ({"supported_parameters": ["temperature"]}, {"tools": False}),
        ({"supported_parameters": None}, {"tools": None}),
        ({"architecture": {"output_modalities": ["image"]}}, {"speaks_text": False}),
        ({"architecture": None}, {"speaks_text": True}),
        ({"pricing": {"prompt": 0, "completion": 1e-6}}, {"cost_per_1m_input": 0, "cost_per_1m_output": 1}),
        ({"pricing": {"prompt": "0", "completion": "0", "request": "0"}}, {"cost_per_1m_input": 0}),
        ({"pricing": None}, {"cost_per_1m_input": None, "cost_per_1m_output": None}),
        (
            {
                "pricing": {
                    "prompt": "0.000002",
                    "completion": "0.00001",
                    "overrides": [{"min_prompt_tokens": 272000, "prompt": "0.000004"}, {"completion": "0.000005"}],
                }
            },
            {
                "cost_per_1m_input": 4,
                "cost_per_1m_output": 10,
                "notes": "The prices are those of the longest prompts; shorter ones cost less.",
            },
        ),
    ],
)
def test_what_is_read_of_a_row(more: dict[str, object], expected: dict[str, object]) -> None:
    offer = listing([row("m", **more)]).offers["m"]
    assert {name: getattr(offer, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("pricing", "said"),
    [
        ({"prompt": "-1", "completion": "-1"}, "m was skipped: it has no price of its own, since it passes requests on to other models."),
        ({"prompt": "0"}, "m was skipped: it has no price for completion."),
        ({"prompt": None, "completion": "0"}, "m was skipped: it has no price for prompt."),
        ({"prompt": True, "completion": "0"}, "m was skipped: it has no price for prompt."),
        ({"prompt": "free", "completion": "0"}, "m was skipped: its price for prompt is no number."),
        ({"prompt": "", "completion": "0"}, "m was skipped: its price for prompt is no number."),
        ({"prompt": "NaN", "completion": "0"}, "m was skipped: its price for prompt cannot be."),
        ({"prompt": "sNaN", "completion": "0"}, "m was skipped: its price for prompt is no number."),
        ({"prompt": "Infinity", "completion": "0"}, "m was skipped: its price for prompt cannot be."),
        ({"prompt": "1", "completion": "0"}, "m was skipped: its price for prompt cannot be."),
        ({"prompt": "1e-900", "completion": "0"}, "m was skipped: its price for prompt cannot be."),
        ({"prompt": "1e999999999", "completion": "0"}, "m was skipped: its price for prompt is no number."),
        ({"prompt": 10**400, "completion": "0"}, "m was skipped: its price for prompt cannot be."),
        ({"prompt": 10**5000, "completion": "0"}, "m was skipped: its price for prompt is no number."),
        ({"prompt": "0", "completion": "0", "request": "0.01"}, "m was skipped: each request costs money besides its tokens."),
        ({"prompt": "0", "completion": "0", "overrides": 1}, "m was skipped: the prices of its longer prompts cannot be read."),
        ({"prompt": "0", "completion": "0", "overrides": [1]}, "m was skipped: the prices of its longer prompts cannot be read."),
        ({"prompt": "0", "completion": "0", "overrides": [{"prompt": "-1"}]}, "m was skipped: it has no price of its own, since it passes requests on to other models."),
        ([], "m was skipped: its pricing is no object."),
    ],
)  # fmt: skip
def test_an_odd_price_is_told_and_its_row_skipped(pricing: object, said: str) -> None:
    read = listing([row("m", pricing=pricing), row("good")])
    assert read.notes == (said,)
    assert set(read.offers) == {"good"}
    assert read.seen == {"good", "m"}


@pytest.mark.parametrize(
    "odd", [None, 5, "m", [], {}, {"id": None}, {"id": 5}, {"id": ""}, {"id": " m"}, {"id": "a\nb"}, {"id": "x" * 201}, {"id": "a\x1b[31m"}]
)  # fmt: skip
def test_a_row_without_a_usable_name_is_told(odd: object) -> None:
    read = listing([row("good"), odd])
    assert read.notes == ("Row 2 of openrouter's list was skipped: it has no usable id.",)
    assert read.seen == {"good"}


def test_a_name_that_comes_twice_counts_once() -> None:
    read = listing([row("m"), row("m", "0.1", "0.1")])
    assert read.offers["m"].cost_per_1m_input == 0
    assert read.notes == ("Row 2 of openrouter's list was skipped: m is listed already.",)


def test_many_odd_rows_are_counted() -> None:
    read = listing([row("good"), *[None] * 30])
    assert len(read.notes) == MAX_NOTES + 1
    assert read.notes[-1] == "10 more rows were skipped."


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({}, "it has no list named data"),
        ({"data": {"a": 1}}, "it has no list named data"),
        ({"data": []}, "it is empty"),
        ({"data": [1, {"id": 5}]}, "it names no model that can be read"),
        ({"data": [None] * (MAX_ROWS + 1)}, f"it has {MAX_ROWS + 1} rows, and more than {MAX_ROWS} are no list of models"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_models_is_an_error(payload: dict[str, object], why: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_listing(payload, OPENROUTER)
    assert caught.value.message == f"The list of models that openrouter gave cannot be used: {why}."
    assert OPENROUTER.base_url in caught.value.next_step


def test_a_server_of_ones_own_may_have_no_model() -> None:
    assert listing([], OLLAMA) == Listing(OLLAMA, {}, frozenset(), ())


# ---------------------------------------------------------------------------------------------- the difference


def test_what_is_known_already_is_no_difference() -> None:
    found = difference(shipped(), listing(unchanged()))
    assert found == Difference(changed=found.changed)
    # What the shipped file leaves out is the one thing that a list can add.
    assert {change.before for change in found.changed} <= {None}
    assert found.is_empty == (not found.changed)
    assert difference(shipped(), listing([{"id": entry.name} for entry in shipped().models])).is_empty


def test_new_models_count_when_they_are_free_and_can_be_of_use() -> None:
    rows = [
        row("new/free:free"),
        row("new/paid", "0.000001", "0.000001"),
        row("new/half", "0", "0.000001"),
        row("new/no-tools:free", supported_parameters=["temperature"]),
        row("new/image:free", architecture={"output_modalities": ["image"]}),
        row("new/priceless", pricing=None),
    ]
    found = difference(shipped(), listing([*unchanged(), *rows]))
    assert found.new == (
        ModelEntry(
            name="new/free:free",
            provider="openrouter",
            cost_per_1m_input=0,
            cost_per_1m_output=0,
            priority=NEW_PRIORITY,
            status="untested",
            context_window=262144,
            max_output=65536,
            tools=True,
            free=True,
            origin="refreshed",
        ),
    )
    assert found.gone == ()


def test_what_a_server_without_a_key_has_is_free() -> None:
    found = difference(shipped(), listing([{"id": "qwen3:8b"}], OLLAMA))
    assert [(entry.name, entry.provider, entry.free, entry.tools) for entry in found.new] == [("qwen3:8b", "ollama", True, None)]  # fmt: skip
    assert found.gone == ()  # other providers' models are not its business


def test_a_price_without_a_key_is_still_a_price() -> None:
    assert difference(shipped(), listing([row("paid", "0.000001", "0.000001")], OLLAMA)).new == ()


def test_changes_are_told_field_by_field() -> None:
    rows = [one for one in unchanged() if one["id"] not in (PAID, FREE)]
    rows.append(row(PAID, "0.0000015", "0.0000055", context_length=100000, supported_parameters=[], top_provider={}))
    found = difference(shipped(), listing(rows))
    known = next(entry for entry in shipped().models if entry.name == FREE)
    assert found.gone == (known,)
    assert [change for change in found.changed if change.name == PAID] == [
        Change(PAID, "cost_per_1m_input", 1.0, 1.5),
        Change(PAID, "cost_per_1m_output", 5.0, 5.5),
        Change(PAID, "context_window", 200000, 100000),
        Change(PAID, "tools", before=True, after=False),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change("m", "cost_per_1m_input", 0.195, 1.0), "m: cost_per_1m_input 0.195 → 1"),
        (Change("m", "context_window", None, 1048576), "m: context_window unknown → 1,048,576"),
        (Change("m", "tools", before=True, after=False), "m: tools yes → no"),
        (Change("m", "status", "gone", "untested"), "m: status gone → untested"),
    ],
)
def test_a_change_in_words(change: Change, words: str) -> None:
    assert str(change) == words


def test_a_model_whose_row_cannot_be_read_is_not_gone() -> None:
    rows = [row(one["id"], "?") if one["id"] == FREE else one for one in unchanged()]
    found = difference(shipped(), listing(rows))
    assert (found.gone, found.notes) == ((), (f"{FREE} was skipped: its price for prompt is no number.",))


def test_a_name_of_another_provider_is_told() -> None:
    found = difference(shipped(), listing([{"id": FREE}], OLLAMA))
    assert (found.new, found.notes) == ((), (f"{FREE} was skipped: the registry has it as a model of openrouter.",))


# ---------------------------------------------------------------------------------------------- what is kept


def refreshed(folder: Path, rows: list[Any], provider: Provider = OPENROUTER, day: str = DAY) -> Path:
    return save_refreshed(folder, listing(rows, provider), base=shipped(), day=day)


def test_what_is_saved_is_laid_over_what_is_shipped(tmp_path: Path) -> None:
    rows = [one for one in unchanged() if one["id"] != FREE]
    rows[0] = {**rows[0], "context_length": 77, "supported_parameters": []}
    rows += [row("new/free:free"), row("new/paid", "0.000001", "0.000001")]
    path = refreshed(tmp_path, rows)
    assert path == tmp_path / REFRESHED_NAME
    registry = load_registry(refreshed=path)
    assert registry.notes == ()
    by_name = {entry.name: entry for entry in registry.models}
    assert set(by_name) == {entry.name for entry in shipped().models} | {"new/free:free"}
    first = shipped().models[0]
    assert by_name[first.name] == replace(
        first, context_window=77, tools=False, last_checked=DAY, source="openrouter's own list", origin="refreshed"
    )
    assert (by_name[FREE].status, by_name[FREE].origin, by_name[FREE].last_checked) == ("gone", "refreshed", DAY)
    assert (by_name["new/free:free"].priority, by_name["new/free:free"].free) == (NEW_PRIORITY, True)
    assert difference(registry, listing(rows)).is_empty


def test_a_model_that_comes_back_is_told_and_asked_again(tmp_path: Path) -> None:
    path = refreshed(tmp_path, [one for one in unchanged() if one["id"] != FREE])
    without = load_registry(refreshed=path)
    found = difference(without, listing(unchanged()))
    assert Change(FREE, "status", "gone", "untested") in found.changed
    refreshed(tmp_path, unchanged())
    entry = next(entry for entry in load_registry(refreshed=path).models if entry.name == FREE)
    assert entry.status == "untested"


def test_what_the_shipped_file_calls_gone_can_come_back(tmp_path: Path) -> None:
    gone = replace(shipped(), models=tuple(replace(entry, status="gone") for entry in shipped().models))
    path = save_refreshed(tmp_path, listing(unchanged()), base=gone, day=DAY)
    assert {model["status"] for model in json.loads(path.read_text("utf-8"))["models"]} == {"untested"}


def test_a_model_that_the_user_calls_gone_stays_so(tmp_path: Path) -> None:
    user = tmp_path / "user.yaml"
    user.write_text(f"version: 1\nmodels: [{{name: '{FREE}', status: gone}}]\n", "utf-8")
    path = refreshed(tmp_path, unchanged())
    registry = load_registry(user_file=user, refreshed=path)
    assert next(entry for entry in registry.models if entry.name == FREE).status == "gone"
    assert [change for change in difference(registry, listing(unchanged())).changed if change.name == FREE] == []


def test_a_price_makes_a_free_model_a_paid_one(tmp_path: Path) -> None:
    rows = [row(FREE, "0.000001", "0.000002") if one["id"] == FREE else one for one in unchanged()]
    registry = load_registry(refreshed=refreshed(tmp_path, rows))
    entry = next(entry for entry in registry.models if entry.name == FREE)
    assert (entry.free, entry.cost_per_1m_input, entry.cost_per_1m_output) == (False, 1, 2)


def test_the_dearest_price_is_kept_with_its_note(tmp_path: Path) -> None:
    pricing = {"prompt": "0.000002", "completion": "0.00001", "overrides": [{"prompt": "0.000004"}]}
    rows = [{**one, "pricing": pricing} if one["id"] == PAID else one for one in unchanged()]
    registry = load_registry(refreshed=refreshed(tmp_path, rows))
    entry = next(entry for entry in registry.models if entry.name == PAID)
    assert (entry.cost_per_1m_input, entry.notes) == (4, "The prices are those of the longest prompts; shorter ones cost less.")  # fmt: skip


def test_each_provider_replaces_its_own_words_only(tmp_path: Path) -> None:
    refreshed(tmp_path, [*unchanged(), row("old:free")])
    refreshed(tmp_path, [{"id": "qwen3:8b"}, {"id": "gemma4:12b"}], OLLAMA)
    path = refreshed(tmp_path, [*unchanged(), row("new:free")])
    added = {entry.name for entry in load_registry(refreshed=path).models} - {entry.name for entry in shipped().models}
    assert added == {"new:free", "qwen3:8b", "gemma4:12b"}
    refreshed(tmp_path, [], OLLAMA)
    added = {entry.name for entry in load_registry(refreshed=path).models} - {entry.name for entry in shipped().models}
    assert added == {"new:free"}


def test_names_of_all_letters_are_kept(tmp_path: Path) -> None:
    name = "möde\u200dl/日本-😀:free"
    with pytest.raises(ModelError):  # a joiner cannot be seen
        listing([row(name)])
    name = name.replace("\u200d", "")
    path = refreshed(tmp_path, [*unchanged(), row(name)])
    assert name in {entry.name for entry in load_registry(refreshed=path).models}


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    path = refreshed(tmp_path, unchanged())
    path.write_text(path.read_text("utf-8")[:-20], "utf-8")
    assert load_registry(refreshed=path).notes
    refreshed(tmp_path, unchanged())
    assert load_registry(refreshed=path).notes == ()


def test_it_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = refreshed(tmp_path, unchanged())
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(
        WriteFailure, match=r"^What openrouter lists could not be written to .*: No space left on device\."
    ):
        refreshed(tmp_path, [row("other:free")])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WriteFailure, match="No such file"):
        refreshed(tmp_path / "none", unchanged())


# ---------------------------------------------------------------------------------------------- any payload


numbers = st.integers() | st.floats() | st.sampled_from(["0", "-1", "1e-7", "NaN", "1e999999999", "x"])
odd: st.SearchStrategy[object] = st.one_of(
    st.none(), st.booleans(), numbers, st.text(max_size=5), st.lists(st.none(), max_size=1), st.just({})
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 5 + [odd]).flatmap(lambda chosen: chosen)


price = mostly(st.sampled_from(["0", "0.000001", 0, 1e-6]))
dearer = st.lists(st.fixed_dictionaries({}, optional={"prompt": price}), max_size=2)
prices = st.fixed_dictionaries(
    {"prompt": price, "completion": price}, optional={"request": price, "overrides": mostly(dearer)}
)
count = mostly(st.integers(1, 10**6))
tops = st.fixed_dictionaries({}, optional={"context_length": count, "max_completion_tokens": count})
rows = st.fixed_dictionaries(
    {"id": mostly(st.sampled_from([FREE, PAID, "new:free", "new", "x" * 200]))},
    optional={
        "pricing": mostly(prices),
        "context_length": count,
        "top_provider": mostly(tops),
        "supported_parameters": mostly(st.lists(st.sampled_from(["tools", "seed"]), max_size=2)),
        "architecture": mostly(st.fixed_dictionaries({"output_modalities": mostly(st.just(["text"]))})),
    },
)
payloads = st.fixed_dictionaries({"data": mostly(st.lists(mostly(rows), max_size=6))})


@given(payload=payloads, provider=st.sampled_from([OPENROUTER, OLLAMA]))
def test_any_payload_is_read_or_refused_and_what_is_kept_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, payload: dict[str, Any], provider: Provider
) -> None:
    try:
        read = read_listing(payload, provider)
    except ModelError:
        return
    assert set(read.offers) <= read.seen
    for offer in read.offers.values():
        assert all(price is None or 0 <= price <= MAX_PRICE for price in (offer.cost_per_1m_input, offer.cost_per_1m_output))  # fmt: skip
    found = difference(shipped(), read)
    path = save_refreshed(tmp_path_factory.mktemp("cache"), read, base=shipped(), day=DAY)
    registry = load_registry(refreshed=path)
    assert registry.notes == ()
    own = {entry.name for entry in shipped().models if entry.provider == provider.name}
    now = {entry.name: entry for entry in registry.models if entry.provider == provider.name}
    assert set(now) == own | {entry.name for entry in found.new}
    assert {name for name, entry in now.items() if entry.status == "gone"} == own - read.seen
    after = difference(registry, read)
    assert (after.new, after.gone, after.changed) == ((), (), ())
