from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from routed import KEY, Play, Player, Scene, entry, question
from scripted_provider import (
    ScriptedProvider,
    after,
    answer,
    completion,
    half_stream,
    hanging,
    http_error,
    streamed,
)
from virtual_clock import VirtualClock

from testwright.errors import (
    AccountLimit,
    BudgetExhausted,
    KeyRefused,
    ModelError,
    ModelsExhausted,
    NoModels,
    ReplayMismatch,
    WriteFailure,
)
from testwright.models.breaker import FAILURES, FIRST_OPEN
from testwright.models.budget import estimate
from testwright.models.client import ProviderClient
from testwright.models.course import MOST_REPEATS
from testwright.models.router import Router
from testwright.models.tape import RecordingTape
from testwright.models.values import Chain, ChatAnswer, Fault, FaultKind, Provider, RouterEvent, Usage


class Served(Scene):
    """A scene whose provider is a real server."""

    server: ScriptedProvider


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Served]:
    clock = VirtualClock()
    async with ScriptedProvider(clock) as server, ProviderClient(clock=clock) as client:
        providers = {
            "scripted": server.provider(free_requests_per_minute=20, free_requests_per_day=50),
            "other": server.provider("other"),
        }
        found = Served(tmp_path, client, providers, clock)
        found.server = server
        yield found
        found.close()


class Played(Scene):
    """A scene without a network, for many questions at once."""

    player: Player


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Played]:
    clock = VirtualClock()
    clock.attach()
    player = Player(clock, lambda _: (1.0, None))
    providers = {
        "scripted": Provider(
            name="scripted", base_url="http://127.0.0.1:1/v1", free_requests_per_minute=20, free_requests_per_day=50
        ),
        "local": Provider(name="local", base_url="http://127.0.0.1:2/v1"),
    }
    found = Played(tmp_path, player.as_client, providers, clock)
    found.player = player
    yield found
    found.close()


def day_count(scene: Scene, router: Router) -> int:
    return scene.ledger.usage(router._account_of[0], scene.clock.time()).day


def is_at_rest(scene: Scene, router: Router, *models: str) -> bool:
    """Whether nothing is set aside and no probe is under way."""
    breakers = [scene.breakers.of("scripted", model) for model in models]
    return router._budget._held == {} and all(breaker.ready_in() is not None for breaker in breakers)


# -- what a run remembers -------------------------------------------------------------------------------------------


async def test_the_next_question_does_not_ask_a_model_before_the_time_that_its_provider_told(scene: Served) -> None:
    router = scene.router("a", "b")
    busy = http_error(429, metadata={"provider_name": "X", "retry_after_seconds": 100})
    scene.server.play("a", busy, answer())
    scene.server.always("b", answer())
    began = scene.clock.monotonic()
    await router.complete(question())
    await router.complete(question())
    scene.clock.advance(100)
    await router.complete(question())
    assert scene.server.asked() == ["a", "b", "b", "a"]
    assert scene.server.requests[2].when - began < 100


async def test_a_model_that_rests_for_long_does_not_hold_up_one_that_rests_for_less(scene: Served) -> None:
    scene.server.play("a", http_error(429, metadata={"provider_name": "X", "retry_after_seconds": 900}))
    scene.server.play("b", answer(), http_error(502), http_error(502), answer())
    router = scene.router("a", "b")
    await router.complete(question())
    began = scene.clock.monotonic()
    await router.complete(question())
    assert scene.server.asked() == ["a", "b", "b", "b", "b"]
    assert scene.clock.monotonic() - began < 100


@pytest.mark.parametrize("status", [403, 404])
async def test_a_model_that_refuses_is_not_asked_again_in_the_run_but_in_the_next(scene: Served, status: int) -> None:
    scene.server.play("a", http_error(status, "not this"), answer())
    scene.server.always("b", answer())
    router = scene.router("a", "b")
    for _ in range(3):
        await router.complete(question())
    await scene.router("a", "b").complete(question())
    assert scene.server.asked() == ["a", "b", "b", "b", "a"]


async def test_what_is_learnt_says_what_was_asked_for(scene: Served) -> None:
    scene.server.play("a", http_error(404, "No endpoints found"))
    scene.server.play("b", http_error(404, "No endpoints found"))
    with pytest.raises(ModelsExhausted):
        await scene.router("a").complete(question(tools=[{"type": "function", "function": {"name": "look"}}]))
    with pytest.raises(ModelsExhausted):
        await scene.router("b").complete(question())
    reasons = {model: stored.reason for (_, model), stored in scene.ledger.statuses(scene.clock.time()).items()}
    assert reasons == {"a": "404: No endpoints found (asked with tools)", "b": "404: No endpoints found"}


async def test_a_refusal_of_an_earlier_question_is_told_when_nobody_is_left(scene: Served) -> None:
    scene.server.play("a", http_error(403, "not this"))
    scene.server.play("b", answer(), http_error(403, "nor this"))
    router = scene.router("a", "b")
    await router.complete(question())
    with pytest.raises(ModelsExhausted, match="a: 403: not this; b: 403: nor this"):
        await router.complete(question())


async def test_an_empty_answer_is_no_reason_not_to_ask_another_question(scene: Served) -> None:
    scene.server.play("a", answer(""), answer("Better."))
    scene.server.play("b", answer())
    router = scene.router("a", "b")
    await router.complete(question())
    await router.complete(question())
    assert scene.server.asked() == ["a", "b", "a"]


# -- how often ------------------------------------------------------------------------------------------------------


async def test_a_question_costs_each_model_once_and_a_few_repeats_at_most(scene: Served) -> None:
    models = [f"m{number}" for number in range(12)]
    for model in models:
        scene.server.always(model, http_error(429, metadata={"provider_name": "X", "retry_after_seconds": 30}))
    router = scene.router(*models)
    with pytest.raises(ModelsExhausted) as caught:
        await router.complete(question())
    asked = scene.server.asked()
    assert asked[:12] == models
    assert len(asked) == 12 + MOST_REPEATS
    assert caught.value.message.startswith(f"No model gave an answer: {', '.join(models)}: 429: ")


@pytest.mark.parametrize("status", [502, 503, 429])
async def test_when_no_request_is_left_no_wait_is_begun(scene: Served, status: int) -> None:
    scene.server.play("a", http_error(status, "not now"))
    began = scene.clock.monotonic()
    with pytest.raises(BudgetExhausted) as caught:
        await scene.router("a", requests=1).complete(question())
    assert scene.clock.monotonic() == began
    assert caught.value.message == (
        f"The run has sent the one request to models that it may send. Before: a: {status}: not now."
    )
    assert scene.told("waiting") == []


async def test_the_last_request_of_a_run_that_fails_for_good_says_so(scene: Served) -> None:
    scene.server.play("a", http_error(403, "flagged"))
    with pytest.raises(ModelsExhausted, match="No model gave an answer: a: 403: flagged"):
        await scene.router("a", requests=1).complete(question())


async def test_models_that_fail_alike_are_told_together(scene: Served) -> None:
    for model, words in (("a", "flagged"), ("b", "no permission"), ("c", "flagged")):
        scene.server.play(model, http_error(403, words))
    with pytest.raises(ModelsExhausted) as caught:
        await scene.router("a", "b", "c").complete(question())
    assert caught.value.message == "No model gave an answer: a, c: 403: flagged; b: 403: no permission."


async def test_without_a_model_nothing_is_asked(scene: Served) -> None:
    with pytest.raises(NoModels, match="There is no model to ask"):
        await scene.router().complete(question())


async def test_after_a_wait_the_same_model_is_asked_only_if_nobody_has_learnt_better(played: Played) -> None:
    plays = iter(
        [
            (0.0, Fault("down", "502", status=502, retry_after=40.0)),
            (0.0, Fault("upstream-limit", "429", status=429, retry_after=600.0)),
        ]
    )
    played.player.play = lambda model: next(plays) if model == "a" else (0.0, None)
    router = played.router("a", "b")
    first = asyncio.create_task(router.complete(question("first")))
    await played.clock.sleep(10)
    await router.complete(question("second"))
    await first
    asked = [(sent.text, sent.model) for sent in played.player.sent]
    assert asked == [("first", "a"), ("second", "a"), ("second", "b"), ("first", "b")]


@pytest.mark.parametrize(
    ("kind", "shortest"), [("network", (0.0, 0.5)), ("down", (1.0, 1.2)), ("timed-out", (1.0, 1.2))]
)
async def test_who_lost_the_network_comes_back_scattered(
    played: Played, kind: FaultKind, shortest: tuple[float, float]
) -> None:
    plays: list[Play] = []
    played.player.play = lambda _: plays.pop(0)
    waits = []
    for seed in range(20):
        plays[:] = [(0.0, Fault(kind, "oh")), (0.0, None)]
        began = played.clock.monotonic()
        await played.router(entry(f"m{seed}", "local"), seed=seed).complete(question())
        waits.append(played.clock.monotonic() - began)
    assert shortest[0] <= min(waits) <= shortest[1]
    assert max(waits) <= 2


# -- the deadline ---------------------------------------------------------------------------------------------------


async def test_a_request_that_hangs_ends_with_the_run(scene: Served) -> None:
    scene.server.play("a", hanging())
    router = scene.router("a", seconds=50)
    began = scene.clock.monotonic()
    with pytest.raises(BudgetExhausted) as caught:
        await router.complete(question())
    assert scene.clock.monotonic() - began == pytest.approx(50)
    assert caught.value.message.startswith("The 50 seconds that a run may take with models are over. Before: a: ")
    assert scene.breakers.of("scripted", "a")._failures == 0  # it is the run that was short


async def test_the_deadline_is_the_run_s_and_not_the_question_s(scene: Served) -> None:
    scene.server.always("a", after(20, answer()))
    router = scene.router("a", seconds=50)
    await router.complete(question())
    await router.complete(question())
    began = scene.clock.monotonic()
    with pytest.raises(BudgetExhausted):
        await router.complete(question())
    assert scene.clock.monotonic() - began == pytest.approx(10)


async def test_a_wait_that_would_pass_the_deadline_is_not_begun(scene: Served) -> None:
    scene.server.play("a", http_error(502, headers={"Retry-After": "45"}))
    scene.server.play("b", answer())
    began = scene.clock.monotonic()
    await scene.router("a", "b", seconds=40).complete(question())
    assert scene.clock.monotonic() == began


# -- the account ----------------------------------------------------------------------------------------------------


async def test_the_day_s_requests_of_this_machine_are_counted_before_one_is_sent(scene: Served) -> None:
    scene.server.always("a", answer())
    first = scene.router("a")
    for _ in range(50):
        await first.complete(question())
    assert day_count(scene, first) == len(scene.server.requests) == 50
    with pytest.raises(AccountLimit) as caught:
        await scene.router("a").complete(question())
    assert caught.value.resets_at == 1_800_000_000 + 16 * 3_600
    assert "50 requests a day" in caught.value.message
    assert "at 00:00 UTC on 2027-01-16, in 15 hours 58 minutes" in caught.value.message
    assert len(scene.server.requests) == 50


async def test_a_full_minute_is_waited_for(scene: Served) -> None:
    scene.server.always("a", answer())
    router = scene.router("a")
    began = scene.clock.monotonic()
    for _ in range(41):
        await router.complete(question())
    whens = [round(request.when - began, 3) for request in scene.server.requests]
    assert whens == [0.0] * 20 + [60.0] * 20 + [120.0]
    assert scene.told("waiting") == ["scripted takes no more requests for 1 minute (20 a minute)"] * 2


@pytest.mark.parametrize("jump", [-86_400.0, -50.0, 50.0])
async def test_a_wall_clock_that_jumps_sends_no_more_than_a_minute_allows(scene: Served, jump: float) -> None:
    scene.server.always("a", answer())
    router = scene.router("a")
    for _ in range(20):
        await router.complete(question())
    scene.clock.set_wall(scene.clock.time() + jump)
    await router.complete(question())
    later = scene.server.requests[20].when - scene.server.requests[0].when
    assert 60.0 - max(0.0, jump) - 0.01 <= later <= 120.0


@pytest.mark.parametrize("kind", ["account-day-limit", "account-minute-limit"])
async def test_an_account_that_is_closed_at_the_very_last_is_what_is_told(played: Played, kind: FaultKind) -> None:
    down = Fault("down", "502: down", status=502)
    limit = Fault(kind, "429: used up", status=429, retry_after=3_000.0)
    plays = iter([(0.0, one) for one in (down, down, down, limit)])
    played.player.play = lambda _: next(plays)
    with pytest.raises(AccountLimit, match=r"takes no more requests of this account for now: 429: used up\."):
        await played.router("a").complete(question())


async def test_what_was_never_sent_costs_nothing(scene: Served) -> None:
    router = scene.router("a")
    await scene.server.stop()
    began = scene.clock.monotonic()
    with pytest.raises(ModelsExhausted) as caught:
        await router.complete(question())
    assert caught.value.next_step == "Check the network, and whether the model's server is running."
    assert day_count(scene, router) == 0
    (use,) = router.uses()
    assert (use.requests, use.retries) == (0, 0)
    assert use.faults == {"network": 2}
    assert scene.clock.monotonic() - began <= 2  # no wait starts a server on this machine
    assert router._budget._spent.requests == 0


async def test_a_provider_elsewhere_that_cannot_be_reached_is_waited_for(played: Played) -> None:
    away = replace(played.providers["local"], base_url="https://models.example/v1")
    played.providers = {**played.providers, "local": away}
    plays: list[Play] = [(0.0, Fault("network", "no connection", was_sent=False))] * 2 + [(0.0, None)]
    played.player.play = lambda _: plays.pop(0)
    began = played.clock.monotonic()
    await played.router(entry("a", "local")).complete(question())
    assert played.clock.monotonic() - began >= 30


async def test_failed_requests_count_against_the_account(scene: Served) -> None:
    scene.server.play("a", http_error(502), http_error(502))
    scene.server.play("b", answer())
    router = scene.router("a", "b")
    await router.complete(question())
    assert day_count(scene, router) == 3


async def test_when_the_ledger_cannot_be_written_nothing_is_sent(
    scene: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise WriteFailure("The disk is full.", next_step="Make room.")

    monkeypatch.setattr(scene.ledger, "reserve", refuse)
    router = scene.router("a")
    with pytest.raises(ModelError) as caught:
        await router.complete(question())
    assert str(caught.value) == "Requests to models cannot be counted, so none is sent: The disk is full. Make room."
    assert scene.server.requests == []
    assert is_at_rest(scene, router, "a")


# -- the breaker ----------------------------------------------------------------------------------------------------


async def test_a_model_that_fails_again_and_again_is_left_alone_by_all_runs_then_probed(scene: Served) -> None:
    scene.server.play("a", *[answer("")] * FAILURES, answer("Back."))
    scene.server.always("b", answer())
    first = scene.router("a", "b")
    for _ in range(FAILURES):
        await first.complete(question())
    second = scene.router("a", "b")
    await second.complete(question())
    assert scene.server.asked() == ["a", "b"] * FAILURES + ["b"]
    scene.clock.advance(FIRST_OPEN)
    found = await second.complete(question())
    assert found.model == "a"
    assert [use.breaker for use in first.uses()] == [("open",), ()]
    assert {use.model: use.breaker for use in second.uses()} == {"b": (), "a": ("half-open", "closed")}
    assert scene.told("breaker") == [
        "a has failed too often and is left alone for a while",
        "a is tried again with one request",
        "a works again",
    ]


async def open_breaker(scene: Scene, model: str) -> None:
    breaker = scene.breakers.of("scripted", model)
    for _ in range(FAILURES):
        permit = breaker.enter()
        assert permit is not None
        permit.failed()
    scene.clock.advance(FIRST_OPEN)


async def test_one_question_probes_and_the_others_go_to_the_next_model(scene: Served) -> None:
    await open_breaker(scene, "a")
    scene.server.play("a", after(20, answer()))
    scene.server.always("b", answer())
    router = scene.router("a", "b")
    found = await asyncio.gather(*(router.complete(question()) for _ in range(10)))
    assert sorted(one.model for one in found) == ["a"] + ["b"] * 9
    assert is_at_rest(scene, router, "a", "b")


async def test_without_another_model_they_wait_for_the_probe(scene: Served) -> None:
    await open_breaker(scene, "a")
    scene.server.play("a", after(12, answer()))
    scene.server.always("a", answer())
    router = scene.router("a")
    began = scene.clock.monotonic()
    await asyncio.gather(*(router.complete(question()) for _ in range(10)))
    whens = [request.when - began for request in scene.server.requests]
    assert whens[0] == 0
    assert all(when == pytest.approx(15) for when in whens[1:])


async def test_a_cancelled_probe_gives_its_place_back(scene: Served) -> None:
    await open_breaker(scene, "a")
    scene.server.play("a", hanging(), answer())
    router = scene.router("a")
    probe = asyncio.create_task(router.complete(question()))
    await scene.clock.sleep(5)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    await router.complete(question())
    assert scene.server.asked() == ["a", "a"]


async def test_what_could_not_be_sent_opens_no_breaker(scene: Served) -> None:
    router = scene.router("a")
    await scene.server.stop()
    for _ in range(2):
        with pytest.raises(ModelsExhausted):
            await router.complete(question())
    assert scene.breakers.of("scripted", "a").ready_in() == 0
    assert scene.told("breaker") == []


# -- many at once, and cancelled ones -------------------------------------------------------------------------------


async def test_fifty_at_once_pass_no_limit_of_the_run(scene: Served) -> None:
    scene.server.always("a", after(1, answer()))
    router = scene.router("a", requests=7)
    found = await asyncio.gather(*(router.complete(question()) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(one, ChatAnswer) for one in found) == 7
    assert sum(isinstance(one, BudgetExhausted) for one in found) == 43
    assert scene.told("limit", "next-model") == []  # no model is left out for it
    assert len(scene.server.requests) == 7


async def test_fifty_at_once_pass_no_limit_of_the_account(played: Played) -> None:
    found = await asyncio.gather(
        *(played.router("a", seed=number).complete(question(f"{number}")) for number in range(60)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, ChatAnswer) for one in found) == 50
    assert sum(isinstance(one, AccountLimit) for one in found) == 10
    whens = sorted(sent.when for sent in played.player.sent)
    for at, when in enumerate(whens[20:]):
        assert when - whens[at] >= 60 - 1e-6
    assert len({sent.text for sent in played.player.sent}) == 50


async def test_money_is_set_aside_before_it_is_spent(played: Played) -> None:
    router = played.router(PAID, cost=0.25)  # an answer may cost 10 cents, and costs nothing here
    await asyncio.gather(*(router.complete(question()) for _ in range(10)))
    assert played.player.most_under_way == 2


PAID = entry("paid", "local", cost_per_1m_input=1.0, cost_per_1m_output=1_000.0)


async def test_a_model_that_is_too_dear_is_left_out_for_one_that_is_free(played: Played) -> None:
    router = played.router(PAID, "a", cost=0.01)
    assert (await router.complete(question())).model == "a"
    assert [sent.model for sent in played.player.sent] == ["a"]


async def test_when_only_models_are_left_that_are_too_dear_the_budget_says_so(played: Played) -> None:
    played.player.play = lambda _: (0.0, Fault("forbidden", "403: flagged", status=403))
    with pytest.raises(BudgetExhausted) as caught:
        await played.router("a", PAID, cost=0.01).complete(question())
    assert caught.value.message == (
        "The run has spent $0.0000 of the $0.01 that it may spend, and the next request may cost $0.1000."
        " Before: a: 403: flagged."
    )
    assert caught.value.next_step == "Raise max-model-cost, or choose a free model."


async def test_an_account_that_is_used_up_comes_before_a_model_that_is_too_dear(played: Played) -> None:
    played.player.play = lambda _: (0.0, Fault("account-day-limit", "429: used up", status=429))
    with pytest.raises(
        AccountLimit, match=r"gave no answer: paid: it may take more than is left of the run's budget\. Wait"
    ):
        await played.router("a", PAID, cost=0.01).complete(question())


def cancelled_plays() -> list[tuple[str, Play, float]]:
    return [
        ("while it is under way", (30.0, None), 10.0),
        ("while it waits to try again", (0.0, Fault("down", "down", status=502, retry_after=40.0)), 10.0),
        ("at once", (30.0, None), 0.0),
    ]


@pytest.mark.parametrize(("name", "play", "when"), cancelled_plays())
async def test_a_cancelled_question_leaves_all_accounts_right(
    played: Played, name: str, play: Play, when: float
) -> None:
    played.player.play = lambda _: play
    router = played.router("a", tokens=1_000)
    calls = [asyncio.create_task(router.complete(question(f"{number}"))) for number in range(3)]
    await played.clock.sleep(when)
    for call in calls:
        call.cancel()
    assert all(isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*calls, return_exceptions=True))
    assert day_count(played, router) == len(played.player.sent)
    assert is_at_rest(played, router, "a")
    assert sum(use.requests for use in router.uses()) == len(played.player.sent)
    assert router._budget._spent.requests == len(played.player.sent)


async def test_a_cancelled_request_is_taken_to_have_used_all_that_it_could(played: Played) -> None:
    played.player.play = lambda _: (30.0, None)
    router = played.router("a")
    call = asyncio.create_task(router.complete(question()))
    await played.clock.sleep(10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert router._budget._spent.tokens == estimate(question(), entry("a")).tokens
    (use,) = router.uses()
    assert (use.requests, use.answers, use.seconds) == (1, 0, 10.0)


@pytest.mark.parametrize(
    ("fault", "tokens"),
    [
        (Fault("down", "502", status=502), 0),
        (Fault("network", "no connection", was_sent=False), 0),
        (Fault("empty", "nothing", usage=Usage(prompt_tokens=40, completion_tokens=2)), 42),
        (Fault("empty", "nothing", status=502, usage=Usage(prompt_tokens=40, completion_tokens=2)), 42),
        (Fault("timed-out", "no byte came"), estimate(question(), entry("a")).tokens),
    ],
)
async def test_a_fault_takes_from_the_budget_what_it_may_have_used(played: Played, fault: Fault, tokens: int) -> None:
    plays = iter([(0.0, fault)])
    played.player.play = lambda _: next(plays, (0.0, None))
    router = played.router("a", "b")
    await router.complete(question())
    assert router._budget._spent.tokens == tokens + 15
    assert router._budget._spent.requests == 1 + fault.was_sent


async def test_a_question_that_is_cancelled_while_it_waits_for_its_minute_was_never_sent(played: Played) -> None:
    router = played.router("a")
    for _ in range(20):
        await router.complete(question())
    call = asyncio.create_task(router.complete(question()))
    await played.clock.sleep(10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert day_count(played, router) == 20
    assert is_at_rest(played, router, "a")


async def test_cancelling_closes_the_connection(scene: Served) -> None:
    scene.server.play("a", hanging())
    call = asyncio.create_task(scene.router("a").complete(question()))
    await scene.clock.sleep(5)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await scene.clock.sleep(1)
    assert scene.server.gone == 1


async def test_what_waited_for_leave_asks_nobody_who_has_refused_meanwhile(played: Played) -> None:
    plays = iter([(1.0, None)] * 19 + [(5.0, Fault("forbidden", "403: flagged", status=403))])
    played.player.play = lambda model: next(plays) if model == "a" else (1.0, None)
    router = played.router("a", entry("b", "local"))
    await asyncio.gather(*(router.complete(question(f"{number}")) for number in range(21)))
    assert [sent.model for sent in played.player.sent[-2:]] == ["b", "b"]
    assert day_count(played, router) == 20


# -- what is told ---------------------------------------------------------------------------------------------------


async def test_each_step_is_told(scene: Served) -> None:
    scene.server.play("a", http_error(502, "Bad gateway"), http_error(502, "Bad gateway"))
    scene.server.play("b", after(3, answer(usage={"prompt_tokens": 12, "completion_tokens": 3, "cost": 0})))
    await scene.router("a", "b").complete(question())
    assert [(event.kind, event.model, event.message) for event in scene.events] == [
        ("sent", "a", "Asking a"),
        ("failed", "a", "a: 502: Bad gateway"),
        ("waiting", "a", "a is asked again in 1 s"),
        ("sent", "a", "Asking a"),
        ("failed", "a", "a: 502: Bad gateway"),
        ("next-model", "b", "Trying b"),
        ("sent", "b", "Asking b"),
        ("answered", "b", "b has answered"),
    ]
    assert scene.events[3].data == {"attempt": 2}
    assert scene.events[4].data == {"fault": "down", "status": 502}
    assert scene.events[7].data == {"seconds": 3.0, "prompt_tokens": 12, "completion_tokens": 3, "cost": 0}


async def test_the_run_s_account_of_itself(scene: Served) -> None:
    scene.server.play(
        "a", after(2, http_error(502)), after(3, answer(usage={"prompt_tokens": 12, "completion_tokens": 3}))
    )
    router = scene.router("a")
    await router.complete(question())
    (use,) = router.uses()
    assert (use.model, use.provider, use.requests, use.answers, use.retries) == ("a", "scripted", 2, 1, 1)
    assert (use.prompt_tokens, use.completion_tokens, use.cost) == (12, 3, 0)
    assert use.seconds == pytest.approx(5)
    assert use.faults == {"down": 1}


async def test_the_text_of_a_model_that_failed_is_followed_by_that_of_the_next(scene: Served) -> None:
    scene.server.play("a", half_stream("It begins and"), half_stream("It begins and"))
    scene.server.play("b", streamed(completion("All of it.")))
    heard: list[str] = []
    await scene.router("a", "b").complete(question(), on_text=heard.append)
    assert "".join(heard) == "It begins" * 2 + "All of it."


async def test_the_key_is_in_nothing_that_is_told(scene: Served) -> None:
    scene.server.play("a", http_error(401, f"No such key: {KEY}"))
    router = scene.router("a")
    with pytest.raises(KeyRefused) as caught:
        await router.complete(question())
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert KEY not in told + repr(scene.events) + repr(router) + repr(router.uses()) + str(caught.value)
    assert KEY.encode() not in b"".join(path.read_bytes() for path in scene.folder.iterdir())


async def test_who_fails_to_listen_costs_neither_the_budget_nor_the_probe(played: Played) -> None:
    await open_breaker(played, "a")
    router = played.router("a")

    def fail(_: RouterEvent) -> None:
        raise ZeroDivisionError

    router._on_event = fail
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await router.complete(question())
    assert is_at_rest(played, router, "a")


# -- the tape -------------------------------------------------------------------------------------------------------


async def test_a_tape_stands_between_the_router_and_the_client(scene: Served, tmp_path: Path) -> None:
    scene.server.play("a", http_error(502), answer())
    router = scene.router("a")
    file = tmp_path / "run.tape"
    router._tape = RecordingTape.open(
        file, chain=Chain(router._choices), clock=scene.clock, clean=lambda text: text, seed=0
    )
    await router.complete(question())
    router._tape.close()
    assert router._tape.count == 2


async def test_what_was_not_recorded_ends_it_at_once(scene: Served) -> None:
    class Empty:
        begun = 0

        def begin(self) -> None:
            self.begun += 1

        async def chat(self, *_: Any, **__: Any) -> ChatAnswer:
            raise ReplayMismatch("This was not recorded.")

    router = scene.router("a", "b")
    router._tape = tape = Empty()
    with pytest.raises(ReplayMismatch):
        await router.complete(question())
    assert tape.begun == 1
    assert is_at_rest(scene, router, "a")
