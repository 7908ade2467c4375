"""What a user reads about the limits of an account: which it is, and when it is over. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from testwright.errors import AccountLimit
from testwright.models.values import Provider
from testwright.store.ledger import Full


def reset_words(resets_at: float, now: float, zone: tzinfo | None = None) -> str:
    """When a limit is over: ``at 01:00 (00:00 UTC), in 1 hour 12 minutes``.

    Args:
        resets_at: Seconds since 1970 UTC.
        now: The same; the day is told when it is another.
        zone: The user's; that of the machine when None.
    """
    utc = datetime.fromtimestamp(resets_at, UTC)
    local, today = utc.astimezone(zone), datetime.fromtimestamp(now, UTC).astimezone(zone)
    day = "" if local.date() == today.date() else f" on {local:%Y-%m-%d}"
    if local.utcoffset() == utc.utcoffset():
        return f"at {utc:%H:%M} UTC{day}, in {_length(resets_at - now)}"
    return f"at {local:%H:%M} ({utc:%H:%M} UTC){day}, in {_length(resets_at - now)}"


def wait_words(provider: Provider, full: Full, now: float) -> str:
    """A few words while it is waited for: ``openrouter takes no more requests for 12 seconds (20 a minute)``."""
    limit = full.reason if full.kind == "closed" else f"{full.allowed:,} a {full.kind}"
    return f"{provider.name} takes no more requests for {_length(full.resets_at - now)} ({limit})"


def limit_error(provider: Provider, full: Full, now: float) -> AccountLimit:
    """The error for a limit that is not over in time."""
    if full.kind == "closed":
        limit = f"no more requests of this account for now: {full.reason.rstrip('. ')}"
    else:
        requests = _count(full.allowed or 0, "request")
        limit = f"{requests} a {full.kind} of one account to free models, and no more is left"
    next_step = "Wait until then, or name a model of another account in preferred-model."
    if provider.speaks_openrouter and full.kind != "minute":
        next_step += " OpenRouter allows more free requests a day to accounts that have bought ten credits once."
    return AccountLimit(
        f"{provider.name} takes {limit}. It takes some again {reset_words(full.resets_at, now)}.",
        next_step=next_step,
        resets_at=full.resets_at,
    )


def _length(seconds: float) -> str:
    """A length of time in its two largest units, rounded up: ``1 hour 12 minutes``, ``12 seconds``."""
    whole = max(1, -int(-seconds // 1))
    if whole < 60:
        return _count(whole, "second")
    minutes = -(-whole // 60)
    hours, minutes = divmod(minutes, 60)
    parts = [_count(number, unit) for number, unit in ((hours, "hour"), (minutes, "minute")) if number]
    return " ".join(parts)


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number:,} {unit}s"
