"""The user's consent that code of a project is sent to models: asked for, given, taken back.

Whoever asks tells what is sent, where, and on which condition; an answer holds for exactly that. It is kept where the
command line keeps it, so each finds what was said to the other.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testwright.errors import TestwrightError, UsageError
from testwright.lsp.models.explaining import told_text
from testwright.lsp.models.looking import Look, look
from testwright.lsp.reports.files import write_document
from testwright.lsp.reports.markdown import words
from testwright.lsp.reports.sections import joined
from testwright.lsp.testfile.delivery import show_document
from testwright.lsp.texts.uris import uri_of

if TYPE_CHECKING:
    from testwright.lsp.features.arguments import Action
    from testwright.lsp.session import Session
    from testwright.lsp.work.runs import Run
    from testwright.models.consent import ConsentState

AGREE = "Agree"
NOT_NOW = "Not now"
WITHDRAW = "Withdraw"
KEEP = "Keep"
DETAILS = "Details"
QUESTION_SECONDS = 900.0
"""For a person to read what would be sent; after that it is as if it had not been asked."""

CONSENT_SLUG = "consent"
"""Names the error of a run that needs it, in its report."""


class Consents:
    """Asks the user of one session.

    Args:
        session: The session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asking: set[Path] = set()
        self._offered: set[Path] = set()

    async def answer(self, root: Path, action: Action) -> dict[str, Any]:
        """Do what the user wants; a question goes on by itself.

        Raises:
            UsageError: The workspace is not trusted, or there is nothing that could be agreed to.
            TestwrightError: What is needed for it cannot be read or written.
        """
        seen = await look(self._session, root)
        if action in ("ask", "give"):
            self._check(seen)
        match action:
            case "ask":
                return self._ask(seen)
            case "give":
                return _answer(seen, "given", await self._give(seen))
            case "withdraw":
                return _answer(seen, "withdrawn", await self._withdraw(seen))
            case "show":
                return _answer(seen, _status(seen.plan.consent), _state(seen))

    def after(self, run: Run) -> None:
        """Offer to agree after a run that needed it, once in a session; the user may ask as often as they like.

        A client that shows the ends of runs itself has a button there.
        """
        if self._session.client.reports:
            return
        report = run.ending.report if run.state == "ended" and run.ending is not None else None
        error = report.get("error") if report is not None else None
        if error is not None and error["slug"] == CONSENT_SLUG and run.work.root not in self._offered:
            self._offered.add(run.work.root)
            self._session.in_background(self._offer(run.work.root), f"asking for consent for {run.work.root.name}")

    async def _offer(self, root: Path) -> None:
        try:
            seen = await look(self._session, root)
            if seen.plan.consent.is_needed and seen.plan.consent.given is None and self._session.trusted:
                self._ask(seen)
        except TestwrightError as error:
            self._session.peer.show("warning", str(error))

    def _check(self, seen: Look) -> None:
        if not self._session.trusted:
            raise UsageError(
                "This workspace is not trusted, so none of its code may be sent to a model.",
                next_step="Trust it first.",
            )
        if not seen.plan.chain.taken:
            raise UsageError(
                "There is no model that could be asked, so there is nothing to agree to.",
                next_step="The command testwright.models tells why each fell out.",
            )

    # -------------------------------------------------------------------------------------------- the question

    def _ask(self, seen: Look) -> dict[str, Any]:
        """Begin to ask, where the client can; else say where the user can agree."""
        consent, name = seen.plan.consent, seen.root.name
        if not consent.is_needed:
            return self._said(seen, "not-needed", _state(seen))
        if not self._session.client.show_message_request:
            command = f"`testwright consent {seen.root}` in a terminal"
            given = consent.given is not None
            step = f"Take it back by {command}." if given else f"Read what is sent, and agree, by {command}."
            return self._said(seen, _status(consent), f"{_state(seen)} {step}")
        if seen.root not in self._asking:
            self._asking.add(seen.root)
            self._session.in_background(self._until_answered(seen), f"asking for consent for {name}")
        return _answer(seen, "asking", f"You are asked whether code of {name} may be sent to models.")

    async def _until_answered(self, seen: Look) -> None:
        try:
            await self._question(seen)
        except TestwrightError as error:
            self._session.peer.show("error", str(error))
        finally:
            self._asking.discard(seen.root)

    async def _question(self, seen: Look) -> None:
        """Ask until there is an answer; none in time, or a message that is closed, changes nothing."""
        session, consent = self._session, seen.plan.consent
        given = consent.given is not None
        choices: tuple[str, ...] = (WITHDRAW, KEEP) if given else (AGREE, NOT_NOW)
        question = _question_words(seen)
        if session.client.show_document:
            choices = (*choices, DETAILS)
        else:
            question = f"{question}\n\n{consent.text}"
        while True:
            match await session.peer.choose("warning", question, choices, seconds=QUESTION_SECONDS):
                case "Details":
                    path = await asyncio.to_thread(write_document, f"consent-{seen.root.name}", _document(seen))
                    await show_document(session, path, focus=False)
                case "Agree":
                    self._check(seen)
                    session.peer.show("info", await self._give(seen))
                    return
                case "Withdraw":
                    session.peer.show("info", await self._withdraw(seen))
                    return
                case _:
                    return

    async def _give(self, seen: Look) -> str:
        await asyncio.to_thread(_give, seen)
        return f"Code of {seen.root.name} may be sent to {_where(seen)} now. Consent can be taken back at any time."

    async def _withdraw(self, seen: Look) -> str:
        await asyncio.to_thread(_withdraw, seen)
        return f"No code of {seen.root.name} is sent to a model any more."

    def _said(self, seen: Look, status: str, message: str) -> dict[str, Any]:
        self._session.peer.show("info", message)
        return _answer(seen, status, message)


# ------------------------------------------------------------------------------------------------ in threads


def _give(seen: Look) -> None:
    from testwright.housekeeping import state_dir  # noqa: PLC0415 - nothing at the start needs it
    from testwright.models.consent import give  # noqa: PLC0415
    from testwright.store.ledger import Ledger  # noqa: PLC0415

    with Ledger.open(state_dir()) as ledger:
        give(ledger, seen.plan.consent, now=time.time())


def _withdraw(seen: Look) -> None:
    from testwright.housekeeping import state_dir  # noqa: PLC0415 - nothing at the start needs it
    from testwright.models.consent import withdraw  # noqa: PLC0415
    from testwright.store.ledger import Ledger  # noqa: PLC0415

    with Ledger.open(state_dir()) as ledger:
        withdraw(ledger, seen.plan.consent.workspace)


# ------------------------------------------------------------------------------------------------ words


def _answer(seen: Look, status: str, message: str) -> dict[str, Any]:
    consent = seen.plan.consent
    return {
        "uri": uri_of(seen.root),
        "status": status,
        "destinations": list(consent.destinations),
        "message": message,
        "text": consent.text,
    }


def _status(consent: ConsentState) -> str:
    if not consent.is_needed:
        return "not-needed"
    return "missing" if consent.given is None else "given"


def _state(seen: Look) -> str:
    """How things stand, as a sentence."""
    consent, name = seen.plan.consent, seen.root.name
    if not consent.is_needed:
        return consent.text
    if consent.given is None:
        return f"{consent.missing} Nothing is sent."
    return f"You have agreed that code of {name} may be sent to {_where(seen)}."


def _question_words(seen: Look) -> str:
    if seen.plan.consent.given is not None:
        return f"{_state(seen)} Take it back?"
    condition = (
        "Who serves a model is asked to keep nothing of it."
        if seen.plan.consent.data_collection == "deny"
        else "Who serves a free model may keep it and train on it."
    )
    return f"May Testwright send code of {seen.root.name} to models at {_where(seen)}? {condition}"


def _where(seen: Look) -> str:
    return ", ".join(seen.plan.consent.destinations)


def _document(seen: Look) -> str:
    return joined([f"# Code of {words(seen.root.name)} and models", told_text(seen.plan.consent.text)])
