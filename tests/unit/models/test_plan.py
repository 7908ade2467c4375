from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keyring
import pytest
from memory_keyring import MemoryKeyring

from testwright.errors import KeyRefused, RegistryError, SettingsError
from testwright.models.catalogue import REFRESHED_NAME
from testwright.models.consent import give
from testwright.models.keys import KEYRING_SERVICE, Secret
from testwright.models.plan import Plan, plan_models
from testwright.models.values import Need
from testwright.settings import Settings, resolve_settings
from testwright.store.ledger import Ledger

NOW = 1_800_000_000.0
KEY = {"OPENROUTER_API_KEY": "sk-canary"}
MODEL = "{{name: {name}, provider: {provider}, cost_per_1m_input: 0, cost_per_1m_output: 0, priority: {priority}, status: active, tools: true}}"


@pytest.fixture(autouse=True)
def no_keyring_of_this_machine() -> Iterator[None]:
    with MemoryKeyring.in_use():
        yield


class Machine:
    """Folders of a user and a workspace, and what a plan for it says."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "work"
        self.workspace.mkdir()
        self.state = folder / "state"
        self.cache = folder / "cache"
        self.folders = {"TESTWRIGHT_STATE_DIR": str(self.state), "TESTWRIGHT_CACHE_DIR": str(self.cache)}

    def plan(
        self, environ: Mapping[str, str] = {}, *, need: Need | None = None, probe: bool = False, **settings: Any
    ) -> Plan:
        return plan_models(
            Settings(**settings), self.workspace, environ={**self.folders, **environ}, need=need, now=NOW, probe=probe
        )

    def plan_by_files(self, environ: Mapping[str, str] = {}) -> Plan:
        settings = resolve_settings(self.workspace, environ=environ)
        return plan_models(settings, self.workspace, environ={**self.folders, **environ}, now=NOW)

    def ledger(self) -> Ledger:
        return Ledger.open(self.state)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def registry(path: Path, *names: str, providers: str = "{}", provider: str = "openrouter", priority: int = 0) -> Path:
    models = "\n".join(
        "- " + MODEL.format(name=name, provider=provider, priority=priority + number)
        for number, name in enumerate(names)
    )
    path.write_text(f"version: 1\nproviders: {providers}\nmodels:\n{models}\n", encoding="utf-8")
    return path


def taken(plan: Plan) -> list[str]:
    return [choice.entry.name for choice in plan.chain.taken]


def test_without_a_key_nobody_is_asked_and_nothing_is_an_error(machine: Machine) -> None:
    plan = machine.plan()
    assert taken(plan) == []
    assert plan.chain.choices
    assert {state.provider.name: (state.key, state.found) for state in plan.keys}["openrouter"] == (None, None)
    assert not plan.consent.is_needed
    assert plan.notes == ()


def test_with_a_key_free_models_are_asked_and_consent_is_due(machine: Machine) -> None:
    plan = machine.plan(KEY)
    assert taken(plan)
    assert all(choice.entry.free for choice in plan.chain.taken)
    assert [state.found for state in plan.keys if state.key == Secret("sk-canary")] == ["environment"]
    assert plan.consent.destinations == ("openrouter.ai",)
    assert plan.consent.missing
    assert "sk-canary" not in repr(plan)


def test_a_key_of_the_keyring(machine: Machine) -> None:
    with MemoryKeyring.in_use() as ring:
        keyring.set_password(KEYRING_SERVICE, "openrouter", "sk-ring")
        plan = machine.plan()
        assert [state.found for state in plan.keys if state.key is not None] == ["keyring"]
        assert taken(plan)
        ring.failure = RuntimeError()
        plan = machine.plan()
        assert taken(plan) == []
        (note,) = plan.notes
        assert "keyring could not be read" in note


def test_money_opens_the_models_that_cost_some(machine: Machine) -> None:
    free, paid = machine.plan(KEY), machine.plan(KEY, max_model_cost=1.0)
    assert set(taken(free)) < set(taken(paid))
    assert machine.plan(KEY, need=Need(free_only=True), max_model_cost=1.0).chain.taken != free.chain.taken


def test_the_need_is_passed_on(machine: Machine) -> None:
    assert taken(machine.plan(KEY, need=Need(context=10**9))) == []
    assert taken(machine.plan(KEY, need=Need(context=10**5)))


def test_settings_name_models(machine: Machine) -> None:
    plan = machine.plan(KEY, preferred_model="new/one:free", fallback_models=("openrouter/free",))
    assert taken(plan)[:2] == ["new/one:free", "openrouter/free"]


def test_a_model_of_the_settings_that_falls_out_is_told(machine: Machine) -> None:
    paid = next(name for name in taken(machine.plan(KEY, max_model_cost=1.0)) if name not in taken(machine.plan(KEY)))
    plan = machine.plan(KEY, preferred_model=paid, fallback_models=("openrouter/x/y", "openrouter/free"))
    first, second = plan.notes
    assert first == f"The model {paid}, which the settings name, is not asked: costs money, and max-model-cost is 0."
    assert second == (
        "The model x/y, which the settings name, is not asked: has a price that is not known, and max-model-cost is 0."
    )
    assert machine.plan(preferred_model=paid).notes == ()  # nobody is asked, and that is an error with all reasons


def test_a_repository_names_models_of_the_registry_only(machine: Machine) -> None:
    known = taken(machine.plan(KEY))[-1]
    project = f'[tool.testwright]\npreferred-model = "new/one:free"\nfallback-models = ["{known}", "new/two:free"]\n'
    (machine.workspace / "pyproject.toml").write_text(project, encoding="utf-8")
    plan = machine.plan_by_files(KEY)
    assert taken(plan)[0] == known
    reasons = {choice.entry.name: choice.why for choice in plan.chain.choices if not choice.is_taken}
    assert reasons["new/one:free"] == reasons["new/two:free"] == "Is named by the repository and not in the registry."
    assert taken(machine.plan_by_files({**KEY, "PREFERRED_MODEL": "new/one:free"}))[0] == "new/one:free"


# ------------------------------------------------------------------------------------------------ registries


def test_the_users_own_registry(machine: Machine, tmp_path: Path) -> None:
    mine = registry(tmp_path / "mine.yaml", "my/model")
    assert taken(machine.plan(KEY, model_registry=mine))[0] == "my/model"
    mine.write_text("version: 1\nmodels: 5\n", encoding="utf-8")
    with pytest.raises(RegistryError, match=r"mine\.yaml"):
        machine.plan(KEY, model_registry=mine)
    with pytest.raises(RegistryError):
        machine.plan(KEY, model_registry=tmp_path / "none.yaml")


def test_what_was_refreshed_is_used(machine: Machine) -> None:
    machine.plan()
    registry(machine.cache / REFRESHED_NAME, "new/model")
    assert taken(machine.plan(KEY))[0] == "new/model"
    (machine.cache / REFRESHED_NAME).write_text("{", encoding="utf-8")
    plan = machine.plan(KEY)
    assert "new/model" not in taken(plan)
    assert len(plan.notes) == 1


def test_a_registry_of_the_workspace_counts_with_consent_to_its_very_content(machine: Machine) -> None:
    (machine.workspace / "pyproject.toml").write_text(
        '[tool.testwright]\nmodel-registry = "m.yaml"\n', encoding="utf-8"
    )
    path = machine.workspace / "m.yaml"
    path.write_text("version: 1\nmodels: [{name: 'openrouter/free', priority: 0}]\n", encoding="utf-8")
    plan = machine.plan_by_files(KEY)
    assert taken(plan)[0] != "openrouter/free"
    (note,) = plan.notes
    assert note == (
        "The registry of models m.yaml that this workspace brings is not used: nobody has agreed to it. "
        "`testwright consent --registry` shows it and asks."
    )
    assert plan.consent.registry is not None
    assert (plan.consent.registry.path, plan.consent.registry.is_agreed) == (path, False)

    with machine.ledger() as ledger:
        give(ledger, plan.consent, now=NOW, with_registry=True)
    plan = machine.plan_by_files(KEY)
    assert taken(plan)[0] == "openrouter/free"
    assert plan.notes == ()
    assert plan.consent.missing == ""

    path.write_text("version: 1\nmodels: [{name: 'openrouter/free', priority: 1}]\n", encoding="utf-8")
    plan = machine.plan_by_files(KEY)
    assert taken(plan)[0] != "openrouter/free"
    assert "it was changed since it was agreed to" in plan.notes[0]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing", "is no file of at most 1024 KiB"),
        ("folder", "is no file of at most 1024 KiB"),
        ("large", "is no file of at most 1024 KiB"),
        ("link", "leads out of the workspace"),
        ("long", "cannot be read (File name too long)"),
    ],
)
def test_an_odd_registry_of_the_workspace_is_a_note(machine: Machine, tmp_path: Path, kind: str, told: str) -> None:
    path = machine.workspace / ("m" * 300 if kind == "long" else "m.yaml")
    match kind:
        case "folder":
            path.mkdir()
        case "large":
            path.write_bytes(b"#" * (1024 * 1024 + 1))
        case "link":
            path.symlink_to(registry(tmp_path / "outside.yaml", "a"))
    plan = machine.plan(KEY, workspace_registry=path)
    assert plan.consent.registry is None
    (note,) = plan.notes
    assert told in note


# ------------------------------------------------------------------------------------------------ an address of one's own


def test_an_address_of_ones_own_gets_its_own_key_and_no_other(machine: Machine) -> None:
    environ = {**KEY, "TESTWRIGHT_MODEL_KEY": "own-key"}
    plan = machine.plan(
        environ, model_base_url="https://models.example.org/v1", preferred_model="m", max_model_cost=1.0
    )
    (state,) = plan.keys
    assert (state.provider.name, state.key, state.found) == ("models.example.org", Secret("own-key"), "environment")
    assert [(choice.entry.name, choice.provider) for choice in plan.chain.taken] == [("m", state.provider)]
    assert plan.consent.destinations == ("models.example.org",)

    (state,) = machine.plan(KEY, model_base_url="http://localhost:8080/v1", preferred_model="m").keys
    assert (state.provider.name, state.key, state.provider.key_variable) == ("localhost:8080", None, None)


def test_a_key_of_the_keyring_belongs_to_one_address(machine: Machine) -> None:
    with MemoryKeyring.in_use():
        keyring.set_password(KEYRING_SERVICE, "localhost:8080", "own-key")
        (state,) = machine.plan(model_base_url="http://localhost:8080/v1", preferred_model="m").keys
        assert (state.key, state.found) == (Secret("own-key"), "keyring")
        (state,) = machine.plan(model_base_url="http://localhost:8081/v1", preferred_model="m").keys
        assert state.key is None


def test_an_address_that_a_provider_has_is_that_provider(machine: Machine) -> None:
    plan = machine.plan(KEY, model_base_url="https://openrouter.ai/api/v1")
    assert [(state.provider.name, state.key) for state in plan.keys] == [("openrouter", Secret("sk-canary"))]
    assert taken(plan) == taken(machine.plan(KEY))


def test_a_key_is_not_planned_for_an_open_address(machine: Machine) -> None:
    with pytest.raises(KeyRefused, match=r"gpu\.lan:8000"):
        machine.plan(
            {"TESTWRIGHT_MODEL_KEY": "own-key"}, model_base_url="http://gpu.lan:8000/v1", preferred_model="m",
            max_model_cost=1.0,
        )  # fmt: skip
    with pytest.raises(KeyRefused, match="cannot be one"):
        machine.plan({"OPENROUTER_API_KEY": "two words"})
    with pytest.raises(SettingsError, match="model-base-url has a name or a password"):
        machine.plan(model_base_url="http://a:b@localhost/v1")


# ------------------------------------------------------------------------------------------------ what was learnt


def test_what_was_learnt_counts_until_its_time_and_not_in_a_probe(machine: Machine) -> None:
    first, second, *_ = taken(machine.plan(KEY))
    with machine.ledger() as ledger:
        ledger.set_status("openrouter", first, "incompatible", reason="no tools", until=NOW + 60, now=NOW)
    plan = machine.plan(KEY)
    assert taken(plan)[0] == second
    assert ("openrouter", first) in plan.statuses
    assert taken(machine.plan(KEY, probe=True))[0] == first
    settings, environ = Settings(), {**machine.folders, **KEY}
    assert taken(plan_models(settings, machine.workspace, environ=environ, now=NOW + 61))[0] == first


def test_a_probe_asks_what_a_registry_does_not_believe_in_and_not_what_is_gone(
    machine: Machine, tmp_path: Path
) -> None:
    mine = registry(tmp_path / "mine.yaml", "my/odd", "my/gone")
    mine.write_text(
        mine.read_text().replace("active", "incompatible", 1).replace("active", "gone", 1), encoding="utf-8"
    )
    assert "my/odd" not in taken(machine.plan(KEY, model_registry=mine))
    assert taken(machine.plan(KEY, model_registry=mine, probe=True))[0] == "my/odd"
    assert "my/gone" not in taken(machine.plan(KEY, model_registry=mine, probe=True))


def test_a_ledger_that_was_set_aside_is_told(machine: Machine) -> None:
    machine.plan()
    (machine.state / "models.sqlite3").write_bytes(b"no database" * 500)
    (note,) = machine.plan().notes
    assert "models.sqlite3" in note


def test_an_open_ledger_is_used_and_left_open(machine: Machine) -> None:
    with machine.ledger() as ledger:
        settings = replace(Settings(), max_model_cost=1.0)
        plan_models(settings, machine.workspace, environ={**machine.folders}, ledger=ledger)
        assert ledger.consents() == []


def test_a_plan_loads_nothing_that_could_send() -> None:
    program = "import sys, testwright.models.plan; print({'httpx', 'tenacity'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
