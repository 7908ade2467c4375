"""What an agent costs beside its model's own time, in both of its boxes, and how much of its start nobody waits for.

A scripted model answers at once, so what is left is ours and the SDK's. First the agent alone, by the parts of a run;
then whole runs, in which it starts while the embedded engine works: what is hidden there, what is still waited for, and
what it takes from the engine meanwhile. What is not set up on this machine is left out. It asserts nothing.

Usage: PYTHONPATH=tests/support python tests/bench/agent.py [--rounds N] [--sdk SDK] [--agents FOLDER] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Self

from scripted_agent import Body, Moves, ScriptedAgent, call, finish, run
from serve import make_workspace

from testwright.boxes.agent_box import AgentBox, AgentBoxName, AgentHosts, LocalAgent, choose_agent_box
from testwright.boxes.docker.client import DockerClient
from testwright.boxes.overlay import make_overlay
from testwright.boxes.protocol import Command, World
from testwright.boxes.session import install_inside
from testwright.engines.openhands.freight import Freight
from testwright.engines.openhands.session import BoxedAgent
from testwright.engines.openhands.values import AgentProgress, AgentRound, AgentSession, AgentTask
from testwright.engines.protocol import Ask
from testwright.errors import TestwrightError
from testwright.models.values import ChatAnswer, ChatRequest, Usage
from testwright.provisioning.agent_environment import find
from testwright.provisioning.images.agent_images import find_image
from testwright.provisioning.locks import SdkName
from testwright.service import GenerateRequest, UnitTestGenerationService
from testwright.service.agent.sources import BoxedAgents, Look, ReadyAgent
from testwright.service.job import Job
from testwright.service.workshop import Workshop
from testwright.settings import Options

BOXES: tuple[AgentBoxName, ...] = ("bubblewrap", "docker")
SDKS: tuple[SdkName, ...] = ("pinned", "newest")
EACH = 8
"""Steps of each kind in a round."""
TEST_PATH = "tests/test_bench.py"
SUBJECT = "packaging/version.py"
"""A real module of which the search leaves something."""
COMMAND, EDIT = "a command in the terminal", "an edit of the file"
PARTS = (
    "start of an empty box",
    "ready: box, freight and import",
    "of which the program and its import, as it says",
    "first question of the first round",
    COMMAND,
    EDIT,
    "end of a round, file handed over",
    "end of the box",
)
WHOLE = (
    "whole run: start of the agent",
    "of which hidden by the embedded engine",
    "of which waited for",
    "embedded search and judging, an agent starting beside",
    "embedded search and judging, alone",
)

Samples = dict[str, list[float]]


class Walker(ScriptedAgent):
    """Writes the file, then takes ``EACH`` steps of each kind, none like the one before, and finishes."""

    def __init__(self) -> None:
        super().__init__(TEST_PATH)
        self.kinds: list[str] = []

    def move(self, body: Body, /) -> Moves:
        """The next step."""
        number = len(self.kinds) - 1
        self.kinds.append("" if number < 1 else COMMAND if number % 2 else EDIT)
        if number == -1:
            return run("pwd")
        if number == 0:
            return self.create(body, "def test_0():\n    assert True\n")
        if number > 2 * EACH:
            self.kinds[-1] = "finish"
            return finish()
        if self.kinds[-1] == COMMAND:
            return run(f"echo {number}")
        path, old = self.place(body), "test_0" if number == 2 else f"test_{number - 2}"
        return call("file_editor", command="str_replace", path=path, old_str=f"{old}(", new_str=f"test_{number}(")


@dataclass
class Clock:
    """Answers an agent's questions by a script, and notes when each came and when it was answered."""

    agent: ScriptedAgent
    came: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)

    async def ask(self, request: ChatRequest, *, on_text: Callable[[str], None] | None = None) -> ChatAnswer:
        """Answer at once."""
        del on_text
        self.came.append(time.perf_counter())
        body = self.agent(request.body)
        self.answered.append(time.perf_counter())
        return ChatAnswer(model="scripted", body=body, finish_reason="stop", usage=Usage(), seconds=0.0)


@dataclass(frozen=True, slots=True)
class Place:
    """A box with an agent in it."""

    chosen: AgentBox
    python: str
    read_only: tuple[Path, ...]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3, help="of each, the boxes in turn")
    parser.add_argument("--sdk", choices=SDKS, help="only this one")
    parser.add_argument("--agents", type=Path, help="cache folder that has the agent's environments, if another")
    parser.add_argument("--json", type=Path, help="write the samples here, too")
    options = parser.parse_args()
    found: dict[str, dict[str, Samples]] = {}
    with tempfile.TemporaryDirectory(prefix="testwright-bench-") as scratch:
        os.environ["TESTWRIGHT_STATE_DIR"] = f"{scratch}/state"
        if options.agents:
            os.environ["TESTWRIGHT_CACHE_DIR"] = str(options.agents.resolve())
        for sdk in SDKS if options.sdk is None else (options.sdk,):
            found[sdk] = asyncio.run(measure(Path(scratch), sdk, options.rounds))
            print(table(sdk, found[sdk]))  # noqa: T201 - what it is for
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


async def measure(scratch: Path, sdk: SdkName, rounds: int) -> dict[str, Samples]:
    """All samples of the boxes that there are, in seconds."""
    found: dict[str, Samples] = {}
    places = {}
    for name in BOXES:
        try:
            places[name] = await place(name, sdk)
        except TestwrightError as error:
            print(f"{sdk}, {name}: left out. {error}", file=sys.stderr)  # noqa: T201 - its account
        else:
            found[name] = {}
    for number in range(rounds):
        for name, where in places.items():
            folder = scratch / f"{sdk}-{name}-{number}"
            add(found[name], await alone(folder, where))
            add(found[name], await in_a_run(folder, name, sdk))
    return found


def add(samples: Samples, more: Mapping[str, float]) -> None:
    """Note one round."""
    for what, seconds in more.items():
        samples.setdefault(what, []).append(seconds)


async def place(name: AgentBoxName, sdk: SdkName) -> Place:
    """A box of that name, tried out.

    Raises:
        BoxUnavailable: There is none, or no agent in it.
    """
    local = find(sdk)
    image = None
    if name == "docker":
        image, _ = await find_image(DockerClient.find(None, os.environ), root=None, sdk=sdk)
    hosts = AgentHosts(
        image=None if image is None else image.agent,
        local=None if local is None else LocalAgent(local.python, local.roots),
    )
    chosen = await choose_agent_box(name, hosts)
    if image is not None:
        return Place(chosen, image.contents.python, ())
    python = Path(sys.executable).resolve()
    return Place(chosen, str(python), (*chosen.read_only, python.parents[1]))


async def alone(folder: Path, where: Place) -> dict[str, float]:
    """An agent in a small project, by the parts of a round."""
    (folder / "project").mkdir(parents=True)
    (folder / "project" / "door.py").write_text("def knock(code):\n    return code\n", encoding="utf-8")
    library = folder / "library"
    library.mkdir()
    install_inside(library)
    seconds = {PARTS[0]: await empty_box(folder, where)}
    overlay = make_overlay(folder / "cache")
    walker, told = Walker(), Told()
    clock = Clock(walker)
    freight = Freight(folder / "project", library, overlay)
    launcher = replace(where.chosen, read_only=where.read_only)
    begun = time.perf_counter()
    async with BoxedAgent(launcher, freight, clock.ask, told) as session:
        await session.begin(AgentTask(TEST_PATH, where.python, (".",)))
        await told.ready.wait()
        seconds[PARTS[1]], seconds[PARTS[2]] = told.when - begun, told.seconds
        asked = time.perf_counter()
        await session.round("Write tests.", deadline=time.monotonic() + 600)
        over = time.perf_counter()
    seconds[PARTS[3]] = clock.came[0] - asked
    seconds |= steps(walker, clock)
    seconds[PARTS[6]] = over - clock.answered[-1]
    seconds[PARTS[7]] = time.perf_counter() - over
    return seconds


def steps(walker: Walker, clock: Clock) -> dict[str, float]:
    """Seconds from a model's answer to the next question, by kinds of steps."""
    taken: Samples = {COMMAND: [], EDIT: []}
    for kind, answered, came in zip(walker.kinds, clock.answered, clock.came[1:], strict=False):
        if kind in taken:
            taken[kind].append(came - answered)
    return {kind: median(values) for kind, values in taken.items()}


async def empty_box(folder: Path, where: Place) -> float:
    """Seconds from a start to a Python's first word, in a box with nothing to do."""
    empty = folder / "empty"
    empty.mkdir(parents=True)
    empty.chmod(0o755)
    command = Command((where.chosen.python, "-I", "-S", "-c", "print()"))
    begun = time.perf_counter()
    async with await where.chosen.box.start(World(empty, empty, where.read_only), command) as process:
        async for _ in process.lines():
            break
        return time.perf_counter() - begun


class Told:
    """Waits for the agent to be ready."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.when = self.seconds = 0.0

    def __call__(self, progress: AgentProgress) -> None:
        """Take a step."""
        words = progress.words
        if words.startswith("the agent is ready"):
            self.when, self.seconds = time.perf_counter(), float(words.rpartition(", ")[2].split()[0])
            self.ready.set()


# -- in whole runs --------------------------------------------------------------------------------------------------


class Watched(BoxedAgents):
    """An agent that asks a script, and whose times are noted.

    Attributes:
        looked: When the run began to look for it.
        wanted: When the run gave it its first round.
        told: When it was ready.
    """

    def __init__(self) -> None:
        self.looked = self.wanted = 0.0
        self.told = Told()
        self.clock = Clock(Walker())

    async def look(self, job: Job, request: GenerateRequest, environ: Mapping[str, str]) -> Look:
        """As a run that is answered from a record does: models are not looked for."""
        self.looked = time.perf_counter()
        return await super().look(job, replace(request, replay=Path("script")), environ)

    def open(
        self, agent: ReadyAgent, workshop: Workshop, ask: Ask, on_progress: Callable[[AgentProgress], None]
    ) -> AgentSession:
        """The real one, with questions that go to the script."""
        del ask

        def tell(progress: AgentProgress) -> None:
            self.told(progress)
            on_progress(progress)

        return WatchedSession(self, super().open(agent, workshop, self.clock.ask, tell))


class WatchedSession:
    """An agent whose first round is noted."""

    def __init__(self, agents: Watched, session: AgentSession) -> None:
        self._agents = agents
        self._session = session

    async def __aenter__(self) -> Self:
        await self._session.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._session.__aexit__(*exc_info)

    async def begin(self, task: AgentTask) -> None:
        """Begin."""
        await self._session.begin(task)

    async def round(self, text: str, *, deadline: float) -> AgentRound:
        """A round."""
        self._agents.wanted = self._agents.wanted or time.perf_counter()
        return await self._session.round(text, deadline=deadline)


async def in_a_run(folder: Path, box: AgentBoxName, sdk: SdkName) -> dict[str, float]:
    """Two runs on a real module: with an agent, and by the embedded engine alone."""
    workspace, _, _ = make_workspace(folder / "run")
    agents = Watched()
    service = UnitTestGenerationService(agents=agents)
    plain = Options(engine="embedded", dry_run=True)
    options = replace(plain, engine="auto", agent_box=box, agent_sdk=sdk, max_iterations=1)
    request = GenerateRequest(workspace=workspace, path=workspace / SUBJECT, settings=options)
    both = (await service.generate(request)).report
    if not agents.wanted:
        raise SystemExit(f"No agent took part in the run: {both.error or ' '.join(both.notes)}")
    without = replace(request, settings=plain)
    alone_ = (await service.generate(without)).report
    start = agents.told.when - agents.looked
    waited = max(0.0, agents.told.when - agents.wanted)
    worked = agents.wanted - agents.looked
    return dict(zip(WHOLE, (start, start - waited, waited, worked, embedded(alone_.seconds)), strict=True))


def embedded(seconds: Mapping[str, float]) -> float:
    """What the embedded engine and the judging of its tests took."""
    return seconds.get("explore", 0.0) + seconds.get("judge", 0.0)


def table(sdk: str, found: Mapping[str, Samples]) -> str:
    """The medians as Markdown, the boxes side by side."""
    rows = [f"| SDK {sdk} | {' | '.join(found)} | ratio |", f"|---|{'---:|' * (len(found) + 1)}"]
    for what in (*PARTS, *WHOLE):
        medians = [median(samples[what]) for samples in found.values() if what in samples]
        if medians:
            ratio = f"{medians[-1] / medians[0]:.2f}" if len(medians) > 1 and medians[0] > 0 else ""
            rows.append(f"| {what} | {' | '.join(f'{seconds:.3f} s' for seconds in medians)} | {ratio} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
