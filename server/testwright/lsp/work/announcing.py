"""What the client is told of runs: that one was queued, goes on, or has ended, and how."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from testwright.lsp.testfile.delivery import offer_choice
from testwright.lsp.texts.uris import uri_of
from testwright.lsp.wire.wording import in_editor_words
from testwright.lsp.work.interrupted import forget
from testwright.lsp.work.runs import Run

if TYPE_CHECKING:
    from testwright.lsp.session import Session

RUN_CHANGED = "testwright/runChanged"
RUN_FINISHED = "testwright/runFinished"

logger = logging.getLogger(__name__)


def announce(session: Session, run: Run) -> None:
    """Tell the client of a run's state; of its end, one message at most."""
    if session.client.notifications:
        session.peer.notify(
            RUN_CHANGED,
            {
                "run": run.id,
                "kind": run.work.kind,
                "state": run.state,
                "uri": uri_of(run.work.path),
                "symbol": run.work.symbol,
            },
        )
    if run.state == "ended":
        _announce_end(session, run)


def _announce_end(session: Session, run: Run) -> None:
    ending = run.ending
    if ending is None:
        return
    if session.client.notifications:
        session.peer.notify(
            RUN_FINISHED,
            {
                "run": run.id,
                "kind": run.work.kind,
                "status": ending.status,
                "severity": ending.severity,
                "subject": run.work.subject,
                "uri": uri_of(run.work.path),
                "testUri": uri_of(ending.test_file) if ending.test_file is not None else None,
                "message": in_editor_words(ending.message),
                "report": ending.report,
                "offers": list(ending.offers),
                **({"proposalUri": uri_of(ending.proposal)} if ending.proposal is not None else {}),
            },
        )
    if run.saved is not None and run.saved.record is not None and not session.closing:
        session.in_background(forget(run.saved.record), f"forgetting {run.id}")  # the user is told of it here
    if not ending.message or session.closing:
        return
    if run.quiet:
        if ending.severity == "error":
            logger.warning("%s: %s", run.id, ending.message)
    elif session.client.reports:
        return
    elif ending.proposal is not None and session.client.show_message_request:
        session.in_background(offer_choice(session, run, ending), f"the choice after {run.id}")
    elif ending.offers and session.client.show_message_request:
        session.in_background(session.offers.offer(run, ending), f"what is offered after {run.id}")
    else:
        session.peer.show(ending.severity, ending.message)
