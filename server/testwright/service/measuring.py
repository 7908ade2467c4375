"""What is known of a module before anything is proposed: does it import, and what do the existing tests cover."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from testwright.analysis.places import find_test_file
from testwright.errors import TestwrightError
from testwright.judge.baseline import Baseline, measure_baseline
from testwright.judge.importing import IMPORT_SECONDS, check_import
from testwright.model import CoverageFigures, CoverageSets, RunEvent
from testwright.service.account import Account
from testwright.service.job import GenerateRequest, Subject, read_subject
from testwright.service.result import MeasureResult, ModuleCoverage
from testwright.service.workshop import Workshop, open_workshop

IMPORT_SHARE = 0.35
"""Share of the budget that the import may take at most."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known before anything is proposed.

    Attributes:
        goals: All lines and branches of the file; executed are those that the import alone runs.
        baseline: What the existing tests do.
        settled: What needs no further test: run by the import or an existing test, or outside the symbol that
            is asked for.
    """

    goals: CoverageSets
    baseline: Baseline
    settled: CoverageSets


async def measure_module(
    account: Account, subject: Subject, workshop: Workshop, own_tests: Path | None, *, share: float
) -> Measured:
    """Import the module, and run the tests that the project has.

    Args:
        account: Takes what is found.
        subject: What is looked at.
        workshop: Its box.
        own_tests: The module's existing test file, which runs first.
        share: Share of the budget that the existing tests may take at most, 0 to 1.

    Raises:
        ImportFailure: The module cannot be imported.
        BoxFailure: The box did not do its job.
        BoxUnavailable: There is no box.
    """
    session, target = workshop.session, subject.target
    with account.step("baseline", f"importing {target.module}"):
        imported = await check_import(session, target, seconds=min(IMPORT_SECONDS, account.watch.share(IMPORT_SHARE)))
        account.python_version = imported.python
        if imported.overlay_used:
            account.note(f"The project has no {' and no '.join(imported.overlay_used)}; Testwright's own was used.")
        account.progress("running the existing tests")
        baseline = await measure_baseline(
            session,
            subject.project,
            target,
            imported.coverage,
            deadline=time.monotonic() + account.watch.share(share),
            own_tests=own_tests,
        )
        account.note(*baseline.notes)
    if baseline.coverage is not None:
        account.before = CoverageFigures.of(subject.asked(baseline.coverage))
    account.covered = subject.asked(baseline.covered).percent
    account.coverage = ModuleCoverage(target.path, target.source, baseline.coverage, baseline.tests, baseline.failed)
    return Measured(imported.coverage, baseline, _settled(subject, imported.coverage, baseline.covered))


def _settled(subject: Subject, imported: CoverageSets, covered: CoverageSets) -> CoverageSets:
    done = imported.union(covered)
    inside = subject.asked(done)
    return replace(
        done,
        executed=done.executed | (done.statements - inside.statements),
        executed_branches=done.executed_branches | (done.branches - inside.branches),
    )


class Measurement:
    """One measurement without a search. ``execute`` is called once.

    Args:
        request: What a client asks for; nothing is written, wherever tests would go.
        on_event: Called with each event.
    """

    def __init__(self, request: GenerateRequest, on_event: Callable[[RunEvent], None]) -> None:
        self._request = request
        self._account = Account(request, on_event)
        self._test_file: Path | None = None

    async def execute(self) -> MeasureResult:
        """Do it.

        Raises:
            TestwrightError: It failed; ``failed`` makes the result.
            asyncio.CancelledError: It was cancelled.
        """
        account = self._account
        with account.step("analyse", "reading the project"):
            subject, self._test_file = await asyncio.to_thread(_read, self._request)
            account.take_subject(subject)
        async with account.workshop(open_workshop(subject)) as workshop:
            await measure_module(account, subject, workshop, self._test_file, share=1.0)
        account.tell_end("measured")
        return self._result(None)

    def failed(self, error: TestwrightError) -> MeasureResult:
        """The result of this measurement when it ended in an error."""
        self._account.tell_end("failed", str(error))
        return self._result(error)

    def _result(self, error: TestwrightError | None) -> MeasureResult:
        account = self._account
        return MeasureResult(
            coverage=account.coverage,
            error=error,
            notes=tuple(account.notes),
            seconds=round(account.watch.elapsed, 3),
            module=account.subject.target.module if account.subject else (self._request.module or ""),
            test_file=self._test_file,
        )


def _read(request: GenerateRequest) -> tuple[Subject, Path | None]:
    subject = read_subject(request)
    return subject, find_test_file(subject.project, subject.target, subject.settings.output, subject.buffers)
