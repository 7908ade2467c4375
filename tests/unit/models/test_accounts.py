from __future__ import annotations

from testwright.model import ModelUse
from testwright.models.accounts import Accounts
from testwright.models.values import ChatAnswer, Fault, ModelEntry, Usage


def entry(name: str, provider: str = "p") -> ModelEntry:
    return ModelEntry(
        name=name, provider=provider, cost_per_1m_input=0, cost_per_1m_output=0, priority=1, status="active"
    )


def test_each_model_has_its_own_account_in_the_order_of_asking() -> None:
    accounts = Accounts()
    first, second, same_name = entry("z"), entry("a"), entry("z", "q")
    accounts.sent(first, is_again=False)
    accounts.failed(first, Fault("down", "it is down", usage=Usage(prompt_tokens=3)), seconds=2.0)
    accounts.sent(first, is_again=True)
    accounts.failed(first, Fault("down", "it is down"), seconds=1.0)
    accounts.changed(first, "open")
    accounts.sent(second, is_again=False)
    usage = Usage(prompt_tokens=10, completion_tokens=5, cost=0.25)
    accounts.answered(second, ChatAnswer(model="a", body={}, finish_reason="stop", usage=usage, seconds=4.0))
    accounts.failed(same_name, Fault("network", "no connection", was_sent=False), seconds=0.5)
    accounts.sent(first, is_again=True)
    accounts.cancelled(first, seconds=8.0)
    accounts.changed(first, "half-open")
    assert accounts.uses() == (
        ModelUse(
            "z", "p", 3, 0, prompt_tokens=3, seconds=11.0, retries=2, faults={"down": 2}, breaker=("open", "half-open")
        ),
        ModelUse("a", "p", 1, 1, 10, 5, 0.25, 4.0),
        ModelUse("z", "q", 0, 0, seconds=0.5, faults={"network": 1}),
    )


def test_what_was_handed_out_does_not_change_later() -> None:
    accounts = Accounts()
    accounts.failed(entry("a"), Fault("empty", "empty"), seconds=1.0)
    before = accounts.uses()
    accounts.failed(entry("a"), Fault("empty", "empty"), seconds=1.0)
    assert before[0].faults == {"empty": 1}
