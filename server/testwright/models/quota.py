"""An account's leave for each request: counted in the ledger before it is sent, so that no limit is passed.

An account is what one key pays for at one provider; its free models have limits of their own, so they count as another.
Two keys of one user may be one account at the provider, which nobody tells us: then it is the provider that says no.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from testwright.errors import WriteFailure
from testwright.models.quota_words import limit_error, reset_words, wait_words
from testwright.models.values import Fault, JsonObject, ModelEntry
from testwright.store.ledger import AccountUsage, Full, Ledger, Reservation
from testwright.store.requests import DAY, MINUTE, day_start

if TYPE_CHECKING:
    from testwright.models.client import Endpoint
    from testwright.models.clock import Clock

__all__ = ["Admission", "Quota", "reset_words"]

LONGEST_CLOSURE = DAY + 3600.0
"""Seconds for which an account is closed at most; a provider that names a later time has another clock than we."""
LOOK_SECONDS = 10.0
"""How long the provider is waited for when it is asked what is left."""
LOOK_AGAIN_SECONDS = 600.0
"""After which it is asked again, when a limit is reached."""
_NAP_SECONDS = 60.0  # the wall clock may be set while it is waited for

_T = TypeVar("_T")


class Admission:
    """Leave to send one request. It counts from the start, so nothing is to be done when it is sent.

    Attributes:
        account: Whose limits it counts against.
    """

    def __init__(self, ledger: Ledger, reservation: Reservation) -> None:
        self.account = reservation.account
        self._ledger = ledger
        self._reservation = reservation

    async def not_sent(self) -> None:
        """Give it back, because no byte has left; a second time does nothing.

        When the disk refuses, it counts all the same: then a request fewer is sent than could be.
        """
        with suppress(WriteFailure):
            await _in_thread(lambda: self._ledger.release(self._reservation))


class Quota:
    """The accounts of one run, over the ledger that all runs share. It belongs to one event loop.

    Args:
        ledger: Where requests are counted.
        clock: Both of its times are read, and all waits are its own.
        ask: ``ProviderClient.get``, to ask OpenRouter what is left of a day; None to go by what the ledger knows.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, *, ask: Callable[[Endpoint, str], Awaitable[JsonObject]] | None = None
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._ask = ask
        self._looked: dict[str, float] = {}
        self._looking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def account_of(self, endpoint: Endpoint, entry: ModelEntry) -> str:
        """Names the account that pays for a request: provider, a digest of the key, and whether the model is free."""
        provider = endpoint.provider
        digest = hashlib.sha256((provider.base_url if endpoint.key is None else endpoint.key.reveal()).encode())
        return f"{provider.name}/{digest.hexdigest()[:16]}/{'free' if entry.free else 'paid'}"

    async def admit(
        self,
        endpoint: Endpoint,
        entry: ModelEntry,
        *,
        deadline: float,
        on_wait: Callable[[float, str], None] | None = None,
    ) -> Admission:
        """Leave to send one request now, waited for when it comes before the deadline.

        Args:
            endpoint: Who is to be asked.
            entry: Which model.
            deadline: In seconds of the clock's monotonic time; no wait is begun that would last until then.
            on_wait: Told once, when there is a wait, until when (seconds since 1970 UTC) and why, in a few words.

        Raises:
            AccountLimit: There is no leave in time.
            WriteFailure: Requests cannot be counted, so none may be sent.
        """
        account = self.account_of(endpoint, entry)
        await self._look_first(endpoint, entry, account)
        is_told = False
        while True:
            outcome = await self._reserve(endpoint, entry, account)
            if isinstance(outcome, Reservation):
                return Admission(self._ledger, outcome)
            now = self._clock.time()
            wait = max(0.0, outcome.resets_at - now)
            if wait > MINUTE and await self._is_more_allowed(endpoint, entry, account, outcome):
                continue
            if self._clock.monotonic() + wait >= deadline:
                raise limit_error(endpoint.provider, outcome, now)
            if on_wait is not None and not is_told:
                on_wait(outcome.resets_at, wait_words(endpoint.provider, outcome, now))
                is_told = True
            await self._clock.sleep(min(wait, _NAP_SECONDS))

    async def learn(self, endpoint: Endpoint, entry: ModelEntry, fault: Fault) -> float | None:
        """Close an account for all processes when a fault says that its limit is reached.

        Returns:
            Until when, in seconds since 1970 UTC; None when the fault says no such thing.

        Raises:
            WriteFailure: It cannot be noted.
        """
        now = self._clock.time()
        if fault.kind == "account-day-limit":
            until = _told_end(fault, now) or day_start(now) + DAY
        elif fault.kind == "account-minute-limit":
            until = _told_end(fault, now) or now + MINUTE
        else:
            return None
        account = self.account_of(endpoint, entry)
        await _in_thread(
            lambda: self._ledger.close_account(account, until=until, reason=fault.words, now=self._clock.time)
        )
        return until

    async def usage(self, endpoint: Endpoint, entry: ModelEntry) -> AccountUsage:
        """What is known of the account that pays for a model.

        Raises:
            WriteFailure: The ledger cannot be read.
        """
        account = self.account_of(endpoint, entry)
        return await _in_thread(lambda: self._ledger.usage(account, self._clock.time()))

    async def _reserve(self, endpoint: Endpoint, entry: ModelEntry, account: str) -> Reservation | Full:
        """Count a request; when this is cancelled meanwhile, it is given back."""
        provider = endpoint.provider
        outcome: asyncio.Future[Reservation | Full] = asyncio.get_running_loop().run_in_executor(
            None,
            lambda: self._ledger.reserve(
                account,
                per_minute=provider.free_requests_per_minute if entry.free else None,
                per_day=provider.free_requests_per_day if entry.free else None,
                now=self._clock.time,
            ),
        )
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            with suppress(WriteFailure):
                reserved = await _ended(outcome)
                if isinstance(reserved, Reservation):
                    await Admission(self._ledger, reserved).not_sent()
            raise

    # -- what the provider says is left -----------------------------------------------------------------------------

    async def _look_first(self, endpoint: Endpoint, entry: ModelEntry, account: str) -> None:
        """Ask once before the first request: the account may have been used elsewhere, or be allowed more."""
        if not self._can_look(endpoint, entry) or account in self._looked:
            return
        async with self._looking[account]:
            if account not in self._looked:
                await self._look(endpoint, account)

    async def _is_more_allowed(self, endpoint: Endpoint, entry: ModelEntry, account: str, full: Full) -> bool:
        """Whether the provider allows more a day by now than when the limit was reached; it is open again then."""
        if not self._can_look(endpoint, entry):
            return False
        async with self._looking[account]:
            if self._clock.monotonic() - self._looked.get(account, -math.inf) >= LOOK_AGAIN_SECONDS:
                await self._look(endpoint, account)
            allowed = endpoint.provider.free_requests_per_day if full.allowed is None else full.allowed
            now = await self.usage(endpoint, entry)
            if allowed is None or now.per_day is None or now.per_day <= allowed or now.day >= now.per_day:
                return False
            if full.kind == "closed":
                await _in_thread(lambda: self._ledger.open_account(account, until=full.resets_at))
            return True

    def _can_look(self, endpoint: Endpoint, entry: ModelEntry) -> bool:
        is_known = endpoint.provider.speaks_openrouter and endpoint.key is not None
        return self._ask is not None and is_known and entry.free

    async def _look(self, endpoint: Endpoint, account: str) -> None:
        """Ask what is left and note it. When the provider does not say, the ledger's own count has to do."""
        asked = self._clock.time()
        said = _daily_requests(await self._asked(endpoint))
        self._looked[account] = self._clock.monotonic()
        if said is not None:
            limit, used = said
            await _in_thread(lambda: self._ledger.learn_limit(account, per_day=limit, used=used, now=asked))

    async def _asked(self, endpoint: Endpoint) -> JsonObject:
        """The answer of ``/key``, empty when there is none in time."""
        if self._ask is None:
            return {}
        answer = asyncio.ensure_future(self._ask(endpoint, "/key"))
        limit = asyncio.ensure_future(self._clock.sleep(LOOK_SECONDS))
        try:
            await asyncio.wait([answer, limit], return_when=asyncio.FIRST_COMPLETED)
            return answer.result() if answer.done() else {}
        except Fault:
            return {}
        finally:
            answer.cancel()
            limit.cancel()
            await asyncio.gather(answer, limit, return_exceptions=True)


def _daily_requests(payload: JsonObject) -> tuple[int, int] | None:
    """How many free requests a day are allowed, and used up, by an answer of OpenRouter's ``/key``; None if not told.

    The fields are those of https://openrouter.ai/docs/client-sdks/python/components/freemodeldailyrequests.
    """
    value: Any = payload
    for name in ("data", "free_model_daily_requests"):
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        return None
    limit, used = _whole(value.get("limit")), _whole(value.get("used"))
    return None if limit is None or used is None else (limit, used)


def _whole(value: object) -> int | None:
    """A count, at most what a database takes; the documentation says only that it is a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        return None
    return int(value)


def _told_end(fault: Fault, now: float) -> float | None:
    """When a limit ends as the provider says; None when it does not, or names a time that cannot be."""
    told = [fault.resets_at] if fault.resets_at is not None else []
    if fault.retry_after is not None:
        told.append(now + fault.retry_after)
    return next((end for end in told if now < end <= now + LONGEST_CLOSURE), None)


async def _in_thread(work: Callable[[], _T]) -> _T:
    """Do something that blocks, to its end also when this is cancelled meanwhile."""
    outcome = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        with suppress(WriteFailure):
            await _ended(outcome)
        raise


async def _ended(outcome: asyncio.Future[_T]) -> _T:
    """What came of it, whoever cancels meanwhile: it takes milliseconds, and what it has done must be known."""
    while not outcome.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([outcome])
    return outcome.result()
