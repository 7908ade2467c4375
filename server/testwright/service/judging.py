"""Judging the tests that a module has: are they sound, what do they cover, what would they notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.places import find_test_file
from testwright.analysis.targets import MAX_SOURCE_BYTES, decode_source, parse_source, syntax_failure
from testwright.errors import NothingToJudge, TargetError, TestwrightError
from testwright.judge.existing import ExistingTests, judge_existing
from testwright.judge.findings import findings
from testwright.judge.importing import IMPORT_SECONDS, ImportCheck, check_import
from testwright.judge.mutation import Score, mutation_score
from testwright.judge.placing import placed
from testwright.model import CoverageFigures, JudgeReport, MutationFigures, RunEvent, TestFinding
from testwright.service.account import Account
from testwright.service.job import GenerateRequest, Subject, read_subject
from testwright.service.workshop import Workshop, open_workshop

# Shares of the budget that a phase may take at most.
IMPORT_SHARE = 0.35
VERIFY_SHARE = 0.5
TEST_SHARE = 0.3
"""Share of the time for running the tests that one of them may take: a single one must not cost the others theirs."""

RESERVE_SECONDS = 0.5
"""What is left of the budget for the report."""


@dataclass(frozen=True, slots=True)
class TestFile:
    """The test file of a module, as it stands on the disk or in the editor.

    Attributes:
        path: Absolute path in the workspace.
        data: Its bytes.
        source: Its text.
    """

    __test__ = False

    path: Path
    data: bytes
    source: str


class Judging:
    """One judgement. ``execute`` is called once.

    Args:
        request: What a client asks for; nothing is written.
        on_event: Called with each event.
    """

    def __init__(self, request: GenerateRequest, on_event: Callable[[RunEvent], None]) -> None:
        self._request = request
        self._account = Account(request, on_event)
        self._file: TestFile | None = None
        self._existing: ExistingTests | None = None
        self._findings: tuple[TestFinding, ...] = ()
        self._mutants: MutationFigures | None = None
        self._complete = False

    async def execute(self) -> JudgeReport:
        """Do it.

        Raises:
            TestwrightError: It failed; ``failed`` makes the report.
            asyncio.CancelledError: It was cancelled.
        """
        account = self._account
        with account.step("analyse", "reading the project"):
            subject, file = await asyncio.to_thread(_read, self._request)
            self._file = file
            account.take_subject(subject)
        async with account.workshop(open_workshop(subject)) as workshop:
            await self._judge(subject, file, workshop)
        report = self._report(None)
        account.tell_end("judged", kept=sum(1 for test in report.tests if test.outcome == "passed"))
        return report

    def failed(self, error: TestwrightError) -> JudgeReport:
        """The report of this judgement when it ended in an error."""
        report = self._report(error)
        self._account.tell_end("failed", str(error))
        return report

    async def _judge(self, subject: Subject, file: TestFile, workshop: Workshop) -> None:
        account, session, target = self._account, workshop.session, subject.target
        with account.step("baseline", f"importing {target.module}"):
            seconds = min(IMPORT_SECONDS, account.watch.share(IMPORT_SHARE))
            imported = await check_import(session, target, seconds=seconds)
            account.python_version = imported.python
            if imported.overlay_used:
                account.note(f"The project has no {' and no '.join(imported.overlay_used)}; Testwright's own was used.")
        with placed(session.world, file.path.parent, file.path.name, file.data) as path:
            with account.step("verify", f"running {file.path.name}"):
                existing = await self._run(subject, file, workshop, imported)
            with account.step("judge", "running mutants"):
                score = await self._score(subject, path, workshop, imported, existing)
                names = dict.fromkeys(
                    test.name.partition("[")[0] for test in existing.tests if test.outcome != "skipped"
                )
                idle = score.idle if score is not None else frozenset()
                self._findings = await asyncio.to_thread(findings, file.source, target.module, list(names), idle)

    async def _run(self, subject: Subject, file: TestFile, workshop: Workshop, imported: ImportCheck) -> ExistingTests:
        account = self._account
        seconds = account.watch.share(VERIFY_SHARE)
        existing = await judge_existing(
            workshop.session,
            subject.target,
            file.path,
            imported.coverage,
            deadline=time.monotonic() + seconds,
            test_seconds=max(1.0, round(TEST_SHARE * seconds)),
            on_progress=lambda done, all_: account.progress(
                f"{done} of {all_} tests ran", step="tests", done=done, all=all_
            ),
        )
        self._existing = existing
        account.note(*existing.notes)
        if existing.coverage is not None:
            account.before = CoverageFigures.of(subject.asked(existing.coverage))
        account.covered = subject.asked(existing.covered).percent
        return existing

    async def _score(
        self, subject: Subject, path: Path, workshop: Workshop, imported: ImportCheck, existing: ExistingTests
    ) -> Score | None:
        """Run mutants against the tests that are sound; None when there is none."""
        account = self._account
        judged = all(test.outcome != "not-judged" for test in existing.tests)
        if not existing.sound:
            account.note("No mutant was run, since no test passes.")
            self._complete = judged
            return None
        score = await mutation_score(
            workshop.session,
            subject.target,
            path,
            existing.sound,
            leave_out=existing.unsound,
            executed=existing.covered.executed,
            seed=subject.settings.seed,
            deadline=time.monotonic() + account.watch.remaining - RESERVE_SECONDS,
            import_lines=imported.coverage.executed,
            relaxation=existing.relaxation,
            on_progress=lambda done, all_: account.progress(
                f"{done} of {all_} mutants", step="mutants", done=done, all=all_
            ),
        )
        account.note(score.note, _left_out(score))
        self._mutants = score.figures if score.figures.total else None
        self._complete = judged and score.stopped_by == "exhausted" and not score.figures.left
        return score

    def _report(self, error: TestwrightError | None) -> JudgeReport:
        account, existing = self._account, self._existing
        subject, request = account.subject, self._request
        return JudgeReport(
            status="judged" if error is None else "failed",
            module=subject.target.module if subject else (request.module or ""),
            path=str(subject.target.path) if subject else str(request.path or ""),
            symbol=request.symbol,
            test_file=str(self._file.path) if self._file else None,
            tests=existing.tests if existing else (),
            findings=self._findings,
            coverage=account.before,
            mutants=self._mutants,
            complete=self._complete and error is None,
            seconds=account.watch.seconds,
            box=account.box,
            interpreter=str(subject.interpreter.executable) if subject else "",
            python_version=account.python_version,
            seed=subject.settings.seed if subject else (request.settings.seed or 0),
            error=str(error) if error is not None else None,
            error_slug=error.slug if error is not None else None,
            notes=tuple(account.notes),
        )


def _read(request: GenerateRequest) -> tuple[Subject, TestFile]:
    """The module, and the test file that it has.

    Raises:
        NothingToJudge: It has none.
        TargetError: It cannot be read or parsed.
    """
    subject = read_subject(request)
    target, workspace = subject.target, subject.target.workspace
    path = find_test_file(subject.project, target, subject.settings.output, subject.buffers)
    if path is None:
        shown = target.path.relative_to(workspace).as_posix()
        raise NothingToJudge(
            f"{target.module} has no test file.", next_step=f"Write one with `testwright generate {shown}`."
        )
    if not path.is_relative_to(workspace):
        raise TargetError(f"{path} is not in the workspace {workspace}.", next_step="Name a test file in it.")
    data = subject.buffers.data(path)
    if data is None:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise TargetError(
                f"The test file {path} cannot be read: {error.strerror or error}.", next_step="Check its permissions."
            ) from error
    if len(data) > MAX_SOURCE_BYTES:
        raise TargetError(
            f"The test file {path} is larger than {MAX_SOURCE_BYTES // 1024} KiB.", next_step="Split it into several."
        )
    source = decode_source(data, path)
    try:
        parse_source(source)
    except SyntaxError as error:
        failure = syntax_failure(path, source, error)
        raise TargetError(f"The test file {failure.message}", next_step=failure.next_step) from error
    return subject, TestFile(path, data, source)


def _left_out(score: Score) -> str:
    """A sentence on tests that took no part in mutants."""
    if not score.excluded:
        return ""
    count, first = len(score.excluded), min(score.excluded)
    who = first if count == 1 else f"{first} and {count - 1} more"
    return (
        f"{who} took no part in mutants: each must pass within seconds, alone and beside the others in one process. "
        "What only such a test could notice is undecided."
    )
