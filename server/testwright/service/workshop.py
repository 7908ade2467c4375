"""The box of one run, made ready: a filtered copy of the workspace, our programs, pytest and coverage to lend."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from testwright.boxes.choose import choose_box
from testwright.boxes.docker.reaping import reap_all
from testwright.boxes.overlay import make_overlay
from testwright.boxes.protocol import Box, World
from testwright.boxes.reaping import Registry
from testwright.boxes.session import Session, install_inside
from testwright.boxes.snapshot import make_snapshot
from testwright.errors import TargetError, WriteFailure
from testwright.housekeeping import cache_dir, scratch_parent
from testwright.service.job import Subject
from testwright.service.threads import to_its_end


@dataclass(frozen=True, slots=True)
class Workshop:
    """A run's session, and what the user should know of what it cannot see."""

    session: Session
    notes: tuple[str, ...]


@asynccontextmanager
async def open_workshop(subject: Subject, environ: Mapping[str, str] | None = None) -> AsyncIterator[Workshop]:
    """Make a box ready; its folders are removed at the end, or by the next start after a crash.

    Raises:
        BoxUnavailable: No box can be had here.
        BoxFailure: The workspace could not be copied.
        WriteFailure: There is no room for the copy.
    """
    variables = os.environ if environ is None else environ
    box = await choose_box(subject.settings.box)
    await reap_all(workspace=subject.target.workspace, environ=variables)
    async with _private_folder() as folder:
        stop = threading.Event()
        fill = partial(_fill, folder, box, subject, variables, stop)
        try:
            session, notes = await to_its_end(fill, stop.set)
        except OSError as error:
            raise WriteFailure(
                f"The run's private folder could not be filled: {error.strerror or error}.",
                next_step="Free some space in the temporary folder, or name another one in TMPDIR.",
            ) from error
        yield Workshop(session, notes)


@asynccontextmanager
async def _private_folder() -> AsyncIterator[Path]:
    """A folder of this run. What is deleted with it may be large, so that is done in a thread."""
    with ExitStack() as stack:
        folder = stack.enter_context(Registry.default().private_folder(scratch_parent(), "run"))
        try:
            yield folder
        finally:
            await to_its_end(stack.close)


def _fill(
    folder: Path, box: Box, subject: Subject, variables: Mapping[str, str], stop: threading.Event
) -> tuple[Session, tuple[str, ...]]:
    target, interpreter, settings = subject.target, subject.interpreter, subject.settings
    overlay = make_overlay(cache_dir(variables), stop)
    library, snapshot = folder / "library", folder / "workspace"
    library.mkdir(mode=0o755)
    install_inside(library)
    buffers, unfit = _unsaved(subject)
    report = make_snapshot(target.workspace, snapshot, keep=[target.path], buffers=buffers, stop=stop)
    roots = (target.import_root, *(root for root in subject.project.import_roots if root.is_dir()))
    session = Session(
        box=box,
        world=World(
            workspace=target.workspace,
            snapshot=snapshot,
            read_only=(*interpreter.roots, library, overlay),
            environment={name: variables[name] for name in settings.pass_env if name in variables},
        ),
        python=interpreter.executable,
        library=library,
        overlay=overlay,
        import_roots=tuple(dict.fromkeys(roots)),
    )
    unset = [name for name in settings.pass_env if name not in variables]
    notes = [f"The variable {name} of pass-env is not set, so it was not passed on." for name in unset]
    return session, (*report.notes, *unfit, *notes)


def _unsaved(subject: Subject) -> tuple[dict[Path, bytes], list[str]]:
    """What the editor holds of the workspace, as bytes; and a sentence for each document that cannot be encoded."""
    found: dict[Path, bytes] = {}
    notes: list[str] = []
    for path in subject.buffers:
        if not path.is_relative_to(subject.target.workspace):
            continue
        try:
            data = subject.buffers.data(path)
        except TargetError as error:
            notes.append(f"{error.message} What the disk has of it was used.")
            continue
        if data is not None:
            found[path] = data
    return found, notes
