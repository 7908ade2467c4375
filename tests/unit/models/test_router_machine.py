"""Any order of questions, faults, cancelled calls and waits, against what must hold for all of them."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict, deque
from pathlib import Path
from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from routed import Play, Player, Scene, Sent, entry, question
from virtual_clock import VirtualClock

from testwright.errors import ModelError
from testwright.models.course import MOST_REPEATS
from testwright.models.policy import RULES
from testwright.models.router import Router
from testwright.models.values import ChatAnswer, Fault, FaultKind, Provider

PER_MINUTE, PER_DAY = 6, 25
DAY = 86_400.0
MODELS = {"a:free": "free", "b:free": "free", "c:free": "free", "d": "local"}
SMALL, LARGE = 8_000, 32_000

SPOIL_THE_RUN = {kind for kind, rule_of in RULES.items() if rule_of.spoils == "run"}

FAULTS = st.builds(
    lambda kind, status, retry_after, was_sent: Fault(
        kind, f"it is {kind}", status=status, retry_after=retry_after, was_sent=was_sent or kind != "network"
    ),
    st.sampled_from(sorted(RULES)),
    st.sampled_from([None, 429, 503]),
    st.sampled_from([None, 0.0, 5.0, 45.0, 400.0, 7_200.0]),
    st.booleans(),
)
PLAYS = st.tuples(st.sampled_from([0.0, 1.0, 20.0, 200.0]), st.one_of(FAULTS, FAULTS, st.none()))


class RouterMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = VirtualClock()
        self.runner.run(self._attach())
        self.scripts: dict[str, deque[Play]] = defaultdict(deque)
        self.player = Player(self.clock, self.play)
        providers = {
            "free": Provider(
                name="free",
                base_url="http://127.0.0.1:1/v1",
                free_requests_per_minute=PER_MINUTE,
                free_requests_per_day=PER_DAY,
            ),
            "local": Provider(name="local", base_url="http://127.0.0.1:2/v1"),
        }
        self.scene = Scene(Path(self.folder.name), self.player.as_client, providers, self.clock)
        self.questions = 0

    async def _attach(self) -> None:
        """One thread for the ledger, so that an order of events can be played again."""
        self.clock.attach()
        assert self.clock._watch is not None
        self.clock._watch._threads._max_workers = 1

    def teardown(self) -> None:
        self.scene.close()
        self.runner.close()
        self.folder.cleanup()

    def play(self, model: str) -> Play:
        script = self.scripts[model]
        return script.popleft() if script else (1.0, None)

    @initialize(
        requests=st.sampled_from([5, 300]),
        tokens=st.sampled_from([700, 100_000, 100_000]),
        seconds=st.sampled_from([100.0, 1_800.0]),
    )
    def begin(self, requests: int, tokens: int, seconds: float) -> None:
        self.new_run(requests, tokens, seconds)

    @rule(
        requests=st.sampled_from([5, 300]),
        tokens=st.sampled_from([700, 100_000, 100_000]),
        seconds=st.sampled_from([100.0, 1_800.0]),
    )
    def new_run(self, requests: int, tokens: int, seconds: float) -> None:
        self.requests, self.tokens = requests, tokens
        entries = [
            entry(name, provider, context_window=SMALL if name == "b:free" else LARGE)
            for name, provider in MODELS.items()
        ]
        self.router: Router = self.scene.router(*entries, requests=requests, tokens=tokens, seconds=seconds)
        self.scripts.clear()
        self.ends = self.clock.monotonic() + seconds
        self.before = len(self.player.sent)

    @rule(kind=st.sampled_from(sorted(RULES)), retry_after=st.sampled_from([None, 5.0, 400.0]))
    def foresee_for_all(self, kind: FaultKind, retry_after: float | None) -> None:
        for model in MODELS:
            self.scripts[model].extend([(1.0, Fault(kind, f"it is {kind}", retry_after=retry_after))] * 3)

    @rule(
        scripts=st.fixed_dictionaries({model: st.lists(PLAYS, max_size=3) for model in MODELS}),
        count=st.sampled_from([1, 1, 1, 2, 4]),
        cancel_after=st.sampled_from([None, None, None, 0.0, 0.5, 30.0]),
    )
    def ask(self, scripts: dict[str, list[Play]], count: int, cancel_after: float | None) -> None:
        for model, plays in scripts.items():
            self.scripts[model].extend(plays)
        self.runner.run(self._ask(count, cancel_after))

    @rule()
    def ask_many_at_once(self) -> None:
        self.runner.run(self._ask(12, None))

    async def _ask(self, count: int, cancel_after: float | None) -> None:
        first = len(self.player.sent)
        texts = []
        for _ in range(count):
            self.questions += 1
            texts.append(f"question {self.questions}")
        async with asyncio.timeout(60):  # no limit of the router's: what hangs must fail
            calls = [asyncio.create_task(self.call(text)) for text in texts]
            if cancel_after is not None:
                await self.clock.sleep(cancel_after)
                for call in calls[::2]:
                    call.cancel()
            results = await asyncio.gather(*calls, return_exceptions=True)
        for at, result in enumerate(results):
            mine = [one for one in self.player.sent[first:] if one.text == texts[at]]
            answers = [one for one in mine if one.came_to == "answer"]
            if isinstance(result, ChatAnswer):
                assert [one.model for one in answers] == [result.model]
                assert mine[-1] is answers[0]
            elif isinstance(result, asyncio.CancelledError):
                assert cancel_after is not None
                assert at % 2 == 0
                assert not answers
            else:
                assert isinstance(result, ModelError), result
                assert result.message
                assert result.next_step
                assert not answers
            self.check_one(mine)

    async def call(self, text: str) -> ChatAnswer:
        began = self.clock.monotonic()
        try:
            return await self.router.complete(question(text))
        finally:
            assert self.clock.monotonic() <= max(self.ends, began)

    def check_one(self, mine: list[Sent]) -> None:
        """Of one question: what is permanent is not asked again, and what failed only so often."""
        failed: set[str] = set()
        done: set[str] = set()
        repeats = 0
        for sent in mine:
            assert sent.model not in done, mine
            assert sent.when < self.ends
            repeats += sent.model in failed and sent.was_sent
            if sent.came_to in {"answer", "cancelled"}:
                continue
            rule_of = RULES[cast("FaultKind", sent.came_to)]
            failed.add(sent.model)
            if rule_of.step == "stop" or (rule_of.step == "larger" and sent.model != "b:free"):
                done.update(MODELS)
            elif rule_of.spoils != "nothing":
                done.add(sent.model)
        assert repeats <= MOST_REPEATS + 1

    @rule(seconds=st.sampled_from([1.0, 30.0, 600.0, 40_000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # -- what holds at any time -------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_counts_what_was_sent(self) -> None:
        midnight = self.clock.time() - self.clock.time() % DAY
        sent = [one for one in self.player.sent if one.was_sent and one.provider == "free" and one.wall >= midnight]
        account = self.router._account_of[0]
        assert self.scene.ledger.usage(account, self.clock.time()).day == len(sent)

    @invariant()
    def no_limit_of_the_account_is_passed(self) -> None:
        whens = sorted(one.wall for one in self.player.sent if one.was_sent and one.provider == "free")
        days: dict[float, int] = defaultdict(int)
        for at, wall in enumerate(whens):
            days[wall // DAY] += 1
            within = [other for other in whens[at:] if other < wall + 60 - 1e-6]  # what a float loses in 2027
            assert len(within) <= PER_MINUTE, within
        assert all(count <= PER_DAY for count in days.values())

    @invariant()
    def no_limit_of_the_run_is_passed(self) -> None:
        sent = [one for one in self.player.sent[self.before :] if one.was_sent]
        assert len(sent) <= self.requests
        assert 15 * sum(one.came_to == "answer" for one in sent) <= self.tokens

    @invariant()
    def a_model_that_was_forbidden_is_not_asked_again_in_the_run(self) -> None:
        spoilt: dict[str, float] = {}
        for one in sorted(self.player.sent[self.before :], key=lambda sent: sent.number):
            assert one.when <= spoilt.get(one.model, one.when), one
            if one.came_to in SPOIL_THE_RUN:
                spoilt[one.model] = min(one.ended, spoilt.get(one.model, one.ended))

    @invariant()
    def the_account_of_the_run_is_what_was_seen(self) -> None:
        sent = self.player.sent[self.before :]
        uses = self.router.uses()
        assert sum(use.requests for use in uses) == sum(one.was_sent for one in sent)
        assert sum(use.answers for use in uses) == sum(one.came_to == "answer" for one in sent)
        assert sum(sum(use.faults.values()) for use in uses) == sum(one.came_to in RULES for one in sent)

    @invariant()
    def nothing_is_held_when_nothing_is_under_way(self) -> None:
        assert self.player.under_way == 0
        assert self.router._budget._held == {}
        for name, provider in MODELS.items():
            assert self.scene.breakers.of(provider, name).ready_in() is not None


TestRouter = RouterMachine.TestCase
TestRouter.settings = settings(deadline=None, max_examples=80, stateful_step_count=15)
