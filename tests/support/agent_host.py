"""A plain host of the agent's program: starts it in bubblewrap, answers what it asks, and keeps what it says."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from testwright.boxes.protocol import Box, BoxExit, BoxProcess, Command, Limits, World
from testwright.boxes.session import install_inside

Line = dict[str, Any]
Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""Gives the body of an answer, or raises ``Refused``."""


class Refused(Exception):
    """The model is not asked."""

    def __init__(self, slug: str, message: str, status: int) -> None:
        super().__init__(message)
        self.error = {"slug": slug, "message": message, "status": status}


@dataclass(frozen=True, slots=True)
class AgentPython:
    """An agent's environment: its interpreter, and what a box must show of the host for it."""

    python: Path
    roots: tuple[Path, ...]


def packed(workspace: Path, private: Path, overlay: Path | None = None) -> bytes:
    """The tar behind the header.

    Args:
        workspace: What the agent works on.
        private: Folder to put our programs into.
        overlay: pytest to lend.
    """
    library = private / "library"
    install_inside(library)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(workspace, "workspace")
        archive.add(library, "library")
        if overlay is not None:
            archive.add(overlay, "overlay")
    return stream.getvalue()


@dataclass
class Conversation:
    """A started program, and all lines that it has sent."""

    process: BoxProcess
    answer: Answer
    lines: list[Line] = field(default_factory=list)
    ended: BoxExit | None = None

    async def send(self, line: Mapping[str, Any]) -> None:
        """Send one line."""
        await self.process.send(json.dumps(line).encode() + b"\n")

    async def until(self, *kinds: str) -> Line:
        """Answer what is asked until a line of one of these kinds comes; that line.

        Raises:
            EOFError: The program has ended before.
        """
        async for raw in self.process.lines():
            line = json.loads(raw)
            self.lines.append(line)
            if line["type"] in kinds:
                return line  # type: ignore[no-any-return]
            if line["type"] == "ask":
                await self.send(self._answer_to(line))
        self.ended = await self.process.wait()
        raise EOFError(self.ended.stderr)

    async def round(self, text: str = "Write tests.") -> tuple[Line, Line]:
        """One round; the file, and how it ended."""
        await self.send({"type": "round", "text": text})
        end = await self.until("round_end", "failed")
        return self.all("file")[-1] if self.all("file") else {}, end

    async def end(self) -> BoxExit:
        """Let it end by itself."""
        await self.send({"type": "end"})
        try:
            await self.until()
        except EOFError:
            assert self.ended is not None
        return self.ended  # type: ignore[return-value]

    def all(self, kind: str) -> list[Line]:
        """The lines of one kind."""
        return [line for line in self.lines if line["type"] == kind]

    def _answer_to(self, line: Line) -> Line:
        try:
            return {"type": "answer", "id": line["id"], "body": self.answer(line["body"])}
        except Refused as refused:
            return {"type": "refusal", "id": line["id"], "error": refused.error}


@dataclass
class AgentHost:
    """Starts the program with one workspace in a box."""

    box: Box
    agent: AgentPython
    workspace: Path
    private: Path
    project_python: Path
    project_roots: tuple[Path, ...]
    overlay: Path | None = None
    limits: Limits = field(default_factory=lambda: Limits(wall=240.0, cpu=240.0, memory=2048 * 1024 * 1024))

    def header(self, size: int, **fields: Any) -> Line:
        """The first line."""
        usual = {
            "type": "start",
            "version": 1,
            "workspace_bytes": size,
            "test_path": "tests/test_agent.py",
            "tool_calling": True,
            "max_steps": 20,
            "max_input_tokens": None,
            "max_output_tokens": None,
            "python": str(self.project_python),
            "import_roots": ["."],
            "file_limit": 65536,
        }
        return usual | fields

    def command(self, stdin: bytes, **options: Any) -> Command:
        """The start of the program."""
        source = files("testwright.inside.agent").joinpath("bootstrap.py").read_text("utf-8")
        return Command(
            (str(self.agent.python), "-I", "-c", source), stdin=stdin, interactive=True, limits=self.limits, **options
        )

    def world(self) -> World:
        """Nothing of the workspace: it comes on the pipe."""
        empty = self.private / "empty"
        empty.mkdir(exist_ok=True)
        return World(empty, empty, (*self.agent.roots, *self.project_roots))

    @asynccontextmanager
    async def started(self, stdin: bytes, answer: Answer) -> AsyncIterator[Conversation]:
        """Start it with bytes of any kind on its input."""
        async with await self.box.start(self.world(), self.command(stdin)) as process:
            yield Conversation(process, answer)

    @asynccontextmanager
    async def conversation(self, answer: Answer, **fields: Any) -> AsyncIterator[Conversation]:
        """Start it as it should be, and wait until it is ready.

        Args:
            answer: The model.
            fields: Of the header, where they differ.
        """
        tar = await asyncio.to_thread(packed, self.workspace, self.private, self.overlay)
        header = json.dumps(self.header(len(tar), **fields)).encode() + b"\n"
        async with self.started(header + tar, answer) as conversation:
            await conversation.until("ready", "failed")
            assert conversation.all("failed") == []
            yield conversation


def words_of(lines: Iterable[Line]) -> list[str]:
    """What the steps were about, each once."""
    return list(dict.fromkeys(f"{line['number']} {line['words']}" for line in lines if line["type"] == "step"))
