"""An agent in a real box, whose program does what each test says: rounds, questions, and all that can go wrong."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from fake_agent import TASK, FakeAgents, alive, answer

from testwright.boxes.protocol import MIB, BoxProcess, Command, Limits, Probe, World
from testwright.engines.openhands.link import MAX_OPEN, MAX_REFUSED, Patience
from testwright.engines.openhands.values import AgentLimits, AgentRound, AgentTask
from testwright.errors import AgentFailure, BoxUnavailable, KeyRefused, TestwrightError
from testwright.models.values import ChatAnswer, ChatRequest

FILE = "def test_it():\n    assert True\n"
LONG = 60.0


@pytest.fixture
def agents(tmp_path: Path) -> FakeAgents:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    return FakeAgents(tmp_path)


@pytest.fixture
def token() -> str:
    return f"98765{secrets.randbelow(10**9):09}"


async def one_round(
    agents: FakeAgents, program: str, *, seconds: float = LONG, task: AgentTask = TASK, **more: Any
) -> AgentRound:
    async with agents.make(program, **more) as agent:
        await agent.begin(task)
        return await agent.round("Write tests.", deadline=time.monotonic() + seconds)


async def test_rounds_of_one_conversation(agents: FakeAgents) -> None:
    program = """
    assert header["test_path"] == "tests/test_shop.py" and header["max_steps"] == 60, header
    assert (scratch / "unpacked" / "workspace" / "shop.py").read_text() == "PRICE = 3\\n"
    ready()
    for number in (1, 2):
        told = hear()
        ask(number, told["text"])
        reply = hear()
        step(number, "run pytest -q")
        step(number, "run pytest -q", output="3 failed in 0.1s", is_error=False, exit_code=1)
        file(told["text"] + reply["body"]["choices"][0]["message"]["content"])
        end(steps=1)
    hear()
    """
    async with agents.make(program) as agent:
        await agent.begin(TASK)
        first = await agent.round("one ", deadline=time.monotonic() + LONG)
        second = await agent.round("two ", deadline=time.monotonic() + LONG)
    assert [first.file, second.file] == ["one Hello.", "two Hello."]
    assert (second.status, second.steps, second.requests, second.tokens, second.cost) == ("finished", 1, 1, 15, 0.25)
    assert second.words == "The agent says that it has finished, after 1 step."
    assert [progress.words for progress in agents.said] == [
        "the agent is ready (SDK 0, 0.1 s)",
        "step 1: running pytest",
        "step 1: running pytest, 3 failed",
        "step 2: running pytest",
        "step 2: running pytest, 3 failed",
    ]
    last = agents.said[-1]
    assert (last.step, last.requests, last.tokens, last.cost) == (2, 2, 30, 0.5)


async def test_several_questions_at_once_are_answered_as_answers_come(agents: FakeAgents) -> None:
    async def slow_first(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        text = request.body["messages"][0]["content"]
        await asyncio.sleep(0.5 if text == "1" else 0)
        return answer(text)

    program = """
    ready(); hear()
    for number in (1, 2, 3):
        ask(number, str(number))
    replies = [hear() for _ in range(3)]
    file("".join(f"{one['id']}{one['body']['choices'][0]['message']['content']} " for one in replies))
    end()
    """
    done = await one_round(agents, program, ask=slow_first)
    assert done.file is not None
    assert sorted(done.file.split()) == ["11", "22", "33"]
    assert done.file.endswith("11 ")


async def test_a_model_that_gives_no_answer_ends_the_round_with_its_reason(agents: FakeAgents) -> None:
    async def refuse(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        raise KeyRefused("The key is wrong.", next_step="Set another.")

    program = """
    ready(); hear(); ask(1)
    told = hear()
    file(f"{told['type']} {told['error']}"); end("refused", "whatever")
    """
    done = await one_round(agents, program, ask=refuse)
    assert done.file == "refusal {'slug': 'key', 'message': 'The key is wrong.', 'status': 401}"
    assert done.status == "refused"
    assert isinstance(done.error, KeyRefused)
    assert done.words == "The agent was stopped, since its model gave no answer, after 0 steps: The key is wrong."


async def test_a_fault_of_our_own_is_not_hidden(agents: FakeAgents) -> None:
    async def broken(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await one_round(agents, "ready(); hear(); ask(1); hear()", ask=broken)


@pytest.mark.parametrize("problem", ["missing", "link", "not-a-file", "too-large", "unreadable"])
async def test_a_file_that_cannot_be_used_is_told(agents: FakeAgents, problem: str) -> None:
    done = await one_round(agents, f"ready(); hear(); nothing({problem!r}); end()")
    assert done.file is None
    (note,) = done.notes
    assert note.startswith("The agent")
    assert "tests/test_shop.py" in note


async def test_a_file_that_is_no_text_is_told(agents: FakeAgents) -> None:
    program = """
    ready(); hear()
    say("file", text=None, base64="//4=", sha=hashlib.sha256(b"\\xff\\xfe").hexdigest(), problem=None); end()
    """
    done = await one_round(agents, program)
    assert (done.file, done.notes) == (None, ("The agent's tests/test_shop.py is no text in UTF-8.",))


FAULTS: dict[str, tuple[str, str]] = {
    "ends at once": ("os._exit(3)", "exit code 3"),
    "ends in a round": ("ready(); hear(); os._exit(0)", "exit code 0"),
    "crashes": ("ready(); hear(); raise ValueError('boom')", "boom"),
    "is killed": ("ready(); hear(); os.kill(os.getpid(), signal.SIGKILL)", "signal 9|exit code 137"),
    "writes prose": ("ready(); hear(); raw(b'hello\\n'); hear()", "no JSON"),
    "writes an unknown message": ("ready(); hear(); say('hello'); hear()", "no message of ours"),
    "is never ready": ("hear(); hear()", "not ready in time"),
    "begins with a file": ("file(); hear()", "order"),
    "is ready twice": ("ready(); hear(); ready(); hear()", "order"),
    "ends a round without a file": ("ready(); hear(); end(); hear()", "order"),
    "gives two files": ("ready(); hear(); file(); file(); hear()", "order"),
    "asks twice by one number": ("ready(); hear(); ask(1); hear(); ask(1); hear(); hear()", "by one number"),
    "asks all at once": (
        f"ready(); hear()\nfor number in range(1, {MAX_OPEN + 2}): ask(number)\nhear(); time.sleep(60)",
        "at once",
    ),
    "gives up": ("say('failed', code='start', words='no SDK')\nhear()", r"gave up \(start\): no SDK"),
    "gives up unready": ("ready(); say('failed', code='x', words='why\\x1b[31m\\nnot')\nhear()", r"why \[31m not"),
    "writes half a line": ('ready(); hear(); raw(b\'{"type": "fi\'); os._exit(0)', "no JSON"),
    "writes a huge line": ("ready(); hear(); raw(b'x' * (9 << 20)); hear()", "line of more than 8 MiB|output|bytes"),
    "floods": ("ready(); hear()\nwhile True: say('said', text='x' * 4000)", "more output"),
    "says nothing": ("ready(); hear(); time.sleep(60)", "nothing for 1 seconds"),
    "lies about its file": (
        "ready(); hear(); say('file', text='a', base64=None, sha='0' * 64, problem=None); hear()",
        "digest",
    ),
}


async def slow(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
    await asyncio.sleep(0.3)
    return answer()


@pytest.mark.parametrize(("program", "words"), FAULTS.values(), ids=FAULTS.keys())
async def test_each_fault_of_the_program_is_one_clear_failure(
    agents: FakeAgents, program: str, words: str, token: str
) -> None:
    sleeping = f"subprocess.Popen(['sleep', '{token}'])\n"
    patience = Patience(start=3.0 if "never" in words or "not ready" in words else 60.0, silence=1.0)
    with pytest.raises(AgentFailure, match=words) as failure:
        await one_round(agents, sleeping + program, ask=slow, patience=patience)
    assert failure.value.next_step
    assert str(failure.value).isprintable()
    assert alive(token) == []


async def test_a_program_that_asks_outside_a_round_is_refused(agents: FakeAgents) -> None:
    program = """
    ready(); ask(1)
    refused = hear(); hear()
    file(refused["error"]["slug"]); end()
    """
    async with agents.make(program) as agent:
        await agent.begin(TASK)
        await asyncio.sleep(1)
        done = await agent.round("Write tests.", deadline=time.monotonic() + LONG)
    assert done.file == "no-round"
    assert done.tokens == 0


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("for number in range(1, 9): ask(number); told = hear()", "refused"),
        ("for number in range(1, 99): step(number, f'run {number}')\nask(1); told = hear()", "max-steps"),
        (
            """
for number in range(1, 7):
    step(number, output="no", is_error=True, exit_code=1)
while ask(number) or (told := hear())["type"] != "refusal":
    number += 1
""",
            "stuck",
        ),
    ],
    ids=["questions", "steps", "the same again and again"],
)
async def test_what_an_agent_may_take_is_bounded_from_outside(agents: FakeAgents, program: str, status: str) -> None:
    task = AgentTask("tests/test_shop.py", "/usr/bin/python3", (".",), limits=AgentLimits(steps=10, requests=6))
    whole = f"ready(); hear()\n{program}\nfile(told['type']); end('error', 'stopped')"
    done = await one_round(agents, whole, task=task)
    assert (done.file, done.status) == ("refusal", status)


async def test_a_program_that_asks_on_although_it_is_refused_is_ended(agents: FakeAgents) -> None:
    program = f"ready(); hear()\nfor number in range(1, {MAX_REFUSED + 10}): ask(number); hear()"
    task = AgentTask("tests/test_shop.py", "/usr/bin/python3", (".",), limits=AgentLimits(requests=2))
    with pytest.raises(AgentFailure, match="asks on although"):
        await one_round(agents, program, task=task)


async def test_when_the_time_is_over_the_file_is_still_taken(agents: FakeAgents) -> None:
    async def never(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        await asyncio.sleep(LONG)
        return answer()

    program = "ready(); hear(); ask(1); told = hear(); file(told['error']['slug']); end('refused')"
    async with agents.make(program, ask=never) as agent:
        await agent.begin(TASK)
        await asyncio.sleep(2)
        done = await agent.round("Write tests.", deadline=time.monotonic() + 1)
    assert (done.file, done.status) == ("out-of-time", "out-of-time")
    assert done.words == "The agent was stopped, since its time was over, after 0 steps."


@pytest.mark.parametrize("program", ["ready(); hear(); time.sleep(60)", "time.sleep(60)"], ids=["in a round", "before"])
async def test_a_program_that_does_not_end_in_time_gives_nothing(agents: FakeAgents, program: str) -> None:
    done = await one_round(agents, program, seconds=3, patience=Patience(stopping=0.5))
    assert (done.file, done.status) == (None, "out-of-time")


HANGING = """
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
subprocess.Popen(['sleep', '{token}'], start_new_session=True)
ready(); hear()
{hangs}
"""


@pytest.mark.parametrize(
    "hangs",
    [
        "time.sleep(600)",
        "while True: pass",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "while True: say('said', text='x')",
    ],
)
async def test_cancel_ends_the_box_within_two_seconds_whatever_it_does(
    agents: FakeAgents, hangs: str, token: str
) -> None:
    working = asyncio.create_task(one_round(agents, HANGING.format(token=token, hangs=hangs)))
    await agents.until_ready()
    await asyncio.sleep(0.2)
    assert alive(token) != []
    began = time.monotonic()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert time.monotonic() - began < 2
    assert alive(token) == []


async def test_leaving_before_it_is_ready_leaves_nothing(agents: FakeAgents, token: str) -> None:
    before = set(os.listdir(tempfile.gettempdir()))  # noqa: PTH208 - names
    async with agents.make(f"subprocess.Popen(['sleep', '{token}'])\ntime.sleep(600)") as agent:
        await agent.begin(TASK)
        async with asyncio.timeout(60):
            while not alive(token):  # noqa: ASYNC110 - what another program does
                await asyncio.sleep(0.05)
    assert alive(token) == []
    left = {name for name in set(os.listdir(tempfile.gettempdir())) - before if name.startswith("testwright-agent")}  # noqa: PTH208
    assert left == set()


class NoBox:
    """Cannot be had."""

    name: ClassVar[str] = "none at all"

    async def probe(self) -> Probe:
        raise NotImplementedError

    def seen(self, world: World, path: Path) -> Path:
        raise NotImplementedError

    async def start(self, world: World, command: Command) -> BoxProcess:  # noqa: ARG002 - as a box has it
        raise BoxUnavailable("There is no box.", next_step="Get one.")


async def test_a_box_that_cannot_be_had_is_told_by_the_first_round(agents: FakeAgents) -> None:
    with pytest.raises(BoxUnavailable, match="There is no box"):
        await one_round(agents, "ready()", box=NoBox())


async def test_memory_that_is_used_up_is_told(agents: FakeAgents) -> None:
    program = "ready(); hear()\nkept = []\nwhile True: kept.append(bytearray(1 << 24)); time.sleep(0.01)"
    with pytest.raises(TestwrightError, match=r"more memory|MemoryError"):
        await one_round(agents, program, limits=Limits(memory=200 * MIB, wall=60.0))
