"""Settings of an editor: whose they are, which of them are used, and what is said of the others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from testwright.lsp.client.configuration import Configuration, EditorSettings, read_settings
from testwright.settings import Options

SECRET = "sk-or-v1-0123456789abcdef"  # noqa: S105 - looks like one


def error_of(current: object, given: object = None) -> str:
    found = read_settings(given, current)
    assert found.error is not None
    return str(found.error)


def test_without_settings_the_defaults_hold() -> None:
    everything: tuple[object, ...] = (None, {}, [], "text", 3)
    for nothing in everything:
        assert read_settings(nothing, nothing) == EditorSettings()


def test_each_setting_in_the_spelling_of_editors() -> None:
    found = read_settings(
        None,
        {
            "coverageThreshold": 80,
            "budget": 12.5,
            "engine": "embedded",
            "placement": "beside",
            "seed": 7,
            "maxIterations": 2,
            "preferredModel": "qwen/qwen3-coder:free",
            "fallbackModels": ["z-ai/glm-4.5-air:free"],
            "hints": {"codeLens": False, "diagnostics": True},
            "confirmEdits": True,
            "logLevel": "debug",
            "trace": {"server": "verbose"},
            "statusBar": True,
        },
    )

    assert found == EditorSettings(
        Options(
            coverage_threshold=80.0,
            budget=12.5,
            engine="embedded",
            placement="beside",
            seed=7,
            max_iterations=2,
            preferred_model="qwen/qwen3-coder:free",
            fallback_models=("z-ai/glm-4.5-air:free",),
        ),
        code_lens=False,
        diagnostics=True,
        confirm_edits=True,
        log_level="debug",
    )


def test_a_null_is_not_set_and_what_the_user_gave_at_the_start_holds_where_a_folder_says_nothing() -> None:
    found = read_settings({"budget": 10, "seed": 3}, {"budget": 20, "seed": None})

    assert found.options == Options(budget=20.0, seed=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("box", "none"),
        ("passEnv", ["HOME_OF_SECRETS"]),
        ("python", "/opt/python/bin/python"),
        ("modelBaseUrl", "https://models.example/v1"),
        ("modelRegistry", "models.yaml"),
        ("dataCollection", "allow"),
        ("maxModelCost", 3),
        ("maxModelRequests", 2),
        ("maxModelTokens", 1000),
        ("modelDeadline", 60),
    ],
)
def test_what_a_folder_may_not_say(name: str, value: object) -> None:
    """A repository must not choose how its code is contained, where it is sent, what is spent, nor name a program."""
    refused = read_settings(None, {name: value, "budget": 5})
    assert refused.options == Options(budget=5.0)
    assert [note.split(" ")[0] for note in refused.notes] == [name]
    assert "initializationOptions.settings" in refused.notes[0]

    allowed = read_settings({name: value}, None)
    assert allowed.notes == ()
    assert allowed.options != Options()
    assert read_settings({name: value}, {name: value}) == allowed
    assert read_settings(None, {name: value}, machine_settings=True) == allowed


def test_the_users_own_value_holds_where_a_folder_says_another() -> None:
    found = read_settings({"box": "bubblewrap"}, {"box": "none"})

    assert found.options.box == "bubblewrap"
    assert len(found.notes) == 1


def test_a_folder_may_ask_that_nobody_keeps_what_is_sent() -> None:
    found = read_settings({"dataCollection": "allow"}, {"dataCollection": "deny"})

    assert (found.options.data_collection, found.notes) == ("deny", ())


@pytest.mark.parametrize("python", ["../../evil", "~/evil", "/evil", "C:\\evil", "a/../../evil"])
def test_a_folder_names_no_interpreter_outside_of_it(python: str) -> None:
    assert read_settings(None, {"python": python}).options.python is None
    assert read_settings(None, {"python": ".venv/bin/python"}).options.python == Path(".venv/bin/python")


@pytest.mark.parametrize(
    "key", ["apiKey", "openrouterApiKey", "openRouterKey", "accessToken", "clientSecret", "password", "keys"]
)
def test_a_key_is_refused_without_its_value(key: str) -> None:
    sentence = error_of({key: SECRET})

    assert sentence.startswith(f"{key} in the editor's settings looks like a key")
    assert SECRET not in sentence
    assert SECRET not in error_of(None, {key: SECRET})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"budget": SECRET}, "budget in the editor's settings has a value that is not allowed."),
        ({"passEnv": [SECRET]}, "passEnv in the editor's settings has a value that is not allowed."),
        ({"passEnv": ["OPENROUTER_API_KEY"]}, "passEnv in the editor's settings names OPENROUTER_API_KEY"),
        ({"preferredModel": [SECRET]}, "preferredModel in the editor's settings has a value that is not allowed."),
        ({"dataCollection": SECRET}, "dataCollection in the editor's settings has a value that is not allowed."),
        ({"engine": SECRET}, "engine in the editor's settings has a value that is not allowed."),
        ({"hints": SECRET}, "hints in the editor's settings has a value that is not allowed."),
        ({"hints": {"codeLens": SECRET}}, "hints.codeLens in the editor's settings has a value that is not allowed."),
        ({"confirmEdits": SECRET}, "confirmEdits in the editor's settings has a value that is not allowed."),
        ({"logLevel": SECRET}, "logLevel in the editor's settings has a value that is not allowed."),
        ({"budgett": SECRET}, "budgett in the editor's settings is not a setting of Testwright. Did you mean budget?"),
        ({"output": "tests/test_all.py"}, "output in the editor's settings belongs to one run, not to an editor."),
        ({"dryRun": True}, "dryRun in the editor's settings belongs to one run, not to an editor."),
    ],
)
def test_what_is_wrong_is_said_and_no_value_with_it(settings: dict[str, Any], sentence: str) -> None:
    told = error_of(None, settings)

    assert told.startswith(sentence)
    assert SECRET not in told


@pytest.mark.parametrize("url", [f"https://user:{SECRET}@models.example/v1", f"https://models.example/v1?key={SECRET}"])
def test_a_key_in_an_address_is_refused_and_not_told(url: str) -> None:
    told = error_of(None, {"modelBaseUrl": url})

    assert told.startswith("modelBaseUrl in the editor's settings")
    assert SECRET not in told


def test_an_unknown_hint_changes_nothing() -> None:
    found = read_settings(None, {"hints": {"lens": True, "codeLens": False}})

    assert not found.code_lens
    assert found.notes == ("hints.lens in the editor's settings is no setting of Testwright, so it changes nothing.",)


class Client:
    """Answers ``workspace/configuration``."""

    def __init__(self, **folders: dict[str, Any]) -> None:
        self.folders = folders
        self.asked: list[str | None] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self, method: str, params: Any, *, seconds: float) -> Any:
        assert (method, seconds) == ("workspace/configuration", 2.0)
        self.asked += [item.scope_uri for item in params.items]
        await self.gate.wait()
        return [self.folders.get(str(item.scope_uri), {}) for item in params.items]


async def test_each_folder_is_asked_for_once_until_something_changes() -> None:
    client = Client(one={"budget": 5}, two={"budget": 6})
    configuration = Configuration(client.ask, None)

    first, again, other = await asyncio.gather(*(configuration.of_folder(uri) for uri in ("one", "one", "two")))
    assert first is again
    assert (first.options.budget, other.options.budget) == (5.0, 6.0)
    assert client.asked == ["one", "two"]
    client.folders["one"] = {"budget": 7}
    assert await configuration.of_folder("one") is first
    configuration.change(None)
    assert (await configuration.of_folder("one")).options.budget == 7.0


async def test_a_change_while_the_client_is_asked_is_not_missed() -> None:
    client = Client(one={"budget": 5})
    configuration = Configuration(client.ask, None)
    client.gate.clear()
    reading = asyncio.create_task(configuration.of_folder("one"))
    await asyncio.sleep(0.01)
    client.folders = {}  # answered from the old ones below
    configuration.change(None)
    client.folders = {"one": {"budget": 8}}
    client.gate.set()

    assert (await reading).options.budget == 8.0
    assert client.asked == ["one", "one"]


async def test_one_who_asks_and_is_cancelled_takes_nothing_from_the_others() -> None:
    client = Client(one={"budget": 5})
    configuration = Configuration(client.ask, None)
    client.gate.clear()
    one, other = (asyncio.create_task(configuration.of_folder("one")) for _ in range(2))
    await asyncio.sleep(0.01)
    one.cancel()
    await asyncio.sleep(0.01)
    client.gate.set()

    assert (await other).options.budget == 5.0
    assert client.asked == ["one"]


async def test_an_error_while_asking_is_not_kept() -> None:
    client = Client(one={"budget": 5})
    configuration = Configuration(client.ask, None)
    client.folders = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        await configuration.of_folder("one")
    client.folders = {"one": {"budget": 6}}

    assert (await configuration.of_folder("one")).options.budget == 6.0


async def test_without_an_answer_what_was_given_at_the_start_holds() -> None:
    async def silent(*_: Any, **__: Any) -> None:
        return None

    found = await Configuration(silent, {"budget": 5}).of_folder("one")

    assert found.options.budget == 5.0


@pytest.mark.parametrize(
    ("pushed", "budget"),
    [
        ({"testwright": {"budget": 9}}, 9.0),
        ({"budget": 9}, 9.0),
        ({"testwright": None}, None),
        ({"pylsp": {"plugins": {}}}, 5.0),
        (None, 5.0),
        ([], 5.0),
    ],
)
async def test_a_client_that_pushes(pushed: object, budget: float | None) -> None:
    configuration = Configuration(None, None)
    configuration.change({"testwright": {"budget": 5}})
    assert (await configuration.of_folder("one")).options.budget == 5.0
    configuration.change(pushed)

    found = await configuration.of_folder("one")
    assert found.error is None
    assert found.options.budget == budget


async def test_the_interpreter_that_was_chosen_in_the_editor() -> None:
    client = Client(two={"python": ".venv/bin/python"}, three={"python": "python3.12"})
    configuration = Configuration(client.ask, None)
    folder = Path("/w")

    async def python(uri: str) -> Path | None:
        return (await configuration.of_folder(uri, folder)).options.python

    assert await python("one") is None
    configuration.set_interpreter(None, Path("/opt/python"))
    configuration.set_interpreter("one", Path("/opt/own/python"))
    assert await python("one") == Path("/opt/own/python")
    assert await python("two") == Path("/w/.venv/bin/python")  # a setting is stronger, and is relative to its folder
    assert await python("three") == Path("python3.12")
    assert await python("four") == Path("/opt/python")
    configuration.set_interpreter("one", None)
    assert await python("one") == Path("/opt/python")
