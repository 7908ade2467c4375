"""The one door, with real servers, ledgers, records and files; only time is not the machine's."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from memory_keyring import MemoryKeyring
from scripted_provider import (
    ScriptedProvider,
    SeenRequest,
    Step,
    answer,
    error_in_200,
    error_in_stream,
    garbage,
    half_stream,
    hanging,
    html,
    http_error,
    redirect,
)
from virtual_clock import START, VirtualClock

from testwright.errors import (
    BudgetExhausted,
    ConsentMissing,
    KeyRefused,
    ModelError,
    ModelsExhausted,
    NoModels,
    ReplayMismatch,
    UsageError,
    WriteFailure,
)
from testwright.housekeeping import scratch_parent
from testwright.models.access import Means, Models, endpoints_of, open_models
from testwright.models.breaker import Breakers
from testwright.models.consent import give
from testwright.models.plan import plan_models
from testwright.models.values import ChatRequest, RouterEvent
from testwright.settings import Settings
from testwright.store.ledger import Ledger

CANARY = "sk-or-v1-canary0123456789abcdef"
QUESTION = ChatRequest(body={"messages": [{"role": "user", "content": "Say hello."}]})
FIRST, SECOND = "first/coder:free", "second/coder:free"


@pytest.fixture(autouse=True)
def no_keyring_of_this_machine() -> Iterator[None]:
    with MemoryKeyring.in_use():
        yield


class Desk:
    """A user's folders and workspace, and the door to models from there."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "work"
        self.workspace.mkdir()
        self.state = folder / "state"
        self.clock = VirtualClock()
        self.events: list[RouterEvent] = []
        self.environ = {"TESTWRIGHT_STATE_DIR": str(self.state), "TESTWRIGHT_CACHE_DIR": str(folder / "cache")}
        self.breakers = Breakers(self.clock)

    def open(
        self, settings: Settings, environ: Mapping[str, str] = {}, **more: Any
    ) -> AbstractAsyncContextManager[Models]:
        means = Means(clock=self.clock, random=Random(1), breakers=self.breakers)
        return open_models(
            settings, self.workspace, environ={**self.environ, **environ}, on_event=self.events.append, means=means, **more
        )  # fmt: skip

    def ledger(self) -> Ledger:
        return Ledger.open(self.state)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def at(server: ScriptedProvider, **more: Any) -> Settings:
    fields: dict[str, Any] = {"preferred_model": FIRST, "fallback_models": (SECOND,), **more}
    return Settings(model_base_url=server.base_url, **fields)


async def test_from_settings_to_an_answer_and_its_account(desk: Desk) -> None:
    async with ScriptedProvider(desk.clock) as server:
        server.play(FIRST, http_error(404))
        server.play(SECOND, answer("Hello."), answer("Again."))
        async with desk.open(at(server), run="run 1") as models:
            texts: list[str] = []
            first = await models.complete(QUESTION, on_text=texts.append)
            assert (await models.complete(QUESTION)).body["choices"][0]["message"]["content"] == "Again."
        assert (first.model, "".join(texts)) == (SECOND, "Hello.")
        assert server.asked() == [FIRST, SECOND, SECOND]
        assert "authorization" not in server.requests[0].headers
    uses = {use.model: (use.requests, use.answers, use.faults) for use in models.uses()}
    assert uses == {FIRST: (1, 0, {"gone": 1}), SECOND: (2, 2, {})}
    with desk.ledger() as ledger:
        kept = ledger.uses(START - 60)
        assert [(stored.run, stored.use) for stored in kept] == [("run 1", use) for use in models.uses()]
        (status,) = ledger.statuses(desk.clock.time()).values()
        assert status.status == "gone"
    assert [event.kind for event in desk.events][:4] == ["sent", "failed", "next-model", "sent"]


async def test_what_a_run_has_learnt_the_next_one_goes_by(desk: Desk) -> None:
    async with ScriptedProvider(desk.clock) as server:
        server.play(FIRST, http_error(404), answer("I am back."))
        server.play(SECOND, answer(), answer())
        for _ in range(2):
            async with desk.open(at(server)) as models:
                await models.complete(QUESTION)
        assert server.asked() == [FIRST, SECOND, SECOND]
        desk.clock.advance(25 * 3600)
        async with desk.open(at(server)) as models:
            assert (await models.complete(QUESTION)).model == FIRST


# ------------------------------------------------------------------------------------------------ what stands in the way


async def refused(desk: Desk, settings: Settings, environ: Mapping[str, str] = {}, **more: Any) -> Exception:
    with pytest.raises(ModelError) as caught:
        async with desk.open(settings, environ, **more):
            pytest.fail("the door was open")
    assert caught.value.next_step
    return caught.value


async def test_the_order_of_what_stands_in_the_way(desk: Desk) -> None:
    """Nobody to ask comes before a key in the open, that before consent, and consent before anything is sent."""
    away: dict[str, Any] = {"model_base_url": "http://gpu.lan:8000/v1", "max_model_cost": 1.0}
    key = {"TESTWRIGHT_MODEL_KEY": CANARY}
    assert isinstance(await refused(desk, Settings()), NoModels)
    assert isinstance(await refused(desk, Settings(**away), key), NoModels)
    assert isinstance(await refused(desk, Settings(**away, preferred_model="m"), key), KeyRefused)
    assert isinstance(await refused(desk, Settings(**away, preferred_model="m")), ConsentMissing)
    assert isinstance(await refused(desk, Settings(), {"OPENROUTER_API_KEY": CANARY}), ConsentMissing)
    assert desk.events == []


async def test_without_consent_nothing_is_sent_and_with_it_something_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(model_base_url="http://models.example.org/v1", preferred_model=FIRST, max_model_cost=1.0)
    async with ScriptedProvider(desk.clock) as server:
        monkeypatch.setenv("http_proxy", server.base_url.removesuffix("/v1"))  # so that what is sent away ends here
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        await refused(desk, settings)
        assert server.connections == 0
        with desk.ledger() as ledger:
            plan = plan_models(settings, desk.workspace, environ=desk.environ, ledger=ledger)
            give(ledger, plan.consent, now=desk.clock.time())
        server.play(FIRST, answer())
        async with desk.open(settings) as models:
            await models.complete(QUESTION)
        assert [request.path for request in server.requests] == ["http://models.example.org/v1/chat/completions"]


async def test_a_probe_needs_no_consent_and_nothing_else_less(desk: Desk) -> None:
    async with desk.open(Settings(), {"OPENROUTER_API_KEY": CANARY}, probe=True) as models:
        assert models.chain.taken
    assert isinstance(await refused(desk, Settings(), probe=True), NoModels)


async def test_a_record_and_a_replay_at_once_are_one_too_many(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="recorded and replayed at once"):
        async with desk.open(Settings(), record=tmp_path / "a", replay=tmp_path / "b"):
            pytest.fail("the door was open")


# ------------------------------------------------------------------------------------------------ limits


async def test_the_limits_of_the_settings_hold(desk: Desk) -> None:
    async with ScriptedProvider(desk.clock) as server:
        server.play(FIRST, answer(), answer())
        async with desk.open(at(server, max_model_requests=2)) as models:
            await models.complete(QUESTION)
            await models.complete(QUESTION)
            with pytest.raises(BudgetExhausted):
                await models.complete(QUESTION)
        assert server.asked() == [FIRST, FIRST]
        for limits in ({"max_model_tokens": 1}, {"model_deadline": 0.0}):
            async with desk.open(at(server, **limits)) as models:
                with pytest.raises(BudgetExhausted):
                    await models.complete(QUESTION)
        assert len(server.requests) == 2


async def test_deny_reaches_the_provider_that_knows_it(desk: Desk, tmp_path: Path) -> None:
    async with ScriptedProvider(desk.clock) as server:
        mine = tmp_path / "mine.yaml"
        mine.write_text(
            f"version: 1\nproviders:\n  near: {{base_url: '{server.base_url}', speaks_openrouter: true}}\n"
            "models:\n- {name: m, provider: near, cost_per_1m_input: 0, cost_per_1m_output: 0, priority: 1, status: active, tools: true}\n",
            encoding="utf-8",
        )
        server.always("m", answer())
        for collection in ("deny", "allow"):
            async with desk.open(Settings(model_registry=mine, data_collection=collection)) as models:
                await models.complete(QUESTION)
        told = [request.body.get("provider") for request in server.requests if request.method == "POST"]
        assert told == [{"data_collection": "deny"}, None]


async def test_one_model_alone_within_what_is_left(desk: Desk) -> None:
    async with ScriptedProvider(desk.clock) as server:
        server.always(FIRST, answer())
        server.play(SECOND, http_error(503), answer())
        async with desk.open(at(server, max_model_requests=4), run="run") as models:
            await models.complete(QUESTION)
            first, second = models.chain.taken
            with pytest.raises((ModelsExhausted, BudgetExhausted)):
                await models.alone(second).complete(QUESTION)
            await models.alone(first, requests=2).complete(QUESTION)
            router = models.alone(first, requests=2)
            await router.complete(QUESTION)
            with pytest.raises(BudgetExhausted):
                await router.complete(QUESTION)  # it may send two, and the run one
        assert server.asked() == [FIRST, SECOND, FIRST, FIRST]
        assert {use.model: use.requests for use in models.uses()} == {FIRST: 3, SECOND: 1}
    with desk.ledger() as ledger:
        assert sum(stored.use.requests for stored in ledger.uses(START - 60)) == 4


# ------------------------------------------------------------------------------------------------ record and replay


async def test_a_replay_needs_no_server_no_key_no_consent_and_counts_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tape = tmp_path / "run.tape"
    async with ScriptedProvider(desk.clock) as server:
        server.play(FIRST, http_error(500), http_error(500))
        server.play(SECOND, answer("Recorded."))
        async with desk.open(at(server), {"TESTWRIGHT_MODEL_KEY": CANARY}, record=tape) as models:
            recorded = await models.complete(QUESTION)
    uses = models.uses()
    with desk.ledger() as ledger:
        before = ledger.uses(0)
    async with desk.open(Settings(max_model_requests=9), replay=tape) as models:
        assert len(list(scratch_parent().glob("testwright-replay-*"))) == 1
        replayed = await models.complete(QUESTION)
        assert replayed.body == recorded.body
        with pytest.raises(ReplayMismatch):
            await models.complete(ChatRequest(body={"messages": []}))
    assert [(use.model, use.requests, use.faults) for use in models.uses()] == [
        (use.model, use.requests, use.faults) for use in uses
    ]
    with desk.ledger() as ledger:
        assert ledger.uses(0) == before
    assert list(scratch_parent().glob("testwright-replay-*")) == []


async def test_a_record_of_nothing_is_no_file(desk: Desk, tmp_path: Path) -> None:
    async with ScriptedProvider(desk.clock) as server, desk.open(at(server), record=tmp_path / "tape"):
        pass
    assert not (tmp_path / "tape").exists()
    with desk.ledger() as ledger:
        assert ledger.uses(0) == []


# ------------------------------------------------------------------------------------------------ ends of all kinds


async def test_a_run_that_is_cancelled_is_still_accounted_for(desk: Desk) -> None:
    arrived = asyncio.Event()

    def never(request: SeenRequest) -> Sequence[Step]:
        arrived.set()
        return hanging()(request)

    async def run() -> None:
        async with desk.open(at(server)) as models:
            await models.complete(QUESTION)
            await models.complete(QUESTION)

    async with ScriptedProvider(desk.clock) as server:
        server.play(FIRST, answer(), never)
        task = asyncio.create_task(run())
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with desk.ledger() as ledger:
        (stored,) = ledger.uses(START - 60)
        assert (stored.use.requests, stored.use.answers) == (2, 1)


async def test_opening_can_be_cancelled_while_a_keyring_hangs(desk: Desk) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Hanging(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            loop.call_soon_threadsafe(asked.set)
            return super().wait(timeout)

    async def run() -> None:
        async with desk.open(Settings()):
            pytest.fail("the door was open")

    with MemoryKeyring.in_use() as ring:
        ring.hangs = Hanging()
        try:
            task = asyncio.create_task(run())
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        finally:
            ring.hangs.set()


async def test_an_account_that_cannot_be_kept_is_a_note_and_hides_no_error(desk: Desk) -> None:
    async def run() -> None:
        async with desk.open(at(server)) as models:
            try:
                await models.complete(QUESTION)
                desk.state.rename(desk.state.with_name("away"))
                desk.state.write_text("in the way", encoding="utf-8")
                raise ZeroDivisionError
            finally:
                kept.append(models)

    kept: list[Models] = []
    async with ScriptedProvider(desk.clock) as server:
        server.play(FIRST, answer())
        with pytest.raises(ZeroDivisionError):
            await run()
    (note,) = kept[0].notes
    assert note.startswith("What was asked of models is not kept for `testwright models stats`: ")


async def test_breakers_are_the_processs(desk: Desk) -> None:
    """What one run has seen of a model that fails, the next one knows."""
    async with ScriptedProvider(desk.clock) as server:
        server.always(FIRST, http_error(500))
        server.always(SECOND, answer())
        settings = at(server, max_model_requests=30)
        for _ in range(4):
            async with desk.open(settings) as models:
                await models.complete(QUESTION)
        asked = server.asked().count(FIRST)
        async with desk.open(settings) as models:
            await models.complete(QUESTION)
        assert server.asked().count(FIRST) == asked


async def test_runs_of_a_process_share_their_breakers_unless_they_bring_their_own(desk: Desk) -> None:
    found: list[Breakers] = []
    async with ScriptedProvider(desk.clock) as server:
        for _ in range(2):
            opened = open_models(at(server), desk.workspace, environ=desk.environ, on_event=desk.events.append)
            async with opened as models:
                found.append(models._routers[0]._breakers)
        async with desk.open(at(server)) as models:
            found.append(models._routers[0]._breakers)
    assert found[0] is found[1]
    assert found[2] is desk.breakers


async def test_a_replay_without_a_place_to_work_in(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = tmp_path / "run.tape"
    async with ScriptedProvider(desk.clock) as server:
        server.play(FIRST, answer())
        async with desk.open(at(server), record=tape) as models:
            await models.complete(QUESTION)
    monkeypatch.setattr(tempfile, "tempdir", str(tape))
    with pytest.raises(WriteFailure, match="A folder for the replay cannot be made"):
        async with desk.open(Settings(), replay=tape):
            pytest.fail("the door was open")


# ------------------------------------------------------------------------------------------------ the canary


REPLIES = {
    "bad key": http_error(401, f"bad key {CANARY}"),
    "bad request": http_error(400, f"{CANARY} is not allowed", metadata={"raw": CANARY}),
    "credits": http_error(402, CANARY),
    "down": http_error(500, f"we saw Bearer {CANARY}"),
    "limit": http_error(429, CANARY, metadata={"retry_after_seconds": 7, "provider_name": CANARY}),
    "day limit": http_error(429, CANARY, headers={"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0"}),
    "in a 200": error_in_200(502, CANARY),
    "in a stream": error_in_stream(403, CANARY),
    "gone": http_error(404, CANARY),
    "redirect": redirect(f"https://example.org/?key={CANARY}"),
    "garbage": garbage(),
    "page": html(),
    "half": half_stream(CANARY),
    "answer": answer(f"Your key is {CANARY}."),
}


@pytest.mark.parametrize("name", REPLIES)
async def test_the_key_is_nowhere(desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx.of.this.test").warning("what is logged is seen")
    told: list[object] = []
    async with ScriptedProvider(desk.clock) as server:
        server.always(FIRST, REPLIES[name])
        server.always(SECOND, REPLIES[name])
        settings = at(server, model_deadline=600.0)
        environ = {"TESTWRIGHT_MODEL_KEY": CANARY, "OPENROUTER_API_KEY": CANARY}
        async with desk.open(settings, environ, record=tmp_path / "tape") as models:
            try:
                await models.complete(QUESTION)
            except ModelError as error:
                told += [error, repr(error), *_lines(error)]
            told += [models.uses(), models.notes, repr(models), models.chain, vars(models)]
        assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {CANARY}"}
    told += [desk.events, models.notes]
    assert desk.events
    assert caplog.records
    assert CANARY not in "\n".join(map(str, told))
    assert CANARY not in "\n".join([record.getMessage() + str(record.args) for record in caplog.records])
    files = [*desk.state.iterdir(), tmp_path / "tape"]
    assert len(files) > 1
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path.name


def _lines(error: BaseException) -> list[str]:
    """The traceback with the variables of each frame, the test's own frames left out: they made the key."""
    shown: list[str] = []
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        frames = traceback.StackSummary.extract(traceback.walk_tb(one.__traceback__), capture_locals=True)
        shown += [f"{frame.filename}:{frame.lineno} {frame.locals}" for frame in frames if frame.filename != __file__]
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
    assert shown
    return shown


async def test_a_refused_key_is_in_no_traceback(desk: Desk) -> None:
    settings = Settings(model_base_url="http://gpu.lan:8000/v1", preferred_model="m", max_model_cost=1.0)
    error = await refused(desk, settings, {"TESTWRIGHT_MODEL_KEY": CANARY})
    assert CANARY not in str(error)
    assert CANARY not in "\n".join(_lines(error))
    error = await refused(desk, settings, {"TESTWRIGHT_MODEL_KEY": f"{CANARY} {CANARY}"})
    assert isinstance(error, KeyRefused)
    assert CANARY not in str(error)
    assert CANARY not in "\n".join(_lines(error))


async def test_all_endpoints_of_a_plan_are_looked_at(desk: Desk, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "version: 1\nproviders:\n  far: {base_url: 'http://gpu.lan/v1', key_variable: FAR_KEY}\nmodels: []\n", "utf-8"
    )
    plan = plan_models(Settings(model_registry=mine), desk.workspace, environ=desk.environ)
    assert {name: endpoint.key for name, endpoint in endpoints_of(plan).items()}["far"] is None
    plan = plan_models(Settings(model_registry=mine), desk.workspace, environ={**desk.environ, "FAR_KEY": CANARY})
    with pytest.raises(KeyRefused):
        endpoints_of(plan)
