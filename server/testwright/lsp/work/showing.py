"""Progress on its way to the client: the token that it is shown under, and what a cancelling of it ends."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types

from testwright.lsp.work.progress import Progress

if TYPE_CHECKING:
    from testwright.lsp.session import Session

CREATE_SECONDS = 10.0
"""For the client to say whether it shows a progress; the work goes on meanwhile."""


class Cancellable(Protocol):
    """What a progress is of.

    Attributes:
        id: Unique within the server's life.
    """

    id: str

    def cancel(self, reason: str = "") -> bool:
        """Stop it; whether it is stopped by this."""
        ...


def show_progress(session: Session, progress: Progress, of: Cancellable, token: int | str | None) -> None:
    """Let the client show a progress, where it can.

    Args:
        session: The session.
        progress: The progress.
        of: What is ended when the client cancels it.
        token: The client's own; None to create one.
    """
    if token is not None or session.client.progress:
        session.in_background(_shown(session, progress, of, token), f"progress of {of.id}")


async def _shown(session: Session, progress: Progress, of: Cancellable, given: int | str | None) -> None:
    """Keep a progress's token for as long as it is shown; a client that refuses a new one is sent nothing."""
    token = f"testwright-{uuid.uuid4()}" if given is None else given
    session.progress_tokens[token] = of
    try:
        if given is None:
            params = types.WorkDoneProgressCreateParams(token)
            method = types.WINDOW_WORK_DONE_PROGRESS_CREATE
            if not await session.peer.accepts(method, params, seconds=CREATE_SECONDS):
                return
        progress.show(token)
        await progress.over.wait()
    finally:
        session.progress_tokens.pop(token, None)
