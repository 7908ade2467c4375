"""A project with a line that no search reaches, whole runs with an agent on it, and all that they leave."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from testwright.boxes.reaping import Registry
from testwright.engines.openhands import session
from testwright.engines.openhands.values import AgentProgress, AgentSession
from testwright.engines.protocol import Ask
from testwright.model import RunEvent, RunReport
from testwright.service import GenerateRequest, UnitTestGenerationService
from testwright.service.agent.sources import Agents, BoxedAgents, ReadyAgent
from testwright.service.workshop import Workshop
from testwright.settings import Options

TEST_PATH = "tests/test_door.py"
ENGINES = ("auto", "openhands")
BUDGET = 60.0
WAIT = 180.0
"""Seconds that a test waits for what must come; how long it takes says how busy the machine is."""

_DIGEST = hashlib.sha256(b"sesame").hexdigest()


def door(note: str = "") -> str:
    """A module's text. No search finds the word that opens it.

    Args:
        note: Stands in its docstring, where an agent reads it.
    """
    return f'''\
"""A door.{note}"""

import hashlib


def knock(code: str) -> str:
    if hashlib.sha256(code.encode()).hexdigest() == "{_DIGEST}":
        return "open"
    return "shut"
'''


@dataclass(slots=True)
class Site:
    """A workspace, and runs on it."""

    workspace: Path
    events: list[RunEvent] = field(default_factory=list)
    seen: dict[str, asyncio.Event] = field(default_factory=dict)

    @classmethod
    def made(cls, workspace: Path, note: str = "") -> Site:
        """Make the workspace, with a test of another module and a conftest.py."""
        files = {
            "pyproject.toml": '[project]\nname = "door"\nversion = "1"\n',
            "door.py": door(note),
            "bell.py": "def ring():\n    return 'ring'\n",
            "conftest.py": "",
            "tests/test_bell.py": "import bell\n\n\ndef test_ring():\n    assert bell.ring() == 'ring'\n",
        }
        for name, text in files.items():
            (workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (workspace / name).write_text(text, encoding="utf-8")
        return cls(workspace)

    def take(self, event: RunEvent) -> None:
        """Keep an event."""
        self.events.append(event)
        for words, seen in self.seen.items():
            if words in event.message:
                seen.set()

    def when(self, words: str) -> asyncio.Event:
        """Set when an event says these words."""
        return self.seen.setdefault(words, asyncio.Event())

    async def run(self, engine: str, agents: Agents | None = None, **options: Any) -> RunReport:
        """Do one run on the door."""
        service = UnitTestGenerationService(agents=agents) if agents is not None else UnitTestGenerationService()
        settings = Options(**{"budget": BUDGET, "engine": engine, **options})
        request = GenerateRequest(workspace=self.workspace, path=self.workspace / "door.py", settings=settings)
        return (await service.generate(request, self.take)).report

    def digests(self) -> dict[str, str]:
        """Every file and folder of the workspace, with content, mode and time of change."""
        found = {}
        for path in sorted(self.workspace.rglob("*")):
            state = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path.relative_to(self.workspace))] = f"{state.st_mode:o} {state.st_mtime_ns} {content}"
        return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Names of the files that are new, gone or changed; folders that are changed by a new file in them are none."""
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return {name for name in names if name not in before or name not in after or not before[name].startswith("4")}


async def at_once(
    sites: Mapping[str, Site],
    moment: str,
    fault: Callable[[], Awaitable[object]],
    agents: Agents | None = None,
    **options: Any,
) -> dict[str, RunReport]:
    """Run each engine on a site of its own at the same time, and let something happen when both are at one moment.

    Args:
        sites: By the engine's name.
        moment: Words of an event.
        fault: What happens then.
        agents: Where agents come from.
        options: Of the runs.
    """
    seen = [site.when(moment) for site in sites.values()]
    runs = {engine: asyncio.create_task(site.run(engine, agents, **options)) for engine, site in sites.items()}
    both = asyncio.gather(*(event.wait() for event in seen))
    try:
        either: set[asyncio.Future[Any]] = {both, *runs.values()}
        await asyncio.wait(either, timeout=WAIT, return_when=asyncio.FIRST_COMPLETED)
        early = [run.result() for run in runs.values() if run.done()]
        assert both.done(), (early, [site.events[-3:] for site in sites.values()])
        await fault()
        return dict(zip(runs, await asyncio.gather(*runs.values()), strict=True))
    finally:
        both.cancel()
        for run in runs.values():
            run.cancel()
        await asyncio.gather(both, *runs.values(), return_exceptions=True)


@dataclass(frozen=True, slots=True)
class SmallAgents(BoxedAgents):
    """The agents of this machine in smaller boxes, which are soon full.

    Attributes:
        memory, file: Bytes, as of ``Limits``.
    """

    memory: int
    file: int

    def open(
        self, agent: ReadyAgent, workshop: Workshop, ask: Ask, on_progress: Callable[[AgentProgress], None]
    ) -> AgentSession:
        opened = super(SmallAgents, self).open(agent, workshop, ask, on_progress)
        assert isinstance(opened, session.BoxedAgent)
        opened._limits = replace(session.LIMITS, memory=self.memory, file=self.file)
        return opened


def origins(report: RunReport) -> set[str]:
    """Who proposed what stands in the file."""
    return {test.origin.partition(":")[0] for test in report.kept}


def kept_what_was_proven(site: Site, before: Mapping[str, str], report: RunReport, *words: str) -> None:
    """Check a run of both engines whose agent has come to nothing: the embedded tests, and a note with these words."""
    assert report.status == "written", report.error
    assert origins(report) == {"embedded"}
    assert differences(before, site.digests()) == {TEST_PATH}
    text = (site.workspace / TEST_PATH).read_text(encoding="utf-8")
    assert "shut" in text
    assert "sesame" not in text
    note = [note for note in report.notes if all(word in note for word in words)]
    assert note, (words, report.notes)


def wrote_nothing(site: Site, before: Mapping[str, str], report: RunReport, slug: str, *words: str) -> None:
    """Check a run of the agent alone that has come to nothing: an error with these words, and nothing written."""
    assert (report.status, report.error_slug) == ("failed", slug), (report.status, report.error, report.notes)
    assert all(word in str(report.error) for word in words), (words, report.error)
    assert report.kept == ()
    assert site.digests() == before


def left() -> list[Path]:
    """Folders and notes of boxes that this process has not cleaned up."""
    held, gone = Registry.default().noted_folders()
    return [*held, *gone, *Registry.default().folder.glob("*.json")]


def descendants() -> dict[int, str]:
    """Living processes that this one has started, however far down, with their command lines; engines are left out."""
    parents: dict[int, int] = {}
    lines: dict[int, str] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - numbers, no paths
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text("utf-8", errors="replace")
            line = Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state not in "ZX":
            parents[int(entry)], lines[int(entry)] = int(parent), line
    mine = {os.getpid()}
    while grown := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= grown
    # An engine of a test's own is its child, and what that starts belongs to its containers, which are looked at apart.
    return {
        pid: lines[pid]
        for pid in mine - {os.getpid()}
        if "dockerd" not in lines[pid] and "containerd" not in lines[pid]
    }


async def all_gone(before: Mapping[int, str]) -> None:
    """Wait until no process is left that was not there before."""
    async with asyncio.timeout(WAIT):
        while descendants().keys() - before.keys():  # noqa: ASYNC110 - what the kernel does
            await asyncio.sleep(0.05)
