"""One look at the agent of this machine, with the settings of a run. What it needs is loaded by the first look."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.settings import AgentSdk, Settings, resolve_settings

if TYPE_CHECKING:
    from testwright.lsp.session import Session
    from testwright.service.agent.state import AgentState


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen.

    Attributes:
        root: Root of the project that the settings are of.
        settings: As a run there has them.
        state: How the agent is set up.
    """

    root: Path
    settings: Settings
    state: AgentState


async def look_at_agent(session: Session, root: Path, sdk: AgentSdk | None = None) -> Look:
    """Look at the agent. It takes milliseconds, or seconds where a Docker engine does not answer.

    Args:
        session: The session.
        root: Root of the project whose settings hold.
        sdk: Which SDK is meant; None for that of the settings.

    Raises:
        SettingsError: The settings cannot be used.
        WriteFailure: The cache folder cannot be made.
        SetupFailure: A lock file of ours is damaged.
    """
    editor = await session.settings_for(root / "module.py")
    if editor.error is not None:
        raise editor.error
    settings = await asyncio.to_thread(resolve_settings, root, environ=os.environ, editor=editor.options)
    settings = replace(settings, agent_sdk=sdk or settings.agent_sdk)
    agent_state = await asyncio.to_thread(_load)
    return Look(root, settings, await agent_state(settings, root, programs_outside(session)))


def programs_outside(session: Session) -> dict[str, str]:
    """The server's variables, with a ``PATH`` that leads into no folder that is open: nothing in one is started."""
    folders = [folder.resolve() for folder in session.folders.paths]
    kept = [
        entry
        for entry in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if entry and not any(Path(entry).resolve().is_relative_to(folder) for folder in folders)
    ]
    return {**os.environ, "PATH": os.pathsep.join(kept)}


def default_root(session: Session) -> Path:
    """The project that is meant where none is named: that of the first folder; without any, of the current one."""
    folders = session.folders.paths
    return session.folders.root_of(folders[0]) if folders else Path.cwd()


def _load() -> Callable[[Settings, Path, Mapping[str, str]], Awaitable[AgentState]]:
    from testwright.service.agent.state import agent_state  # noqa: PLC0415 - see above

    return agent_state
