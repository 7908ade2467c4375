"""Runs that an earlier server could not end: told of once, when their folder is opened, with what they had proven."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.errors import TestwrightError
from testwright.lsp.agent.looking import programs_outside
from testwright.lsp.testfile.delivery import SHOW, show_document
from testwright.lsp.work.endings import counted

if TYPE_CHECKING:
    from testwright.lsp.session import Session
    from testwright.lsp.wire.peer import MessageKind
    from testwright.service.interrupted import InterruptedRun

FORGET = "Forget"
CHOICE_SECONDS = 900.0
"""How long the choice stays open; a client need not say that nobody chooses."""

logger = logging.getLogger(__name__)


async def tell_interrupted(session: Session, folders: Iterable[Path]) -> None:
    """Tell of the runs in some folders that were cut off: one message for each folder that has some."""
    try:
        by_folder = await asyncio.to_thread(_interrupted, [folder.resolve() for folder in folders])
    except TestwrightError as error:
        logger.warning("Which runs were cut off cannot be found out: %s", error)
        return
    if by_folder:
        session.in_background(_reap(session), "removing what runs that were cut off have left")
    await asyncio.gather(*(_tell(session, folder.name, runs) for folder, runs in by_folder.items()))


async def _reap(session: Session) -> None:
    """Remove their boxes now: the next run, which would do it, may be long in coming."""
    from testwright.boxes.docker.reaping import reap_all  # noqa: PLC0415 - nothing at the start needs it

    await reap_all(environ=programs_outside(session))


async def forget(*runs: str) -> None:
    """Keep nothing of runs that were cut off; what they had proven stays where it is saved.

    Raises:
        SettingsError: The state folder cannot be ours.
        WriteFailure: The disk refuses.
    """
    await asyncio.to_thread(_forget, runs)


async def _tell(session: Session, folder: str, runs: list[InterruptedRun]) -> None:
    """Tell of the runs of one folder, the newest first. When the user has seen it, that is kept: none is told twice."""
    newest = next((run for run in runs if run.proposal is not None), runs[0])
    message = newest.words
    if others := len(runs) - 1:
        message += f" {counted(others, 'other run')} in {folder} {'was' if others == 1 else 'were'} cut off, too."
    kind: MessageKind = "info" if newest.proposal is None else "warning"
    ids = [run.id for run in runs]
    if not session.client.show_message_request:
        session.peer.show(kind, f"{message} `testwright runs` in a terminal lists such runs, and forgets them.")
        await asyncio.to_thread(_told, ids)
        return
    shows = newest.proposal is not None and session.client.show_document
    choices = (SHOW, FORGET) if shows else (FORGET,)
    try:
        match await session.peer.choose(kind, message, choices, seconds=CHOICE_SECONDS):
            case "Show proposal" if newest.proposal is not None:
                if await show_document(session, newest.proposal):
                    await forget(newest.id)
            case "Forget":
                await forget(*ids)
        await asyncio.to_thread(_told, ids)
    except TestwrightError as error:
        session.peer.show("error", str(error))


# ------------------------------------------------------------------------------------------------ in threads


def _interrupted(folders: list[Path]) -> dict[Path, list[InterruptedRun]]:
    """Runs that were cut off and not told of, the newest first, by the innermost folder that holds their module."""
    if not _has_notes():
        return {}
    from testwright.service.interrupted import interrupted_runs  # noqa: PLC0415 - takes long to load

    found: dict[Path, list[InterruptedRun]] = {}
    for run in interrupted_runs():
        holding = [folder for folder in folders if run.path.is_relative_to(folder)]
        if holding and not run.told:
            found.setdefault(max(holding, key=lambda folder: len(folder.parts)), []).append(run)
    return found


def _has_notes() -> bool:
    """Whether anything is noted of runs at all, which is quicker to find out than what."""
    from testwright.housekeeping import RUNS, state_dir  # noqa: PLC0415 - nothing at the start needs it
    from testwright.store.runs import RunNotes  # noqa: PLC0415

    folder = state_dir()
    if not (folder / RUNS).is_file():
        return False
    with RunNotes(folder) as notes:
        return bool(notes.all())


def _told(runs: Iterable[str]) -> None:
    from testwright.service.interrupted import told_of  # noqa: PLC0415 - see above

    told_of(runs)


def _forget(runs: Iterable[str]) -> None:
    from testwright.service.interrupted import forget_run  # noqa: PLC0415 - see above

    for run in runs:
        forget_run(run)
