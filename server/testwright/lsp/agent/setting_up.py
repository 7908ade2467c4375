"""Setting up the agent: asked for by one click, followed by its progress, told of at its end, one at a time."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from testwright.errors import TestwrightError, UsageError
from testwright.lsp.agent.looking import Look, default_root, look_at_agent, programs_outside
from testwright.lsp.wire.wording import in_editor_words
from testwright.lsp.work.crashes import write_crash
from testwright.lsp.work.progress import Progress
from testwright.lsp.work.showing import show_progress

if TYPE_CHECKING:
    from testwright.lsp.session import Session
    from testwright.lsp.wire.peer import MessageKind
    from testwright.provisioning.agent_environment import AgentEnvironment
    from testwright.provisioning.progress import SetupProgress, Step
    from testwright.settings import AgentSdk

AGENT_CHANGED = "testwright/agentChanged"
TITLE = "Setting up the agent"
MEGABYTE = 1_000_000

SPANS: dict[Step, tuple[int, int]] = {
    "waiting": (0, 0),
    "bringing-uv": (0, 5),
    "planning": (5, 8),
    "fetching": (8, 60),
    "installing": (60, 80),
    "checking": (80, 84),
    "compiling": (84, 95),
    "trying": (95, 100),
    "done": (100, 100),
}
"""Which part of the whole a step is, in percent, by what it takes where nothing was fetched before."""

CANCELLED = "The set-up of the agent was cancelled. What was fetched is kept, so the next one goes on from there."

logger = logging.getLogger(__name__)


class AgentSetup:
    """Sets up the agent for one session.

    Args:
        session: The session.

    Attributes:
        id: Names the set-up where runs are named, to cancel it.
    """

    id = "set-up-agent"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._task: asyncio.Task[None] | None = None

    @property
    def is_going(self) -> bool:
        """Whether it is being set up by this server."""
        return self._task is not None

    async def start(self, sdk: AgentSdk | None = None, token: int | str | None = None) -> dict[str, Any]:
        """Begin, unless it is there or being set up; returns at once, and what it does tells of itself.

        Args:
            sdk: Which SDK; None for that of the settings.
            token: A progress token of the client.

        Returns:
            What the command answers: ``run``, ``status`` and ``message``.

        Raises:
            UsageError: The settings want the agent in Docker, whose image is made in a terminal.
            TestwrightError: What is there cannot be found out.
        """
        look = await look_at_agent(self._session, default_root(self._session), sdk)
        if self._task is not None:
            return _answer("already-running", "The agent is being set up.")
        if look.settings.agent_box == "docker":
            raise UsageError(
                "The setting agentBox wants the agent in Docker, and its image is made in a terminal.",
                next_step="Run `testwright setup docker` there, or set agentBox to auto.",
            )
        if look.state.state == "set-up":
            return _answer("set-up", look.state.words)
        progress = Progress(self._session.peer.notify, TITLE, "beginning")
        self._task = asyncio.create_task(self._work(look, progress), name="setting up the agent")
        show_progress(self._session, progress, self, token)
        await asyncio.sleep(0)  # a task that is cancelled before its first step never takes it
        return _answer("started", "The agent is being set up.")

    def cancel(self, reason: str = "") -> bool:
        """Stop it; whether it is stopped by this. All its programs end at once."""
        del reason  # nobody but the user stops it
        return self._task is not None and self._task.cancel()

    async def close(self) -> None:
        """Stop it and wait until nothing of it is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _work(self, look: Look, progress: Progress) -> None:
        """Set it up, and tell how that ended."""
        session = self._session
        self._tell("setting-up")
        kind: MessageKind = "error"
        try:
            made = await self._made(look, progress)
        except asyncio.CancelledError:
            kind, message, summary = "info", CANCELLED, "cancelled"
        except TestwrightError as error:
            message, summary = str(error), "failed"
        except Exception as error:
            logger.exception("Setting up the agent ended by an error of Testwright's own")
            log = await asyncio.to_thread(write_crash, self.id, error)
            where = "in the server's output" if log is None else str(log)
            message, summary = f"Testwright itself failed at setting up the agent. Its log is {where}.", "failed"
        else:
            session.offers.done("set-up-agent")
            kind, message, summary = "info", _done(made), "done"
        self._task = None
        progress.end(summary)
        self._tell("set-up" if summary == "done" else "missing", in_editor_words(message), kind)
        if not session.client.reports:
            session.peer.show(kind, message)

    async def _made(self, look: Look, progress: Progress) -> AgentEnvironment:
        from testwright.service.agent.setup import set_up_agent  # noqa: PLC0415 - loaded by the look

        percent = 0

        def tell(event: SetupProgress) -> None:
            nonlocal percent
            percent = max(percent, _percent(event))
            progress.report(event.words, percent)

        sdk, environ = look.settings.agent_sdk or "pinned", programs_outside(self._session)
        return await set_up_agent(tell, workspace=look.root, sdk=sdk, environ=environ)

    def _tell(self, state: str, message: str = "", severity: MessageKind = "info") -> None:
        if self._session.client.notifications:
            self._session.peer.notify(AGENT_CHANGED, {"state": state, "message": message, "severity": severity})


def _answer(status: str, message: str) -> dict[str, Any]:
    return {"run": AgentSetup.id, "status": status, "message": message}


def _percent(event: SetupProgress) -> int:
    first, last = SPANS[event.step]
    part = min(1.0, event.done / event.total) if event.total else 0.0
    return first + int(part * (last - first))


def _done(made: AgentEnvironment) -> str:
    told = f"The agent is set up: OpenHands SDK {made.sdk} on Python {made.python_version}"
    size = f", {made.size // MEGABYTE:,} MB" if made.size else ""
    notes = "".join(f" {note}" for note in made.notes)
    return f"{told}{size}. Generate tests again to let it take on what is left.{notes}"
