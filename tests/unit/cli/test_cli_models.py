from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_provider import (
    ScriptedProvider,
    answer,
    dropped,
    hanging,
    http_error,
    json_reply,
    tool_call,
)
from served_provider import served_provider
from terminal import at_a_terminal

from testwright.model import ModelUse
from testwright.store.ledger import Ledger

KEY = "sk-canary-of-this-test-alone"
DAY = 86_400.0

REGISTRY = """
version: 1
providers:
  mine:
    base_url: {base_url}
    key_variable: MINE_KEY
    free_requests_per_minute: 20
    free_requests_per_day: 50
models:
{models}
"""
MODEL = """
  - name: {name}
    provider: mine
    cost_per_1m_input: {cost}
    cost_per_1m_output: {cost}
    priority: {priority}
    status: {status}
    context_window: 8192
    tools: true
"""
CALLED = answer(None, tool_calls=[tool_call("report_sum", {"sum": 42})])


class Place:
    """A workspace whose models are those of a scripted provider, by a registry of the user's own."""

    def __init__(self, root: Path, server: ScriptedProvider) -> None:
        self.root = root
        self.server = server
        self.state = root.parent / "state"
        self.registry = root.parent / "registry.yaml"

    def models(self, *names: str, status: str = "untested", cost: float = 0) -> None:
        entries = [
            MODEL.format(name=name, priority=place, status=status, cost=cost) for place, name in enumerate(names)
        ]
        self.registry.write_text(REGISTRY.format(base_url=self.server.base_url, models="".join(entries)))

    def ledger(self) -> Ledger:
        return Ledger.open(self.state)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (tmp_path / "state").mkdir()
    for name in [name for name in os.environ if name.startswith("TESTWRIGHT_") or name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.chdir(root)
    with served_provider() as server:
        found = Place(root, server)
        found.models("mine/first", "mine/second")
        monkeypatch.setenv("TESTWRIGHT_MODEL_REGISTRY", str(found.registry))
        # It is one that the registry has, so it stands for that provider, and nobody else is asked.
        monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", server.base_url)
        monkeypatch.setenv("MINE_KEY", KEY)
        yield found


def names_of(outcome: Any) -> list[str]:
    return [model["name"] for model in json.loads(outcome.stdout)["models"]]


# ------------------------------------------------------------------------------------------------ list


def test_models_are_listed_one_on_a_line(testwright: Any, place: Place) -> None:
    outcome = testwright("models", "list")
    assert outcome.code == 0
    lines = outcome.stdout.splitlines()
    assert lines[0].split() == ["Model", "$", "per", "1M", "Context", "Tools", "Status", "From"]
    assert lines[1].split() == ["mine/first", "free", "8k", "yes", "untested", "user,", "mine"]
    assert [line for line in lines if line != line.rstrip()] == []
    assert {"mine/first", "qwen/qwen3-coder:free"} <= set(names_of(testwright("models", "list", "--json")))


def test_what_was_learnt_of_a_model_is_listed_with_its_end(testwright: Any, place: Place) -> None:
    now = time.time()
    with place.ledger() as ledger:
        ledger.set_status("mine", "mine/first", "rate_limited", reason="Too many.", until=now + 3 * DAY, now=now)
    line = testwright("models", "list").stdout.splitlines()[1]
    end = time.strftime("%b %d", time.localtime(now + 3 * DAY))
    assert f"rate limited until {end}" in line
    first = json.loads(testwright("models", "list", "--json").stdout)["models"][0]
    assert (first["status"], first["status_reason"]) == ("rate_limited", "Too many.")
    assert first["status_until"] == pytest.approx(now + 3 * DAY)


def test_what_is_gone_is_counted_and_shown_on_request(testwright: Any, place: Place) -> None:
    place.models("mine/first", status="gone")
    assert "mine/first" not in names_of(testwright("models", "list", "--json"))
    assert "mine/first" in names_of(testwright("models", "list", "--all", "--json"))
    assert "1 is gone and not shown; --all shows them." in testwright("models", "list").stdout


def test_a_wrong_registry_is_told_with_file_and_line(testwright: Any, place: Place) -> None:
    place.registry.write_text("version: 1\nmodels:\n  - name: x\n    prise: 3\n")
    outcome = testwright("models", "list")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert str(place.registry) in outcome.stderr
    assert "line 4" in outcome.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "list"],
        ["models", "explain"],
        ["models", "refresh"],
        ["models", "check", "mine/first"],
        ["models", "stats"],
        ["consent"],
    ],
    ids=" ".join,
)
def test_what_a_repository_may_not_set_is_told(testwright: Any, place: Place, arguments: list[str]) -> None:
    (place.root / "pyproject.toml").write_text('[tool.testwright]\nmodel-base-url = "https://evil.example/v1"\n')
    place.server.serve("/models", listed("mine/first"))
    place.server.always("mine/first", CALLED)
    outcome = testwright(*arguments)
    words = "a repository must not choose where code is sent"
    assert words in " ".join(outcome.stdout.split())
    values = json.loads(testwright(*arguments, "--json").stdout)
    assert any(words in note for note in values["notes"])


@pytest.mark.parametrize("command", ["list", "explain", "refresh", "check", "stats"])
def test_a_workspace_that_is_none_is_told(testwright: Any, place: Place, command: str) -> None:
    outcome = testwright("models", command, "--workspace", "/nowhere/at/all")
    assert (outcome.code, outcome.stderr) == (
        2,
        "testwright: /nowhere/at/all is not a folder. Name the root of a project.\n",
    )


# ------------------------------------------------------------------------------------------------ explain


def test_the_chain_is_explained(testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFERRED_MODEL", "mine/second")
    outcome = testwright("models", "explain")
    assert outcome.code == 0, "a provider on this machine needs no consent"
    lines = outcome.stdout.splitlines()
    assert lines[:3] == ["Asked in this order:", " 1. mine/second at mine", lines[2]]
    assert "Preferred by the settings." in lines[2]
    assert " 2. mine/first at mine" in lines
    assert any(line.startswith("  - ") and "model-base-url" in line for line in lines)
    assert re.search(r"^Key +mine: found in the environment$", outcome.stdout, re.MULTILINE)
    assert re.search(r"^Consent +not needed", outcome.stdout, re.MULTILINE)
    assert KEY not in outcome.stdout + outcome.stderr


def test_what_is_missing_is_told(testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINE_KEY")
    outcome = testwright("models", "explain")
    assert outcome.code == 1
    assert outcome.stdout.startswith("No model can be asked.\n")
    assert re.search(r"^Key +mine: not found; set MINE_KEY$", outcome.stdout, re.MULTILINE)


def test_the_chain_as_json(testwright: Any, place: Place) -> None:
    outcome = testwright("models", "explain", "--json", "--context", "9000")
    values = json.loads(outcome.stdout)
    assert (outcome.code, values["ready"]) == (1, False)
    first = next(choice for choice in values["choices"] if choice["name"] == "mine/first")
    assert first["why"] == "Has a context of 8,192 tokens, and 9,000 are needed."
    assert values["keys"] == [{"provider": "mine", "variable": "MINE_KEY", "found": "environment", "note": ""}]
    assert KEY not in outcome.stdout


def test_without_consent_a_chain_is_not_ready(testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    away_from_here(place, monkeypatch)
    outcome = testwright("models", "explain")
    assert outcome.code == 1
    assert "not given to send code to models.example" in outcome.stdout
    assert testwright("consent", "--give").code == 0
    outcome = testwright("models", "explain", "--json")
    assert (outcome.code, json.loads(outcome.stdout)["ready"]) == (0, True)


def away_from_here(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the models be on another machine, which nobody asks in these tests."""
    text = place.registry.read_text()
    place.registry.write_text(text.replace(place.server.base_url, "https://models.example/v1"))
    monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", "https://models.example/v1")


# ------------------------------------------------------------------------------------------------ refresh


def listed(*names: str) -> Any:
    return json_reply({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def test_what_a_provider_lists_is_shown_and_kept(
    testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a key all that a server has costs nothing, so that what is new counts.
    place.registry.write_text(place.registry.read_text().replace("    key_variable: MINE_KEY\n", ""))
    place.server.serve("/models", listed("mine/first", "mine/new"))
    outcome = testwright("models", "refresh", "--dry-run")
    assert outcome.code == 0
    assert outcome.stderr == f"Asking mine ({place.server.base_url}/models)\n"
    assert outcome.stdout.splitlines() == [
        "mine lists 2 models: 1 new, 1 gone, 0 changed.",
        "  new   mine/new (free, context ?, tools not known)",
        "  gone  mine/second",
        "Nothing was kept, since it is a dry run.",
    ]
    assert "mine/new" not in names_of(testwright("models", "list", "--json"))


def test_a_listing_of_a_shipped_provider_is_kept(
    testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ollama is shipped; the user's own file says where it is here.
    place.registry.write_text(f"version: 1\nproviders:\n  ollama:\n    base_url: {place.server.base_url}\n")
    place.server.serve("/models", listed("qwen3:8b"))
    outcome = testwright("models", "refresh")
    assert outcome.code == 0
    assert "  new   qwen3:8b (free, context ?, tools not known)" in outcome.stdout.splitlines()
    assert "refreshed_models.json" in outcome.stdout
    assert "qwen3:8b" in names_of(testwright("models", "list", "--json"))
    outcome = testwright("models", "refresh", "--json")
    values = json.loads(outcome.stdout)
    assert values["providers"] == [
        {"provider": "ollama", "problem": None, "new": [], "gone": [], "changed": [], "notes": []}
    ]
    assert values["saved"]
    assert outcome.stderr == ""


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (http_error(401, "no"), "mine has not answered:"),
        (json_reply({"models": []}), "mine"),
        (dropped(), "mine has not answered:"),
    ],
    ids=["refused", "no list", "dropped"],
)
def test_a_provider_that_does_not_answer_is_told(testwright: Any, place: Place, reply: Any, words: str) -> None:
    place.server.serve("/models", reply)
    outcome = testwright("models", "refresh")
    assert outcome.code == 3
    assert words in outcome.stdout
    assert "Traceback" not in outcome.stderr
    assert KEY not in outcome.stdout + outcome.stderr


def test_of_a_server_that_no_registry_has_nothing_is_kept(
    testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TESTWRIGHT_MODEL_REGISTRY")
    place.server.serve("/models", listed("qwen3:8b"))
    outcome = testwright("models", "refresh")
    assert outcome.code == 0
    assert "  new   qwen3:8b (free, context ?, tools not known)" in outcome.stdout.splitlines()
    assert outcome.stdout.splitlines()[-1].startswith("Nothing is kept of a server that model-base-url names")
    assert "qwen3:8b" not in names_of(testwright("models", "list", "--json"))
    monkeypatch.setenv("PREFERRED_MODEL", "qwen3:8b")
    assert "1. qwen3:8b at 127.0.0.1" in testwright("models", "explain").stdout


def test_a_server_that_does_not_run_is_no_alarm(testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    outcome = testwright("models", "refresh")
    assert (outcome.code, outcome.stdout.splitlines()[0]) == (3, "127.0.0.1:9 does not run here.")


# ------------------------------------------------------------------------------------------------ check


def test_each_model_is_asked_once_and_what_it_is_worth_is_kept(testwright: Any, place: Place) -> None:
    place.models("mine/good", "mine/talks", "mine/down")
    place.server.play("mine/good", CALLED)
    place.server.play("mine/talks", answer("The sum is 42."))
    place.server.play("mine/down", http_error(502, "It is down."))
    outcome = testwright("models", "check", "--json")
    assert outcome.code == 1
    models = json.loads(outcome.stdout)["models"]
    assert [(one["model"], one["outcome"]) for one in models] == [
        ("mine/good", "works"),
        ("mine/talks", "cannot"),
        ("mine/down", "failed"),
    ]
    assert models[0]["why"] is None
    assert models[1]["why"] == "It did not call the tool that it was to call."
    assert models[2]["why"] == "502: It is down."
    assert models[0]["use"]["prompt_tokens"] == 10
    assert place.server.asked() == ["mine/good", "mine/talks", "mine/down"], "each costs one request"
    assert outcome.stderr == (
        "Sends 3 requests, one to each model, to mine: 3 of the 50 free ones of a day, of which 0 are used.\n"
    )
    with place.ledger() as ledger:
        now = time.time()
        statuses = ledger.statuses(now)
        uses = ledger.uses(0)
    assert {name: status.status for (_, name), status in statuses.items()} == {
        "mine/good": "active",
        "mine/talks": "incompatible",
    }
    assert statuses["mine", "mine/good"].until - now == pytest.approx(7 * DAY, abs=60)
    assert statuses["mine", "mine/talks"].until - now == pytest.approx(DAY, abs=60)
    assert {stored.use.model: stored.use.requests for stored in uses} == {
        "mine/good": 1,
        "mine/talks": 1,
        "mine/down": 1,
    }


def test_what_a_person_sees_of_a_check(testwright: Any, place: Place) -> None:
    place.server.play("mine/first", CALLED)
    place.server.play("mine/second", answer("42"))
    outcome = testwright("models", "check")
    lines = outcome.stdout.splitlines()
    assert lines[0].split() == ["Model", "Result", "Seconds", "Tokens", "Cost"]
    assert re.fullmatch(r"mine/first +calls tools +\d+\.\d +15 +free", lines[1])
    assert re.fullmatch(r"mine/second +cannot +\d+\.\d +15 +free", lines[2])
    assert lines[-1] == "mine/second: It did not call the tool that it was to call."


def test_a_model_that_was_left_out_can_be_checked_again(testwright: Any, place: Place) -> None:
    now = time.time()
    with place.ledger() as ledger:
        ledger.set_status("mine", "mine/first", "incompatible", reason="It could not.", until=now + DAY, now=now)
    place.server.play("mine/first", CALLED)
    assert testwright("models", "check", "mine/first").code == 0
    with place.ledger() as ledger:
        assert ledger.statuses(now)["mine", "mine/first"].status == "active"


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((), [f"mine/{number}" for number in range(5)]),
        (("--limit", "2"), ["mine/0", "mine/1"]),
        (("--limit", "9"), [f"mine/{number}" for number in range(7)]),
        (("mine/6", "mine/3", "mine/6"), ["mine/6", "mine/3"]),
        (("mine/6", "mine/3", "--limit", "1"), ["mine/6"]),
    ],
    ids=["some", "fewer", "all", "named", "named and fewer"],
)
def test_how_many_are_asked(testwright: Any, place: Place, arguments: tuple[str, ...], asked: list[str]) -> None:
    place.models(*(f"mine/{number}" for number in range(7)))
    for number in range(7):
        place.server.always(f"mine/{number}", CALLED)
    assert testwright("models", "check", *arguments).code == 0
    assert place.server.asked() == asked


def test_a_server_that_does_not_run_is_told_at_once(
    testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = place.registry.read_text()
    place.registry.write_text(text.replace(place.server.base_url, "http://127.0.0.1:9/v1"))
    monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", "http://127.0.0.1:9/v1")
    record = place.root / "check.jsonl"
    outcome = testwright("models", "check", "--record", str(record))
    assert outcome.code == 3
    assert len(re.findall("There is no connection", outcome.stdout)) == 2
    tries = [json.loads(line)["model"] for line in record.read_text().splitlines()[1:]]
    assert tries == ["mine/first", "mine/second"]
    with place.ledger() as ledger:
        assert sum(stored.use.requests for stored in ledger.uses(0)) == 0, "what never left counts nowhere"


def test_a_refused_key_costs_one_request_and_not_one_for_each_model(testwright: Any, place: Place) -> None:
    place.server.play("mine/first", http_error(401, "No such user."))
    outcome = testwright("models", "check", "--json")
    assert outcome.code == 1
    models = json.loads(outcome.stdout)["models"]
    assert [one["outcome"] for one in models] == ["failed", "not-asked"]
    assert models[0]["why"] == models[1]["why"]
    assert place.server.asked() == ["mine/first"]


def test_the_day_s_requests_are_told_and_never_passed(testwright: Any, place: Place) -> None:
    place.registry.write_text(place.registry.read_text().replace("per_day: 50", "per_day: 1"))
    place.server.play("mine/first", CALLED)
    outcome = testwright("models", "check", "--json")
    assert "2 of the 1 free ones of a day, of which 0 are used" in outcome.stderr
    models = json.loads(outcome.stdout)["models"]
    assert [one["outcome"] for one in models] == ["works", "not-asked"]
    assert "UTC" in models[1]["why"]
    assert place.server.asked() == ["mine/first"]
    outcome = testwright("models", "check", "--json")
    assert outcome.code == 3
    assert "of which 1 are used" in outcome.stderr


def test_only_free_models_are_asked_unless_the_user_says_so(
    testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.models("mine/dear", cost=1.5)
    outcome = testwright("models", "check", "mine/dear")
    assert outcome.code == 3
    assert "max-model-cost is 0" in outcome.stderr
    monkeypatch.setenv("TESTWRIGHT_MAX_MODEL_COST", "1")
    place.server.play("mine/dear", CALLED)
    outcome = testwright("models", "check", "mine/dear")
    assert outcome.code == 0
    assert "under $0.0001" in outcome.stdout
    assert outcome.stderr == "Sends one request, to mine.\n"


def test_nothing_of_the_workspace_is_sent_and_the_key_is_shown_nowhere(testwright: Any, place: Place) -> None:
    (place.root / "shop.py").write_text("PRICE = 7777777\n")
    place.server.play("mine/first", http_error(500, f"broken for {KEY}"))
    record = place.root / "check.jsonl"
    outcome = testwright("models", "check", "mine/first", "--record", str(record), "--debug")
    assert place.server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    assert "7777777" not in json.dumps(place.server.requests[-1].body)
    kept = [path.read_bytes() for path in (record, *place.state.iterdir()) if path.is_file()]
    assert record.exists()
    assert KEY not in outcome.stdout + outcome.stderr
    assert KEY.encode() not in b"".join(kept)


def test_a_check_that_was_recorded_is_replayed_without_network_key_and_trace(
    testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.server.play("mine/first", CALLED)
    place.server.play("mine/second", http_error(503, "No provider.", headers={"Retry-After": "30"}))
    record = place.root / "check.jsonl"
    live = testwright("models", "check", "--json", "--record", str(record))
    assert live.code == 1
    asked = len(place.server.requests)
    for name in ("MINE_KEY", "TESTWRIGHT_MODEL_REGISTRY", "TESTWRIGHT_MODEL_BASE_URL"):
        monkeypatch.delenv(name)
    with place.ledger() as ledger:
        ledger.clear_status("mine", "mine/first")
    before = (place.state / "models.sqlite3").stat().st_size
    replayed = testwright("models", "check", "--json", "--replay", str(record))
    assert replayed.code == 1
    assert replayed.stderr == ""

    def outcomes(outcome: Any) -> list[tuple[str, str, str | None]]:
        return [(one["model"], one["outcome"], one["why"]) for one in json.loads(outcome.stdout)["models"]]

    assert outcomes(replayed) == outcomes(live)
    assert len(place.server.requests) == asked
    with place.ledger() as ledger:
        assert ledger.statuses(time.time()) == {}, "a replay teaches nothing"
        assert len(ledger.uses(0)) == 2
    assert (place.state / "models.sqlite3").stat().st_size == before


def test_what_is_wrong_about_a_record_is_told_before_anything_is_sent(testwright: Any, place: Place) -> None:
    mine = place.root / "mine.txt"
    mine.write_text("mine")
    outcome = testwright("models", "check", "--record", str(mine))
    assert outcome.code == 2
    assert "exists already" in outcome.stderr
    assert mine.read_text() == "mine"
    outcome = testwright("models", "check", "--replay", str(mine))
    assert outcome.code == 2
    assert "is no record of Testwright" in outcome.stderr
    outcome = testwright("models", "check", "--replay", "a", "--record", "b")
    assert outcome.code == 2
    assert "do not go together" in outcome.stderr
    assert place.server.requests == []


def test_a_replay_of_another_question_is_told(testwright: Any, place: Place) -> None:
    place.server.play("mine/first", CALLED)
    record = place.root / "check.jsonl"
    assert testwright("models", "check", "mine/first", "--record", str(record)).code == 0
    record.write_text(record.read_text().replace("Add 17 and 25", "Add 16 and 26"))
    outcome = testwright("models", "check", "mine/first", "--replay", str(record))
    assert (outcome.code, outcome.stdout) == (3, "")
    assert 'messages[0].content is "Add 16 and 26' in outcome.stderr


def test_an_unknown_model_is_told(testwright: Any, place: Place) -> None:
    outcome = testwright("models", "check", "mine/frist")
    assert outcome.code == 2
    assert outcome.stderr.startswith("testwright: mine/frist is not known.")


def test_nobody_to_ask_is_told(testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINE_KEY")
    outcome = testwright("models", "check")
    assert outcome.code == 3
    assert "MINE_KEY is not set" in outcome.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_a_check(place: Place, number: signal.Signals) -> None:
    place.server.play("mine/first", hanging())
    command = [sys.executable, "-m", "testwright.cli", "models", "check", "mine/first"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not place.server.asked():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.splitlines()[-1] == "testwright: Cancelled."
    with place.ledger() as ledger:
        assert [stored.use.requests for stored in ledger.uses(0)] == [1], "what was sent is counted"


# ------------------------------------------------------------------------------------------------ stats


def test_what_models_were_asked_is_summed_up(testwright: Any, place: Place) -> None:
    use = ModelUse("mine/first", "mine", 3, 2, 1000, 500, 0.0, 12.0, 1, {"down": 1}, ("open",))
    other = ModelUse("mine/second", "mine", 1, 1, 10, 5, 0.25, 1.0)
    with place.ledger() as ledger:
        now = time.time()
        ledger.add_use("old", [replace(use, requests=1000)], when=now - 31 * DAY)
        ledger.add_use("one", [use, other], when=now - 29 * DAY)
        ledger.add_use("two", [replace(use, faults={"down": 1, "empty": 2})], when=now)
    outcome = testwright("models", "stats")
    assert outcome.code == 0
    lines = outcome.stdout.splitlines()
    assert lines[1].split() == ["mine/first", "6", "4", "3,000", "free", "24"]
    assert lines[2].split() == ["mine/second", "1", "1", "15", "$0.25", "1"]
    assert lines[3] == "mine/first: 2 down, 2 empty, asked again 2 times"
    assert lines[4].startswith("Left today at mine: 50 of 50 requests to free models; there are new ones at ")
    values = json.loads(testwright("models", "stats", "--json").stdout)
    assert values["models"][0]["breaker"] == ["open", "open"]
    assert [(one["provider"], one["left"]) for one in values["left_today"]] == [("mine", 50)]


def test_without_a_key_there_is_no_account(testwright: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINE_KEY")
    assert testwright("models", "stats").stdout == "No model was asked in the last 30 days.\n"


def test_a_closed_account_is_told(testwright: Any, place: Place) -> None:
    place.server.play(
        "mine/first",
        http_error(
            429,
            "Rate limit exceeded",
            headers={
                "X-RateLimit-Limit": "50",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(int((time.time() + DAY) * 1000)),
            },
        ),
    )
    testwright("models", "check", "mine/first")
    values = json.loads(testwright("models", "stats", "--json").stdout)
    assert values["left_today"][0]["left"] == 0
    assert "mine takes no more requests to free models for now" in testwright("models", "stats").stdout


# ------------------------------------------------------------------------------------------------ all


@pytest.mark.parametrize("command", ["list", "explain", "stats"])
def test_it_fits_a_terminal_of_80_columns(place: Place, command: str) -> None:
    long = "nvidia/nemotron-3-nano-omni-30b-a3b-reasoning:free"
    place.models(long, "mine/second")
    use = ModelUse(long, "mine", 1234, 1000, 12_345_678, 45_678, 12.5, 34_567.0, 12, {"upstream-limit": 9, "down": 8})
    with place.ledger() as ledger:
        ledger.add_use("one", [use], when=time.time())
        ledger.set_status("mine", long, "rate_limited", reason="So.", until=time.time() + 3 * DAY, now=time.time())
    _, screen = at_a_terminal("models", command)
    lines = [line.rstrip() for line in screen.splitlines() if not line.startswith("Left today")]
    assert [line for line in lines if len(line) > 80] == []
    at = next(number for number, line in enumerate(lines) if "nvidia/nemotron-3-nano-omni" in line)
    first, second = (re.split(r" {2,}", line.strip())[0] for line in lines[at : at + 2])
    assert long in (first + second, first.removeprefix("1. ").removesuffix(" at mine")), "it takes two lines at most"
    if command == "stats":
        assert re.search(r" 1,234 +1,000 +12,391,356 +\$12\.50 +34,567$", screen, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["explain"], ["refresh"], ["check", "mine/first"], ["stats"], ["consent"]],
    ids=lambda arguments: str(arguments[0]),
)
def test_the_document_tells_all_keys_of_the_json(testwright: Any, place: Place, arguments: list[str]) -> None:
    place.server.serve("/models", listed("mine/first"))
    place.server.always("mine/first", CALLED)
    command = arguments if arguments == ["consent"] else ["models", *arguments]
    document = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    name = " ".join(command[:2]) if command[0] == "models" else "consent"
    row = next(line for line in document.splitlines() if line.startswith(f"| `{name}` | `"))
    told = set(re.findall(r"`(\w+)`", row))
    assert set(json.loads(testwright(*command, "--json").stdout)) <= told


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["models", "--help"], ["models", "check", "--help"], ["consent", "--help"]],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = ("rich", "pydantic", "asyncio", "httpx", "tenacity", "yaml", "testwright.models", "testwright.store")
    code = (
        "import sys, testwright.cli\n"
        f"testwright.cli.run({arguments!r})\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_what_sends_nothing_loads_nothing_that_could(place: Place) -> None:
    code = (
        "import sys, testwright.cli\n"
        "testwright.cli.run(['models', 'list'])\n"
        "testwright.cli.run(['models', 'explain'])\n"
        "testwright.cli.run(['consent'])\n"
        "print([name for name in ('httpx', 'tenacity', 'testwright.service') if name in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
