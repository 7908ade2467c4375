"""Events of the SDK as lines; classes of the same names and fields stand for the SDK's, which is not installed here."""

from __future__ import annotations

from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest

from testwright.inside.agent.events import Steps

WORKSPACE = PurePosixPath("/w")


def event(kind: str, **fields: Any) -> Any:
    return type(kind, (SimpleNamespace,), {})(**fields)


def texts(*parts: str) -> list[SimpleNamespace]:
    return [SimpleNamespace(text=part) for part in parts]


def action(tool: str, call: str = "c1", thought: str = "", **fields: Any) -> Any:
    return event(
        "ActionEvent",
        tool_name=tool,
        tool_call_id=call,
        thought=texts(thought),
        action=SimpleNamespace(**fields) if fields else None,
    )


def observation(tool: str, text: str, call: str = "c1", *, is_error: bool = False, **fields: Any) -> Any:
    seen = SimpleNamespace(to_llm_content=texts(text), is_error=is_error, **fields)
    return event("ObservationEvent", tool_name=tool, tool_call_id=call, observation=seen)


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def steps(sent: list[dict[str, Any]]) -> Steps:
    return Steps(sent.append, WORKSPACE)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (action("terminal", command="pytest -q"), "run pytest -q"),
        (action("terminal", command="cat > a <<'E'\nx\nE"), "run cat > a <<'E' …"),
        (action("terminal", command="  "), "wait for the terminal"),
        (action("terminal", command="C-c", is_input=True), "type C-c"),
        (action("terminal", command="", reset=True), "restart the terminal"),
        (action("terminal"), "use terminal wrongly"),
        (action("file_editor", command="create", path="/w/tests/test_a.py"), "create tests/test_a.py"),
        (action("file_editor", command="view", path="/etc/passwd"), "read /etc/passwd"),
        (action("file_editor", command="str_replace", path="/w/a.py"), "edit a.py"),
        (action("file_editor", command="undo_edit", path="/w/a.py"), "undo the edit of a.py"),
        (action("think", thought_text="hm"), "think"),
        (action("finish", message=""), "finish"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_step_begins_with_words(steps: Steps, sent: list[dict[str, Any]], made: Any, words: str) -> None:
    steps(made)
    assert sent == [{"type": "step", "number": 1, "tool": made.tool_name, "words": words}]


def test_a_step_ends_with_what_it_brought(steps: Steps, sent: list[dict[str, Any]]) -> None:
    steps(action("terminal", command="pytest"))
    steps(observation("terminal", "x" * 3000 + "\x1b[31m3 failed\x1b[0m\r\n", exit_code=1))
    assert sent[1]["output"].endswith("x3 failed\n")
    assert len(sent[1]["output"]) == 2000
    assert (sent[1]["number"], sent[1]["words"], sent[1]["exit_code"]) == (1, "run pytest", 1)
    assert sent[1]["is_error"] is False


def test_several_calls_of_one_answer_keep_their_numbers(steps: Steps, sent: list[dict[str, Any]]) -> None:
    steps(action("terminal", "a", command="one"))
    steps(action("terminal", "b", command="two"))
    steps(observation("terminal", "1", "a", exit_code=0))
    steps(observation("terminal", "2", "b", exit_code=0))
    assert [(line["number"], line.get("output")) for line in sent] == [(1, None), (2, None), (1, "1"), (2, "2")]


def test_a_call_that_cannot_be_read_is_a_step_too(steps: Steps, sent: list[dict[str, Any]]) -> None:
    steps(event("AgentErrorEvent", tool_name="shell", tool_call_id="c9", error="There is no tool shell."))
    assert (sent[0]["number"], sent[0]["words"], sent[0]["is_error"]) == (1, "use shell wrongly", True)


def test_what_the_agent_says_is_told(steps: Steps, sent: list[dict[str, Any]]) -> None:
    steps(action("terminal", thought="First I look.", command="ls"))
    steps(action("finish", "c2", message="Done."))
    steps(event("MessageEvent", source="agent", llm_message=SimpleNamespace(content=texts("Hello", "there"))))
    steps(event("MessageEvent", source="user", llm_message=SimpleNamespace(content=texts("Not the agent."))))
    assert [line["text"] for line in sent if line["type"] == "said"] == ["First I look.", "Done.", "Hello\nthere"]


def test_steps_are_counted_by_round_and_errors_kept(steps: Steps) -> None:
    steps(action("think", thought_text="x"))
    steps(event("ConversationErrorEvent", code="MaxIterationsReached", detail="20"))
    assert (steps.in_round, steps.error) == (1, ("MaxIterationsReached", "20"))
    steps.begin_round()
    assert (steps.number, steps.in_round, steps.error) == (1, 0, None)


def test_events_of_no_interest_are_passed_over(steps: Steps, sent: list[dict[str, Any]]) -> None:
    steps(event("ConversationStateUpdateEvent", key="x"))
    assert sent == []
