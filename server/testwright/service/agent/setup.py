"""Set the agent up for whoever asks: the command line, or an editor by one click."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from testwright.analysis.targets import find_workspace
from testwright.provisioning.agent_environment import AgentEnvironment, set_up
from testwright.provisioning.locks import SdkName
from testwright.provisioning.progress import Tell


async def set_up_agent(
    tell: Tell,
    *,
    workspace: Path | None = None,
    sdk: SdkName = "pinned",
    python: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> AgentEnvironment:
    """Make the agent's environment, unless it is there. Nothing that takes long runs on the event loop.

    Cancelling the task that awaits it ends all programs at once and leaves nothing but what was fetched, with which the
    next one goes on.

    Args:
        tell: Is told in the event loop how far it is, some times a second; ``SetupProgress.words`` is for people.
        workspace: Root of the project that is open; no program in it is started. None: found from the current folder.
        sdk: Which SDK.
        python: The Python that the user names for it; when None, any 3.12 or 3.13 that is found.
        environ: Variables to look at; the process's own when None.

    Raises:
        InterpreterError: There is no Python for it.
        SetupFailure: It could not be made.
        SettingsError: ``TESTWRIGHT_CACHE_DIR`` names a folder that cannot be ours.
        WriteFailure: The cache folder cannot be written.
    """
    root = find_workspace(Path.cwd()) if workspace is None else workspace
    return await set_up(sdk, workspace=root, tell=tell, python=python, environ=environ)
