"""The whole way with the real SDK: a file that was corrected by what the tools have said, round after round."""

from __future__ import annotations

import hashlib

import pytest
from agent_host import AgentHost, words_of
from scripted_agent import Body, Moves, ScriptedAgent, Worker, finish, run

PRICES = Worker(
    imports="from shop.prices import label, total",
    guesses={"total([1, 2.5])": "4", "label('tea', 3)": "'tea: 3.00'", "total([1], 101)": "0"},
    more={"total([10], 25)": "2.5"},
)
STOCK = Worker(
    imports="from shop.stock import Stock",
    guesses={
        "Stock().add('tea').items": "{'tea': 1}",
        "Stock().add('tea', 3).take('tea')": "3",
        "Stock().take('tea')": "0",
    },
)

pytestmark = pytest.mark.agent


def fresh(worker: Worker) -> Worker:
    return Worker(imports=worker.imports, guesses=worker.guesses, more=worker.more)


async def test_a_guess_is_corrected_by_what_pytest_says(host: AgentHost) -> None:
    async with host.conversation(fresh(PRICES)) as conversation:
        file, end = await conversation.round()
        assert (end["status"], file["problem"]) == ("finished", None)
        assert "assert total([1, 2.5]) == 3.5" in file["text"]
        assert "assert label('tea', 3) == 'Tea: 3.00'" in file["text"]
        assert "with pytest.raises(ValueError):\n        total([1], 101)" in file["text"]
        assert file["sha"] == hashlib.sha256(file["text"].encode()).hexdigest()
        first = words_of(conversation.lines)
        assert first[1] == "2 create tests/test_agent.py"
        assert first[-1].endswith("finish")
        runs = [line for line in conversation.all("step") if "pytest" in line["words"] and "output" in line]
        assert [line["exit_code"] for line in runs] == [1, 0]
        assert "3 failed" in runs[0]["output"]
        # The same conversation goes on: the agent knows what it has written.
        file, end = await conversation.round("Line 8 is not covered yet. test_case_2 was not taken.")
        assert end["status"] == "finished"
        assert "assert total([10], 25) == 7.5" in file["text"]
        assert "label(" not in file["text"].partition("\n\n")[2]
        ended = await conversation.end()
    assert (ended.cause, ended.code) == ("exited", 0)
    numbers = [line["number"] for line in conversation.all("step")]
    assert set(numbers) == set(range(1, numbers[-1] + 1))
    assert conversation.all("round_end")[1]["steps"] == numbers[-1] - conversation.all("round_end")[0]["steps"]


async def test_another_module_makes_other_moves(one_host: AgentHost) -> None:
    async with one_host.conversation(fresh(STOCK)) as conversation:
        file, end = await conversation.round()
    assert end["status"] == "finished"
    assert "Stock().add('tea', 3).take('tea') == 2" in file["text"]
    assert "with pytest.raises(KeyError):\n        Stock().take('tea')" in file["text"]


async def test_a_model_without_tool_calls_is_told_the_tools_in_words(one_host: AgentHost) -> None:
    worker = fresh(STOCK)
    async with one_host.conversation(worker, tool_calling=False) as conversation:
        file, end = await conversation.round()
    assert end["status"] == "finished"
    assert all("tools" not in body for body in worker.bodies)
    assert "Stock().add('tea', 3).take('tea') == 2" in file["text"]


async def test_a_long_conversation_is_kept_within_what_the_model_reads(one_host: AgentHost) -> None:
    class Talkative(ScriptedAgent):
        def move(self, _: Body, /) -> Moves:
            return run(f"seq {self.turn}000 {self.turn}999") if self.turn < 12 else finish()

    agent = Talkative()
    async with one_host.conversation(agent, max_input_tokens=12_000) as conversation:
        _, end = await conversation.round()
    assert end["status"] == "finished"
    assert len(str(agent.bodies[-1])) < 12_000 * 4
    assert "An earlier output of" in str(agent.bodies[-1])
    assert "An earlier output of" not in str(agent.bodies[2])


class Looks(ScriptedAgent):
    commands = (
        "python -c 'import sys, shop.stock; print(sys.version_info[:2])'",
        "python3 -c 'import sys, shop.stock; print(sys.version_info[:2])'",
        "pytest -q tests",
        "py.test -q tests",
        "cd tests && python -m pytest -q",
    )

    def move(self, _: Body, /) -> Moves:
        return run(self.commands[self.turn - 1]) if self.turn <= len(self.commands) else finish()


async def test_the_projects_interpreter_and_pytest_are_at_hand(one_host: AgentHost) -> None:
    async with one_host.conversation(Looks()) as conversation:
        await conversation.round()
    steps = [line for line in conversation.all("step") if "output" in line and line["tool"] == "terminal"]
    assert [line["exit_code"] for line in steps] == [0] * 5
    for step in steps:
        assert ("1 passed" if "test" in step["words"] else "(3, 11)") in step["output"]
