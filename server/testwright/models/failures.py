"""What the user reads when a question has no answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from testwright.errors import CreditsExhausted, KeyRefused, ModelError, RequestRefused
from testwright.models.values import Attempted, Choice, Fault, told


def stopped(choice: Choice, fault: Fault) -> ModelError:
    """The error of a fault that no other try mends."""
    entry, provider = choice.entry, choice.provider
    said = fault.words.rstrip(". ")
    match fault.kind:
        case "bad-key":
            where = provider.key_variable or "the key for this address"
            return KeyRefused(
                f"{provider.name} does not accept the key ({said}).",
                next_step=f"Check {where}: is it this provider's, whole, and not withdrawn?",
            )
        case "no-credits":
            return CreditsExhausted(
                f"The account at {provider.name} has no credits left ({said}).",
                next_step="Add credits there; a negative balance blocks free models, too.",
            )
        case _:
            return RequestRefused(
                f"{provider.name} takes the request to {entry.name} for wrong ({said}).",
                next_step="Try another model (preferred-model); if it goes on, report it with what `--record` saves.",
            )


def reasons(attempts: Sequence[Attempted]) -> str:
    """Why each model gave no answer, as a part of a sentence; those with the same reason stand together."""
    models: dict[str, list[str]] = {}
    for attempt in attempts:
        models.setdefault(attempt.words, []).append(attempt.model)
    return told([Attempted(model=", ".join(names), kind="down", words=words) for words, names in models.items()])


def next_step(attempts: Sequence[Attempted]) -> str:
    """What the user can do when each model has failed in its way."""
    kinds = {attempt.kind for attempt in attempts}
    if kinds == {"context-exceeded"}:
        return "Choose a model with a larger context (preferred-model), or a smaller module."
    if kinds == {"network"}:
        return "Check the network, and whether the model's server is running."
    if kinds <= {"empty", "looping", "tool-call-as-text", "bad-tool-call", "gone", "forbidden"}:
        return "Choose another model (preferred-model); `testwright models list` shows those there are."
    return "Try again later, or add models of other providers (fallback-models)."
