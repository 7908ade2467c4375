"""What the service gives back: the account of a run, and what a client needs to go on from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from testwright.errors import TestwrightError
from testwright.model import CoverageSets, Import, RunReport, TestPlace
from testwright.service.agent.plan import Obstacle


@dataclass(frozen=True, slots=True)
class ModuleCoverage:
    """Coverage of one module by the project's tests, at a given text of it.

    Attributes:
        path: Absolute, resolved path of the module's file.
        source: The text that was measured; lines and branches are those of this text.
        sets: Of the whole file, whatever symbol was asked for; None when it is unknown, the reason being among the
            notes of the result.
        tests: Tests that ran.
        failed: Those of them that failed in the box.
    """

    path: Path
    source: str
    sets: CoverageSets | None
    tests: int
    failed: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was delivered, for taking it back or taking single tests out.

    Attributes:
        place: The test file, and what was in it before.
        data: Its whole new content.
        workspace: Absolute, resolved root.
        tests: Names of the test functions that were added, in the order of the file.
        imports: Imports that were added to the file.
        support: Names of the helpers, fixtures and constants that were added with the tests.
    """

    place: TestPlace
    data: bytes
    workspace: Path
    tests: tuple[str, ...]
    imports: tuple[Import, ...]
    support: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of a run.

    Attributes:
        report: Its account.
        coverage: Of the module as the run left it: by the tests that were there and by those that were written. What
            was known before when nothing was written; None when the run did not come so far.
        delivered: What was delivered; None unless the report's status is ``written``.
        tests: What was in the module's test file when the run began; None without one.
        obstacles: What has kept an agent from taking on what is left, or from working at all.
        not_gained: What it would have taken on and what it lacks, as a sentence; empty when there is nothing to say.
    """

    report: RunReport
    coverage: ModuleCoverage | None
    delivered: Delivered | None
    tests: bytes | None = None
    obstacles: tuple[Obstacle, ...] = ()
    not_gained: str = ""


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """What the existing tests do for a module.

    Attributes:
        coverage: Their coverage of it; None when the module could not be measured.
        error: Why not; None when it could.
        notes: Sentences for the user.
        seconds: Wall time of all.
        module: Its dotted name; what was asked for when the file could not be read.
        test_file: The test file that it has; None when it has none.
    """

    coverage: ModuleCoverage | None
    error: TestwrightError | None
    notes: tuple[str, ...]
    seconds: float
    module: str
    test_file: Path | None
