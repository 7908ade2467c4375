"""The one door to models: from settings to answers, or to an error that says what stands in the way.

In this order: settings, registry and keys make a chain (``NoModels``), the addresses of its providers are looked at
(``KeyRefused``), the user must have agreed (``ConsentMissing``), and only then is there a router that sends.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom

from testwright.errors import UsageError, WriteFailure
from testwright.housekeeping import APPLICATION, remove_tree, scratch_parent, state_dir
from testwright.model import ModelUse
from testwright.models.accounts import joined
from testwright.models.breaker import Breakers
from testwright.models.budget import RunLimits
from testwright.models.client import Endpoint, ProviderClient, Timeouts
from testwright.models.clock import Clock, SystemClock
from testwright.models.consent import require_consent
from testwright.models.keys import Variables, check_address, cleaned
from testwright.models.plan import Plan, plan_models
from testwright.models.router import Router
from testwright.models.selection import no_models
from testwright.models.tape import RecordingTape, ReplayTape
from testwright.models.values import Chain, ChatAnswer, ChatRequest, Choice, Need, RouterEvent
from testwright.settings import Settings
from testwright.store.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the models of a run are asked with; tests give a clock of their own and a seeded source of chance.

    Attributes:
        clock: For all times and waits; a replay has the record's.
        random: For the jitter of waits.
        breakers: Those of the models, over the same clock; new ones when None.
        timeouts: How long one request may take.
    """

    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=SystemRandom)
    breakers: Breakers | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where answers come from: providers over the network, or a record."""

    chain: Chain
    endpoints: Mapping[str, Endpoint]
    ledger: Ledger
    clock: Clock
    random: Random
    tape: RecordingTape | ReplayTape | None
    notes: tuple[str, ...]


class Models:
    """The models of one run, as ``open_models`` has made them ready.

    Attributes:
        chain: Who may be asked, and why the others may not.
        endpoints: Address and key of each provider, by name.
        client: Sends what is no question, such as ``/models``.
        ledger: Where this machine's requests are counted; of a replay, one that nobody else sees.
        clock: The run's.
    """

    def __init__(
        self,
        source: _Source,
        client: ProviderClient,
        limits: RunLimits,
        make_router: Callable[[Chain, RunLimits], Router],
    ) -> None:
        self.chain = source.chain
        self.endpoints = source.endpoints
        self.client = client
        self.ledger = source.ledger
        self.clock = source.clock
        self._tape = source.tape
        self._notes = list(source.notes)
        self._limits = limits
        self._began = source.clock.monotonic()
        self._make_router = make_router
        self._routers = [make_router(source.chain, limits)]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user; there may be more of them when the run has ended."""
        return (*self._notes, *(() if self._tape is None else self._tape.notes))

    async def complete(self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        """Ask for one answer; see ``Router.complete``."""
        return await self._routers[0].complete(request, on_text=on_text)

    def alone(self, choice: Choice, *, requests: int = 1) -> Router:
        """A router that asks one model and no other, within what is left of the run's limits.

        Args:
            choice: The model, of this chain.
            requests: That may be sent to it at most.
        """
        uses = self.uses()
        limits = RunLimits(
            requests=max(0, min(requests, self._limits.requests - sum(use.requests for use in uses))),
            tokens=max(0, self._limits.tokens - sum(use.prompt_tokens + use.completion_tokens for use in uses)),
            cost=max(0.0, self._limits.cost - sum(use.cost for use in uses)),
            seconds=max(0.0, self._began + self._limits.seconds - self.clock.monotonic()),
        )
        router = self._make_router(Chain((choice,)), limits)
        self._routers.append(router)
        return router

    def uses(self) -> tuple[ModelUse, ...]:
        """What has been asked of each model up to now."""
        return joined(use for router in self._routers for use in router.uses())

    def note(self, sentence: str) -> None:
        """Add a sentence for the user, if there is one."""
        if sentence:
            self._notes.append(sentence)


def endpoints_of(plan: Plan) -> dict[str, Endpoint]:
    """Address and key of each provider in a plan, by name.

    Raises:
        SettingsError: An address that cannot be read.
        KeyRefused: A key that must not be sent to its provider's address.
    """
    for state in plan.keys:
        check_address(state.provider, state.key)
    return {state.provider.name: Endpoint(provider=state.provider, key=state.key) for state in plan.keys}


@asynccontextmanager
async def open_models(  # noqa: PLR0913 - all that a run may want to say of its models
    settings: Settings,
    workspace: Path,
    *,
    environ: Mapping[str, str],
    on_event: Callable[[RouterEvent], None],
    need: Need | None = None,
    record: Path | None = None,
    replay: Path | None = None,
    means: Means | None = None,
    probe: bool = False,
    run: str | None = None,
) -> AsyncIterator[Models]:
    """The models of a run, for as long as it lasts; what was asked of them is kept for ``testwright models stats``.

    Args:
        settings: The run's.
        workspace: Whose code it is about.
        environ: Where keys are looked for, and which name our folders.
        on_event: Told of each step, in the event loop.
        need: What the task needs of a model; one that calls tools when None.
        record: A new file that gets what is asked and answered.
        replay: A file that ``record`` has made, and which answers: nothing is sent and nothing is counted, and neither
            keys nor consent are needed.
        means: Clock, chance, breakers, limits of time; when None the machine's, and breakers that all runs of this
            process share.
        probe: Whether it is about what models can do. It must hold nothing of the workspace, and so needs no consent.
        run: Names the run; something unique when None.

    Raises:
        UsageError: The record exists already or cannot be made, the file to replay cannot be read, or both are given.
        SettingsError: A registry or an address that is wrong.
        NoModels: There is nobody to ask.
        KeyRefused: A key that is none, or must not be sent where it belongs.
        ConsentMissing: The user has not agreed.
        WriteFailure: The disk refuses the ledger.
    """
    if record is not None and replay is not None:
        raise UsageError(
            "A run cannot be recorded and replayed at once.", next_step="Give one of --record and --replay."
        )
    means = Means(breakers=_breakers_of_process()) if means is None else means
    environ = Variables(environ)
    limits = RunLimits(
        requests=settings.max_model_requests,
        tokens=settings.max_model_tokens,
        cost=settings.max_model_cost,
        seconds=settings.model_deadline,
    )
    async with AsyncExitStack() as stack:
        if replay is None:
            ledger = Ledger(await asyncio.to_thread(state_dir, environ))  # opened when it is first looked at
            stack.push_async_callback(asyncio.to_thread, ledger.close)
            look = functools.partial(plan_models, settings, workspace, environ=environ, need=need, probe=probe)
            plan = await asyncio.to_thread(look, ledger=ledger, now=means.clock.time())
            if not plan.chain.taken:
                raise no_models(plan.chain)
            if not probe:
                require_consent(plan.consent)
            source = await _providers(plan, ledger, means, record, stack)
        else:
            source = await _replay(replay, stack)
        shared = means.breakers if replay is None else None
        breakers = Breakers(source.clock) if shared is None else shared
        client = await stack.enter_async_context(ProviderClient(clock=source.clock, timeouts=means.timeouts))

        def make_router(chain: Chain, limits: RunLimits) -> Router:
            return Router(
                chain=chain,
                endpoints=source.endpoints,
                client=client,
                ledger=source.ledger,
                limits=limits,
                breakers=breakers,
                clock=source.clock,
                random=source.random,
                data_collection=settings.data_collection,
                on_event=on_event,
                tape=source.tape,
            )

        models = Models(source, client, limits, make_router)
        try:
            yield models
        finally:
            if replay is None:
                when = source.clock.time()
                models.note(await asyncio.to_thread(_settle, source.ledger, run, models.uses(), when))


async def _providers(plan: Plan, ledger: Ledger, means: Means, record: Path | None, stack: AsyncExitStack) -> _Source:
    """Those that a plan names."""
    tape, clock, random = None, means.clock, means.random
    endpoints = endpoints_of(plan)
    if record is not None:
        clean = functools.partial(cleaned, secrets=[state.key for state in plan.keys if state.key is not None])
        seed = random.getrandbits(32)
        random = Random(seed)  # noqa: S311 - it spreads waits
        tape = RecordingTape.open(record, chain=plan.chain, clock=clock, clean=clean, seed=seed)
        stack.push_async_callback(asyncio.to_thread, tape.close)
    return _Source(
        chain=plan.chain,
        endpoints=endpoints,
        ledger=ledger,
        clock=clock,
        random=random,
        tape=tape,
        notes=plan.notes,
    )


async def _replay(path: Path, stack: AsyncExitStack) -> _Source:
    """What was recorded, over a ledger that nobody else sees."""
    tape = await asyncio.to_thread(ReplayTape.open, path)
    folder = scratch_parent() / f"{APPLICATION}-replay-{secrets.token_hex(16)}"
    _make_private(folder)
    stack.push_async_callback(asyncio.to_thread, _remove, folder)
    ledger = Ledger(folder)
    stack.push_async_callback(asyncio.to_thread, ledger.close)
    endpoints = {choice.provider.name: Endpoint(provider=choice.provider, key=None) for choice in tape.chain.choices}
    return _Source(
        chain=tape.chain,
        endpoints=endpoints,
        ledger=ledger,
        clock=tape.clock,
        random=Random(tape.seed),  # noqa: S311 - it spreads waits
        tape=tape,
        notes=(),
    )


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise WriteFailure(
            f"A folder for the replay cannot be made at {folder}: {error.strerror or error}.",
            next_step="Set TMPDIR to a folder that can be written.",
        ) from error


def _remove(folder: Path) -> None:
    with suppress(OSError):  # `testwright clean` removes what is left of it
        remove_tree(folder)


def _settle(ledger: Ledger, run: str | None, uses: tuple[ModelUse, ...], when: float) -> str:
    """Keep what was asked, and close the ledger; a note when that failed, else nothing."""
    with ledger:
        try:
            if uses:
                ledger.add_use(run or secrets.token_hex(16), uses, when=when)
        except WriteFailure as error:
            return f"What was asked of models is not kept for `testwright models stats`: {error.message}"
    return ""


@functools.cache
def _breakers_of_process() -> Breakers:
    return Breakers(SystemClock())
