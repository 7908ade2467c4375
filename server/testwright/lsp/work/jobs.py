"""What a run does: settings and buffers in, events as progress, the result to those who keep it.

The service, with all that it imports, is loaded by the first run and not before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.analysis.digests import digest_of_data
from testwright.errors import TargetError, TestwrightError
from testwright.lsp.coverage.hints import Tests, resolved
from testwright.lsp.testfile.delivery import Delivery
from testwright.lsp.work.crashes import write_crash
from testwright.lsp.work.endings import counted, ending_of_generate, ending_of_judge, ending_of_measure
from testwright.lsp.work.progress import RunProgress
from testwright.lsp.work.runs import Ending, Run, Saved
from testwright.lsp.work.showing import show_progress

if TYPE_CHECKING:
    from testwright.lsp.session import Session
    from testwright.model import RunEvent, TestPlace
    from testwright.service import GenerateRequest, UnitTestGenerationService
    from testwright.service.delivery import Deliver

logger = logging.getLogger(__name__)

TITLES = {"generate": "Generating tests for", "judge": "Judging the tests of", "measure": "Measuring the coverage of"}


async def do_work(session: Session, run: Run) -> None:
    """Do one run: its progress is shown, and it ends with an ``ending``, unless it is cancelled."""
    title = f"{TITLES[run.work.kind]} {run.work.subject}"
    progress = RunProgress(session.peer.notify, run.work.kind, title, "reading the project")
    if not run.quiet or run.work.token is not None:
        show_progress(session, progress, run, run.work.token)
    try:
        await run.turn(lambda count: progress.report(f"waiting for {counted(count, 'other run')}"))
        run.end(await _work(session, run, progress))
    except asyncio.CancelledError:
        progress.end("cancelled")
        raise
    except TestwrightError as error:
        run.end(Ending("failed", str(error), "error"))
    except Exception as error:
        logger.exception("%s ended by an error of Testwright's own", run.id)
        run.end(_crash(run, error))
    finally:
        progress.end(run.ending.summary if run.ending is not None and run.ending.summary else "failed")


# ------------------------------------------------------------------------------------------------ work


async def _work(session: Session, run: Run, progress: RunProgress) -> Ending:
    """Do a run's work; raises what keeps it from being done."""
    service = await _service()
    order = await _order(session, run)
    match run.work.kind:
        case "generate":
            return await _generate(session, run, service, order, progress)
        case "measure":
            return await _measure(session, run, service, order, progress)
        case "judge":
            return await _judge(session, run, service, order, progress)


@dataclass(frozen=True, slots=True)
class _Order:
    """What the service is asked.

    Attributes:
        request: The request.
        tests: The module's test file when it was made; None when that is not known.
    """

    request: GenerateRequest
    tests: Tests | None


async def _order(session: Session, run: Run) -> _Order:
    """The service's request for a run, with the text of all documents as it is now.

    Raises:
        SettingsError: The editor's settings cannot be used.
    """
    from testwright.service import GenerateRequest  # noqa: PLC0415 - see above

    settings = await session.settings_for(run.work.path)
    if settings.error is not None:
        raise settings.error
    tests = await session.hints.tests_of(run.work.path)  # first, so that what changes while the run begins is seen
    request = GenerateRequest(
        workspace=run.work.root,
        path=run.work.path,
        symbol=run.work.symbol,
        editor=settings.options,
        buffers=session.documents.buffers(),
    )
    return _Order(request, tests)


async def _generate(
    session: Session, run: Run, service: UnitTestGenerationService, order: _Order, progress: RunProgress
) -> Ending:
    delivery = Delivery(session, run)
    await delivery.check_before()
    follow = _following(run, progress)
    result = await service.generate(order.request, follow, _checked(session, run, delivery.deliver))
    run.settle()
    ending = session.offers.told(run.work, ending_of_generate(run.work, result), result)
    if ending.status == "failed" and run.saved is not None:
        ending = replace(ending, message=f"{ending.message} {run.saved.words}", proposal=run.saved.path)
    session.results.take(run, ending, result.delivered)
    if result.delivered is not None:
        session.test_places.forget()
    if result.coverage is not None:
        tests, written = order.tests, result.delivered
        if written is not None:
            tests = Tests(resolved(written.place.path), digest_of_data(written.data))
        session.hints.take(result.coverage, tests, " ".join(result.report.notes))
    return await delivery.end(ending)


async def _measure(
    session: Session, run: Run, service: UnitTestGenerationService, order: _Order, progress: RunProgress
) -> Ending:
    result = await service.measure(order.request, progress.take)
    if result.coverage is not None:
        session.hints.take(result.coverage, order.tests, " ".join(result.notes))
    elif result.error is not None:
        session.hints.fail(run.work.module, str(result.error))
    return ending_of_measure(run.work, result)


async def _judge(
    session: Session, run: Run, service: UnitTestGenerationService, order: _Order, progress: RunProgress
) -> Ending:
    report = await service.judge(order.request, progress.take)
    ending = ending_of_judge(run.work, report)
    session.results.take(run, ending)
    return ending


def _following(run: Run, progress: RunProgress) -> Callable[[RunEvent], None]:
    """Show a run's events, and keep where it has saved what it had proven."""

    def follow(event: RunEvent) -> None:
        if (path := event.data.get("proposal")) is not None:
            record = event.data.get("interrupted")
            run.saved = Saved(Path(str(path)), event.message, None if record is None else str(record))
        progress.take(event)

    return follow


def _checked(session: Session, run: Run, deliver: Deliver) -> Deliver:
    """Deliver only when the module is still there."""

    async def checked(place: TestPlace, data: bytes, workspace: Path) -> None:
        if not run.work.path.exists() and session.documents.opened_at(run.work.path) is None:
            raise TargetError(
                f"{run.work.path.name} was removed or renamed during the run, so no tests were written for it.",
                next_step="Run again on the file that there is now.",
            )
        await deliver(place, data, workspace)

    return checked


def _crash(run: Run, error: Exception) -> Ending:
    """Keep what a person needs for a report of the error, and say where it is."""
    log = write_crash(run.id, error)
    where = "in the server's output" if log is None else str(log)
    name = type(error).__name__
    return Ending("failed", f"Testwright itself failed at {run.work.subject} ({name}). Its log is {where}.", "error")


async def _service() -> UnitTestGenerationService:
    service: type[UnitTestGenerationService] = await asyncio.to_thread(_load_service)
    return service()


def _load_service() -> type[UnitTestGenerationService]:
    """Import the service; in a thread, since it takes some 200 ms."""
    from testwright.service import UnitTestGenerationService  # noqa: PLC0415

    return UnitTestGenerationService
