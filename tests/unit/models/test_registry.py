from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from testwright.errors import RegistryError
from testwright.models.registry import Registry, load_registry, shipped, shipped_path
from testwright.models.registry_file import read_registry_file
from testwright.models.values import ModelEntry, Provider
from testwright.settings.addresses import read_address

FREE = "qwen/qwen3-coder:free"
PAID = "anthropic/claude-haiku-4.5"
Load = Callable[..., Registry]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(**texts: str) -> Registry:
        paths = {name: tmp_path / f"{name}.yaml" for name in texts}
        for name, text in texts.items():
            paths[name].write_text(text, "utf-8")
        return load_registry(
            user_file=paths.get("user"), workspace_file=paths.get("workspace"), refreshed=paths.get("refreshed")
        )

    return load


def model(registry: Registry, name: str) -> ModelEntry:
    (found,) = [entry for entry in registry.models if entry.name == name]
    return found


def entries(*lines: str) -> str:
    return "version: 1\nmodels:\n" + "".join(f"  - {line}\n" for line in lines)


WHOLE = "cost_per_1m_input: 0, cost_per_1m_output: 0, priority: 3, status: untested"


# ---------------------------------------------------------------------------------------------- the shipped file


def test_the_shipped_file_is_the_one_at_the_top() -> None:
    assert shipped_path() == Path(__file__).parents[3] / "free_models_registry.yaml"
    assert load_registry() == shipped()


def test_nothing_that_is_shipped_claims_to_have_been_tried() -> None:
    assert {entry.status for entry in shipped().models} == {"untested"}


def test_each_figure_that_is_shipped_has_a_source_and_a_day() -> None:
    assert [entry.name for entry in shipped().models if not (entry.source and entry.last_checked)] == []
    file = read_registry_file(shipped_path())
    assert [name for name, fields in file.providers.items() if not fields.get("source")] == []


def test_free_models_come_before_paid_ones_and_are_openrouters_free_ones() -> None:
    models = shipped().models
    free = [entry for entry in models if entry.free]
    assert len(free) >= 10
    assert models[: len(free)] == tuple(free)
    assert [entry.name for entry in models[len(free) :] if entry.name.endswith(":free")] == []
    assert [entry.name for entry in free if not entry.name.endswith((":free", "/free"))] == []
    assert all(entry.cost_per_1m_input > 0 and entry.cost_per_1m_output > 0 for entry in models[len(free) :])
    assert len({entry.priority for entry in models}) == len(models)


def test_each_shipped_model_calls_tools_and_tells_its_context() -> None:
    assert [entry.name for entry in shipped().models if not (entry.tools and entry.context_window)] == []


def test_the_shipped_providers_need_a_key_over_https_or_are_this_machine() -> None:
    providers = shipped().providers
    assert providers["openrouter"] == Provider(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        key_variable="OPENROUTER_API_KEY",
        free_requests_per_minute=20,
        free_requests_per_day=50,
        speaks_openrouter=True,
    )
    local = {name: provider for name, provider in providers.items() if name != "openrouter"}
    assert {name: provider.base_url for name, provider in local.items()} == {
        "ollama": "http://127.0.0.1:11434/v1",
        "lmstudio": "http://127.0.0.1:1234/v1",
        "vllm": "http://127.0.0.1:8000/v1",
        "llamacpp": "http://127.0.0.1:8080/v1",
    }
    assert all(read_address(provider.base_url).is_loopback for provider in local.values())
    assert {provider.key_variable for provider in local.values()} == {None}


# ---------------------------------------------------------------------------------------------- one over another


def test_the_fields_that_are_given_replace_and_the_others_stay(load: Load) -> None:
    registry = load(user=entries(f"{{name: {FREE}, priority: 1, tools: null, known_issues: []}}"))
    before = model(shipped(), FREE)
    assert before.known_issues
    assert model(registry, FREE) == replace(before, priority=1, tools=None, known_issues=(), origin="user")
    assert registry.models[0].name == FREE
    others = [entry for entry in shipped().models if entry.name != FREE]
    assert list(registry.models[1:]) == others


def test_each_file_is_stronger_than_the_one_before(load: Load) -> None:
    texts = {
        "refreshed": entries(f"{{name: {FREE}, priority: 1, context_window: 10, max_output: 5, last_checked: 2099-01-01}}"),
        "user": entries(f"{{name: {FREE}, priority: 2, context_window: 20}}"),
        "workspace": entries(f"{{name: {FREE}, priority: 4}}"),
    }  # fmt: skip
    # The refreshed file is of the catalogue's making and always names the provider.
    texts["refreshed"] = texts["refreshed"].replace("priority", "provider: openrouter, priority")
    expected = [(10, 5, 1, "refreshed"), (20, 5, 2, "user"), (20, 5, 4, "workspace")]
    for count, (context, output, priority, origin) in enumerate(expected, 1):
        entry = model(load(**dict(list(texts.items())[:count])), FREE)
        assert (entry.context_window, entry.max_output, entry.priority, entry.origin) == (context, output, priority, origin)  # fmt: skip


def test_a_new_model_of_a_new_provider(load: Load) -> None:
    text = "version: 1\nproviders:\n  mine:\n    base_url: http://[::1]:9000/v1/\n    key_variable: MY_KEY\n"
    text += entries(f"{{name: big, provider: mine, {WHOLE}}}").removeprefix("version: 1\n")
    registry = load(user=text)
    assert registry.providers["mine"] == Provider(name="mine", base_url="http://[::1]:9000/v1", key_variable="MY_KEY")
    assert model(registry, "big") == ModelEntry(
        name="big", provider="mine", cost_per_1m_input=0, cost_per_1m_output=0, priority=3, status="untested", free=True, origin="user"
    )  # fmt: skip
    assert "mine" not in shipped().providers


def test_a_users_file_may_lead_a_known_provider_elsewhere(load: Load) -> None:
    registry = load(user="version: 1\nproviders: {openrouter: {base_url: 'https://a.example/v1'}}\n")
    known = shipped().providers["openrouter"]
    assert registry.providers["openrouter"] == replace(known, base_url="https://a.example/v1")


def test_a_model_that_is_gone_stays_so_that_it_can_be_told_why(load: Load) -> None:
    registry = load(user=entries(f"{{name: {FREE}, status: gone}}"))
    assert model(registry, FREE) == replace(model(shipped(), FREE), status="gone", origin="user")


def test_other_prices_end_what_was_said_of_free(load: Load) -> None:
    registry = load(user=entries(f"{{name: {FREE}, cost_per_1m_input: 0.5}}", f"{{name: {PAID}, cost_per_1m_input: 0, cost_per_1m_output: 0}}"))  # fmt: skip
    assert (model(registry, FREE).free, model(registry, FREE).cost_per_1m_input) == (False, 0.5)
    assert model(registry, PAID).free


def test_what_costs_nothing_by_the_token_need_not_be_free(load: Load) -> None:
    registry = load(user=entries(f"{{name: x, provider: openrouter, {WHOLE}, free: false}}"))
    assert not model(registry, "x").free


def test_the_same_name_at_another_provider_is_another_model(load: Load) -> None:
    registry = load(user=entries(f"{{name: {FREE}, provider: ollama, {WHOLE}}}"))
    entry = model(registry, FREE)
    assert (entry.provider, entry.context_window, entry.source) == ("ollama", None, "")


MISSING = "provider, cost_per_1m_input, cost_per_1m_output, priority, status"


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (entries("{name: qwen/qwen3-codr:free, priority: 1}"), f"line 3: qwen/qwen3-codr:free has no provider, cost_per_1m_input, cost_per_1m_output, status, which a model needs that is not known already; did you mean {FREE}?"),
        (entries("name: new"), f"line 3: new has no {MISSING}, which a model needs that is not known already"),
        (entries("{name: new, provider: ollama, priority: 1}"), "line 3: new has no cost_per_1m_input, cost_per_1m_output, status, which a model needs that is not known already"),
        (entries(f"{{name: {FREE}, provider: ollama}}"), f"line 3: {FREE} has no cost_per_1m_input, cost_per_1m_output, priority, status, which a model needs that is not known already"),
        (entries(f"{{name: new, provider: opnrouter, {WHOLE}}}"), "line 3: provider of new is 'opnrouter', which is no known provider; did you mean openrouter?"),
        (entries(f"{{name: new, provider: xyz, {WHOLE}}}"), "line 3: provider of new is 'xyz', which is no known provider; known: llamacpp, lmstudio, ollama, openrouter, vllm"),
        (entries(f"{{name: {PAID}, free: true}}"), f"line 3: free of {PAID} is true, and its prices are 1 and 5, not 0"),
        ("version: 1\nproviders:\n  mine:\n    key_variable: K\n", "line 3: the provider mine has no base_url, which a provider needs that is not known already"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_an_error(load: Load, tmp_path: Path, user: str, said: str) -> None:
    with pytest.raises(RegistryError) as caught:
        load(user=user)
    assert caught.value.message == f"The registry of models {tmp_path / 'user.yaml'} has an error in {said}."


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    for name in ("user_file", "workspace_file"):
        with pytest.raises(RegistryError, match="does not exist"):
            load_registry(**{name: tmp_path / "none.yaml"})


# ---------------------------------------------------------------------------------------------- a repository's file


@pytest.mark.parametrize(
    ("workspace", "said"),
    [
        ("version: 1\nproviders:\n  openrouter:\n    base_url: https://evil.example/v1\n", "line 4: base_url of the provider openrouter stands"),
        ("version: 1\nproviders:\n  openrouter:\n    key_variable: AWS_SECRET_ACCESS_KEY\n", "line 4: key_variable of the provider openrouter stands"),
        ("version: 1\nproviders:\n  mine:\n    base_url: https://evil.example/v1\n", "line 4: base_url of the provider mine stands"),
        ("version: 1\nproviders:\n  openrouter:\n    free_requests_per_day: 1000\n", "line 3: the provider openrouter stands"),
    ],
)  # fmt: skip
def test_a_workspaces_file_says_nothing_of_providers(load: Load, workspace: str, said: str) -> None:
    with pytest.raises(RegistryError) as caught:
        load(workspace=workspace)
    why = "in a workspace's registry, and a repository must not say where code and keys are sent."
    assert caught.value.message.endswith(f"{said} {why}")


@pytest.mark.parametrize(
    ("workspace", "said"),
    [
        (f"{{name: {PAID}, cost_per_1m_input: 0.5}}", f"line 3: cost_per_1m_input of {PAID} is less than the 1 that are known, and a workspace's registry cannot lower it"),
        (f"{{name: {PAID}, cost_per_1m_output: 0}}", f"line 3: cost_per_1m_output of {PAID} is less than the 5 that are known, and a workspace's registry cannot lower it"),
        (f"{{name: openai/o9, provider: openrouter, {WHOLE}}}", "line 3: cost_per_1m_input of openai/o9 is 0, which a workspace's registry cannot promise for a provider that takes a key"),
        (f"{{name: openai/o9, provider: openrouter, {WHOLE.replace('input: 0', 'input: 1')}}}", "line 3: cost_per_1m_output of openai/o9 is 0, which a workspace's registry cannot promise for a provider that takes a key"),
        (f"{{name: any:free, provider: other, {WHOLE}}}", "line 3: cost_per_1m_input of any:free is 0, which a workspace's registry cannot promise for a provider that takes a key"),
        (f"{{name: {PAID}, free: true}}", f"line 3: free of {PAID} is true, and its prices are 1 and 5, not 0"),
    ],
)  # fmt: skip
def test_a_workspaces_file_makes_nothing_cheaper(load: Load, workspace: str, said: str) -> None:
    with pytest.raises(RegistryError) as caught:
        load(
            workspace=entries(workspace),
            user="version: 1\nproviders: {other: {base_url: 'https://a/v1', key_variable: K}}\n",
        )
    assert caught.value.message.endswith(f"has an error in {said}.")


def test_a_workspaces_file_may_say_the_rest(load: Load) -> None:
    lines = (
        f"{{name: {PAID}, priority: 5, cost_per_1m_input: 2, known_issues: [slow]}}",
        f"{{name: qwen2.5-coder:7b, provider: ollama, {WHOLE}}}",
        f"{{name: some/model:free, provider: openrouter, {WHOLE}}}",  # OpenRouter's own promise
        "{name: some/model, provider: openrouter, cost_per_1m_input: 1, cost_per_1m_output: 1, priority: 9, status: untested}",
    )
    registry = load(workspace=entries(*lines))
    assert [entry.name for entry in registry.models[:4]] == ["qwen2.5-coder:7b", "some/model:free", PAID, "some/model"]
    assert {entry.origin for entry in registry.models[:4]} == {"workspace"}
    assert (model(registry, PAID).cost_per_1m_input, model(registry, PAID).cost_per_1m_output) == (2, 5)


# ---------------------------------------------------------------------------------------------- what providers have said


@pytest.mark.parametrize(
    "refreshed",
    ["{", "version: 9\n", entries(f"{{name: {FREE}, provider: openrouter, context_window: 5}}", "{name: new, provider: openrouter}")],
)  # fmt: skip
def test_a_damaged_refresh_is_told_and_passed_over_whole(load: Load, tmp_path: Path, refreshed: str) -> None:
    registry = load(refreshed=refreshed, user=entries(f"{{name: {FREE}, priority: 1}}"))
    (note,) = registry.notes
    assert note.startswith("What the providers' own lists have said is not used. The registry of models ")
    assert str(tmp_path / "refreshed.yaml") in note
    assert note.endswith(". `testwright models refresh` asks them again.")
    assert replace(registry, notes=()) == load(user=entries(f"{{name: {FREE}, priority: 1}}"))


def test_a_refresh_that_is_not_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert load_registry(refreshed=tmp_path / "none.json") == shipped()


@pytest.mark.parametrize(("day", "context"), [("2099-01-01", 5), ("2001-01-01", 1048576), (None, 1048576)])
def test_the_later_word_counts(load: Load, day: str | None, context: int) -> None:
    when = f", last_checked: {day}" if day else ""
    registry = load(refreshed=entries(f"{{name: {FREE}, provider: openrouter, context_window: 5{when}}}"))
    assert model(registry, FREE).context_window == context
    assert registry.notes == ()


def test_a_refresh_may_be_of_a_provider_that_only_the_user_has(load: Load) -> None:
    refreshed = entries(f"{{name: big, provider: mine, {WHOLE}}}")
    with_provider = load(
        refreshed=refreshed, user="version: 1\nproviders: {mine: {base_url: 'http://127.0.0.1:9/v1'}}\n"
    )
    assert model(with_provider, "big").origin == "refreshed"
    assert load(refreshed=refreshed) == shipped()  # without a note: the user has taken the provider out
