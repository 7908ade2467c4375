"""A small project, and the service over it with real boxes; what it keeps is kept apart from the user's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testwright.boxes.reaping import Registry
from testwright.model import JudgeReport, RunEvent, TestPlace
from testwright.service import GenerateRequest, MeasureResult, RunResult, UnitTestGenerationService
from testwright.settings import Options

BUDGET = 60.0


@dataclass(slots=True)
class Project:
    """A workspace, and the service over it."""

    workspace: Path
    state: Path
    events: list[RunEvent] = field(default_factory=list)
    awaited: dict[str, asyncio.Event] = field(default_factory=dict)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def request(self, name: str, buffers: Mapping[str, str] | None = None, **options: Any) -> GenerateRequest:
        return GenerateRequest(
            workspace=self.workspace,
            path=self.workspace / name,
            symbol=options.pop("symbol", None),
            settings=Options(**{"budget": BUDGET, **options}),
            buffers={self.workspace / other: text for other, text in (buffers or {}).items()},
        )

    def take(self, event: RunEvent) -> None:
        self.events.append(event)
        for words, seen in self.awaited.items():
            if words in event.message:
                seen.set()

    def when(self, words: str) -> asyncio.Event:
        """Set when an event says these words."""
        return self.awaited.setdefault(words, asyncio.Event())

    async def generate(
        self, name: str, buffers: Mapping[str, str] | None = None, *, deliver: Any = None, **options: Any
    ) -> RunResult:
        delivery = {} if deliver is None else {"deliver": deliver}
        service = UnitTestGenerationService()
        return await service.generate(self.request(name, buffers, **options), self.take, **delivery)

    async def measure(self, name: str, buffers: Mapping[str, str] | None = None, **options: Any) -> MeasureResult:
        return await UnitTestGenerationService().measure(self.request(name, buffers, **options), self.take)

    @staticmethod
    def written(result: RunResult) -> str:
        """The test file on the disk."""
        assert result.report.status == "written", result.report.error
        assert result.report.test_file is not None
        return Path(result.report.test_file).read_text(encoding="utf-8")

    async def judge(self, name: str, buffers: Mapping[str, str] | None = None, **options: Any) -> JudgeReport:
        return await UnitTestGenerationService().judge(self.request(name, buffers, **options), self.take)

    def files(self) -> dict[str, bytes]:
        """All that is in the workspace."""
        return {
            path.relative_to(self.workspace).as_posix(): path.read_bytes()
            for path in self.workspace.rglob("*")
            if path.is_file()
        }

    def left(self) -> list[Path]:
        """Folders and notes of boxes that this process has not cleaned up."""
        held, gone = Registry.default().noted_folders()
        return [*held, *gone, *(self.state / "boxes").glob("*")]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    workspace, state = tmp_path / "work space é", tmp_path / "state"
    workspace.mkdir()
    (workspace / "pyproject.toml").touch()
    monkeypatch.setenv("TESTWRIGHT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TESTWRIGHT_STATE_DIR", str(state))
    return Project(workspace, state)


@dataclass(slots=True)
class Editor:
    """Takes a file as an editor would, and touches no disk."""

    taken: list[tuple[TestPlace, bytes, Path]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answer: BaseException | None = None
    waits: bool = False

    async def __call__(self, place: TestPlace, data: bytes, workspace: Path) -> None:
        self.taken.append((place, data, workspace))
        self.asked.set()
        if self.waits:
            await asyncio.Event().wait()
        if self.answer is not None:
            raise self.answer


@pytest.fixture
def editor() -> Editor:
    return Editor()
