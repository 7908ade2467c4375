"""Runs whose engine asks models: what the report says of it, what is told on the way, and what ends with the run."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scripted_provider import ScriptedProvider, SeenRequest, Step, answer, hanging, http_error
from virtual_clock import VirtualClock

from testwright.boxes.session import Session
from testwright.engines.embedded import EmbeddedEngine
from testwright.engines.protocol import Ask, Engine, Proposal
from testwright.errors import ModelError
from testwright.model import CoverageSets, ModelUse, Target
from testwright.models.values import ChatRequest, Need
from testwright.service import RunResult, UnitTestGenerationService, asking
from testwright.specification import OpenHandsIntegrationConfig
from testwright.store.ledger import Ledger

if TYPE_CHECKING:
    from .conftest import Project

MODULE = "def shout(text: str) -> str:\n    return text.upper() + '!'\n"
TEST = "import shop\n\n\ndef test_shout():\n    assert shop.shout('a') == 'A!'\n"
MODEL = "scripted-coder"
QUESTION = ChatRequest(body={"messages": [{"role": "user", "content": "Which tests are missing?"}]})
NOTHING = Proposal((), "exhausted", 0, ())

DOCUMENT = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
DOCUMENTED = {
    kind: set(re.findall(r"`(\w+)`", keys))
    for kind, keys in re.findall(
        r"^\| `([\w-]+)` \| .* \| (.*) \|$", DOCUMENT.partition("## When models are asked")[2], re.MULTILINE
    )
}
"""Further keys of each event about models."""

Asking = Callable[[Ask], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class AskingEngine:
    """Asks first, and then proposes what the embedded engine finds, or nothing."""

    asks: Asking
    searches: bool = False
    need: Need = field(default_factory=Need)

    async def propose(self, session: Session, target: Target, goals: CoverageSets, **bounds: Any) -> Proposal:
        await self.asks(bounds["ask"])
        return await EmbeddedEngine().propose(session, target, goals, **bounds) if self.searches else NOTHING


async def once(ask: Ask) -> None:
    await ask(QUESTION)


async def thrice(ask: Ask) -> None:
    for _ in range(3):
        await ask(QUESTION)


async def at_once(ask: Ask) -> None:
    await asyncio.gather(*(ask(QUESTION) for _ in range(4)))


async def never(_: Ask) -> None:
    """Ask nothing."""


@pytest.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedProvider]:
    """A provider that the settings name."""
    for name in ("OPENROUTER_API_KEY", "PREFERRED_MODEL", "FALLBACK_MODELS"):
        monkeypatch.delenv(name, raising=False)
    async with ScriptedProvider(VirtualClock()) as server:
        monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", server.base_url)
        monkeypatch.setenv("TESTWRIGHT_PREFERRED_MODEL", MODEL)
        yield server


@pytest.fixture
def shop(project: Project) -> Project:
    """A module that is tested already, so that a run without candidates does its job."""
    project.write("shop.py", MODULE)
    project.write("tests/test_shop.py", TEST)
    return project


async def run(
    project: Project, engine: Engine, *, config: OpenHandsIntegrationConfig | None = None, **paths: Any
) -> RunResult:
    request = replace(project.request("shop.py"), **paths)
    return await UnitTestGenerationService(config, engine=engine).generate(request, project.take)


def told(project: Project) -> list[tuple[object, object]]:
    """What was told of models: what happened, and to which."""
    return [(event.data["event"], event.data["model"]) for event in project.events if "event" in event.data]


def seen_keys(project: Project) -> dict[object, set[str]]:
    """What the events about models had beside what each event of a run has."""
    usual = {"event", "model", "left", "covered"}
    return {event.data["event"]: set(event.data) - usual for event in project.events if "event" in event.data}


def only(uses: tuple[ModelUse, ...]) -> ModelUse:
    (use,) = uses
    return use


def kept_uses(project: Project) -> list[ModelUse]:
    with Ledger.open(project.state) as ledger:
        return [stored.use for stored in ledger.uses(0.0)]


async def test_the_report_says_what_was_asked(project: Project, provider: ScriptedProvider) -> None:
    project.write("shop.py", MODULE)
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107}
    provider.play(MODEL, *(answer("None.", usage=usage) for _ in range(3)))
    result = await run(project, AskingEngine(thrice, searches=True))
    assert result.report.status == "written", result.report.error
    use = only(result.report.models)
    assert (use.model, use.requests, use.answers, use.retries) == (MODEL, 3, 3, 0)
    assert (use.prompt_tokens, use.completion_tokens, use.cost, use.faults) == (300, 21, 0.0, {})
    assert use.seconds > 0
    assert kept_uses(project) == [use]
    assert told(project) == [("sent", MODEL), ("answered", MODEL)] * 3
    answered = [event for event in project.events if event.data.get("event") == "answered"]
    assert {(event.kind, event.phase, event.data["completion_tokens"]) for event in answered} == {
        ("progress", "explore", 7)
    }


async def test_a_run_that_asks_no_model_makes_none_ready(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened() -> None:
        raise AssertionError("models were made ready")

    monkeypatch.setattr(asking, "_opener", opened)
    # A registry that is not there would be an error for whoever asks.
    monkeypatch.setenv("TESTWRIGHT_MODEL_REGISTRY", str(project.workspace / "missing.yaml"))
    project.write("shop.py", MODULE)
    result = await project.generate("shop.py")
    assert result.report.status == "written", result.report.error
    assert result.report.models == ()


async def test_questions_at_once_share_one_budget(
    shop: Project, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTWRIGHT_MAX_MODEL_REQUESTS", "3")
    provider.always(MODEL, answer("None."))
    result = await run(shop, AskingEngine(at_once))
    assert result.report.error_slug == "model-budget", result.report.error
    assert len(provider.requests) <= 3
    assert only(result.report.models).requests == len(provider.requests)


@pytest.mark.parametrize(
    ("reply", "slug", "fault"),
    [
        (http_error(401, "No such key"), "key", "bad-key"),
        (http_error(402, "No credits"), "credits", "no-credits"),
        (http_error(400, "What?"), "request-refused", "bad-request"),
        (http_error(403, "Not you"), "models-exhausted", "forbidden"),
    ],
    ids=["401", "402", "400", "403"],
)
async def test_a_run_that_ends_for_want_of_an_answer_says_what_it_asked(
    shop: Project, provider: ScriptedProvider, reply: Any, slug: str, fault: str
) -> None:
    provider.play(MODEL, answer("None."), reply)
    before = shop.files()
    result = await run(shop, AskingEngine(thrice))
    assert (result.report.status, result.report.error_slug) == ("failed", slug)
    assert result.report.error
    use = only(result.report.models)
    assert (use.requests, use.answers, use.faults) == (2, 1, {fault: 1})
    assert seen_keys(shop) == {kind: DOCUMENTED[kind] for kind in ("sent", "answered", "failed")}
    assert kept_uses(shop) == [use]
    assert shop.files() == before
    assert shop.left() == []


async def test_an_engine_may_do_without_an_answer(project: Project, provider: ScriptedProvider) -> None:
    async def forgiving(ask: Ask) -> None:
        with pytest.raises(ModelError):
            await ask(QUESTION)

    project.write("shop.py", MODULE)
    provider.play(MODEL, http_error(403, "Not you"))
    result = await run(project, AskingEngine(forgiving, searches=True))
    assert result.report.status == "written", result.report.error
    assert only(result.report.models).faults == {"forbidden": 1}


async def test_cancelling_ends_the_request_and_counts_it(shop: Project, provider: ScriptedProvider) -> None:
    arrived = asyncio.Event()

    def held(request: SeenRequest) -> Sequence[Step]:
        arrived.set()
        return hanging()(request)

    provider.play(MODEL, answer("None."), held)
    running = asyncio.create_task(run(shop, AskingEngine(thrice)))
    await arrived.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with asyncio.timeout(30):
        while not provider.gone:  # noqa: ASYNC110 - what the server has seen of the client's going has no event
            await asyncio.sleep(0.01)
    assert only(tuple(kept_uses(shop))).requests == 2
    assert [event.message for event in shop.events if event.kind == "note"] == [
        "2 requests were sent to models before the run was cancelled; `testwright models stats` counts them."
    ]
    assert shop.left() == []


async def test_nothing_is_sent_without_consent(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", "https://models.example/v1")
    monkeypatch.setenv("TESTWRIGHT_MODEL_KEY", "of-nobody")
    monkeypatch.setenv("TESTWRIGHT_MAX_MODEL_COST", "1")  # what it costs there is not known
    monkeypatch.setenv("TESTWRIGHT_PREFERRED_MODEL", MODEL)
    result = await run(shop, AskingEngine(once))
    assert (result.report.status, result.report.error_slug) == ("failed", "consent")
    assert result.report.models == ()
    assert told(shop) == []


async def test_a_registry_that_cannot_be_read_ends_a_run_that_asks(
    shop: Project, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = shop.write("models.yaml", "models: 7\n")
    monkeypatch.setenv("TESTWRIGHT_MODEL_REGISTRY", str(registry))
    result = await run(shop, AskingEngine(once))
    assert (result.report.status, result.report.error_slug) == ("failed", "registry")
    assert provider.requests == []


async def test_a_program_says_which_model_is_asked(
    shop: Project, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TESTWRIGHT_PREFERRED_MODEL")
    monkeypatch.setenv("PREFERRED_MODEL", "another")
    provider.play("the-program's", http_error(403, "Not you"))
    provider.play("its-second", answer("None."))
    config = OpenHandsIntegrationConfig(preferred_model="the-program's", fallback_models=("its-second",))
    result = await run(shop, AskingEngine(once), config=config)
    assert [request.model for request in provider.requests] == ["the-program's", "its-second"]
    assert [use.model for use in result.report.models] == ["the-program's", "its-second"]


async def test_what_was_recorded_is_answered_again(
    shop: Project, provider: ScriptedProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = tmp_path / "tape.jsonl"
    said: list[str] = []

    async def listening(ask: Ask) -> None:
        for _ in range(2):
            answered = await ask(QUESTION)
            said.append(answered.body["choices"][0]["message"]["content"])

    provider.play(MODEL, answer("One."), answer("Two."))
    recorded = await run(shop, AskingEngine(listening), record=tape)
    assert recorded.report.status == "nothing-to-add", recorded.report.error
    monkeypatch.setenv("TESTWRIGHT_MODEL_BASE_URL", "https://models.example/v1")
    replayed = await run(shop, AskingEngine(listening), replay=tape)
    assert replayed.report.status == "nothing-to-add", replayed.report.error
    assert said == ["One.", "Two."] * 2
    assert len(provider.requests) == 2
    assert only(replayed.report.models).answers == 2
    assert len(kept_uses(shop)) == 1, "what is replayed costs nothing"


@pytest.mark.parametrize("engine", [EmbeddedEngine(), AskingEngine(never)], ids=["embedded", "asking"])
async def test_a_record_of_nothing_is_not_written(shop: Project, engine: Engine, tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    result = await run(shop, engine, record=tape)
    assert result.report.status == "nothing-to-add", result.report.error
    assert f"No model was asked, so nothing was recorded in {tape}." in result.report.notes
    assert not tape.exists()


async def test_a_record_that_nobody_asks_for_is_told(shop: Project, tmp_path: Path) -> None:
    result = await run(shop, AskingEngine(never), replay=tmp_path / "missing.jsonl")
    assert f"No model was asked, so nothing was answered from {tmp_path / 'missing.jsonl'}." in result.report.notes


async def test_a_run_is_not_recorded_and_replayed_at_once(shop: Project, tmp_path: Path) -> None:
    result = await run(shop, AskingEngine(never), record=tmp_path / "a", replay=tmp_path / "b")
    assert (result.report.status, result.report.error_slug) == ("failed", "usage")


def test_what_a_program_says_takes_the_place_of_the_environment() -> None:
    environ = {"HOME": "/x", "OPENROUTER_API_KEY": "old", "PREFERRED_MODEL": "old", "FALLBACK_MODELS": "old"}
    config = OpenHandsIntegrationConfig(openrouter_api_key="new", fallback_models=("a", "b"))
    assert config.laid_over(environ) == {"HOME": "/x", "OPENROUTER_API_KEY": "new", "FALLBACK_MODELS": "a,b"}
    assert OpenHandsIntegrationConfig.from_env(environ).laid_over(environ) == environ
