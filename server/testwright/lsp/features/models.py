"""Models: which would be asked for a project, and the user's consent that its code is sent to them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from testwright.errors import TestwrightError
from testwright.lsp.features.arguments import ConsentArguments, ModelsArguments
from testwright.lsp.features.dispatch import command
from testwright.lsp.models.explaining import models_markdown
from testwright.lsp.models.looking import look, root_in_question
from testwright.lsp.reports.files import write_document
from testwright.lsp.testfile.delivery import show_document
from testwright.lsp.texts.uris import uri_of

if TYPE_CHECKING:
    from testwright.lsp.server import TestwrightServer
    from testwright.lsp.session import Session

MODELS = "testwright.models"
CONSENT = "testwright.consent"


def register(server: TestwrightServer) -> None:
    """Register the commands."""

    @command(server, MODELS, ModelsArguments)
    async def models(ls: TestwrightServer, given: ModelsArguments) -> dict[str, Any]:
        session = ls.session
        seen = await look(session, root_in_question(session, given.uri))
        markdown = models_markdown(seen.plan, seen.notes, seen.root.name, trusted=session.trusted)
        if given.show:
            session.in_background(_show(session, seen.root.name, markdown), f"showing the models of {seen.root.name}")
        return {
            "uri": uri_of(seen.root),
            "markdown": markdown,
            "models": [
                {"model": choice.entry.name, "provider": choice.provider.name, "why": choice.why}
                for choice in seen.plan.chain.taken
            ],
        }

    @command(server, CONSENT, ConsentArguments)
    async def consent(ls: TestwrightServer, given: ConsentArguments) -> dict[str, Any]:
        return await ls.session.consents.answer(root_in_question(ls.session, given.uri), given.action)


async def _show(session: Session, name: str, markdown: str) -> None:
    """Show it as a document; where that cannot be, say who else tells it."""
    if not session.client.show_document:
        session.peer.show(
            "info", "This editor shows no documents: `testwright models explain` in a terminal tells the same."
        )
        return
    try:
        path = await asyncio.to_thread(write_document, f"models-for-{name}", markdown)
    except TestwrightError as error:
        session.peer.show("error", str(error))
        return
    if not await show_document(session, path):
        session.peer.show("info", f"The models for {name} are told in {path}.")
