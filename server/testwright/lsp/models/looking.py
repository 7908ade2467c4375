"""One look at the models of a project: which would be asked, whether there is a key, whether the user has agreed.

Nothing is sent for it. What the models need is loaded by the first look and not before.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from testwright.errors import UsageError
from testwright.lsp.texts.uris import path_of

if TYPE_CHECKING:
    from testwright.lsp.client.configuration import EditorSettings
    from testwright.lsp.session import Session
    from testwright.models.plan import Plan


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen.

    Attributes:
        root: Root of the project, which is what a run calls its workspace.
        plan: Which models would be asked there, and what is missing.
        notes: Sentences for the user: what the settings say and is not used, and what the plan has met.
    """

    root: Path
    plan: Plan
    notes: tuple[str, ...]


def root_in_question(session: Session, uri: str | None) -> Path:
    """Root of the project of a file or folder; without an address, of the only workspace folder.

    Raises:
        UsageError: There is none, or there are several.
    """
    if uri is not None:
        path = path_of(uri)
        if path is None:
            raise UsageError(
                "Only files and folders on this machine have models.", next_step="Name one of them in uri."
            )
        return session.folders.root_of(path)
    match session.folders.paths:
        case (folder,):
            return session.folders.root_of(folder)
        case ():
            raise UsageError("No folder is open.", next_step="Open one, or name a file in uri.")
        case folders:
            names = ", ".join(folder.name for folder in folders)
            raise UsageError(f"Several folders are open: {names}.", next_step="Name the one that is meant in uri.")


async def look(session: Session, root: Path) -> Look:
    """Look at the models of a project, with the settings that a run there has.

    Raises:
        SettingsError: The settings, or a registry that they name, cannot be used.
        KeyRefused: There is a key that must not be used.
        WriteFailure: What is kept between runs cannot be opened.
    """
    editor = await session.settings_for(root / "module.py")
    if editor.error is not None:
        raise editor.error
    return await asyncio.to_thread(_look, root, editor)


def _look(root: Path, editor: EditorSettings) -> Look:
    from testwright.models.plan import plan_models  # noqa: PLC0415 - see above
    from testwright.settings import resolve_settings  # noqa: PLC0415 - nothing at the start needs it

    settings = resolve_settings(root, environ=os.environ, editor=editor.options)
    plan = plan_models(settings, root, environ=os.environ)
    return Look(root, plan, (*settings.notes, *plan.notes))
