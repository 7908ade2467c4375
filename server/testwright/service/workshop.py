"""The box of one run, made ready: a filtered copy of the workspace, our programs, pytest and coverage to lend."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from testwright.boxes.choose import choose_box
from testwright.boxes.overlay import make_overlay
from testwright.boxes.protocol import Box, World
from testwright.boxes.reaping import Registry, reap_orphans
from testwright.boxes.session import Session, install_inside
from testwright.boxes.snapshot import make_snapshot
from testwright.errors import WriteFailure
from testwright.housekeeping import cache_dir, scratch_parent
from testwright.service.job import Job


@dataclass(frozen=True, slots=True)
class Workshop:
    """A run's session, and what the user should know of what it cannot see."""

    session: Session
    notes: tuple[str, ...]


@asynccontextmanager
async def open_workshop(job: Job, environ: Mapping[str, str] | None = None) -> AsyncIterator[Workshop]:
    """Make a box ready for a job; its folders are removed at the end, or by the next start after a crash.

    Raises:
        BoxUnavailable: No box can be had here.
        BoxFailure: The workspace could not be copied.
        WriteFailure: There is no room for the copy.
    """
    variables = os.environ if environ is None else environ
    box = await choose_box(job.settings.box)
    await asyncio.to_thread(reap_orphans)
    with Registry.default().private_folder(scratch_parent(), "run") as folder:
        try:
            session, notes = await asyncio.to_thread(_fill, folder, box, job, variables)
        except OSError as error:
            raise WriteFailure(
                f"The run's private folder could not be filled: {error.strerror or error}.",
                next_step="Free some space in the temporary folder, or name another one in TMPDIR.",
            ) from error
        yield Workshop(session, notes)


def _fill(folder: Path, box: Box, job: Job, variables: Mapping[str, str]) -> tuple[Session, tuple[str, ...]]:
    overlay = make_overlay(cache_dir(variables))
    library, snapshot = folder / "library", folder / "workspace"
    library.mkdir(mode=0o755)
    install_inside(library)
    report = make_snapshot(job.target.workspace, snapshot, keep=[job.target.path])
    roots = (job.target.import_root, *(root for root in job.project.import_roots if root.is_dir()))
    session = Session(
        box=box,
        world=World(
            workspace=job.target.workspace,
            snapshot=snapshot,
            read_only=(*job.interpreter.roots, library, overlay),
            environment={name: variables[name] for name in job.settings.pass_env if name in variables},
        ),
        python=job.interpreter.executable,
        library=library,
        overlay=overlay,
        import_roots=tuple(dict.fromkeys(roots)),
    )
    unset = [name for name in job.settings.pass_env if name not in variables]
    notes = [f"The variable {name} of pass-env is not set, so it was not passed on." for name in unset]
    return session, (*report.notes, *notes)
