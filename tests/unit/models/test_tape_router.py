"""What a whole run records, and that its replay decides as was decided then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scripted_provider import (
    Reply,
    ScriptedProvider,
    after,
    answer,
    error_in_stream,
    half_stream,
    http_error,
)
from virtual_clock import VirtualClock

from testwright.errors import ModelError
from testwright.models.access import Means, Models, open_models
from testwright.models.breaker import Breakers
from testwright.models.values import ChatAnswer, ChatRequest, RouterEvent
from testwright.settings import Settings

MODELS = ("a", "b", "c")
LONG = 86_400.0
"""Seconds for a run: a record does not tell of time that was over without a further request."""

REPLIES: dict[str, Reply] = {
    "good": answer("Good."),
    "late": after(40.0, answer("Late.")),
    "down": http_error(502),
    "limited": http_error(429, headers={"Retry-After": "20"}),
    "limited for long": http_error(429, headers={"Retry-After": "900"}),
    "no provider": http_error(503, headers={"Retry-After": "5"}),
    "gone": http_error(404),
    "forbidden": http_error(403),
    "refused": http_error(400),
    "empty": answer(""),
    "half": half_stream(),
    "error in the stream": error_in_stream(502),
}

Outcome = tuple[str, str]


def question(number: int) -> ChatRequest:
    return ChatRequest(body={"messages": [{"role": "user", "content": f"Question {number}"}]})


async def outcome(models: Models, number: int) -> Outcome:
    try:
        given_answer: ChatAnswer = await models.complete(question(number))
    except ModelError as error:
        return ("error", error.slug)
    return (given_answer.model, given_answer.body["choices"][0]["message"]["content"])


class Run:
    """Asks some questions, one after the other or at once, with what has passed between them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.clock = VirtualClock()
        self.folder = folder
        self.seed = seed
        self.events: list[RouterEvent] = []

    async def ask(
        self, gaps: list[float], chosen: Settings, *, record: Path | None = None, replay: Path | None = None
    ) -> tuple[list[Outcome], Any]:
        environ = {name: str(self.folder / name) for name in ("TESTWRIGHT_STATE_DIR", "TESTWRIGHT_CACHE_DIR")}
        means = Means(clock=self.clock, random=Random(self.seed), breakers=Breakers(self.clock))
        outcomes = []
        async with open_models(
            chosen,
            self.folder,
            environ=environ,
            on_event=self.events.append,
            means=means,
            record=record,
            replay=replay,
        ) as models:
            for number, gap in enumerate(gaps):
                if replay is None:
                    await self.clock.sleep(gap)  # what passes elsewhere, as while a box runs; a replay does not wait
                outcomes.append(await outcome(models, number))
        return outcomes, models.uses()


async def recorded(
    folder: Path, script: dict[str, list[str]], gaps: list[float]
) -> tuple[Run, list[Outcome], Any, Path]:
    run, path = Run(folder, seed=1), folder / "run.jsonl"
    async with ScriptedProvider(run.clock) as server:
        for model in MODELS:
            server.play(model, *(REPLIES[name] for name in script.get(model, [])))
            server.always(model, answer("Always."))
        chosen = Settings(
            model_base_url=server.base_url,
            preferred_model=MODELS[0],
            fallback_models=MODELS[1:],
            model_deadline=LONG,
        )
        outcomes, uses = await run.ask(gaps, chosen, record=path)
    return run, outcomes, uses, path


def decisions(events: list[RouterEvent]) -> list[tuple[str, str, Any]]:
    return [
        (event.kind, event.model, event.data.get("fault", event.data.get("state")))
        for event in events
        if event.kind not in ("waiting", "next-model")
    ]


def rounded(uses: Any) -> Any:
    return [replace(use, seconds=round(use.seconds, 3)) for use in uses]


@given(
    script=st.fixed_dictionaries({model: st.lists(st.sampled_from(sorted(REPLIES)), max_size=6) for model in MODELS}),
    gaps=st.lists(st.sampled_from([0.0, 3.0, 45.0, 400.0]), min_size=1, max_size=5),
)
@example(script={"a": ["limited", "good"]}, gaps=[0.0, 45.0])  # the model may be asked again by then
@example(script={"a": ["down", "down", "down", "good"]}, gaps=[0.0, 0.0, 45.0])  # the breaker lets one in by then
@example(  # chance says which of the three may be asked first again
    script={"a": ["down", "down"], "b": ["no provider", "down"], "c": ["down", "down"]}, gaps=[0.0]
)
@settings(max_examples=30)
async def test_a_replay_decides_as_was_decided(
    tmp_path_factory: pytest.TempPathFactory, script: dict[str, list[str]], gaps: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    run, outcomes, uses, path = await recorded(folder, script, gaps)
    replay = Run(folder, seed=2)
    begun = replay.clock.monotonic()
    replayed, uses_replayed = await replay.ask(gaps, Settings(model_deadline=LONG), replay=path)
    assert replayed == outcomes
    assert decisions(replay.events) == decisions(run.events)
    assert rounded(uses_replayed) == rounded(uses)
    assert replay.clock.monotonic() == begun, "no wait takes time"


async def test_fifty_questions_at_once_are_answered_as_they_were(tmp_path: Path) -> None:
    run, path = Run(tmp_path, seed=1), tmp_path / "run.jsonl"
    environ = {name: str(tmp_path / name) for name in ("TESTWRIGHT_STATE_DIR", "TESTWRIGHT_CACHE_DIR")}

    async def ask_all(chosen: Settings, *, record: Path | None = None, replay: Path | None = None) -> list[Outcome]:
        means = Means(clock=run.clock, random=Random(1), breakers=Breakers(run.clock))
        async with open_models(
            chosen,
            tmp_path,
            environ=environ,
            on_event=run.events.append,
            means=means,
            record=record,
            replay=replay,
        ) as models:
            return await asyncio.gather(*(outcome(models, number) for number in range(50)))

    async with ScriptedProvider(run.clock) as server:
        for model in MODELS:
            server.always(model, lambda request: answer(request.body["messages"][0]["content"])(request))
        outcomes = await ask_all(Settings(model_base_url=server.base_url, preferred_model="a"), record=path)
    assert outcomes == [("a", f"Question {number}") for number in range(50)]
    assert await ask_all(Settings(), replay=path) == outcomes
