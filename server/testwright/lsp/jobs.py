"""What a run does: settings and buffers in, events as progress, the result to those who keep it.

The service, with all that it imports, is loaded by the first run and not before.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from lsprotocol import types

from testwright.errors import TestwrightError
from testwright.lsp.progress import Progress
from testwright.lsp.runs import Run

if TYPE_CHECKING:
    from testwright.lsp.session import Session
    from testwright.service import GenerateRequest, UnitTestGenerationService

logger = logging.getLogger(__name__)

TITLES = {"generate": "Generating tests for", "judge": "Judging the tests of", "measure": "Measuring the coverage of"}


async def do_work(session: Session, run: Run) -> None:
    """Do one run; every way in which it can end is told to the client."""
    async with _progress(session, run) as progress:
        work = {"generate": _generate}[run.work.kind]
        await work(session, run, progress)


@asynccontextmanager
async def _progress(session: Session, run: Run) -> AsyncIterator[Progress]:
    """The client's progress for a run, which ends with it in every case."""
    token = run.work.token
    if token is None and session.client.progress and not run.work.quiet:
        token = f"testwright-{uuid.uuid4()}"
        params = types.WorkDoneProgressCreateParams(token)
        session.progress_tokens[token] = run
        await session.peer.ask(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params, seconds=5.0)
    elif token is not None:
        session.progress_tokens[token] = run
    progress = Progress(session.peer.notify, token, f"{TITLES[run.work.kind]} {run.work.subject}")
    progress.begin("reading the project")
    try:
        yield progress
    except asyncio.CancelledError:
        progress.end("cancelled")
        raise
    finally:
        progress.end("ended by an error")
        if token is not None:
            session.progress_tokens.pop(token, None)


async def _request(session: Session, run: Run) -> GenerateRequest:
    """The service's request for a run.

    Raises:
        SettingsError: The editor's settings cannot be used.
    """
    from testwright.service import GenerateRequest  # noqa: PLC0415

    settings = await session.settings_for(run.work.path)
    if settings.error is not None:
        raise settings.error
    return GenerateRequest(
        workspace=run.work.root,
        path=run.work.path,
        symbol=run.work.symbol,
        editor=settings.options,
        buffers=session.documents.buffers(),
    )


async def _generate(session: Session, run: Run, progress: Progress) -> None:
    service = await _service()
    try:
        request = await _request(session, run)
        result = await service.generate(request, progress.take)
    except TestwrightError as error:
        progress.end("failed")
        session.peer.show("error", str(error))
        return
    progress.end(result.report.status)


async def _service() -> UnitTestGenerationService:
    service: type[UnitTestGenerationService] = await asyncio.to_thread(_load_service)
    return service()


def _load_service() -> type[UnitTestGenerationService]:
    """Import the service; in a thread, since it takes some 200 ms."""
    from testwright.service import UnitTestGenerationService  # noqa: PLC0415

    return UnitTestGenerationService
