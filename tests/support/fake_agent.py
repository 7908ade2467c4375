"""An agent's program that does what a test says, in place of the one with the SDK; the box and the pipe are the real ones."""

from __future__ import annotations

import asyncio
import os
import sys
import tarfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from real_agents import agent_python

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.protocol import Box, Limits
from testwright.boxes.reaping import Registry
from testwright.engines.openhands.freight import Freight
from testwright.engines.openhands.link import Patience
from testwright.engines.openhands.session import LIMITS, BoxedAgent
from testwright.engines.openhands.values import AgentProgress, AgentTask
from testwright.engines.protocol import Ask
from testwright.models.values import ChatAnswer, ChatRequest, Usage

_PRELUDE = """
import hashlib, json, os, pathlib, signal, subprocess, sys, threading, time


def run(header, source, descriptor, scratch, began):
    def raw(data):
        while data:
            data = data[os.write(descriptor, data):]

    def say(type, **line):
        raw(json.dumps({"type": type, **line}).encode() + b"\\n")

    def hear():
        line = source.readline()
        if not line:
            os._exit(0)
        return json.loads(line)

    def ready():
        say("ready", version=1, sdk="0", python="3", seconds=0.1)

    def ask(number, text="Hello."):
        say("ask", id=number, body={"messages": [{"role": "user", "content": text}]})

    def step(number, words="run pytest", **ended):
        say("step", number=number, tool="terminal", words=words, **ended)

    def file(text="def test_it():\\n    assert True\\n"):
        say("file", text=text, base64=None, sha=hashlib.sha256(text.encode()).hexdigest(), problem=None)

    def nothing(problem="missing"):
        say("file", text=None, base64=None, sha=None, problem=problem)

    def end(status="finished", detail="", steps=0):
        say("round_end", status=status, detail=detail, steps=steps)

"""


def answer(text: str = "Hello.", cost: float = 0.25) -> ChatAnswer:
    """What a model says."""
    body = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    usage = Usage(prompt_tokens=10, completion_tokens=5, cost=cost)
    return ChatAnswer(model="m", body=body, finish_reason="stop", usage=usage, seconds=0.1)


async def hello(request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
    """A model that greets."""
    return answer()


@dataclass(frozen=True, slots=True)
class InBox:
    """A launcher with an interpreter by name."""

    box: Box
    python: str
    read_only: tuple[Path, ...]


@dataclass
class FakeAgents:
    """Makes agents whose program is a piece of Python; ``raw``, ``say``, ``hear``, ... are there for it."""

    folder: Path
    said: list[AgentProgress] = field(default_factory=list)

    async def until_ready(self) -> None:
        """Wait until an agent has said that it is ready."""
        async with asyncio.timeout(60):
            while not any(progress.words.startswith("the agent is ready") for progress in self.said):  # noqa: ASYNC110 - told by a plain function
                await asyncio.sleep(0.01)

    def make(
        self,
        program: str,
        *,
        ask: Ask = hello,
        limits: Limits = LIMITS,
        patience: Patience | None = None,
        box: Box | None = None,
    ) -> BoxedAgent:
        """An agent with this program."""
        snapshot, inside = self.folder / "snapshot", self.folder / "library" / "testwright_inside" / "agent"
        for folder in (snapshot, inside):
            folder.mkdir(parents=True, exist_ok=True)
        (snapshot / "shop.py").write_text("PRICE = 3\n", encoding="utf-8")
        for package in (inside, inside.parent):
            (package / "__init__.py").touch()
        text = _PRELUDE + textwrap.indent(textwrap.dedent(program), "    ")
        (inside / "program.py").write_text(text, encoding="utf-8")
        python = _interpreter()
        launcher = InBox(box or BubblewrapBox(Registry(self.folder / "state")), str(python), (python.parents[1],))
        freight = Freight(snapshot, self.folder / "library")
        return BoxedAgent(launcher, freight, ask, self.said.append, limits=limits, patience=patience)


def _interpreter() -> Path:
    """The agent's own Python where it is named, else the tests' own, when it can take what Testwright packs."""
    if (named := agent_python("pinned")) is not None:
        return named.resolve()
    if not hasattr(tarfile, "data_filter"):
        pytest.skip('the agent needs Python 3.11.4 at the least: AGENTS="$(.ci/install-agents)" names its own')
    return Path(sys.executable).resolve()


TASK = AgentTask("tests/test_shop.py", "/usr/bin/python3", (".",))


def alive(word: str) -> list[int]:
    """Processes of this machine with a word in their command line."""
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - numbers, no paths
        try:
            if entry.isdigit() and word.encode() in Path(f"/proc/{entry}/cmdline").read_bytes():
                found.append(int(entry))
        except OSError:  # it has ended meanwhile
            continue
    return found
