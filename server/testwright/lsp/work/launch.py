"""Starting runs, and the answer to whoever asked for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from testwright.lsp.work.runs import Run, RunKind, Work

if TYPE_CHECKING:
    from testwright.lsp.session import Session


def launch(  # noqa: PLR0913 - each is a part of what is asked for
    session: Session,
    kind: RunKind,
    path: Path,
    symbol: str | None = None,
    *,
    token: int | str | None = None,
    quiet: bool = False,
    show: bool = True,
) -> dict[str, Any]:
    """Start a run, queue it, or join the one that does the same.

    Args:
        session: The session.
        kind: What is to be done.
        path: The module's file, as the editor names it.
        symbol: Qualified name in it, None for the module.
        token: A progress token of the client.
        quiet: Whether it was not asked for by the user.
        show: Whether the editor is to show the test file at the end.

    Returns:
        What a command answers: ``run``, ``status``, ``subject`` and ``waitsFor``.
    """
    folders = session.folders
    work = Work(
        kind,
        path,
        path.resolve(),
        symbol,
        folders.uri_of(path),
        folders.root_of(path),
        token,
        quiet,
        show,
        versions=session.documents.versions(),
    )
    run, is_new = session.runs.start(work)
    return answer(run, is_new=is_new)


def answer(run: Run, *, is_new: bool) -> dict[str, Any]:
    """What a command says of a run that it has started, or found."""
    started = "queued" if run.state == "queued" else "started"
    return {
        "run": run.id,
        "status": started if is_new else "already-running",
        "subject": run.work.subject,
        "waitsFor": run.waits_for,
    }
